package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const root = "../.."

// The list is about the code as it is: each piece of text is in its file, once, and
// what takes its place is Go.
func TestEveryMutantFitsTheCode(t *testing.T) {
	var wrong []error
	for _, m := range all() {
		_, _, err := m.plant(root)
		wrong = append(wrong, err)
	}
	require.NoError(t, errors.Join(wrong...))
}

func TestEveryMutantSaysWhatItBreaksAndWhoShouldCatchIt(t *testing.T) {
	seen := map[string]bool{}
	named := regexp.MustCompile(`^[a-z]+/[a-z0-9]+(-[a-z0-9]+)+$`)
	for _, m := range all() {
		require.False(t, seen[m.name], "two mutants are called %s", m.name)
		seen[m.name] = true
		require.Regexp(t, named, m.name)
		require.NotEmpty(t, m.breaks, m.name)
		require.False(t, strings.HasSuffix(m.breaks, "."), m.name)
		require.NotEmpty(t, m.checks, m.name)
		for _, c := range m.checks {
			require.DirExists(t, filepath.Join(root, c.pkg()), c)
			require.Positive(t, c.limit, c)
		}
	}
	require.GreaterOrEqual(t, len(seen), 60)
}

// A small tree with a guard that one test looks at and another that nobody does.
const (
	guardSource = `package guard

func Least(n int) bool { return n >= 3 }

func Most(n int) bool { return n <= 5 }
`
	guardTest = `package guard

import "testing"

func TestLeast(t *testing.T) {
	if Least(2) || !Least(3) || !Most(3) {
		t.Fatal("wrong")
	}
}
`
)

func guarded(t *testing.T) lab {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module guard\n\ngo 1.26\n", "go.work": "go 1.26\n\nuse .\n", "guard.go": guardSource, "guard_test.go": guardTest,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return lab{root: dir, scratch: t.TempDir()}
}

func TestMutantsAreExamined(t *testing.T) {
	l := guarded(t)
	tests := check{"./...", time.Minute}
	require.False(t, l.sound(t.Context(), tests).caught)
	examine := func(old, replacement string) verdict {
		return l.examine(t.Context(), mutant{name: "guard/a-mistake", file: "guard.go", old: old, new: replacement, checks: []check{tests}})
	}
	caught := examine("n >= 3", "n > 3")
	require.NoError(t, caught.err)
	require.True(t, caught.caught)
	require.Equal(t, "TestLeast", caught.how)
	survivor := examine("n <= 5", "n < 5")
	require.NoError(t, survivor.err)
	require.False(t, survivor.caught)

	require.ErrorContains(t, examine("n <= 5", "n <= five").err, "doesn't compile")
	require.ErrorContains(t, examine("n <= 6", "n < 6").err, "occurs 0 times")
	require.ErrorContains(t, examine("return", "panic").err, "occurs 2 times")
	require.ErrorContains(t, examine("n <= 5", "n <= 5").err, "changes nothing")
	require.ErrorContains(t, examine("n <= 5", "n<=4").err, "gofmt")

	text, err := os.ReadFile(filepath.Join(l.root, "guard.go"))
	require.NoError(t, err)
	require.Equal(t, guardSource, string(text), "the tree is never touched")
}

func TestChecksThatRunNothingAreErrors(t *testing.T) {
	l := guarded(t)
	require.ErrorContains(t, l.sound(t.Context(), check{"./... -run ^TestNothing$", time.Minute}).err, "runs no test")
}

func TestWhatEndedATestIsNamed(t *testing.T) {
	for _, c := range []struct{ title, out, want string }{
		{"a test", "=== RUN\n--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/b\nFAIL\n", "TestA"},
		{"the time limit", "panic: test timed out after 1m\nFAIL\n", "no end"},
		{"memory", "fatal error: runtime: out of memory\nFAIL\n", "out of memory"},
		{"goroutines", "goleak: Errors on successful test run: found unexpected goroutines:\nFAIL\n", "goroutines left"},
		{"a panic", "panic: index out of range\nFAIL\n", "panic"},
		{"something else", "FAIL\n", "failed"},
	} {
		t.Run(c.title, func(t *testing.T) { require.Equal(t, c.want, cause([]byte(c.out))) })
	}
}

func TestTheTable(t *testing.T) {
	tests := check{"./guard", time.Minute}
	mutants := []mutant{
		{name: "guard/caught", breaks: "one"}, {name: "guard/survived", breaks: "two"},
		{name: "guard/the-same", breaks: "three", equivalent: "nobody can tell"},
	}
	caught := verdict{caught: true, by: tests, how: "TestLeast", took: 2 * time.Second}
	end := func(least float64, verdicts ...verdict) (string, error) {
		var out bytes.Buffer
		r := &report{out: &out, mutants: mutants, verdicts: make([]verdict, len(mutants))}
		for i, v := range verdicts {
			r.add(i, v)
		}
		out.Reset()
		err := r.end(least)
		return out.String(), err
	}

	out, err := end(50, caught, verdict{}, verdict{})
	require.NoError(t, err)
	require.Contains(t, out, "TestLeast of guard")
	require.Contains(t, out, "SURVIVED  two")
	require.Contains(t, out, "equivalent: nobody can tell")
	require.Contains(t, out, "3 mutants: 1 caught, 1 survived (50.0 % caught), 1 equivalent, 0 errors")

	_, err = end(95, caught, verdict{}, verdict{})
	require.ErrorContains(t, err, "50.0 % of the mutants were caught, want 95 %")
	_, err = end(95, caught, caught, caught)
	require.ErrorContains(t, err, "guard/the-same is said to be equivalent and was caught")
	_, err = end(95, caught, caught, verdict{err: os.ErrNotExist})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestNothingMatches(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), []string{"-run", "gizmo"}, &bytes.Buffer{}), `no mutant matches "gizmo"`)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-list", "-run", "^lease/"}, &out))
	require.Equal(t, len(lease.mutants), strings.Count(out.String(), "\n"))
}
