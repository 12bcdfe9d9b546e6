package remote

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// resident is how many bytes a lane holds on to.
func resident(l *lane) int {
	n := l.pending.kept
	for _, b := range append(l.flight, l.pending.chunks...) {
		n += cap(b)
	}
	return n
}

// handed is what a lane hands over next, in one piece; nil: nothing.
func handed(q queue, o *outbound) []byte { return bytes.Join(q.take(o), nil) }

// frameOfSize is a frame of a kind in a buffer that has so much room to spare.
func frameOfSize(kind frameKind, size, spare int, fill byte) []byte {
	b := beginFrame(make([]byte, 0, frameHeader+1+size+spare), kind)
	return endFrame(append(b, bytes.Repeat([]byte{fill}, size)...), 0)
}

func TestABacklogIsAQueueOfFrames(t *testing.T) { // against a slice of them
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var q backlog
		var twin [][]byte
		var flight [][]byte
		for range 200 {
			kind := []frameKind{frameMessage, frameMessage, frameUser, framePing, frameTaken}[rnd.IntN(5)]
			size := rnd.IntN([]int{10, 100, 3000, 100_000}[rnd.IntN(4)])
			switch rnd.IntN(8) {
			case 0, 1, 2:
				frame := frameOfSize(kind, size, 0, byte(rnd.Uint32()))
				q.add(frame)
				twin = append(twin, bytes.Clone(frame))
				clear(frame) // it was copied
			case 3, 4:
				frame := frameOfSize(kind, size, rnd.IntN(2*size+1), byte(rnd.Uint32()))
				twin = append(twin, bytes.Clone(frame))
				other, owned := q.own(frame)
				if owned {
					clear(other[:cap(other)]) // it is nobody else's
				} else {
					clear(frame)
				}
			case 5, 6:
				flight = q.take(flight)
				eachFrame(bytes.Join(flight, nil), func(kind frameKind, frame []byte) {
					require.True(t, bytes.Equal(twin[0], frame), "seed %d", seed)
					twin = twin[1:]
				})
				require.Empty(t, twin)
			case 7:
				q.replace(func(kind frameKind, frame []byte) []byte {
					if kind == framePing {
						return nil
					}
					return frame
				})
				kept := twin[:0:0]
				for _, b := range twin {
					if frameKind(b[frameHeader]) != framePing {
						kept = append(kept, b)
					}
				}
				twin = kept
			}
			n, size, messages := 0, 0, 0
			q.each(func(kind frameKind, frame []byte) {
				require.True(t, bytes.Equal(twin[n], frame), "seed %d", seed)
				n++
				size += len(frame)
				if isMessage(kind) {
					messages++
				}
			})
			require.Len(t, twin, n)
			require.Equal(t, size, q.bytes)
			require.EqualValues(t, messages, q.messages)
		}
	}
}

// TestFramesOutliveTheTablesTheyWereWrittenBy closes a lane whenever: what had not been
// taken names what it did when it was put.
func TestFramesOutliveTheTablesTheyWereWrittenBy(t *testing.T) {
	paths := []string{"/user/a", "/user/b", "/user/c"}
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		l, o := newLane(laneOrdinary, 1<<20, nil), &outbound{conn: &silentConn{}}
		l.open(o, goldenPeer, &form{version: protocolVersion})
		l.take(o) // the position
		var sent []string
		version := uint64(0)
		n := 0
		for range 40 {
			switch rnd.IntN(4) {
			case 0:
				version++
				first := rnd.IntN(len(paths))
				keys := []string{targetKey(actor.Location{Path: paths[first]}), targetKey(actor.Location{Path: paths[(first+1)%3]})}
				l.adopt(o, tableOf(t, version, [tableKinds][]string{keys[:1+rnd.IntN(2)], nil, {"m"}}))
			case 1, 2:
				path := paths[rnd.IntN(3)]
				b := appendMessage(nil, goldenSelf, l.form.Load(), actor.Location{Path: path}, actor.Location{}, 0, "m")
				require.True(t, l.put(endFrame(append(b, make([]byte, rnd.IntN(40_000))...), 0), l.form.Load(), false).ok)
				sent = append(sent, path)
			default:
				eachFrame(handed(l, o), func(kind frameKind, _ []byte) {
					if isMessage(kind) {
						n++
					}
				})
			}
		}
		l.close()
		l.pending.each(func(kind frameKind, frame []byte) {
			require.True(t, isMessage(kind))
			e, err := envelopeOf(kind, frame[frameHeader+1:])
			require.NoError(t, err)
			require.Equal(t, sent[n], string(e.Path), "seed %d", seed)
			n++
		})
		require.Len(t, sent, n)
	}
}

func TestALaneKeepsItsBuffersAsLongAsTheyAreOfUse(t *testing.T) {
	const size = 64 << 10
	l, o := newLane(laneOrdinary, 4<<20, nil), &outbound{conn: &silentConn{}}
	l.open(o, identity{}, bareForm)
	l.take(o) // the position
	sent := func(n int) (made int) {
		var frame []byte
		for range n {
			if frame == nil {
				made++
				frame = make([]byte, 0, size+100)
			}
			frame = appendMessage(frame[:0], goldenSelf, bareForm, actor.Location{Path: "/a"}, actor.Location{}, 0, "m")
			result := l.put(endFrame(append(frame, make([]byte, size)...), 0), bareForm, false)
			require.True(t, result.ok)
			require.True(t, result.kept, "a frame as large as that isn't copied")
			frame = result.other
		}
		require.Equal(t, n, len(l.take(o)))
		require.Empty(t, l.take(o))
		return made
	}
	require.Equal(t, 16, sent(16))
	for range 10 {
		require.LessOrEqual(t, sent(16), 1, "bursts find the buffers of the last ones")
	}
	require.GreaterOrEqual(t, resident(l), 16*size)
	for range 5 * highFades {
		sent(1)
	}
	require.LessOrEqual(t, resident(l), chunkKept, "they are not needed any more")
	require.GreaterOrEqual(t, resident(l), chunkKept/2, "but some are")
	sent(16)
	require.False(t, l.retire(), "it was used")
	require.True(t, l.retire(), "it was not")
	require.Zero(t, resident(l), "what may be for ever quiet keeps nothing")
}
