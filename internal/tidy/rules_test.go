package tidy

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// sourceOf makes a file of the tree from text; without a package clause it gets
// one.
func sourceOf(t *testing.T, path, text string) *source {
	t.Helper()
	if !strings.Contains(text, "package ") {
		text = "package p\n" + text
	}
	s, err := parse(token.NewFileSet(), path, []byte(text))
	require.NoError(t, err)
	return s
}

func texts(all []finding) []string {
	out := []string{}
	for _, f := range all {
		out = append(out, f.String())
	}
	return out
}

// requireFindings wants one finding for each piece of text, in order.
func requireFindings(t *testing.T, got []finding, want ...string) {
	t.Helper()
	require.Len(t, got, len(want), "%q", texts(got))
	for i, w := range want {
		require.Contains(t, got[i].String(), w)
	}
}

func TestFloors(t *testing.T) {
	for _, c := range []struct {
		title, path, imports string
		want                 []string
	}{
		{"down", "sharding/region.go", "singleton", nil},
		{"floor 0 from floor 0", "codec/codec.go", "internal/wire", nil},
		{"up", "actor/cell.go", "remote", []string{"actor (floor 1) imports remote (floor 2)"}},
		{"sideways", "remote/link.go", "router", []string{"remote (floor 2) imports router (floor 2)"}},
		{"own part", "sharding/region.go", "sharding/internal/core", nil},
		{"own parent", "persistence/persistencetest/kit.go", "persistence", nil},
		{"a part on another floor", "cluster/daemon.go", "cluster/membership", nil},
		{"from there up", "cluster/membership/core.go", "cluster", []string{"cluster/membership (floor 1) imports cluster (floor 3)"}},
		{"a kit below the simulator", "testkit/kit.go", "testkit/simtest", []string{"floor 2"}},
		{"tests look up", "actor/cell_test.go", "testkit", nil},
		{"no floor", "gizmo/gizmo.go", "actor", []string{"gizmo has no floor"}},
		{"import without a floor", "actor/cell.go", "gizmo", []string{"gizmo, which has no floor"}},
		{"a name that only begins alike", "actors/cell.go", "codec", []string{"actors has no floor"}},
	} {
		t.Run(c.title, func(t *testing.T) {
			s := sourceOf(t, c.path, fmt.Sprintf("import _ %q", module+"/"+c.imports))
			requireFindings(t, checkFloors([]*source{s}), c.want...)
		})
	}
}

func TestPureAndForeign(t *testing.T) {
	pureFile := sourceOf(t, "cluster/membership/core.go", `import ("time"; "sync"; "net/netip"; "math/rand/v2"; "github.com/rs/zerolog")`)
	requireFindings(t, checkPure([]*source{pureFile}), "imports sync", "imports net/netip", "imports github.com/rs/zerolog")
	inner := sourceOf(t, "sharding/internal/core/state.go", `import "context"`)
	requireFindings(t, checkPure([]*source{inner}), "imports context")
	requireFindings(t, checkPure([]*source{sourceOf(t, "cluster/daemon.go", `import "sync"`)}))

	requireFindings(t, checkForeign([]*source{sourceOf(t, "codec/a.go", `import "github.com/vmihailenco/msgpack/v5"`)}))
	requireFindings(t, checkForeign([]*source{sourceOf(t, "remote/a.go", `import "github.com/vmihailenco/msgpack/v5"`)}), "would pull it in")
	requireFindings(t, checkForeign([]*source{sourceOf(t, "actor/a.go", `import "example.com/x"`)}), "would pull it in")
	requireFindings(t, checkForeign([]*source{sourceOf(t, "actor/a_test.go", `import "example.com/x"`)}))
}

func TestCalls(t *testing.T) {
	const head = `import ("time"; ctx "context"; "math/rand/v2"; "os"); `
	for _, c := range []struct {
		title, code string
		want        []string
	}{
		{"now", `var _ = time.Now()`, []string{"time.Now lets clock in"}},
		{"as a value", `var _ = time.Now`, []string{"time.Now lets clock in"}},
		{"a timer", `func f() { <-time.After(1) }`, []string{"time.After lets clock in"}},
		{"constants of time", `var _ = time.Second`, nil},
		{"renamed import", `func f(c ctx.Context) { ctx.WithTimeout(c, 1) }`, []string{"context.WithTimeout"}},
		{"go statement", `func f() { go f() }`, []string{"go statement"}},
		{"global random", `var _ = rand.IntN(3)`, []string{"rand/v2.IntN"}},
		{"own random", `var _ = rand.New(rand.NewPCG(1, 2)).IntN(3)`, nil},
		{"type of random", `func f(r *rand.Rand) {}`, nil},
		{"environment", `var _ = os.Getenv("HOME")`, []string{"os.Getenv"}},
		{"one channel", `func f(a chan int) { select { case <-a: default: } }`, nil},
		{"two channels", `func f(a, b chan int) { select { case <-a: case <-b: } }`, []string{"select over several channels"}},
	} {
		t.Run(c.title, func(t *testing.T) {
			s := sourceOf(t, "actor/x.go", head+c.code)
			requireFindings(t, checkCalls([]*source{s}, nil), c.want...)
			outside := sourceOf(t, "examples/x.go", head+c.code)
			requireFindings(t, checkCalls([]*source{outside}, nil))
		})
	}
	requireFindings(t, checkCalls([]*source{sourceOf(t, "actor/x.go", `import "crypto/rand"`)}, nil), "import of crypto/rand")
}

func TestDoors(t *testing.T) {
	s := sourceOf(t, "actor/clock.go", `import "time"; var _ = time.Now(); func f() { go f() }`)
	requireFindings(t, checkCalls([]*source{s}, []door{{"actor/clock.go", clock, "a reason"}}), "go statement")
	requireFindings(t, checkCalls([]*source{s}, []door{{"actor/clock.go", clock, ""}, {"actor/clock.go", goroutine, ""}, {"actor/old.go", clock, ""}}),
		"actor/old.go:0: door for clock is not used")
	for _, d := range doors {
		require.NotEmpty(t, d.reason, d.path)
	}
}

func TestCallsOnTests(t *testing.T) {
	requireFindings(t, checkTests([]*source{sourceOf(t, "actor/a_test.go", `import "time"; func f() { time.Sleep(1) }`)}), "time.Sleep")
	requireFindings(t, checkTests([]*source{sourceOf(t, "actor/a_test.go", `import ("time"; "testing/synctest"); func f() { time.Sleep(1) }`)}))
	requireFindings(t, checkTests([]*source{sourceOf(t, "actor/a_test.go", `import "github.com/stretchr/testify/require"; func f() { require.Eventually(nil, nil, 1, 1) }`)}), "Eventually")
	requireFindings(t, checkTests([]*source{sourceOf(t, "examples/a_test.go", `import "time"; func f() { time.Sleep(1) }`)}))
}

func TestExits(t *testing.T) {
	requireFindings(t, checkExits([]*source{sourceOf(t, "actor/a.go", `import ("os"; "fmt"; "log"); func init() {}; func f() { os.Exit(1); fmt.Println(); log.Fatal() }`)}),
		"init function", "os.Exit", "fmt.Println", "log.Fatal")
	requireFindings(t, checkExits([]*source{sourceOf(t, "testkit/a.go", `import "fmt"; func f() { fmt.Println() }`)}))
	requireFindings(t, checkExits([]*source{sourceOf(t, "cmd/troupe/a.go", "package main\nimport \"os\"; func main() { os.Exit(1) }")}))
}

// std imports the standard library from its sources, each package once.
var std = sync.OnceValue(func() types.Importer { return importer.ForCompiler(token.NewFileSet(), "source", nil) })

// typed gives a source types, with the standard library only.
func typed(t *testing.T, s *source) *source {
	t.Helper()
	s.info = newInfo()
	config := types.Config{Importer: std()}
	_, err := config.Check("p", s.fset, []*ast.File{s.ast}, s.info)
	require.NoError(t, err)
	return s
}

func TestOrder(t *testing.T) {
	const head = `
import ("maps"; "slices")
var _ = maps.Keys[map[int]int]
var _ = slices.Sort[[]int]
var m map[string]int
func use(...any) bool { return true }
`
	const seen, iterator = "loop over a map whose order may be seen", "iterator in the order of a map"
	for _, c := range []struct {
		title, body string
		want        []string
	}{
		{"slice", `for range []int{} { use(1) }`, nil},
		{"a call for each", `for k := range m { use(k) }`, []string{seen}},
		{"a call for each, excused", "//det:ok every use is the same\nfor k := range m { use(k) }", nil},
		{"excused on its line", "for k := range m { //det:ok every use is the same\nuse(k) }", nil},
		{"excused without a reason", "//det:ok\nfor k := range m { use(k) }", []string{"without a reason"}},
		{"excuse for nothing", "//det:ok because\nuse(1)", []string{"excuses nothing"}},
		{"count", `n := 0; for _, v := range m { n++; n += v }; use(n)`, nil},
		{"sum of floats", `n := 0.0; for _, v := range m { n += float64(v) }; use(n)`, []string{seen}},
		{"join of strings", `n := ""; for k := range m { n += k }; use(n)`, []string{seen}},
		{"delete", `for k, v := range m { if v > 3 { delete(m, k) } }`, nil},
		{"delete in each", `n := map[int]map[int]int{}; for _, v := range n { maps.DeleteFunc(v, func(int, int) bool { return true }) }`, nil},
		{"copy under the own key", `o := map[string]int{}; for k, v := range m { o[k] = v }`, nil},
		{"copy under another key", `o := map[int]string{}; for k, v := range m { o[v] = k }`, []string{seen}},
		{"a set of values", `o := map[int]bool{}; for _, v := range m { o[v] = true }`, nil},
		{"collect and sort", `var o []string; for k := range m { o = append(o, k) }; slices.Sort(o)`, nil},
		{"collect", `var o []string; for k := range m { o = append(o, k) }; use(o)`, []string{seen}},
		{"collect one", `var o []string; for k := range m { o = append(o, k); break }; slices.Sort(o)`, []string{seen}},
		{"greatest", `b := 0; for _, v := range m { b = max(b, v) }; use(b)`, nil},
		{"the greatest's key", `b, w := 0, ""; for k, v := range m { if v > b { b, w = v, k } }; use(w)`, []string{seen}},
		{"any", `for _, v := range m { if v == 3 { use = nil; return } }`, []string{seen}},
		{"all", `a := true; for _, v := range m { a = a && v > 3 }; use(a)`, nil},
		{"found", `f := false; for _, v := range m { if v == 3 { f = true } }; use(f)`, nil},
		{"switch with break", `n := 0; for _, v := range m { switch v { case 1: break; default: n++ } }; use(n)`, nil},
		{"last one wins", `var l int; for _, v := range m { l = v }; use(l)`, []string{seen}},
		{"local variables", `for _, v := range m { x := v; x = x * 2; _ = x }`, nil},
		{"sorted keys", `for _, k := range slices.Sorted(maps.Keys(m)) { use(k) }`, nil},
		{"range over keys", `for k := range maps.Keys(m) { use(k) }`, []string{seen}},
		{"collected keys", `o := slices.Collect(maps.Keys(m)); use(o)`, []string{iterator}},
		{"in a closure", `func() { for k := range m { use(k) } }()`, []string{seen}},
	} {
		t.Run(c.title, func(t *testing.T) {
			body := strings.ReplaceAll(c.body, "use = nil; ", "use(); ")
			s := typed(t, sourceOf(t, "actor/x.go", head+"func f() {\n"+body+"\n}"))
			requireFindings(t, checkOrder([]*source{s}), c.want...)
		})
	}
	generic := typed(t, sourceOf(t, "actor/x.go", head+`func f[M ~map[int]int](m M) { for k := range m { use(k) } }`))
	requireFindings(t, checkOrder([]*source{generic}), seen)
	returns := typed(t, sourceOf(t, "actor/x.go", head+`func f() bool { for _, v := range m { if v > 1 { return true } }; return false }
func g() bool { for _, v := range m { if v > 1 { return true }; if v < 1 { return false } }; return false }
func h() int { for _, v := range m { return v }; return 0 }`))
	requireFindings(t, checkOrder([]*source{returns}), seen, seen)
	waits := typed(t, sourceOf(t, "actor/x.go", `import "sync"; func f() { var g sync.WaitGroup; g.Go(f); p := &g; p.Go(f); var m sync.Map; m.Range(nil) }`))
	requireFindings(t, checkCalls([]*source{waits}, nil), "WaitGroup.Go", "WaitGroup.Go")
	requireFindings(t, checkOrder([]*source{waits}), "sync.Map")
}

func TestSizes(t *testing.T) {
	long := sourceOf(t, "actor/x.go", "func (c *Cell[M]) f() {"+strings.Repeat("\n", functionLinesMax)+"}"+strings.Repeat("\n", fileLinesMax))
	requireFindings(t, checkSizes([]*source{long}, nil), "split by concept", "Cell.f has 71 lines")
	requireFindings(t, checkSizes([]*source{long}, map[string]string{"actor/x.go": "a table", "actor/x.go:Cell.f": "a table"}))
	requireFindings(t, checkSizes(nil, map[string]string{"actor/y.go": "a table"}), "not too long any more")
}

func TestState(t *testing.T) {
	code := typed(t, sourceOf(t, "actor/x.go", `import ("errors"; "sync"; "sync/atomic")
var count atomic.Uint64
var pool = sync.Pool{}
var all []int
var errX, table = errors.New("x"), map[string]int{}
func f() { all = append(all, 1); table["x"]++; table := 1; table = 2; _ = table }`))
	requireFindings(t, checkState([]*source{code}, nil), "count is made", "pool is made", "all is assigned", "table is assigned")
	requireFindings(t, checkState([]*source{code}, map[string]string{
		"actor/x.go:count": "x", "actor/x.go:pool": "x", "actor/x.go:all": "x", "actor/x.go:table": "x"}))
	requireFindings(t, checkState(nil, map[string]string{"actor/y.go:x": "x"}), "does not change any more")
}

func TestPackages(t *testing.T) {
	doc := sourceOf(t, "actor/doc.go", "// Package actor runs actors.\npackage actor")
	example := sourceOf(t, "actor/example_test.go", "package actor_test\nfunc Example() {}")
	code := sourceOf(t, "actor/actor.go", "package actor")
	requireFindings(t, checkPackages([]*source{code, doc, example}))
	requireFindings(t, checkPackages([]*source{code, example}), "no package comment in doc.go")
	requireFindings(t, checkPackages([]*source{code, doc}), "no Example")
	requireFindings(t, checkPackages([]*source{sourceOf(t, "actor/b.go", "// Package actor is here too.\npackage actor"), doc, example}), "second package comment")
	requireFindings(t, checkPackages([]*source{example, sourceOf(t, "actor/doc.go", "// Actors.\npackage actor")}), "begins with")
	requireFindings(t, checkPackages([]*source{sourceOf(t, "examples/hello/main.go", "package main")}), "what the command does")
	requireFindings(t, checkPackages([]*source{sourceOf(t, "internal/util/doc.go", "// Package util is a drawer.\npackage util")}), "says nothing")
}

func TestComments(t *testing.T) {
	requireFindings(t, checkComments([]*source{sourceOf(t, "actor/a.go", `
func F() {}
type T struct{}
func (t *T) M() {}
func (t *hidden) M() {}
type hidden struct{}
const C = 1
// G is explained.
func G() {}
// These are explained together.
const (
	D = 1
)
// Config is explained.
type Config struct {
	A int
	// B is explained.
	B int
	c int
}
`)}), "F has no comment", "T has no comment", "T.M has no comment", "C has no comment", "Config.A has no comment")
}

func TestPages(t *testing.T) {
	files := map[string]string{"x/a.go": "package a\n\nfunc f() {\n\tone()\n\ttwo()\n\n\tthree() // why\n}\n"}
	read := func(p string) (string, error) {
		if text, ok := files[p]; ok {
			return text, nil
		}
		return "", fmt.Errorf("no file %s", p)
	}
	exists := func(p string) bool { return p == "x/a.go" || p == "docs/b.md" }
	block := func(mark string, lines ...string) string {
		return mark + "\n```go\n" + strings.Join(lines, "\n") + "\n```\n"
	}
	const mark = "<!-- from x/a.go -->"
	for _, c := range []struct {
		title, text string
		want        []string
	}{
		{"as it is", block(mark, "func f() {", "\tone()", "\ttwo()"), nil},
		{"blank line after the mark", block(mark+"\n", "one()", "two()"), nil},
		{"other indentation", block(mark, "one()", "two()", "", "  three()    // why"), nil},
		{"lines left out", block(mark, "one()", "// …", "three() // why"), nil},
		{"lines left out in silence", block(mark, "one()", "three() // why"), []string{"docs/a.md:2: this code is not in x/a.go"}},
		{"lines in another order", block(mark, "three() // why", "// …", "one()"), []string{"is not in x/a.go"}},
		{"changed", block(mark, "one(1)"), []string{"is not in x/a.go"}},
		{"file is gone", block("<!-- from x/b.go -->", "one()"), []string{"no file x/b.go"}},
		{"no mark", block("text", "one()"), []string{"code from nowhere"}},
		{"other language", "```sh\nmake\n```\n", nil},
		{"links", "[a](b.md) [b](b.md#part) [c](#here) [d](https://example.org/x) [e](../x/a.go)", nil},
		{"broken link", "fine\n[a](c.md)", []string{"docs/a.md:2: link to docs/c.md"}},
	} {
		t.Run(c.title, func(t *testing.T) {
			requireFindings(t, checkPage("docs/a.md", c.text, read, exists), c.want...)
		})
	}
}

func TestTexts(t *testing.T) {
	for _, text := range []string{"cd /" + "work/main", `"/` + `root/go"`, "see /" + "home/ann/x", "https://proxy." + "golang.org"} {
		requireFindings(t, checkText("README.md", []byte("fine\n"+text+"\n")), "README.md:2")
	}
	requireFindings(t, checkText("a.go", []byte("// TO"+"DO: later")), "do it, or drop it")
	requireFindings(t, checkText("README.md", []byte("docs/work/main and a/home/x are relative, /home is a route")))
	requireFindings(t, checkText("a.png", make([]byte, blobBytesMax)))
	requireFindings(t, checkText("a.png", make([]byte, blobBytesMax+1)), "binary of")
}
