package remote

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// TestWhatALaneHolds has a lane live through everything that may happen to it, with as
// much to send as it takes: what it holds in memory, of what waits, of what is being
// written, and of room to grow, is bounded (RM-9).
func TestWhatALaneHolds(t *testing.T) { // RM-9
	const size = 512 << 10
	most := 0
	for seed := range uint64(3) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		l := newLane(laneOrdinary, size, nil)
		o := &outbound{conn: &silentConn{}}
		to := actor.Location{Path: fmt.Sprintf("/user/%0300d", seed)} // long: by index it takes next to nothing
		fill := func(body int) {
			for {
				f := l.form.Load()
				b := appendMessage(nil, goldenSelf, f, to, actor.Location{}, 0, "m")
				if !l.put(endFrame(append(b, make([]byte, body)...), 0), f, false).ok {
					return
				}
			}
		}
		look := func() {
			most = max(most, resident(l))
			require.LessOrEqual(t, l.pending.bytes, 2*size+frameMaxGreet, "seed %d", seed)
		}
		adopt := func() {
			l.adopt(o, tableOf(t, 1+rnd.Uint64N(5), [tableKinds][]string{{targetKey(to)}, {senderKey(actor.Location{})}, {"m"}}))
		}
		reopen := func() {
			l.close()
			look()
			l.open(o, goldenPeer, &form{version: 3})
		}
		for range 2 {
			for range 4 {
				[]func(){func() { l.close() }, reopen, adopt, func() { l.take(o) }, func() { l.retire() }}[rnd.IntN(5)]()
				fill([]int{0, 10, 1000, 100_000}[rnd.IntN(4)])
				look()
			}
			reopen() // and the worst there is: what was written by index is written anew by name,
			l.take(o)
			adopt()
			l.take(o)
			fill(0)
			reopen()
			l.take(o)
			l.take(o) // is on its way,
			fill(1000)
			look() // and behind it waits as much as may
		}
	}
	t.Logf("%d bytes for a bound of %d", most, size)
	require.LessOrEqual(t, most, 4*size)
}
