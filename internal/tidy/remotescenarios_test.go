package tidy

import (
	"regexp"
	"testing"
)

// remoteScenarios are those of the acceptance list for remoting and the codec.
const remoteScenarios = "A310 A311 A312 A313 A314 A315 R001 R002 R003 R005 R006 R007 R008 R021 R022 R023 R024 R025 R026 R027 R029 " +
	"R030 R031 R032 R033 R034 R035 R040 R041 R042 R043 R045 R046 R047 R048 R049 R050 R061 R062 R063 R064 R065 R066 R067 R069 " +
	"R070 R080 R081 R082 R090 R091 R093 R101"

// withoutRemoteTest are scenarios that nobody tests, with the reason.
var withoutRemoteTest = map[string]string{
	"A314": "no type travels that was not registered, by whatever encoding",
	"A315": "encodings don't wait for anything",
	"R006": "each stream has a handshake of its own",
	"R007": "a structure of the other implementation; maps of the language take its place",
	"R008": "streams are dialed anew for as long as they are wanted, with a backoff instead of a count",
	"R048": "what the protocol says itself is a frame on the same stream; there is no junction to put it in",
	"R090": "TLS 1.3 has no list of ciphers to choose from",
}

var remoteScenarioID = regexp.MustCompile(`\b(?:R\d{3}|A31[0-5])\b`)

func TestRemoteScenarios(t *testing.T) {
	texts := testTexts(t, []string{"remote", "codec", "testkit", "router", "actor", "internal/phi"})
	for _, f := range checkListed(remoteScenarioID, remoteScenarios, texts, withoutRemoteTest) {
		t.Error(f)
	}
}
