package tidy

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// stateful are variables of packages that change, each with its reason.
var stateful = map[string]string{
	"actor/mailbox.go:segments": "a pool of memory: nobody can tell whose it was",
}

// checkState finds variables of packages that change while a program runs: nine nodes live in
// one test process, and what one does must not be seen by another.
func checkState(all []*source, stateful map[string]string) []finding {
	var out []finding
	used := map[string]bool{}
	report := func(s *source, n ast.Node, name, why string) {
		key := s.path + ":" + name
		if used[key] = true; stateful[key] == "" {
			out = append(out, s.found(n, "the package's variable %s %s: it belongs to a node, a transport or a store", name, why))
		}
	}
	for _, s := range all {
		if s.isTest() || s.isMain() {
			continue
		}
		for _, d := range s.ast.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					if v := spec.(*ast.ValueSpec); s.isShared(v) {
						report(s, v, v.Names[0].Name, "is made to change")
					}
				}
			}
		}
		s.functions(func(f *ast.FuncDecl) {
			ast.Inspect(f, func(n ast.Node) bool {
				for _, target := range assigned(n) {
					if v := s.packageVariable(target); v != "" {
						report(s, n, v, "is assigned")
					}
				}
				return true
			})
		})
	}
	for key := range stateful {
		if !used[key] && stateful[key] != "" {
			out = append(out, finding{key, 0, "does not change any more: take it off the list in internal/tidy/state_test.go"})
		}
	}
	return out
}

// isShared reports whether a variable is of a type of sync or atomic, or has one inside.
func (s *source) isShared(v *ast.ValueSpec) (shared bool) {
	imports := s.imports()
	look := func(n ast.Node) bool {
		if _, isFunc := n.(*ast.FuncLit); isFunc {
			return false
		}
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				from := imports[x.Name]
				shared = shared || from == "sync" && !strings.HasPrefix(sel.Sel.Name, "Once") || from == "sync/atomic"
			}
		}
		return true
	}
	if v.Type != nil {
		ast.Inspect(v.Type, look)
	}
	for _, value := range v.Values {
		ast.Inspect(value, look)
	}
	return shared
}

// assigned are the targets of a statement that changes something.
func assigned(n ast.Node) []ast.Expr {
	switch x := n.(type) {
	case *ast.AssignStmt:
		if x.Tok != token.DEFINE {
			return x.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{x.X}
	}
	return nil
}

// packageVariable is the name of the package's variable in which a target is, if it is one.
func (s *source) packageVariable(target ast.Expr) string {
	for {
		switch x := target.(type) {
		case *ast.IndexExpr:
			target = x.X
		case *ast.SelectorExpr:
			target = x.X
		case *ast.ParenExpr:
			target = x.X
		case *ast.Ident:
			if s.info == nil {
				return ""
			}
			if v, ok := s.info.ObjectOf(x).(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				return x.Name
			}
			return ""
		default:
			return ""
		}
	}
}
