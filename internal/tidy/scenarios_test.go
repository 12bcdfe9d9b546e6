package tidy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scenarios are the numbers of the acceptance list for actors and routers that
// begin with A: each is quoted by a test, or has no meaning here and is listed in
// decision 0013 with the reason.
const scenarios = "1-3 5-11 13-19 21-24 30-35 37-41 50-51 53-59 61-67 69-73 80-83 85-91 93-99 110-115 120-123 125-131 " +
	"141-147 149-150 160-163 165-171 181-187 189-193 200-203 205-207 221-227 229 240-243 245-248 261-267 269-272 280-283 " +
	"285-291 293-297 301-307 309 320-323 325-331 333-334 341-347 349-352 360-361"

// scenarioTests are where the tests are.
var scenarioTests = []string{"actor", "router", "testkit", "remote", "persistence"}

const withoutMeaning = "docs/decisions/0013-what-of-akka-has-no-meaning-here.md"

func TestScenarios(t *testing.T) {
	tests := testTexts(t, scenarioTests)
	decision, err := os.ReadFile(filepath.Join("..", "..", withoutMeaning))
	require.NoError(t, err)
	for _, f := range checkScenarios(numbers(t, scenarios), quoted(tests), string(decision)) {
		t.Error(f)
	}
}

func TestScenarioRule(t *testing.T) {
	expected := numbers(t, "1-4 7")
	table := "| A002, A003 in part | why |\n| A007 to A007 | why |\n"
	for _, c := range []struct{ title, tests, table, want string }{
		{"all is well", "// A001, A003\n{\"A004: …\"}", table, ""},
		{"neither quoted nor listed", "A001 A003", table, "A004: no test quotes it"},
		{"listed in part only", "A001 A004", table, "A003: its part that has a meaning is quoted by no test"},
		{"listed, and quoted", "A001 A002 A003 A004", table, "A002: a test quotes it"},
		{"listed, and unknown", "A001 A003 A004", table + "| A009 | why |", "A009: it is not among the scenarios"},
		{"listed without a reason", "A001 A003 A004", strings.Replace(table, "why", "", 1), "A002: no reason"},
	} {
		t.Run(c.title, func(t *testing.T) {
			found := checkScenarios(expected, quoted([]string{c.tests}), c.table)
			if c.want == "" {
				require.Empty(t, found)
				return
			}
			require.NotEmpty(t, found)
			require.Contains(t, found[0], c.want)
		})
	}
}

var (
	scenarioID  = regexp.MustCompile(`\bA(\d{3})\b`)
	decisionRow = regexp.MustCompile(`(?m)^\| (A\d{3}[^|]*?) *\|([^|]*)`)
	decisionOne = regexp.MustCompile(`^A(\d{3})(?: to A(\d{3}))?( in part)?$`)
)

// checkScenarios says which of the expected numbers are neither quoted nor listed,
// and what is wrong with the list.
func checkScenarios(expected []int, quoted map[int]bool, decision string) (found []string) {
	listed := map[int]bool{}
	say := func(n int, what string) { found = append(found, fmt.Sprintf("scenario A%03d: %s", n, what)) }
	for _, row := range decisionRow.FindAllStringSubmatch(decision, -1) {
		for one := range strings.SplitSeq(row[1], ", ") {
			m := decisionOne.FindStringSubmatch(one)
			if m == nil {
				found = append(found, fmt.Sprintf("%s: %q is not like A001, A001 to A003 or A001 in part", withoutMeaning, one))
				continue
			}
			first, _ := strconv.Atoi(m[1])
			last := first
			if m[2] != "" {
				last, _ = strconv.Atoi(m[2])
			}
			for n := first; n <= last; n++ {
				switch inPart := m[3] != ""; {
				case !slices.Contains(expected, n):
					say(n, "it is not among the scenarios: take it out of "+withoutMeaning)
				case strings.TrimSpace(row[2]) == "":
					say(n, "no reason in "+withoutMeaning)
				case inPart && !quoted[n]:
					say(n, "its part that has a meaning is quoted by no test: write one, or say why the whole has none")
				case !inPart && quoted[n]:
					say(n, `a test quotes it: take it out of the list, or say "in part"`)
				}
				listed[n] = true
			}
		}
	}
	for _, n := range expected {
		if !quoted[n] && !listed[n] {
			say(n, "no test quotes it: write one, or list it in "+withoutMeaning+" with the reason")
		}
	}
	return found
}

// quoted returns the numbers that occur in the texts.
func quoted(texts []string) map[int]bool {
	all := map[int]bool{}
	for _, text := range texts {
		for _, m := range scenarioID.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			all[n] = true
		}
	}
	return all
}

// numbers reads "1-3 5".
func numbers(t *testing.T, text string) (all []int) {
	t.Helper()
	for part := range strings.FieldsSeq(text) {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err := strconv.Atoi(first)
		require.NoError(t, err)
		b, err := strconv.Atoi(last)
		require.NoError(t, err)
		for n := a; n <= b; n++ {
			all = append(all, n)
		}
	}
	return all
}
