package tidy

import (
	"go/ast"
	"go/types"
	"strconv"
)

// banned are the package functions that let the world into core packages.
var banned = map[string]map[string]struct{ kind, instead string }{
	"time": {
		"Now":       {clock, "take now as an argument, or ask actor.Clock"},
		"Since":     {clock, "now.Sub(t), with now as an argument"},
		"Until":     {clock, "t.Sub(now), with now as an argument"},
		"Sleep":     {clock, "ctx.After, or Clock.AfterFunc"},
		"After":     {clock, "ctx.After, or Clock.AfterFunc"},
		"AfterFunc": {clock, "Clock.AfterFunc"},
		"NewTimer":  {clock, "Clock.AfterFunc"},
		"NewTicker": {clock, "Clock.AfterFunc, set anew each time"},
		"Tick":      {clock, "Clock.AfterFunc, set anew each time"},
	},
	"context": {
		"WithTimeout":       {clock, "context.WithCancel and Clock.AfterFunc"},
		"WithTimeoutCause":  {clock, "context.WithCancelCause and Clock.AfterFunc"},
		"WithDeadline":      {clock, "context.WithCancel and Clock.AfterFunc"},
		"WithDeadlineCause": {clock, "context.WithCancelCause and Clock.AfterFunc"},
		"AfterFunc":         {goroutine, "Gate.Notify, or the executor"},
	},
	"os": {
		"Getenv":    {machine, "a field of Config"},
		"LookupEnv": {machine, "a field of Config"},
		"Environ":   {machine, "a field of Config"},
		"Hostname":  {machine, "a field of Config"},
		"Getpid":    {machine, "the UID of the system"},
	},
	"runtime": {
		"NumGoroutine": {machine, "a counter of your own"},
		"SetFinalizer": {machine, "an explicit Close"},
		"AddCleanup":   {machine, "an explicit Close"},
		"ReadMemStats": {machine, "actor.Memory"},
	},
	"runtime/debug":   {"SetMemoryLimit": {machine, "actor.Memory"}},
	"runtime/metrics": {"Read": {machine, "actor.Memory"}},
}

// bannedImports let chance in just by being there.
var bannedImports = map[string]struct{ kind, instead string }{
	"math/rand":        {chance, "a *rand.Rand of math/rand/v2 that is handed in"},
	"crypto/rand":      {chance, "the source of UIDs and nonces that is handed in"},
	"hash/maphash":     {chance, "a hash that is the same in every process"},
	"unsafe":           {allocation, "what the language promises"},
	"C":                {allocation, "Go"},
	"golang.org/x/sys": {machine, "package os, behind a door"},
}

// seeded are the functions of math/rand/v2 that make a generator of one's own.
var seeded = map[string]bool{"New": true, "NewPCG": true, "NewChaCha8": true, "NewZipf": true}

// checkCalls finds what passes by the five doors.
func checkCalls(all []*source, doors []door) []finding {
	open := map[[2]string]bool{}
	used := map[[2]string]bool{}
	for _, d := range doors {
		open[[2]string{d.path, d.kind}] = true
	}
	var out []finding
	for _, s := range all {
		if s.isTest() || !core(s.dir()) {
			continue
		}
		report := func(n ast.Node, kind, what, instead string) {
			key := [2]string{s.path, kind}
			if used[key] = true; !open[key] {
				out = append(out, s.found(n, "%s lets %s in past the doors; instead: %s", what, kind, instead))
			}
		}
		for _, spec := range s.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if b, bad := bannedImports[p]; bad {
				report(spec, b.kind, "import of "+p, b.instead)
			}
		}
		inspectCalls(s, report)
	}
	for _, d := range doors {
		if key := [2]string{d.path, d.kind}; !used[key] {
			out = append(out, finding{d.path, 0, "door for " + d.kind + " is not used: take it off the list in internal/tidy/doors_test.go"})
		}
	}
	return out
}

func inspectCalls(s *source, report func(n ast.Node, kind, what, instead string)) {
	imports := s.imports()
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n, goroutine, "go statement", "Executor.Go, or actor.Go")
		case *ast.SelectStmt:
			if ready(n) > 1 {
				report(n, choice, "select over several channels", "a message for each, in the order they come; or one Gate")
			}
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			p := imports[pkg.Name]
			if b, bad := banned[p][n.Sel.Name]; bad {
				report(n, b.kind, p+"."+n.Sel.Name, b.instead)
			}
			if p == "math/rand/v2" && ast.IsExported(n.Sel.Name) && globalRandom(s, n) {
				report(n, chance, p+"."+n.Sel.Name, "a method of the *rand.Rand that is handed in")
			}
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" && isWaitGroup(s, sel.X) {
				report(n, goroutine, "WaitGroup.Go", "Executor.Go, or actor.Go")
			}
		}
		return true
	})
}

// ready counts the channels of a select; default is none.
func ready(n *ast.SelectStmt) int {
	count := 0
	for _, c := range n.Body.List {
		if c.(*ast.CommClause).Comm != nil {
			count++
		}
	}
	return count
}

// globalRandom tells whether a name of math/rand/v2 is a function that draws
// from the generator of the process.
func globalRandom(s *source, n *ast.SelectorExpr) bool {
	switch n.Sel.Name {
	case "Rand", "Source", "PCG", "ChaCha8", "Zipf":
		return false
	default:
		return !seeded[n.Sel.Name]
	}
}

func isWaitGroup(s *source, x ast.Expr) bool {
	if s.info == nil {
		return false
	}
	t := s.info.TypeOf(x)
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	return t != nil && (t.String() == "sync.WaitGroup" || t.String() == "golang.org/x/sync/errgroup.Group")
}

// checkTests finds calls that make a test depend on luck.
func checkTests(all []*source) []finding {
	var out []finding
	for _, s := range all {
		if !s.isTest() || !core(s.dir()) {
			continue
		}
		imports := s.imports()
		bubble := false
		for _, p := range imports {
			bubble = bubble || p == "testing/synctest"
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			p := imports[pkg.Name]
			switch {
			case p == "time" && sel.Sel.Name == "Sleep" && !bubble:
				out = append(out, s.found(n, "time.Sleep in a test; instead: a probe, testing/synctest or the simulator"))
			case within(p, "github.com/stretchr/testify") && polls[sel.Sel.Name]:
				out = append(out, s.found(n, "%s polls and hopes; instead: a probe that waits for the event", sel.Sel.Name))
			}
			return true
		})
	}
	return out
}

var polls = map[string]bool{
	"Eventually": true, "Eventuallyf": true, "EventuallyWithT": true, "EventuallyWithTf": true, "Never": true, "Neverf": true,
}

// checkExits finds what ends or talks past the caller of a library. The kits
// for tests may print.
func checkExits(all []*source) []finding {
	loud := map[string]map[string]bool{
		"os":  {"Exit": true},
		"log": {"Fatal": true, "Fatalf": true, "Fatalln": true, "Panic": true, "Panicf": true, "Print": true, "Printf": true, "Println": true},
		"fmt": {"Print": true, "Printf": true, "Println": true},
	}
	var out []finding
	for _, s := range all {
		if s.isTest() || s.isMain() || within(s.dir(), "examples") {
			continue
		}
		imports := s.imports()
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && core(s.dir()) {
				out = append(out, s.found(f, "init function: nothing happens at import; let a constructor do it"))
			}
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && loud[imports[pkg.Name]][sel.Sel.Name] && !(pkg.Name == "fmt" && within(s.dir(), "testkit")) {
					out = append(out, s.found(n, "%s.%s in a library; instead: return an error, or use the logger that was handed in", imports[pkg.Name], sel.Sel.Name))
				}
			}
			return true
		})
	}
	return out
}
