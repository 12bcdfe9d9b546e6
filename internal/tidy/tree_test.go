package tidy

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTree(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	all, err := readTree(root)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	require.NoError(t, typeCheck(root, all))
	files, err := checkFiles(root)
	require.NoError(t, err)
	for _, rule := range []struct {
		title    string
		findings []finding
	}{
		{"imports go down", checkFloors(all)},
		{"pure packages stay pure", checkPure(all)},
		{"few foreign modules", checkForeign(all)},
		{"five doors", checkCalls(all, doors)},
		{"no order from maps", checkOrder(all)},
		{"no variables of packages that change", checkState(all, stateful)},
		{"tests don't wait for luck", checkTests(all)},
		{"libraries neither exit nor print", checkExits(all)},
		{"sizes", checkSizes(all, long)},
		{"packages say what they promise", checkPackages(all)},
		{"exported names are explained", checkComments(all)},
		{"exported verbs are shown", checkVerbs(all)},
		{"tests look for what they leave", checkLeaks(all, leakless)},
		{"fuzz targets have their corpora", checkCorpora(root, all)},
		{"nothing of one machine, no blobs", files},
	} {
		t.Run(rule.title, func(t *testing.T) {
			slices.SortFunc(rule.findings, func(a, b finding) int {
				if c := strings.Compare(a.path, b.path); c != 0 {
					return c
				}
				return a.line - b.line
			})
			for _, f := range rule.findings {
				t.Error(f)
			}
		})
	}
}

// What README.md and docs/ show is code that compiles and is tested, and what
// they point at is there.
func TestSnippetsAndLinks(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	findings, err := checkPages(root)
	require.NoError(t, err)
	for _, f := range findings {
		t.Error(f)
	}
}
