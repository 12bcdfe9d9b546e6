package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	fileLinesMax     = 600
	functionLinesMax = 70
	blobBytesMax     = 256 << 10
)

// long files and functions that are better whole, each with its reason. A
// function is named "path:Name" or "path:Type.Name".
var long = map[string]string{}

func checkSizes(all []*source, long map[string]string) []finding {
	var out []finding
	used := map[string]bool{}
	excused := func(name string) bool { used[name] = true; return long[name] != "" }
	for _, s := range all {
		if lines := bytes.Count(s.text, []byte("\n")); lines > fileLinesMax && !excused(s.path) {
			out = append(out, finding{s.path, fileLinesMax, fmt.Sprintf("%d lines: split by concept, %d is the wall", lines, fileLinesMax)})
		}
		if s.isTest() {
			continue // the body of a table test is data
		}
		s.functions(func(f *ast.FuncDecl) {
			lines := s.fset.Position(f.End()).Line - s.line(f) + 1
			if lines > functionLinesMax && !excused(s.path+":"+functionName(f)) {
				out = append(out, s.found(f, "%s has %d lines, %d is the wall: branch in the parent, compute in the leaf", functionName(f), lines, functionLinesMax))
			}
		})
	}
	for name := range long {
		if !used[name] {
			out = append(out, finding{name, 0, "is not too long any more: take it off the list in internal/tidy/shape_test.go"})
		}
	}
	return out
}

func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	switch x := t.(type) {
	case *ast.IndexExpr:
		t = x.X
	case *ast.IndexListExpr:
		t = x.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + f.Name.Name
	}
	return f.Name.Name
}

// vague names say nothing about what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "base", "shared"}

// checkPackages wants the contract of each package in its doc.go, and an
// example that runs for each that users import.
func checkPackages(all []*source) []finding {
	var dirs []string
	files := map[string][]*source{}
	for _, s := range all {
		if files[s.dir()] == nil {
			dirs = append(dirs, s.dir())
		}
		files[s.dir()] = append(files[s.dir()], s)
	}
	var out []finding
	for _, dir := range dirs {
		out = append(out, checkPackage(dir, files[dir])...)
	}
	return out
}

func checkPackage(dir string, files []*source) []finding {
	var out []finding
	if slices.Contains(vague, path.Base(dir)) {
		out = append(out, finding{dir, 0, "package name says nothing: name the noun inside"})
	}
	code, documented, example := false, "", false
	name := files[0].ast.Name.Name
	for _, s := range files {
		code = code || !s.isTest()
		if s.ast.Doc != nil && !s.isTest() {
			name = s.ast.Name.Name
			if documented != "" {
				out = append(out, s.found(s.ast.Name, "second package comment, the first is in %s", documented))
			}
			if documented != "doc.go" {
				documented = path.Base(s.path)
			}
			if s.isMain() {
				continue
			}
			if !strings.HasPrefix(s.ast.Doc.Text(), "Package "+name+" ") {
				out = append(out, s.found(s.ast.Name, "the package comment begins with %q", "Package "+name+" "))
			}
		}
		s.functions(func(f *ast.FuncDecl) {
			example = example || s.isTest() && strings.HasPrefix(f.Name.Name, "Example")
		})
	}
	command := name == "main" || within(dir, "examples")
	switch {
	case !code:
	case command && documented == "":
		out = append(out, finding{dir, 0, "no package comment: say what the command does"})
	case !command && documented != "doc.go":
		out = append(out, finding{dir, 0, "no package comment in doc.go: guarantees first, then duties, then the tour"})
	}
	kit := strings.HasSuffix(path.Base(dir), "test") // wants a *testing.T, which no example has
	if code && !command && !kit && !example && !strings.Contains(dir, "internal") && dir != "." {
		out = append(out, finding{dir, 0, "no Example: users copy the first code they see, give them one that runs"})
	}
	return out
}

// checkComments wants a comment on every exported name, and on every exported
// field of what a user fills in.
func checkComments(all []*source) []finding {
	var out []finding
	for _, s := range all {
		if s.isTest() || s.isMain() {
			continue
		}
		for _, d := range s.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					out = append(out, s.found(d, "%s has no comment", functionName(d)))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					out = append(out, checkSpec(s, d, spec)...)
				}
			}
		}
	}
	return out
}

func exportedReceiver(f *ast.FuncDecl) bool {
	owner, _, method := strings.Cut(functionName(f), ".")
	return !method || ast.IsExported(owner)
}

func checkSpec(s *source, d *ast.GenDecl, spec ast.Spec) []finding {
	var out []finding
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			if n.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				out = append(out, s.found(n, "%s has no comment", n.Name))
			}
		}
	case *ast.TypeSpec:
		if !spec.Name.IsExported() {
			return nil
		}
		if d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
			out = append(out, s.found(spec, "%s has no comment", spec.Name.Name))
		}
		st, ok := spec.Type.(*ast.StructType)
		if !ok || strings.Contains(s.path, "internal/") || !regexp.MustCompile(`(Config|Settings|Options)$`).MatchString(spec.Name.Name) {
			return out
		}
		for _, f := range st.Fields.List {
			for _, n := range f.Names {
				if n.IsExported() && f.Doc == nil && f.Comment == nil {
					out = append(out, s.found(n, "%s.%s has no comment: what, unit, default, what happens when raised or lowered", spec.Name.Name, n.Name))
				}
			}
		}
	}
	return out
}

// alien text belongs to one machine, not to the repository. The patterns are
// put together from pieces, so that they don't find themselves.
var alien = regexp.MustCompile(strings.Join([]string{
	`(^|[\s"'(=:])/` + `(work|root|home/\w+|Users/\w+)/`,
	`/tmp/` + `troupe`,
	`proxy\.` + `golang\.org`, `sum\.` + `golang\.org`,
}, "|"))

// later is a promise in a comment that nobody keeps.
var later = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

// checkFiles looks at every file that is kept, Go or not.
func checkFiles(root string) ([]finding, error) {
	var out []finding
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || ignored(d.Name()) || !d.Type().IsRegular() || d.Name() == ".git": // a linked worktree has a file of that name
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
		out = append(out, checkText(filepath.ToSlash(rel), text)...)
		return nil
	})
	return out, err
}

func checkText(name string, text []byte) []finding {
	if bytes.IndexByte(text, 0) >= 0 {
		if len(text) > blobBytesMax {
			return []finding{{name, 0, fmt.Sprintf("binary of %d bytes, %d is the wall: make it in a test, or do without", len(text), blobBytesMax)}}
		}
		return nil
	}
	var out []finding
	for i, line := range strings.Split(string(text), "\n") {
		if m := later.FindString(line); m != "" {
			out = append(out, finding{name, i + 1, m + ": do it, or drop it"})
		}
		if m := alien.FindString(line); m != "" {
			out = append(out, finding{name, i + 1, fmt.Sprintf("%q belongs to one machine: use a relative path or t.TempDir()", strings.TrimSpace(m))})
		}
	}
	return out
}

// ignored are the names in .gitignore: products of a build or a run.
func ignored(name string) bool {
	for _, suffix := range []string{".test", ".prof", ".db", ".db-shm", ".db-wal", ".out"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}
