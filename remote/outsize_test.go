package remote

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// TestWhatWaitsFitsTheFramesOfWhoeverComes: a message that was small enough when it was
// written need not be for the next incarnation, which unpacks nothing, or takes smaller
// frames. It is not put on that stream, or it would end it.
func TestWhatWaitsFitsTheFramesOfWhoeverComes(t *testing.T) {
	const small, big = 3 << 10, 1 << 20
	able := abilities{Version: protocolVersion, Features: featuresAll, LargeMax: largeMaxDefault}
	unable := able
	unable.Features &^= featureS2
	old := abilities{Version: 2}
	for title, c := range map[string]struct {
		next    identity
		outsize int
	}{
		"the same again":                 {identity{FrameMax: frameMaxDefault, Can: able}, 0},
		"no s2":                          {identity{FrameMax: frameMaxDefault, Can: unable}, 1},
		"no s2, but frames that hold it": {identity{FrameMax: 2 * big, Can: unable}, 0},
		"smaller frames":                 {identity{FrameMax: frameMaxGreet, Can: able}, 1},
		"an older version":               {identity{FrameMax: frameMaxDefault, Can: old}, 1},
		"one that doesn't say":           {identity{Can: unable}, 0},
	} {
		t.Run(title, func(t *testing.T) {
			l := newLane(laneOrdinary, 4<<20, nil)
			first, second := &outbound{conn: &silentConn{}}, &outbound{conn: &silentConn{}}
			f := &form{version: protocolVersion, s2: 1 << 10}
			l.open(first, identity{FrameMax: frameMaxDefault, Can: able}, f)
			write := func(body []byte) {
				b := appendMessage(nil, goldenSelf, f, actor.Location{Path: "/a"}, actor.Location{}, 0, "m")
				b, _ = f.compress(append(b, body...), len(b), nil)
				require.Less(t, len(b), frameMaxDefault, "it was small enough")
				require.True(t, l.put(endFrame(b, 0), f, false).ok)
			}
			noise := make([]byte, 20<<10) // that nothing compresses
			rnd := rand.New(rand.NewPCG(1, 2))
			for k := range noise {
				noise[k] = byte(rnd.Uint32())
			}
			write(make([]byte, small))
			write(append(make([]byte, big), noise...))
			write(make([]byte, small))
			l.close()
			next := &form{version: c.next.Can.Version}
			dropped, outsize := l.open(second, c.next, next)
			require.Empty(t, dropped)
			require.Len(t, outsize, c.outsize)
			for _, b := range outsize {
				e, err := envelopeOf(frameKind(b[0]), b[1:])
				require.NoError(t, err)
				require.Len(t, e.Body, big+len(noise), "it is whole")
			}
			messages, _ := l.load()
			require.Equal(t, 3-c.outsize, messages)
			at, n := uint64(0), 0
			eachFrame(handed(l, second), func(kind frameKind, frame []byte) {
				require.Equal(t, framePosition, kind)
				at, _ = readNumber(frame[frameHeader+1:])
			})
			eachFrame(handed(l, second), func(_ frameKind, frame []byte) {
				if n++; c.next.FrameMax > 0 {
					require.LessOrEqual(t, len(frame)-frameHeader, c.next.FrameMax)
				}
			})
			require.Equal(t, 3-c.outsize, n)
			require.EqualValues(t, 3, at+uint64(n), "what isn't sent here is not waited for")
		})
	}
}
