package membership

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crash takes nodes away; their addresses refuse connections from then on.
func (w *world) crash(names ...string) {
	for _, name := range names {
		w.nodes[addrOf(name)].alive = false
	}
}

// rivals returns the other clusters that a node has told of.
func (n *simNode) rivals() (all []OtherCluster) {
	for _, e := range n.events {
		if o, ok := e.(OtherCluster); ok {
			all = append(all, o)
		}
	}
	return all
}

// town is five nodes of which the first two are the seeds.
func (w *world) town() []*simNode {
	w.t.Helper()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.start(name, "a", "b")
	}
	w.until("cluster", time.Minute, w.allUp("a", "b", "c", "d", "e"))
	return []*simNode{w.nodes[addrOf("c")], w.nodes[addrOf("d")], w.nodes[addrOf("e")]}
}

// Seeds are started anew that were killed, at once or long after, while members live.
func TestSeedsThatComeBackJoinTheClusterThatLives(t *testing.T) {
	for title, c := range map[string]struct {
		seeds  []string
		killed []string
	}{
		"both of two":       {[]string{"a", "b"}, []string{"a", "b"}},
		"the only one":      {[]string{"a"}, []string{"a"}},
		"the first of two":  {[]string{"a", "b"}, []string{"a"}},
		"the only one last": {[]string{"e"}, []string{"e"}},
	} {
		t.Run(title, func(t *testing.T) {
			seeds(t, 10, func(w *world) {
				all := []string{"a", "b", "c", "d", "e"}
				for _, name := range all {
					w.start(name, c.seeds...)
				}
				w.until("cluster", time.Minute, w.allUp(all...))
				w.crash(c.killed...)
				downed := w.rand.IntN(2) == 0
				w.run(time.Duration(w.rand.Int64N(int64(20 * time.Second))))
				if downed {
					for _, name := range all {
						if n := w.nodes[addrOf(name)]; n.alive {
							for _, k := range c.killed {
								w.step(n, DownAt{addrOf(k)})
							}
							break
						}
					}
					w.run(time.Duration(w.rand.Int64N(int64(20 * time.Second))))
				}
				for _, name := range c.killed {
					w.start(name, c.seeds...)
				}
				w.until("one cluster", time.Minute, w.allUp(all...))
				require.Len(w.t, w.formed, 1, "seed %d", w.seed)
			})
		})
	}
}

func TestAFirstSeedThatWaitsForOthersIsInvited(t *testing.T) {
	w := newWorld(t, 1)
	w.town()
	w.cut(true, []string{"a", "b"}, []string{"c", "d", "e"})
	w.crash("a", "b")
	w.step(w.nodes[addrOf("c")], DownAt{addrOf("a")})
	w.step(w.nodes[addrOf("c")], DownAt{addrOf("b")})
	w.until("three", 10*time.Second, w.allUp("c", "d", "e"))
	w.cut(true, []string{"a"}, []string{"b"})
	a := w.start("a", "a", "b")
	w.run(30 * time.Second)
	require.False(t, a.core.joined(), "b can't be asked")
	w.cut(false, []string{"a"}, []string{"c", "d", "e"})
	w.until("four", 10*time.Second, w.allUp("a", "c", "d", "e"))
}

// two makes two clusters, {a, b} and the older {c, d, e}, that meet when the cut ends.
func (w *world) two(apart time.Duration) (young, old []*simNode) {
	w.t.Helper()
	old = w.town()
	w.cut(true, []string{"a", "b"}, []string{"c", "d", "e"})
	w.crash("a", "b")
	w.step(old[0], DownAt{addrOf("a")})
	w.step(old[0], DownAt{addrOf("b")})
	w.until("the older one", 10*time.Second, w.allUp("c", "d", "e"))
	young = []*simNode{w.start("a", "a", "b"), w.start("b", "a", "b")}
	w.until("the younger one", 10*time.Second, w.allUp("a", "b"))
	w.run(apart)
	w.cut(false, []string{"a", "b"}, []string{"c", "d", "e"})
	return young, old
}

func TestTwoClustersThatMeetSaySoOnEveryNodeOnceAMinute(t *testing.T) {
	seeds(t, 5, func(w *world) {
		young, old := w.two(time.Minute)
		all := slices.Concat(young, old)
		w.run(10 * time.Second)
		for _, n := range all {
			require.Len(w.t, n.rivals(), 1, "seed %d: %v", w.seed, n.node)
			o := n.rivals()[0]
			require.NotEqual(w.t, o.Created, o.Own)
			require.Equal(w.t, n.core.View().Created, o.Own)
			require.Contains(w.t, o.String(), `there are two clusters named "test"`)
		}
		require.Contains(w.t, young[0].rivals()[0].String(), "this node to the younger one")
		require.Contains(w.t, old[0].rivals()[0].String(), "this node to the older one")
		w.run(5 * time.Minute)
		for _, n := range all {
			require.Nil(w.t, n.ended, "neither is younger than YieldFor")
			require.InDelta(w.t, 5, len(n.rivals()), 1, "seed %d: %v", w.seed, n.node)
		}
	})
}

func TestAYoungerClusterGivesWay(t *testing.T) {
	for _, c := range []struct {
		title  string
		yield  time.Duration
		apart  time.Duration
		yields bool
	}{
		{"while it is very young", 0, 3 * time.Second, true},
		{"not when it has grown old", 0, 15 * time.Second, false},
		{"however old it is, if it was told so", Always, 2 * time.Minute, true},
		{"within the time that it was given", time.Minute, 40 * time.Second, true},
		{"never, if it was told so", -1, 0, false},
	} {
		t.Run(c.title, func(t *testing.T) {
			seeds(t, 4, func(w *world) {
				w.config = func(cfg *Config) { cfg.YieldFor = c.yield }
				young, old := w.two(c.apart)
				w.run(10 * time.Second)
				for _, n := range old {
					require.Nil(w.t, n.ended)
				}
				for _, n := range young {
					if !c.yields {
						require.Nil(w.t, n.ended)
						continue
					}
					require.NotNil(w.t, n.ended, "seed %d: %v", w.seed, n.node)
					require.Equal(w.t, Superseded, n.ended.Reason)
					require.Contains(w.t, n.ended.Detail, "started anew, this node joins the older one")
				}
				if c.yields {
					w.start("a", "a", "b")
					w.start("b", "a", "b")
					w.until("one cluster", time.Minute, w.allUp("a", "b", "c", "d", "e"))
				}
			})
		})
	}
}

func TestPartsThatHaveDeclaredEachOtherDeadSaySo(t *testing.T) {
	w := newWorld(t, 1)
	w.form("a", "b", "c", "d")
	left, right := []string{"a", "b"}, []string{"c", "d"}
	w.cut(true, left, right)
	w.run(2 * time.Second)
	for _, name := range right {
		w.step(w.nodes[addrOf("a")], DownAt{addrOf(name)})
	}
	for _, name := range left {
		w.step(w.nodes[addrOf("c")], DownAt{addrOf(name)})
	}
	w.until("left", 10*time.Second, w.allUp(left...))
	w.until("right", 10*time.Second, w.allUp(right...))
	w.run(2 * splitAfter)
	w.cut(false, left, right)
	w.run(30 * time.Second)
	for _, name := range slices.Concat(left, right) {
		n := w.nodes[addrOf(name)]
		require.NotEmpty(t, n.rivals(), name)
		require.Contains(t, n.rivals()[0].String(), "have declared each other dead")
		require.Nil(t, n.ended)
	}
}

func TestAMemberThatWasRemovedAndIsSlowToEndIsNoOtherCluster(t *testing.T) {
	w := newWorld(t, 1)
	w.form("a", "b", "c")
	a, b := w.nodes[addrOf("a")], w.nodes[addrOf("b")]
	w.crash("b")
	w.step(a, DownAt{b.node.Addr})
	w.until("two", 10*time.Second, w.allUp("a", "c"))
	w.step(a, Met{b.node})
	w.run(30 * time.Second)
	w.step(a, Met{b.node})
	require.Empty(t, a.rivals())
}

func TestSeedsAreLookedAfterByAllMembersTogether(t *testing.T) {
	for _, size := range []int{1, 10} {
		w := newWorld(t, 1)
		looks := 0
		for i := range size {
			w.start(names(size)[i], "n01", "gone")
		}
		w.until("cluster", time.Minute, w.allUp(names(size)...))
		for _, n := range w.nodes {
			n.look = func() { looks++ }
		}
		w.run(time.Minute)
		require.InDelta(t, 60, looks, 15, "a seed that isn't the first is looked at once a second by all %d", size)
	}
}

func TestWhatSeedsAnswerIsToldOncePerChange(t *testing.T) {
	w := newWorld(t, 1)
	x := w.start("x", "a", "b")
	w.cut(true, []string{"x"}, []string{"a"})
	w.run(10 * time.Second)
	require.Equal(t, []string{"seed b:2551 refuses the connection", "seed a:2551 doesn't answer"}, x.said)
	w.step(x, NoAnswer{Addr: addrOf("a"), Why: `belongs to cluster "b"`})
	require.Contains(t, x.core.Excuse(), `a:2551 belongs to cluster "b", b:2551 refuses the connection; check that`)
	w.run(10 * time.Second)
	w.start("b", "a", "b")
	w.run(10 * time.Second)
	require.Equal(t, []string{`seed a:2551 belongs to cluster "b"`, "seed b:2551 is in no cluster either"}, x.said[2:])
	require.Contains(t, x.core.Excuse(), "b:2551 is in no cluster either")
}

func TestASeedThatIsThisNodeUnderAnotherName(t *testing.T) {
	t.Run("as the first: it ends, since nobody can form a cluster", func(t *testing.T) {
		w := newWorld(t, 1)
		x := w.start("x", "alias")
		for range 10 {
			w.step(x, NoAnswer{Addr: addrOf("alias"), Why: "is this very node", Self: true})
			w.run(time.Second)
		}
		require.NotNil(t, x.ended)
		require.Equal(t, Incompatible, x.ended.Reason)
		require.Contains(t, x.ended.Detail, "the first seed, alias:2551, is this very node, which is known as x:2551")
		require.Contains(t, x.ended.Detail, "set Advertise to alias:2551")
	})
	t.Run("as another one: it doesn't count", func(t *testing.T) {
		w := newWorld(t, 1)
		x := w.start("x", "x", "alias")
		w.step(x, NoAnswer{Addr: addrOf("alias"), Why: "is this very node", Self: true})
		w.until("cluster", time.Second, w.allUp("x"))
	})
}
