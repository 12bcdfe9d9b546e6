package tidy

import (
	"go/ast"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every fuzz target has a corpus in the repository, small enough to be run by every
// go test, and none is left of a target that is gone.
const (
	corpusLeast = 3
	corpusMost  = 30
	corpusBytes = 4 << 10 // of one file
)

// checkCorpora compares the fuzz targets with the folders of corpora below root.
func checkCorpora(root string, all []*source) []finding {
	var out []finding
	targets := map[string]bool{}
	for _, s := range all {
		if !s.isTest() {
			continue
		}
		s.functions(func(f *ast.FuncDecl) {
			if f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				return
			}
			dir := filepath.Join(root, s.dir(), "testdata", "fuzz", f.Name.Name)
			targets[dir] = true
			files, _ := os.ReadDir(dir) // none is too few
			if len(files) < corpusLeast || len(files) > corpusMost {
				out = append(out, s.found(f, "%s has %d inputs in testdata/fuzz/%s, not %d to %d: golden ones, some cut off, and what the fuzzer found (see make fuzz)",
					f.Name.Name, len(files), f.Name.Name, corpusLeast, corpusMost))
			}
			for _, file := range files {
				if info, err := file.Info(); err != nil || info.Size() > corpusBytes {
					out = append(out, s.found(f, "testdata/fuzz/%s/%s is larger than %d bytes", f.Name.Name, file.Name(), corpusBytes))
				}
			}
		})
	}
	for _, s := range all {
		have, _ := filepath.Glob(filepath.Join(root, s.dir(), "testdata", "fuzz", "*"))
		for _, dir := range have {
			if !targets[dir] {
				targets[dir] = true // once
				out = append(out, finding{s.path, 1, "testdata/fuzz/" + filepath.Base(dir) + " belongs to no fuzz target: delete it"})
			}
		}
	}
	return out
}

func TestCorpora(t *testing.T) {
	root := t.TempDir()
	write := func(target, name string, size int) {
		dir := filepath.Join(root, "actor", "testdata", "fuzz", target)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600))
	}
	s := sourceOf(t, "actor/a_test.go", "package actor\nfunc FuzzA(f *testing.F) {}\nfunc TestA(t *testing.T) {}\n")
	for _, name := range []string{"a", "b", "c"} {
		write("FuzzA", name, 10)
	}
	require.Empty(t, checkCorpora(root, []*source{s}))
	write("FuzzA", "d", 5000)
	write("FuzzGone", "a", 10)
	require.Len(t, checkCorpora(root, []*source{s}), 2, "one is too large, one has no target")
	require.Len(t, checkCorpora(t.TempDir(), []*source{s}), 1, "none is too few")
}
