package tidy

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// detOK is the comment that excuses a loop over a map; the reason follows it.
const detOK = "//det:ok"

// checkOrder finds loops over maps in core packages whose order can get out.
// Loops that only count, delete, fill another map under their own key, or
// collect what is sorted afterwards, are recognised; others say why they are
// fine, or iterate over slices.Sorted(maps.Keys(m)).
func checkOrder(all []*source) []finding {
	var out []finding
	for _, s := range all {
		if s.isTest() || !core(s.dir()) || s.info == nil {
			continue
		}
		excuses := s.excuses()
		report := func(n ast.Node, text string) {
			e := excuses[s.line(n)]
			if e == nil {
				e = excuses[s.line(n)-1]
			}
			switch {
			case e == nil:
				out = append(out, s.found(n, "%s; instead: range over slices.Sorted(maps.Keys(m)), or say after %s why no order can be seen", text, detOK))
			case e.reason == "":
				out = append(out, s.found(n, "%s without a reason behind it", detOK))
			}
			if e != nil {
				e.used = true
			}
		}
		s.functions(func(f *ast.FuncDecl) {
			if f.Body != nil {
				orderIn(s, f, excuses, report)
			}
		})
		for line, e := range excuses {
			if !e.used {
				out = append(out, finding{s.path, line, detOK + " excuses nothing here: take it away"})
			}
		}
	}
	return out
}

type excuse struct {
	reason string
	used   bool
}

func (s *source) excuses() map[int]*excuse {
	all := map[int]*excuse{}
	for _, g := range s.ast.Comments {
		for _, c := range g.List {
			if reason, ok := strings.CutPrefix(c.Text, detOK); ok {
				all[s.line(c)] = &excuse{reason: strings.TrimSpace(reason)}
			}
		}
	}
	return all
}

func orderIn(s *source, f *ast.FuncDecl, excuses map[int]*excuse, report func(ast.Node, string)) {
	ordered := map[ast.Node]bool{} // calls whose order is lost or made at once
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			call, isCall := n.X.(*ast.CallExpr)
			if !isMap(s.info.TypeOf(n.X)) && !(isCall && mapsIterator(s, call)) {
				return true
			}
			ordered[n.X] = true
			if e := cmpExcuse(excuses, s.line(n)); e != nil {
				report(n, "")
			} else if l := (&loop{s: s, fn: f, stmt: n}); !l.commutes() {
				report(n, "loop over a map whose order may be seen")
			}
		case *ast.CallExpr:
			if name := s.callee(n); strings.HasPrefix(name, "slices.Sorted") || name == "maps.Collect" || name == "maps.Insert" {
				for _, arg := range n.Args {
					ordered[arg] = true
				}
			} else if mapsIterator(s, n) && !ordered[n] {
				report(n, "iterator in the order of a map")
			} else if name == "(*sync.Map).Range" {
				report(n, "loop over a sync.Map, in its order")
			}
		}
		return true
	})
}

func cmpExcuse(excuses map[int]*excuse, line int) *excuse {
	if e := excuses[line]; e != nil {
		return e
	}
	return excuses[line-1]
}

func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := t.(*types.TypeParam); ok {
		under, ok := p.Constraint().Underlying().(*types.Interface)
		if !ok {
			return false
		}
		for i := range under.NumEmbeddeds() {
			if u, ok := under.EmbeddedType(i).(*types.Union); ok && u.Len() == 1 && isMap(u.Term(0).Type()) {
				return true
			}
		}
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// callee is the qualified name of what a call calls: "slices.Sort", or
// "(*sync.Map).Range"; empty for what isn't a named function.
func (s *source) callee(c *ast.CallExpr) string {
	fun := c.Fun
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	var id *ast.Ident
	switch x := fun.(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return ""
	}
	switch o := s.info.Uses[id].(type) {
	case *types.Func:
		return o.FullName()
	case *types.Builtin:
		return o.Name()
	default:
		return ""
	}
}

func mapsIterator(s *source, c *ast.CallExpr) bool {
	switch s.callee(c) {
	case "maps.Keys", "maps.Values", "maps.All":
		return true
	default:
		return false
	}
}

// loop is one range over a map.
type loop struct {
	s       *source
	fn      *ast.FuncDecl
	stmt    *ast.RangeStmt
	returns string // what the loop returns, when it does: the same everywhere
}

// commutes tells whether every order of the iterations has the same effect, as
// far as the form of the statements shows it. Calls inside of conditions are
// taken for questions without effects.
func (l *loop) commutes() bool { return l.statements(l.stmt.Body.List, false) }

func (l *loop) statements(list []ast.Stmt, inSwitch bool) bool {
	for _, s := range list {
		if !l.statement(s, inSwitch) {
			return false
		}
	}
	return true
}

func (l *loop) statement(s ast.Stmt, inSwitch bool) bool {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt, *ast.DeclStmt:
		return true
	case *ast.BlockStmt:
		return l.statements(s.List, inSwitch)
	case *ast.IfStmt:
		return l.statement(s.Init, false) && l.statement(s.Body, inSwitch) && l.statement(s.Else, inSwitch)
	case *ast.SwitchStmt:
		return l.statement(s.Init, false) && l.statements(s.Body.List, true)
	case *ast.TypeSwitchStmt:
		return l.statement(s.Init, false) && l.statements(s.Body.List, true)
	case *ast.CaseClause:
		return l.statements(s.Body, true)
	case *ast.RangeStmt:
		return l.statement(s.Body, true)
	case *ast.ForStmt:
		return l.statement(s.Init, false) && l.statement(s.Post, false) && l.statement(s.Body, true)
	case *ast.BranchStmt:
		return s.Tok == token.CONTINUE || s.Tok == token.BREAK && s.Label == nil && inSwitch
	case *ast.IncDecStmt:
		return l.integer(s.X)
	case *ast.ExprStmt:
		return l.deletion(s.X)
	case *ast.ReturnStmt:
		return l.sameReturn(s)
	case *ast.AssignStmt:
		return l.assignment(s)
	default:
		return false
	}
}

// deletion: from any map by a key, or from the maps of the map by a question.
func (l *loop) deletion(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return false
	}
	name := l.s.callee(call)
	return name == "delete" || name == "maps.DeleteFunc" && l.local(call.Args[0])
}

func (l *loop) assignment(a *ast.AssignStmt) bool {
	if a.Tok == token.DEFINE {
		return true
	}
	for i, left := range a.Lhs {
		var right ast.Expr
		if len(a.Rhs) == len(a.Lhs) {
			right = a.Rhs[i]
		}
		if !l.target(left, right, a.Tok) {
			return false
		}
	}
	return true
}

func (l *loop) target(left, right ast.Expr, tok token.Token) bool {
	id, isIdent := left.(*ast.Ident)
	switch {
	case isIdent && id.Name == "_", l.local(left):
		return true
	case tok != token.ASSIGN:
		// Sums, unions and toggles of integers; floats round, strings join.
		return tok != token.QUO_ASSIGN && tok != token.REM_ASSIGN && tok != token.SHL_ASSIGN && tok != token.SHR_ASSIGN && l.integer(left)
	case right != nil && constant(right):
		return true
	}
	if index, ok := left.(*ast.IndexExpr); ok && l.mentionsKey(index.Index) {
		return true
	}
	if both, ok := right.(*ast.BinaryExpr); ok && (both.Op == token.LAND || both.Op == token.LOR) {
		return types.ExprString(both.X) == types.ExprString(left)
	}
	call, ok := right.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 || types.ExprString(call.Args[0]) != types.ExprString(left) {
		return false
	}
	switch l.s.callee(call) {
	case "append":
		return l.sortedAfter(left)
	case "max", "min":
		return l.integer(left)
	default:
		return false
	}
}

// local: a variable of one iteration.
func (l *loop) local(x ast.Expr) bool {
	for {
		sel, ok := x.(*ast.SelectorExpr)
		if !ok {
			break
		}
		if _, pointer := l.s.info.TypeOf(sel.X).(*types.Pointer); pointer {
			return false
		}
		x = sel.X
	}
	id, ok := x.(*ast.Ident)
	if !ok {
		return false
	}
	o := l.s.info.ObjectOf(id)
	return o != nil && l.stmt.Pos() <= o.Pos() && o.Pos() < l.stmt.End()
}

func (l *loop) integer(x ast.Expr) bool {
	t := l.s.info.TypeOf(x)
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

func (l *loop) mentionsKey(x ast.Expr) bool {
	key, ok := l.stmt.Key.(*ast.Ident)
	if !ok || key.Name == "_" {
		return false
	}
	id, ok := x.(*ast.Ident)
	return ok && l.s.info.ObjectOf(id) == l.s.info.ObjectOf(key)
}

func constant(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return x.Name == "true" || x.Name == "false" || x.Name == "nil"
	case *ast.CompositeLit:
		return len(x.Elts) == 0
	default:
		return false
	}
}

func (l *loop) sameReturn(r *ast.ReturnStmt) bool {
	text := "return"
	for _, x := range r.Results {
		if !constant(x) {
			return false
		}
		text += " " + types.ExprString(x)
	}
	if l.returns == "" {
		l.returns = text
	}
	return l.returns == text
}

// sortedAfter tells whether what was collected is sorted later in the function.
func (l *loop) sortedAfter(x ast.Expr) bool {
	want, sorted := types.ExprString(x), false
	ast.Inspect(l.fn.Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && c.Pos() > l.stmt.End() && len(c.Args) > 0 {
			name := l.s.callee(c)
			if (strings.HasPrefix(name, "slices.Sort") || strings.HasPrefix(name, "sort.")) && types.ExprString(c.Args[0]) == want {
				sorted = true
			}
		}
		return !sorted
	})
	return sorted
}
