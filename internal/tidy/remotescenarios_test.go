package tidy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// remoteScenarios are those of the acceptance list for remoting and the codec.
const remoteScenarios = "A310 A311 A312 A313 A314 A315 R001 R002 R003 R005 R006 R007 R008 R021 R022 R023 R024 R025 R026 R027 R029 " +
	"R030 R031 R032 R033 R034 R035 R040 R041 R042 R043 R045 R046 R047 R048 R049 R050 R061 R062 R063 R064 R065 R066 R067 R069 " +
	"R070 R080 R081 R082 R090 R091 R093 R101"

// remoteDifferences lists those that nobody tests, in whole or in part, with the reason.
const remoteDifferences = "docs/decisions/0019-what-of-akkas-remoting-is-different.md"

var (
	remoteScenarioID = regexp.MustCompile(`\b(?:R\d{3}|A31[0-5])\b`)
	remoteRow        = regexp.MustCompile(`(?m)^\| ((?:R\d{3}|A31[0-5])[^|]*?) *\| *([^|]*?) *\|`)
)

func TestRemoteScenarios(t *testing.T) {
	decision, err := os.ReadFile(filepath.Join("..", "..", remoteDifferences))
	require.NoError(t, err)
	texts := testTexts(t, []string{"remote", "codec", "testkit", "router", "actor", "internal/phi"})
	reasons := map[string]string{}
	for _, row := range remoteRow.FindAllStringSubmatch(string(decision), -1) {
		scenarios, inPart := strings.CutSuffix(row[1], " in part")
		for id := range strings.SplitSeq(scenarios, ", ") {
			require.NotEmpty(t, row[2], "%s: no reason in %s", id, remoteDifferences)
			require.Contains(t, strings.Fields(remoteScenarios), id, "%s lists what is no scenario", remoteDifferences)
			if !inPart { // of the others, checkListed wants a test as of all that aren't listed
				reasons[id] = row[2]
			}
		}
	}
	require.NotEmpty(t, reasons)
	for _, f := range checkListed(remoteScenarioID, remoteScenarios, texts, reasons) {
		t.Error(f)
	}
}
