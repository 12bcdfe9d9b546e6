package tidy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// clusterScenarios are those of the acceptance list for clusters: membership
// (C), split brain (B), and the two APIs of it (T).
const clusterScenarios = "C1 C2 C3 C5 C6 C7 C8 C9 C12 C13 C14 C15 C16 C17 C18 C19 C21 C22 C23 C25 C26 C27 C28 C29 C30 C31 C32 C33 " +
	"C34 C35 C36 C37 C38 C39 C41 C43 C44 C46 C47 C48 C49 C50 C51 C53 C54 B1 B2 B3 B5 B6 B7 T1 T2 T3"

// withoutClusterTest are scenarios that nobody tests, with the reason.
var withoutClusterTest = map[string]string{
	"C8":  "every node that others can talk to is in the cluster: there are no watchers outside of one",
	"C14": noDataCenters, "C27": noDataCenters, "C28": noDataCenters, "C29": noDataCenters, "C30": noDataCenters,
	"C31": noDataCenters, "C32": noDataCenters, "C33": noDataCenters, "T2": noDataCenters,
	"C41": "there is no remote deployment: a node starts actors on itself only",
	"C49": "there are no stream refs",
	"T1":  "topics of a whole cluster are for a package of their own, which isn't there",
	"T3":  "chunked reliable delivery is for a package of its own, which isn't there; large messages beside heartbeats are C17",
}

const noDataCenters = "there are no data centres; roles take their place"

// clusterTests are where the tests are.
var clusterTests = []string{"cluster", "testkit/simtest", "examples"}

var clusterScenarioID = regexp.MustCompile(`\b[CBT]\d+\b`)

func TestClusterScenarios(t *testing.T) {
	texts := testTexts(t, clusterTests)
	for _, f := range checkListed(clusterScenarioID, clusterScenarios, texts, withoutClusterTest) {
		t.Error(f)
	}
}

// testTexts reads the tests below some folders.
func testTexts(t *testing.T, dirs []string) (texts []string) {
	t.Helper()
	for _, dir := range dirs {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			texts = append(texts, string(text))
			return err
		}))
	}
	return texts
}

func TestClusterScenarioRule(t *testing.T) {
	reasons := map[string]string{"C2": "why"}
	for _, c := range []struct {
		title, text string
		reasons     map[string]string
		want        string
	}{
		{"all is well", "x() // C1, B3", reasons, ""},
		{"not quoted", "// C1", reasons, "B3: no test quotes it"},
		{"quoted in code only", `// C1` + "\n" + `x := "B3"`, reasons, "B3: no test quotes it"},
		{"quoted and listed", "// C1 C2 B3", reasons, "C2: a test quotes it"},
		{"unknown", "// C1 B3", map[string]string{"C2": "why", "C9": "why"}, "C9: it is not among the scenarios"},
		{"no reason", "// C1 B3", map[string]string{"C2": ""}, "C2: no reason"},
	} {
		found := checkListed(clusterScenarioID, "C1 C2 B3", []string{c.text}, c.reasons)
		if c.want == "" {
			require.Empty(t, found, c.title)
			continue
		}
		require.Len(t, found, 1, c.title)
		require.Contains(t, found[0], c.want, c.title)
	}
}

// checkListed says which scenarios are neither quoted in a comment of a
// test nor listed with a reason, and what is wrong with the list.
func checkListed(scenario *regexp.Regexp, expected string, texts []string, reasons map[string]string) (found []string) {
	quoted := map[string]bool{}
	for _, text := range texts {
		for line := range strings.SplitSeq(text, "\n") {
			_, comment, _ := strings.Cut(line, "//")
			for _, id := range scenario.FindAllString(comment, -1) {
				quoted[id] = true
			}
		}
	}
	ids := strings.Fields(expected)
	for _, id := range ids {
		reason, listed := reasons[id]
		switch {
		case listed && quoted[id]:
			found = append(found, fmt.Sprintf("scenario %s: a test quotes it: take it off the list of those without", id))
		case listed && reason == "":
			found = append(found, fmt.Sprintf("scenario %s: no reason why it has no test", id))
		case !listed && !quoted[id]:
			found = append(found, fmt.Sprintf("scenario %s: no test quotes it: write one, or list it with the reason", id))
		}
	}
	for id := range reasons {
		if !slices.Contains(ids, id) {
			found = append(found, fmt.Sprintf("scenario %s: it is not among the scenarios", id))
		}
	}
	return found
}
