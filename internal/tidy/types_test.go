package tidy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
}

// typeCheck gives the core packages of the tree their types. The go command
// compiles what they import; errors in our own packages are left to the build.
func typeCheck(root string, all []*source) error {
	cmd := exec.Command("go", "list", "-e", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil && len(text) == 0 {
		return fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	exports := map[string]string{}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		exports[p.ImportPath] = p.Export
		packages = append(packages, p)
	}
	byPath := map[string]*source{}
	for _, s := range all {
		byPath[s.path] = s
	}
	for _, p := range packages {
		dir, ok := within(p.ImportPath, module), false
		if dir {
			ok = core(relative(p.ImportPath))
		}
		if ok {
			checkTypes(p, byPath, exports)
		}
	}
	return nil
}

func relative(importPath string) string {
	if importPath == module {
		return "."
	}
	return importPath[len(module)+1:]
}

func checkTypes(p listed, byPath map[string]*source, exports map[string]string) {
	var files []*ast.File
	var sources []*source
	var fset *token.FileSet
	for _, name := range p.GoFiles {
		if s := byPath[filepath.ToSlash(filepath.Join(relative(p.ImportPath), name))]; s != nil {
			files, sources, fset = append(files, s.ast), append(sources, s), s.fset
		}
	}
	if len(files) == 0 {
		return
	}
	lookup := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s was not compiled", path)
		}
		return os.Open(exports[path])
	}
	info := newInfo()
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", lookup), Error: func(error) {}}
	_, _ = config.Check(p.ImportPath, fset, files, info)
	for _, s := range sources {
		s.info = info
	}
}

func newInfo() *types.Info {
	return &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
	}
}
