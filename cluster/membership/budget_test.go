package membership

import (
	"flag"
	"fmt"
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var thousand = flag.Bool("gossip.thousand", false, "count the bytes of gossip among 1000 nodes too")

// settled makes a world of n members, all Up, that have all seen the state, and
// in which nobody watches anybody.
func settled(t testing.TB, seed uint64, n int) (*world, []*simNode) {
	t.Helper()
	w := newWorld(t, seed)
	w.large = true
	var nodes []*simNode
	var members []Member
	for i := range n {
		x := w.start(fmt.Sprintf("10.0.%d.%d", i/256, i%256))
		nodes = append(nodes, x)
		members = append(members, Member{Node: x.node, Status: Up, UpNumber: uint64(i + 1), Roles: []string{"entity"}})
	}
	state := Assemble(7, members)
	for i, x := range nodes {
		host := nodes[(i+1)%n].node
		x.core.joinThrough(host)
		w.step(x, Received{Welcome{host, x.node, state}})
	}
	w.run(time.Second)
	w.reset()
	return w, nodes
}

// reset forgets what was sent so far.
func (w *world) reset() {
	clear(w.sent)
	clear(w.bytes)
}

// mean returns the bytes that each of n nodes has sent.
func (w *world) mean(n int) int {
	sum := 0
	for _, b := range w.bytes {
		sum += b
	}
	return sum / n
}

// TestBytesOfGossip holds the traffic of gossip to its bounds: while nothing
// happens it doesn't depend on how many nodes there are, and one change costs a
// node little until everybody has seen it and knows that everybody has.
func TestBytesOfGossip(t *testing.T) {
	for _, c := range []struct{ nodes, idle, change int }{{10, 200, 4 << 10}, {100, 200, 4 << 10}, {300, 200, 8 << 10}, {1000, 200, 16 << 10}} {
		t.Run(fmt.Sprintf("%d nodes", c.nodes), func(t *testing.T) {
			if c.nodes > 100 && (testing.Short() || raced) || c.nodes > 300 && !*thousand {
				t.Skip("that many nodes take long: -gossip.thousand, without the race detector")
			}
			w, nodes := settled(t, 2, c.nodes)
			w.run(2 * time.Second)
			t.Logf("idle: %d bytes a second a node, %v", w.mean(c.nodes)/2, w.sent)
			require.LessOrEqual(t, w.mean(c.nodes)/2, c.idle)
			require.Len(t, w.sent, 1, "nothing but digests: %v", w.sent)
			w.reset()

			began := w.now
			// A member that one other can't hear: nothing follows from it.
			w.step(nodes[1], Observed{Unreachable: []Node{nodes[2].node}})
			value := nodes[1].core.valueHash()
			w.until("all have it", 5*time.Second, func() bool { return w.have(nodes, value) })
			spread := w.now.Sub(began)
			w.until("the leader knows that all have it", 5*time.Second, func() bool {
				return nodes[0].core.state.seenByAll()
			})
			led := w.now.Sub(began)
			w.until("all know that all have it", 20*time.Second, func() bool { return w.seen(nodes) })
			all := w.now.Sub(began)
			t.Logf("change: %d bytes a node; all have it after %v, the leader knows after %v, all know after %v; %v",
				w.mean(c.nodes), spread, led, all, w.sent)
			require.LessOrEqual(t, w.mean(c.nodes), c.change)
			require.LessOrEqual(t, int(all/(500*time.Millisecond))+1, bits.Len(uint(c.nodes))+2, "rounds of gossip")
			require.Zero(t, w.sent["membership.Gossip"], "nobody needs the whole state")
		})
	}
}

func (w *world) have(nodes []*simNode, value uint64) bool {
	// Who lacked it the last time is the likeliest to lack it still.
	for i := range nodes {
		if nodes[(w.behind+i)%len(nodes)].core.valueHash() != value {
			w.behind = (w.behind + i) % len(nodes)
			return false
		}
	}
	return true
}

func (w *world) seen(nodes []*simNode) bool {
	for i := range nodes {
		if !nodes[(w.behind+i)%len(nodes)].core.state.seenByAll() {
			w.behind = (w.behind + i) % len(nodes)
			return false
		}
	}
	return true
}
