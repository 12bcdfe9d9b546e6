package tidy

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// shows are the packages whose every function has an Example: what most programs
// begin with.
var shows = []string{"actor", "router"}

// checkVerbs wants an Example for each exported function of those packages.
// Functions that take something internal can't be called by users.
func checkVerbs(all []*source) []finding {
	var out []finding
	for _, dir := range shows {
		examples := map[string]bool{}
		for _, s := range all {
			if s.dir() == dir && s.isTest() {
				s.functions(func(f *ast.FuncDecl) {
					name, _, _ := strings.Cut(strings.TrimPrefix(f.Name.Name, "Example"), "_")
					examples[name] = true
				})
			}
		}
		for _, s := range all {
			if s.dir() != dir || s.isTest() {
				continue
			}
			s.functions(func(f *ast.FuncDecl) {
				if f.Recv == nil && f.Name.IsExported() && !examples[f.Name.Name] && !takesInternal(s, f) {
					out = append(out, s.found(f, "%s has no Example: show in an example_*_test.go how it is called", f.Name.Name))
				}
			})
		}
	}
	return out
}

// takesInternal tells whether a parameter is of a type that users can't name.
func takesInternal(s *source, f *ast.FuncDecl) bool {
	imports := s.imports()
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		internal := false
		ast.Inspect(p.Type, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				internal = internal || within(imports[id.Name], module+"/internal")
			}
			return true
		})
		return internal
	})
}

func TestVerbs(t *testing.T) {
	code := sourceOf(t, "actor/a.go", `package actor
import "github.com/troupe-go/troupe/internal/wire"
func Ask() {}
func Tell[M any](m M) {}
func Read(r *wire.Reader) {}
func hidden() {}
func (t T) Method() {}
`)
	example := sourceOf(t, "actor/example_test.go", "package actor_test\nfunc ExampleTell_twice() {}")
	requireFindings(t, checkVerbs([]*source{code, example}), "Ask has no Example")
	requireFindings(t, checkVerbs([]*source{sourceOf(t, "codec/a.go", "package codec\nfunc Ask() {}")}))
}
