package remote

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/wire"
)

// extrasFrame is a message with such extras, behind its kind.
func extrasFrame(extras []byte) []byte {
	b := appendMessage(nil, goldenSelf, bareForm, actor.Location{Path: "/p"}, actor.Location{}, 0, "m")
	b[frameHeader+1] |= withExtras
	return append(wire.AppendBytes(b, extras), "body"...)[frameHeader+1:]
}

func extra(kind byte, value string) []byte { return wire.AppendString([]byte{kind}, value) }

func TestExtras(t *testing.T) { // R003
	long := strings.Repeat("x", actor.TraceMax)
	for title, c := range map[string]struct {
		extras []byte
		trace  string
		err    string
	}{
		"none":                  {nil, "", ""},
		"a trace":               {extra(extraTrace, "t"), "t", ""},
		"the longest":           {extra(extraTrace, long), long, ""},
		"too long a trace":      {extra(extraTrace, long+"x"), "", ""},
		"several, in any order": {append(append(extra(7, "later"), extra(extraTrace, "t")...), extra(200, "")...), "t", ""},
		"unknown ones":          {append(extra(2, "a"), extra(3, "b")...), "", ""},
		"twice":                 {append(extra(extraTrace, "t"), extra(extraTrace, "u")...), "t", ""},
		"cut off":               {extra(extraTrace, "trace")[:4], "", "extras"},
		"too many":              {extra(9, strings.Repeat("x", extrasMax)), "", "extras of 1027 bytes"},
	} {
		t.Run(title, func(t *testing.T) {
			m, err := readMessage(extrasFrame(c.extras))
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.trace, string(m.Trace))
			require.Equal(t, "body", string(m.Body), "the body begins behind them")
			again, err := readMessage(m.append(nil)[frameHeader+1:])
			require.NoError(t, err)
			require.Equal(t, c.trace, string(again.Trace))
			require.Equal(t, string(c.extras), string(again.Extras), "also what is not known")
		})
	}
}

// TestWaitingMessagesFitWhoAnswers: a message with a trace that has waited for a stream
// goes out in a form that the node at its other end knows, compressed or not.
func TestWaitingMessagesFitWhoAnswers(t *testing.T) {
	text := strings.Repeat("text", 1000)
	for title, can := range map[string]abilities{
		"everything":             {Version: 3, Features: featuresAll},
		"no extras":              {Version: 3, Features: featureS2},
		"no compression":         {Version: 3, Features: featureExtras},
		"version 3 as it was":    {Version: 3},
		"the version before":     {Version: 2},
		"the first":              {Version: 1},
		"not compressed at all ": {Version: 3, Features: featuresAll &^ featureS2},
	} {
		t.Run(title, func(t *testing.T) {
			f := &form{version: 3, s2: 10, traces: true}
			b := appendTrace(appendMessage(nil, goldenSelf, f, actor.Location{Path: "/p"}, actor.Location{}, 0, "m"), goldenTrace)
			at := len(b)
			b, _ = f.compress(append(b, text...), at, nil)
			l, large := newLane(laneOrdinary, 1<<20, nil), &largeLane{max: 1 << 20}
			require.True(t, l.put(endFrame(b, 0), nil, false).ok)
			require.True(t, large.put(append([]byte(nil), b...), false).ok)
			o := &outbound{conn: &silentConn{}}
			peer := goldenPeer
			peer.Can = can
			peer.Can.LargeMax = 1 << 20
			dropped, outsize := l.open(o, peer, &form{version: can.Version})
			require.Empty(t, dropped)
			require.Empty(t, outsize)
			handed(l, o)
			check := func(frame []byte) {
				e, err := envelopeOf(frameKind(frame[0]), frame[1:])
				require.NoError(t, err)
				require.Equal(t, text, string(e.Body))
				want := ""
				if can.Features&featureExtras != 0 {
					want = goldenTrace
				}
				require.Equal(t, want, string(e.Trace))
				if can.Version >= 3 && can.Features&featureS2 == 0 {
					require.Zero(t, frame[1]&bodyS2)
				}
			}
			check(handed(l, o)[frameHeader:])
			if can.Version >= 3 {
				_, outsize = large.open(o, peer, nil)
				require.Empty(t, outsize)
				check(large.waiting[0][frameHeader:])
			}
		})
	}
}

const goldenTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
