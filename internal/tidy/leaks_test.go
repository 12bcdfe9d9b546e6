package tidy

import (
	"bytes"
	"go/ast"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// leakless are the folders whose packages need not look for goroutines that are
// left, with those below them.
var leakless = map[string]string{
	"internal/tidy":  "reads files and starts nothing",
	"codec/protobuf": "a module that only encodes",
	"benchmarks":     "programs that measure, and end",
	"examples":       "programs whose tests run them as processes",
}

// checkLeaks wants every package with tests to look for goroutines that they left.
func checkLeaks(all []*source, leakless map[string]string) []finding {
	looks, tests, used := map[string]bool{}, map[string]*source{}, map[string]bool{}
	var dirs []string
	for _, s := range all {
		if !s.isTest() {
			continue
		}
		looks[s.dir()] = looks[s.dir()] || bytes.Contains(s.text, []byte("goleak.VerifyTestMain("))
		s.functions(func(f *ast.FuncDecl) {
			if name := f.Name.Name; tests[s.dir()] == nil && (strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")) {
				tests[s.dir()] = s
				dirs = append(dirs, s.dir())
			}
		})
	}
	var out []finding
	for _, dir := range dirs {
		excused := false
		for prefix := range leakless {
			if dir == prefix || strings.HasPrefix(dir, prefix+"/") {
				excused, used[prefix] = true, true
			}
		}
		if !looks[dir] && !excused {
			out = append(out, finding{tests[dir].path, 1, "the package doesn't look for goroutines that its tests leave: " +
				"add func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }"})
		}
	}
	for prefix := range leakless {
		if !used[prefix] {
			out = append(out, finding{"internal/tidy/leaks_test.go", 1, prefix + " has no tests that would need the exception: take it out"})
		}
	}
	return out
}

func TestLeaks(t *testing.T) {
	plain := sourceOf(t, "actor/a_test.go", "package actor\nfunc TestA(t *testing.T) {}\n")
	looking := sourceOf(t, "actor/b_test.go", "package actor\nfunc TestMain(m *testing.M) { goleak.VerifyTestMain(m) }\n")
	code := sourceOf(t, "codec/a.go", "package codec\nfunc TestLike() {}\n")
	below := sourceOf(t, "examples/a/a_test.go", "package main\nfunc FuzzA() {}\n")
	require.Len(t, checkLeaks([]*source{plain, code}, nil), 1)
	require.Empty(t, checkLeaks([]*source{plain, looking}, nil))
	require.Len(t, checkLeaks([]*source{below}, nil), 1)
	require.Empty(t, checkLeaks([]*source{below}, map[string]string{"examples": "why"}))
	require.Len(t, checkLeaks([]*source{looking}, map[string]string{"examples": "why"}), 1)
}
