package membership

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seeds runs a test in worlds of several seeds.
func seeds(t *testing.T, n int, run func(w *world)) {
	t.Helper()
	for seed := range uint64(n) {
		run(newWorld(t, seed))
	}
}

func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("n%02d", i+1))
	}
	return out
}

// form starts the named nodes together and waits until they are one cluster.
func (w *world) form(nodes ...string) {
	w.t.Helper()
	for _, name := range nodes {
		w.start(name, nodes[:min(3, len(nodes))]...)
	}
	w.until("cluster", time.Minute, w.allUp(nodes...))
}

func TestFormation(t *testing.T) { // C16, C38
	t.Run("three nodes are up within a second of the decision to form", func(t *testing.T) {
		seeds(t, 50, func(w *world) {
			w.form("a", "b", "c")
			require.Less(t, w.now.Sub(time.Unix(1_700_000_000, 0)), time.Second, "seed %d", w.seed)
			require.Equal(t, uint64(1), w.upOf[w.nodes[addrOf("a")].node], "the first seed is the oldest")
		})
	})
	t.Run("five nodes, lossy net", func(t *testing.T) {
		seeds(t, 50, func(w *world) {
			w.lost, w.delay = 20, 200*time.Millisecond
			w.form(names(5)...)
		})
	})
	t.Run("first seed comes last", func(t *testing.T) {
		seeds(t, 20, func(w *world) {
			w.start("b", "a", "b", "c")
			w.start("c", "a", "b", "c")
			w.run(3 * time.Second)
			w.start("a", "a", "b", "c")
			w.until("cluster", 5*time.Second, w.allUp("a", "b", "c"))
		})
	})
	t.Run("first seed alone forms when it has listened and nothing runs at the other seeds", func(t *testing.T) {
		w := newWorld(t, 1)
		a := w.start("a", "a", "b", "c")
		w.run(299 * time.Millisecond)
		require.False(t, a.core.joined())
		w.run(time.Millisecond)
		require.True(t, w.allUp("a")())
	})
	t.Run("restarted first seed finds the cluster that is there", func(t *testing.T) {
		seeds(t, 20, func(w *world) {
			w.form("a", "b", "c")
			old := w.nodes[addrOf("a")]
			old.alive = false
			w.start("a", "a", "b", "c")
			w.until("cluster", 10*time.Second, w.allUp("a", "b", "c"))
			require.NotEqual(t, old.node, w.nodes[addrOf("a")].node)
		})
	})
	t.Run("first seed that is cut off from the other seeds forms nothing", func(t *testing.T) { // F-23
		w := newWorld(t, 3)
		w.form("a", "b", "c")
		w.cut(true, []string{"a"}, []string{"b", "c"})
		a := w.start("a", "a", "b", "c")
		w.run(30 * time.Second)
		require.False(t, a.core.joined())
		w.cut(false, []string{"a"}, []string{"b", "c"})
		w.until("cluster", 10*time.Second, w.allUp("a", "b", "c"))
	})
	t.Run("a seed that is dead and one that is cut off aren't enough to form on", func(t *testing.T) {
		w := newWorld(t, 3)
		w.form("a", "b", "c")
		w.nodes[addrOf("c")].alive = false
		w.cut(true, []string{"a"}, []string{"b"})
		a := w.start("a", "a", "b", "c")
		w.run(30 * time.Second)
		require.False(t, a.core.joined())
	})
	t.Run("a majority of seeds that say so isn't enough", func(t *testing.T) {
		w := newWorld(t, 3)
		w.cut(true, []string{"a", "b"}, []string{"c"})
		w.start("a", "a", "b", "c")
		w.start("b", "a", "b", "c")
		w.run(30 * time.Second)
		require.False(t, w.nodes[addrOf("a")].core.joined())
		w.start("c", "a", "b", "c")
		w.cut(false, []string{"a", "b"}, []string{"c"})
		w.until("cluster", 10*time.Second, w.allUp("a", "b", "c"))
	})
	t.Run("a majority is enough, after the timeout, when that was asked for", func(t *testing.T) {
		w := newWorld(t, 3)
		w.config = func(c *Config) { c.FormQuorum = 2 }
		w.cut(true, []string{"a", "b"}, []string{"c"})
		w.start("a", "a", "b", "c")
		w.start("b", "a", "b", "c")
		w.run(1900 * time.Millisecond)
		require.False(t, w.nodes[addrOf("a")].core.joined())
		w.until("cluster", time.Second, w.allUp("a", "b"))
	})
	t.Run("quorum of one goes ahead after the timeout", func(t *testing.T) {
		w := newWorld(t, 3)
		w.config = func(c *Config) { c.FormQuorum = 1 }
		w.cut(true, []string{"a"}, []string{"b", "c"})
		a := w.start("a", "a", "b", "c")
		w.run(1900 * time.Millisecond)
		require.False(t, a.core.joined())
		w.run(200 * time.Millisecond)
		require.True(t, a.core.joined())
	})
	t.Run("two nodes that both believe to be first form one cluster", func(t *testing.T) { // F-27
		seeds(t, 50, func(w *world) {
			w.start("b", "b", "a")
			w.start("a", "a", "b")
			w.until("cluster", 10*time.Second, w.allUp("a", "b"))
		})
	})
	t.Run("other name is told so", func(t *testing.T) {
		w := newWorld(t, 1)
		w.form("a", "b")
		w.config = func(c *Config) { c.Cluster = "other" }
		x := w.start("x", "a", "b")
		w.until("refusal", 5*time.Second, w.ended(x))
		require.Equal(t, Incompatible, x.ended.Reason)
		require.Contains(t, x.ended.Detail, `a:2551 belongs to cluster "test", this node to "other": give both the same name`)
	})
	t.Run("clash of settings is told", func(t *testing.T) {
		w := newWorld(t, 1)
		w.config = func(c *Config) { c.Settings = []Setting{{"downing", "keep-majority"}} }
		w.form("a", "b")
		w.config = func(c *Config) { c.Settings = []Setting{{"downing", "down-all"}, {"own", "x"}} }
		x := w.start("x", "a", "b")
		w.until("refusal", 5*time.Second, w.ended(x))
		require.Contains(t, x.ended.Detail, `setting downing is "keep-majority" in the cluster, "down-all" on the joining node`)
	})
	t.Run("twenty nodes join at once", func(t *testing.T) {
		w := newWorld(t, 5)
		w.form(names(20)...)
		require.Less(t, w.now.Sub(time.Unix(1_700_000_000, 0)), 5*time.Second)
	})
}

func TestCrashedNodeIsRemovedAndComesBack(t *testing.T) { // F-13, C43
	seeds(t, 50, func(w *world) {
		w.form("a", "b", "c", "d", "e")
		w.nodes[addrOf("d")].alive = false
		w.run(time.Duration(w.rand.IntN(3000)) * time.Millisecond)
		w.start("d", "a", "b", "c")
		w.until("return", 3*time.Second, w.allUp("a", "b", "c", "d", "e"))
	})
}

func TestUnreachableMemberBlocksUntilItIsDowned(t *testing.T) { // C9, C3
	seeds(t, 20, func(w *world) {
		w.config = func(c *Config) { c.WeaklyUpAfter = -1 }
		w.form("a", "b", "c")
		c := w.nodes[addrOf("c")]
		c.alive = false
		w.run(3 * time.Second)
		d := w.start("d", "a", "b", "c")
		w.run(5 * time.Second)
		require.Equal(t, Joining, d.core.View().SelfMember().Status)
		w.step(w.nodes[addrOf("a")], DownAt{c.node.Addr})
		w.until("three members", 5*time.Second, w.allUp("a", "b", "d"))
	})
}

func TestWeaklyUp(t *testing.T) { // C23
	w := newWorld(t, 7)
	w.form("a", "b", "c")
	w.cut(true, []string{"a", "b"}, []string{"c"})
	w.run(3 * time.Second)
	d := w.start("d", "a", "b", "c")
	w.cut(true, []string{"d"}, []string{"c"})
	w.until("weakly up", 10*time.Second, func() bool { return d.core.View().SelfMember().Status == WeaklyUp })
	require.Zero(t, d.core.View().SelfMember().UpNumber)
	w.cut(false, []string{"a", "b", "d"}, []string{"c"})
	w.until("all up", 10*time.Second, w.allUp("a", "b", "c", "d"))
}

func TestMinimum(t *testing.T) { // C26
	w := newWorld(t, 7)
	w.config = func(c *Config) { c.Minimum = Minimum{Members: 3, Roles: map[string]int{"": 3}} }
	a := w.start("a", "a", "b")
	w.start("b", "a", "b")
	w.run(10 * time.Second)
	require.Equal(t, Joining, a.core.View().SelfMember().Status)
	w.start("c", "a", "b")
	w.until("all up", 5*time.Second, w.allUp("a", "b", "c"))
}

func TestLeaving(t *testing.T) {
	t.Run("each node in turn", func(t *testing.T) { // C36, C21
		seeds(t, 30, func(w *world) {
			all := names(5)
			w.form(all...)
			for i := range all {
				n := w.nodes[addrOf(all[i])]
				w.step(n, Leave{n.node.Addr})
				w.until("exit of "+all[i], 3*time.Second, w.ended(n))
				require.Equal(t, Left, n.ended.Reason)
				if rest := all[i+1:]; len(rest) > 0 {
					w.until("rest", time.Second, w.allUp(rest...))
				}
			}
		})
	})
	t.Run("three oldest at once", func(t *testing.T) { // F-09
		seeds(t, 30, func(w *world) {
			w.form(names(5)...)
			for _, name := range names(3) {
				w.step(w.nodes[addrOf(name)], Leave{addrOf(name)})
			}
			w.until("rest", 5*time.Second, w.allUp("n04", "n05"))
			for _, name := range names(3) {
				w.until("exit", 5*time.Second, w.ended(w.nodes[addrOf(name)]))
				require.Equal(t, Left, w.nodes[addrOf(name)].ended.Reason)
			}
		})
	})
	t.Run("all at once", func(t *testing.T) {
		seeds(t, 30, func(w *world) {
			w.form(names(5)...)
			for _, name := range names(5) {
				w.step(w.nodes[addrOf(name)], Leave{addrOf(name)})
			}
			for _, name := range names(5) {
				w.until("exit", 5*time.Second, w.ended(w.nodes[addrOf(name)]))
				require.Equal(t, Left, w.nodes[addrOf(name)].ended.Reason)
			}
		})
	})
	t.Run("while one node lags", func(t *testing.T) { // R-01, MB-4
		seeds(t, 60, func(w *world) {
			w.form(names(4)...)
			w.delay = 500 * time.Millisecond
			w.step(w.nodes[addrOf("n02")], Leave{addrOf("n02")})
			w.until("rest", 10*time.Second, w.allUp("n01", "n03", "n04"))
			w.run(5 * time.Second)
			require.True(t, w.allUp("n01", "n03", "n04")())
		})
	})
	t.Run("confirmation is lost: unreachable and exiting is removed by itself", func(t *testing.T) {
		w := newWorld(t, 4)
		w.form("a", "b", "c")
		c := w.nodes[addrOf("c")]
		w.step(c, Leave{c.node.Addr})
		w.until("exiting", time.Second, func() bool { return c.core.View().SelfMember().Status == Exiting })
		w.cut(true, []string{"c"}, []string{"a", "b"})
		w.until("end", 4*time.Second, w.ended(c))
		require.Equal(t, Left, c.ended.Reason)
		w.until("rest", 3*time.Second, w.allUp("a", "b"))
	})
	t.Run("before it has joined", func(t *testing.T) {
		w := newWorld(t, 4)
		w.cut(true, []string{"a"}, []string{"b"})
		a := w.start("a", "b", "a")
		w.step(a, Leave{a.node.Addr})
		require.Equal(t, Left, a.ended.Reason)
	})
	t.Run("while only joining", func(t *testing.T) {
		w := newWorld(t, 4)
		w.config = func(c *Config) { c.Minimum.Members = 9 }
		w.start("a", "a")
		b := w.start("b", "a")
		w.until("joined", time.Second, func() bool { return b.core.joined() })
		w.step(b, Leave{b.node.Addr})
		w.until("end", 4*time.Second, w.ended(b))
		require.Equal(t, Left, b.ended.Reason)
	})
}

func TestDowning(t *testing.T) {
	t.Run("healthy nodes that are downed end", func(t *testing.T) { // C35
		seeds(t, 20, func(w *world) {
			w.form("a", "b", "c")
			a, b, c := w.nodes[addrOf("a")], w.nodes[addrOf("b")], w.nodes[addrOf("c")]
			w.step(a, DownNodes{[]Node{b.node, c.node}})
			w.until("rest", 5*time.Second, w.allUp("a"))
			require.Equal(t, Downed, b.ended.Reason)
			require.Equal(t, Downed, c.ended.Reason)
		})
	})
	t.Run("both sides of a partition down each other: two clusters that never merge", func(t *testing.T) { // C47, C48
		seeds(t, 20, func(w *world) {
			w.form("a", "b", "c", "d")
			left, right := []string{"a", "b"}, []string{"c", "d"}
			w.cut(true, left, right)
			w.run(2 * time.Second)
			node := func(name string) Node { return w.nodes[addrOf(name)].node }
			w.step(w.nodes[addrOf("a")], DownNodes{[]Node{node("c"), node("d")}})
			w.step(w.nodes[addrOf("c")], DownNodes{[]Node{node("a"), node("b")}})
			w.until("left", 5*time.Second, w.allUp(left...))
			w.until("right", 5*time.Second, w.allUp(right...))
			w.cut(false, left, right)
			w.run(10 * time.Second)
			require.True(t, w.allUp(left...)())
			require.True(t, w.allUp(right...)())
		})
	})
	t.Run("a node that slept through its removal is told when it wakes", func(t *testing.T) { // F-12, MB-10
		for _, sleep := range []time.Duration{5 * time.Second, 2 * time.Hour} {
			seeds(t, 10, func(w *world) {
				w.form("a", "b", "c")
				c := w.nodes[addrOf("c")]
				c.alive = false
				w.run(2 * time.Second)
				w.step(w.nodes[addrOf("a")], DownAt{c.node.Addr})
				w.run(sleep)
				require.True(t, w.allUp("a", "b")())
				if sleep > time.Hour {
					require.Empty(t, w.nodes[addrOf("a")].core.state.Tombstones())
				}
				c.alive = true
				w.step(c, Tick{})
				w.until("end", 5*time.Second, w.ended(c))
				require.Equal(t, Evicted, c.ended.Reason)
				require.True(t, w.allUp("a", "b")())
			})
		}
	})
	t.Run("quarantined by a member", func(t *testing.T) { // C12
		w := newWorld(t, 1)
		w.form("a", "b", "c")
		c := w.nodes[addrOf("c")]
		w.step(c, QuarantinedBy{Node{"stranger:1", 1}})
		require.Nil(t, c.ended)
		w.step(c, QuarantinedBy{w.nodes[addrOf("a")].node})
		require.Equal(t, Downed, c.ended.Reason)
	})
	t.Run("declared dead before its welcome arrived", func(t *testing.T) {
		w := newWorld(t, 1)
		w.form("a", "b")
		c := w.start("c", "a", "b", "c")
		w.until("choice", time.Second, func() bool { return c.core.seeding.phase == joinWaiting })
		w.cuts[[2]string{addrOf("a"), addrOf("c")}] = true // it is let in and can't hear so
		w.cuts[[2]string{addrOf("b"), addrOf("c")}] = true
		w.run(time.Second)
		w.step(c, QuarantinedBy{Node{"stranger:1", 1}})
		require.Nil(t, c.ended, "nobody it wants to join")
		w.cut(true, []string{"c"}, []string{"a", "b"})
		w.step(w.nodes[addrOf("a")], DownAt{c.node.Addr})
		w.run(3 * time.Second)
		clear(w.cuts)
		w.until("end", 10*time.Second, w.ended(c))
		require.Equal(t, Evicted, c.ended.Reason)
		w.start("c", "a", "b", "c")
		w.until("return", 10*time.Second, w.allUp("a", "b", "c"))
	})
	t.Run("quarantined member is terminated and stays so", func(t *testing.T) {
		w := newWorld(t, 1)
		w.form("a", "b", "c")
		a, c := w.nodes[addrOf("a")], w.nodes[addrOf("c")]
		w.step(a, Quarantined{c.node})
		w.run(2 * time.Second) // heartbeats say it is reachable
		require.Equal(t, Terminated, a.core.state.Reachability().Status(a.node, c.node))
	})
}

func TestPartitionHeals(t *testing.T) { // F-05, MB-8
	seeds(t, 50, func(w *world) {
		w.form(names(5)...)
		w.cut(true, names(2), names(5)[2:])
		w.run(time.Duration(w.rand.IntN(10_000)) * time.Millisecond)
		w.cut(false, names(2), names(5)[2:])
		w.until("one view", 7*time.Second, w.allUp(names(5)...))
	})
}

func TestOneWayCut(t *testing.T) { // F-08 without downing: it heals
	seeds(t, 20, func(w *world) {
		w.form(names(4)...)
		w.cuts[[2]string{addrOf("n01"), addrOf("n02")}] = true
		w.run(10 * time.Second)
		require.NotEmpty(t, w.nodes[addrOf("n03")].core.View().Unreachable())
		w.cuts = map[[2]string]bool{}
		w.until("one view", 7*time.Second, w.allUp(names(4)...))
	})
}

func TestChurnLeavesNothingBehind(t *testing.T) { // MB-7, C34
	w := newWorld(t, 11)
	w.config = func(c *Config) { c.TombstoneAfter = time.Second }
	w.form("a", "b", "c")
	size := func() int { return len(appendState(nil, w.nodes[addrOf("a")].core.state, true)) }
	before := size()
	for range 200 {
		n := w.start("x", "a", "b", "c")
		w.until("joined", 5*time.Second, w.allUp("a", "b", "c", "x"))
		w.step(n, Leave{n.node.Addr})
		w.until("left", 5*time.Second, w.allUp("a", "b", "c"))
	}
	w.run(5 * time.Second)
	require.InDelta(t, before, size(), float64(before)/20)
	require.Equal(t, uint64(203), w.nodes[addrOf("a")].core.state.LastUp, "up-numbers are never used twice")
}

func TestIdleTrafficIsSmall(t *testing.T) {
	w := newWorld(t, 2)
	w.form(names(5)...)
	w.run(3 * time.Second)
	clear(w.sent)
	w.run(10 * time.Second)
	require.Len(t, w.sent, 1, "nothing but digests: %v", w.sent)
	require.InDelta(t, 50, w.sent["membership.Digest"], 5, "one a second from each of five nodes")
}

// TestStorm crashes, restarts, cuts and heals at random, and demands one
// cluster once the faults have stopped and the dead were declared so.
func TestStorm(t *testing.T) {
	count := 200
	if testing.Short() {
		count = 20
	}
	seeds(t, count, (*world).storm)
}

func (w *world) storm() {
	all := names(5)
	for _, x := range all {
		w.start(x, all...)
	}
	w.until("cluster", time.Minute, w.allUp(all...))
	w.delay, w.lost = 100*time.Millisecond, w.rand.IntN(10)
	for range 20 {
		x := all[w.rand.IntN(len(all))]
		y := all[w.rand.IntN(len(all))]
		n := w.nodes[addrOf(x)]
		switch w.rand.IntN(6) {
		case 0: // never all at once: somebody must keep the cluster
			if w.aliveCount() > 3 {
				n.alive = false
			}
		case 1:
			if !n.alive {
				w.start(x, all...) // every node is a seed: see the package documentation
			}
		case 2:
			w.cuts[[2]string{addrOf(x), addrOf(y)}] = x != y
		case 3:
			w.cuts[[2]string{addrOf(x), addrOf(y)}] = false
		case 4:
			if w.aliveCount() > 3 && n.alive {
				w.step(n, Leave{n.node.Addr})
			}
		}
		w.run(time.Duration(w.rand.IntN(2000)) * time.Millisecond)
	}
	w.cuts, w.lost, w.delay = map[[2]string]bool{}, 0, 10*time.Millisecond
	w.run(5 * time.Second)
	for range 3 {
		for _, x := range all {
			n := w.nodes[addrOf(x)]
			if n.core.joined() && n.alive && !w.worksFor(n) {
				w.step(n, DownNodes{[]Node{n.node}})
			}
			if !n.alive || n.ended != nil {
				w.start(x, all...)
			}
		}
		w.run(5 * time.Second)
	}
	w.until("one cluster", 20*time.Second, w.allUp(all...))
}

// worksFor reports whether n can reach anybody who works. Who was let in by
// members that all died has nobody to wait for; every downing strategy ends it.
func (w *world) worksFor(n *simNode) bool {
	v := n.core.View()
	for _, m := range v.Members() {
		if m.works() && (m.Node == n.node || v.reach.Worst(m.Node) == Reachable) {
			return true
		}
	}
	return false
}

func (w *world) aliveCount() int {
	alive := 0
	for _, n := range w.nodes {
		if n.alive && n.ended == nil {
			alive++
		}
	}
	return alive
}
