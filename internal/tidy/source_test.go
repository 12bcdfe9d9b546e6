package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/troupe-go/troupe"

// source is one Go file of the tree.
type source struct {
	path string // from the root of the repository, with slashes
	text []byte
	fset *token.FileSet
	ast  *ast.File
	info *types.Info // nil when the package was not type-checked
}

// dir is the folder of the file, which is the path of its package below module.
func (s *source) dir() string { return path.Dir(s.path) }

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s *source) isMain() bool { return s.ast.Name.Name == "main" }

func (s *source) line(n ast.Node) int { return s.fset.Position(n.Pos()).Line }

// imports maps the local name of each import to its path.
func (s *source) imports() map[string]string {
	names := map[string]string{}
	for _, spec := range s.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

// finding is one breach of a rule.
type finding struct {
	path string
	line int
	text string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.text) }

func (s *source) found(n ast.Node, format string, args ...any) finding {
	return finding{s.path, s.line(n), fmt.Sprintf(format, args...)}
}

// parse makes a source from text, without types.
func parse(fset *token.FileSet, name string, text []byte) (*source, error) {
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{path: name, text: text, fset: fset, ast: f}, nil
}

// skipped folders hold nothing of ours, or data that is not source.
func skipped(name string) bool {
	return name == ".git" || name == "bin" || name == "testdata" || name == "vendor" || name == "node_modules"
}

// readTree parses every Go file below root, in the order of their paths.
func readTree(root string) ([]*source, error) {
	fset := token.NewFileSet()
	var all []*source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && skipped(d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		s, err := parse(fset, filepath.ToSlash(rel), text)
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	slices.SortFunc(all, func(a, b *source) int { return strings.Compare(a.path, b.path) })
	return all, err
}

// within tells whether dir is the folder tree or lies below it.
func within(dir, tree string) bool { return dir == tree || strings.HasPrefix(dir, tree+"/") }

// functions calls visit for every function declared in s.
func (s *source) functions(visit func(*ast.FuncDecl)) {
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			visit(f)
		}
	}
}
