package membership

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A new incarnation at an address proves that the process before it is over: it
// is dead, unless it was Exiting. That one has left, and nobody says otherwise.
func TestWhoIsOutlivedIsDeadUnlessItWasExiting(t *testing.T) {
	self, old := Node{Addr: "a:1", UID: 1}, Node{Addr: "b:1", UID: 2}
	for status, want := range map[Status]Status{
		Joining: Down, WeaklyUp: Down, Up: Down, PreparingForShutdown: Down, ReadyForShutdown: Down,
		Leaving: Down, Exiting: Exiting, Down: Down,
	} {
		s := Assemble(5, []Member{{Node: self, Status: Up, UpNumber: 1}, {Node: old, Status: status, UpNumber: 2}})
		before, _ := s.Member(old)
		next := s.outlived(self, before)
		after, there := next.Member(old)
		require.True(t, there)
		require.Equal(t, want, after.Status, "%v", status)
		require.Equal(t, Terminated, next.Reachability().Status(self, old), "%v", status)
		require.True(t, next.outlived(self, after).equalValue(next), "once is enough")
		actions := LeaderActions(ViewOf(next.seenBy(self), self), Minimum{})
		require.Contains(t, actions, Change{Node: old, From: want, To: Removed}, "%v: it is removed as what it was", status)
	}
}

func TestOnlyWhoWorksOutlivesSomebody(t *testing.T) {
	w := newWorld(t, 1)
	w.form("a", "b")
	x := w.start("x", "a")
	w.cut(true, []string{"x"}, []string{"b"}) // so that it doesn't become Up
	w.until("x is in", 5*time.Second, func() bool { return x.core.joined() })
	require.Equal(t, Joining, x.core.View().SelfMember().Status)
	w.step(x, Received{Join{From: Node{Addr: addrOf("b"), UID: 77}, Cluster: x.core.cfg.Cluster}})
	m, _ := x.core.View().At(addrOf("b"))
	require.Equal(t, Up, m.Status, "it may have left, and x wasn't told yet")
}

// Whoever leads, and whoever the new process asks: one that has left in order is
// never called dead because its successor is there at once.
func TestWhoComesBackAtOnceAfterItLeftWasNotDead(t *testing.T) {
	for seed := range uint64(12) {
		w := newWorld(t, 9000+seed)
		names := []string{"a", "b", "c", "d", "e"}
		w.form(names...)
		nodes := map[*simNode]bool{}
		for _, n := range w.nodes {
			nodes[n] = true
		}
		for range 4 {
			name := names[w.rand.IntN(len(names))]
			n := w.nodes[addrOf(name)]
			w.step(n, Leave{n.node.Addr})
			w.until("it has left", 15*time.Second, w.ended(n))
			require.Equal(t, Left, n.ended.Reason)
			w.run(time.Duration(w.rand.IntN(60)) * time.Millisecond)
			n.alive = false
			nodes[w.start(name, names...)] = true
			w.run(time.Duration(w.rand.IntN(2000)) * time.Millisecond)
		}
		w.until("all are up", 30*time.Second, w.allUp(names...))
		for n := range nodes { //det:ok nothing is changed
			for _, e := range n.events {
				require.NotContains(t, fmt.Sprintf("%T", e), "MemberDowned", "seed %d, %v: %v", seed, n.node, e)
				if r, ok := e.(MemberRemoved); ok {
					require.Contains(t, []Status{Leaving, Exiting}, r.Before, "seed %d, %v: %v", seed, n.node, e)
				}
			}
		}
	}
}
