package remote

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAdmissionByMemory: below a tenth of headroom nothing new is taken, for a second at
// least, and until there is a bit more than that again.
func TestAdmissionByMemory(t *testing.T) {
	type reading struct {
		after  time.Duration
		needed int64
		refuse bool
	}
	const most = 1000
	for title, readings := range map[string][]reading{
		"plenty":                             {{0, 0, false}, {time.Second, 899, false}, {time.Second, 900, false}},
		"at once when it is short":           {{0, 901, true}},
		"at once when it is short again":     {{0, 901, true}, {time.Second, 0, false}, {time.Millisecond, 901, true}},
		"more than there is":                 {{0, 1 << 60, true}},
		"between the two it stays as it was": {{0, 880, false}, {time.Second, 901, true}, {time.Hour, 880, true}, {time.Hour, 851, true}, {0, 850, false}, {time.Hour, 880, false}},
		"a second at least":                  {{0, 950, true}, {999 * time.Millisecond, 0, true}, {time.Millisecond, 0, false}},
		"the second begins once":             {{0, 950, true}, {900 * time.Millisecond, 950, true}, {100 * time.Millisecond, 0, false}},
		"a clock that goes back":             {{0, 950, true}, {-time.Hour, 0, true}, {2 * time.Hour, 0, false}},
	} {
		t.Run(title, func(t *testing.T) {
			a := admission{max: most}
			now := time.Unix(1000, 0)
			for k, r := range readings {
				now = now.Add(r.after)
				was := a.refusing
				turned := a.step(now, r.needed)
				require.Equal(t, r.refuse, a.refusing, "reading %d", k)
				require.Equal(t, was != a.refusing, turned, "reading %d", k)
			}
		})
	}
}

// TestAdmissionDoesNotFlap: memory that jumps from one end to the other at every look
// turns it less than twice a second.
func TestAdmissionDoesNotFlap(t *testing.T) {
	a := admission{max: 1000}
	now, turns := time.Unix(1000, 0), 0
	const seconds = 60
	for n := range seconds * int(time.Second/memoryEvery) {
		if a.step(now, int64(n%2)*1000) {
			turns++
		}
		now = now.Add(memoryEvery)
	}
	require.Less(t, turns, 2*seconds)
	require.Greater(t, turns, seconds/2)
}

// TestPartsOfWhatIsTurnedDownAreNotKept: the beginning is, and the credit goes on.
func TestPartsOfWhatIsTurnedDownAreNotKept(t *testing.T) {
	const size = 4 << 20
	l, a := &largeLane{max: 64 << 20}, newAssembly(8<<20)
	o := &outbound{conn: &silentConn{}}
	l.open(o, identity{FrameMax: frameMaxDefault}, bareForm)
	refused, taken := largeMessage(size), largeMessage(size)
	l.put(refused, false)
	l.put(taken, false)
	handed(l, o) // the position
	var got [][]byte
	for len(got) < 2 {
		b := handed(l, o)
		if len(b) == 0 {
			a.reserved = true
			n, due := a.grant()
			require.True(t, due, "the sender waits and is told nothing")
			l.credit(o, n)
			continue
		}
		first := a.total == 0
		message, err := a.part(b[frameHeader+1:])
		require.NoError(t, err)
		if first && len(got) == 0 {
			a.discard()
			e, err := envelopeOfHead(a.buf)
			require.NoError(t, err)
			require.Equal(t, "/a", string(e.Path))
		}
		if len(got) == 0 {
			require.LessOrEqual(t, len(a.buf), partMax)
		}
		if message != nil {
			got = append(got, message)
		}
		if n, due := a.grant(); due {
			l.credit(o, n)
		}
	}
	require.LessOrEqual(t, len(got[0]), partMax)
	require.Equal(t, refused[frameHeader:][:len(got[0])], got[0])
	require.Equal(t, taken[frameHeader:], got[1], "the next one is whole")
}

func TestEnvelopeOfHead(t *testing.T) {
	whole := largeMessage(100)[frameHeader:]
	for n := range len(whole) {
		e, err := envelopeOfHead(whole[:n])
		if n < len(whole)-100 {
			require.Error(t, err, "%d bytes", n)
			continue
		}
		require.NoError(t, err, "%d bytes", n)
		require.Equal(t, "/a", string(e.Path))
	}
	_, err := envelopeOfHead(append([]byte{byte(frameUser)}, whole[1:]...))
	require.Error(t, err)
}
