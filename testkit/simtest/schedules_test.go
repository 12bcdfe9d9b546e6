package simtest_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// The schedules of faults that a cluster must survive, each with what is
// expected of it under the default configuration: a crash is known to all after
// less than five seconds, and decided upon five seconds after that.

// same reports whether all nodes still run the process they began with.
func same(nodes []*simtest.Node) bool {
	for _, n := range nodes {
		if n.Process() != 1 || !n.Alive() {
			return false
		}
	}
	return true
}

// alive returns those that still run the process they began with.
func alive(nodes []*simtest.Node) (out []*simtest.Node) {
	for _, n := range nodes {
		if n.Process() == 1 && n.Alive() && n.Cluster() != nil && !n.Cluster().Ended().IsOpen() {
			out = append(out, n)
		}
	}
	return out
}

// started is the condition that the nodes run other processes than at first.
func started(nodes []*simtest.Node) simtest.Cond {
	return simtest.That(func() bool {
		for _, n := range nodes {
			if n.Process() == 1 {
				return false
			}
		}
		return true
	})
}

// shuffled returns the nodes in an order drawn from the seed.
func shuffled(w *simtest.World, nodes []*simtest.Node) []*simtest.Node {
	out := append([]*simtest.Node(nil), nodes...)
	w.Rand("order").Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// formed returns a fleet that is one cluster.
func formed(w *simtest.World, size int) []*simtest.Node {
	nodes := fleet(w, size, simtest.Clustered{})
	w.Until("all up", time.Minute, w.AllUp(nodes...))
	w.Run(10 * time.Second) // a rhythm of heartbeats
	return nodes
}

// F-01, FD-1, SB-3: a crash is known to all within its bound, decided upon no
// sooner than five seconds after that, and soon then.
func TestACrashIsKnownAndDecidedInTime(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		nodes := shuffled(w, formed(w, 5))
		dead := membership.Node{Addr: nodes[0].Addr(), UID: nodes[0].UID()}
		w.PowerOff(nodes[0])
		began := w.Elapsed()
		w.Until("all know", 4500*time.Millisecond, func() string {
			for _, n := range nodes[1:] {
				if v, _ := w.Members().View(n); v.Reachability().Worst(dead) == membership.Reachable {
					return n.Name()
				}
			}
			return ""
		})
		known := w.Elapsed()
		require.Greater(w.T(), known-began, 3*time.Second, "sooner would be a guess")
		w.Until("it is out", 6500*time.Millisecond, w.AllUp(nodes[1:]...))
		require.GreaterOrEqual(w.T(), w.Elapsed()-known, 4500*time.Millisecond, "decided before all was stable")
	})
}

// F-04: of two halves the one with the lowest address goes on; where nobody has
// a majority, everybody starts anew.
func TestHalvesAndThirds(t *testing.T) {
	t.Run("{a _ _ _} in halves", func(t *testing.T) {
		simtest.Run(t, 15, func(w *simtest.World) {
			nodes := formed(w, 4)
			rest := shuffled(w, nodes[1:])
			with, without := w.Side(nodes[0], rest[0]), w.Side(rest[1], rest[2])
			w.Partition(with, without)
			w.Until("one half goes on", 30*time.Second, w.AllUp(with...))
			w.Until("the other starts anew", 10*time.Second, started(without))
			require.True(w.T(), same(with))
			w.Heal()
			w.Until("all up again", time.Minute, w.AllUp(nodes...))
		})
	})
	t.Run("{_ _ | _ _ | _}", func(t *testing.T) {
		simtest.Run(t, 15, func(w *simtest.World) {
			all := formed(w, 5)
			nodes := shuffled(w, all)
			w.Partition(nodes[:2], nodes[2:])
			w.Partition(nodes[2:4], nodes[4:])
			w.Until("all start anew", 40*time.Second, started(nodes))
			w.Heal()
			w.Until("all up again", time.Minute, w.AllUp(all...))
		})
	})
}

// F-06, SB-3: a cut that is mended while the others still wait is no reason to
// down anybody, however often.
func TestACutThatIsMendedInTimeDownsNobody(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		all := formed(w, 5)
		nodes := shuffled(w, all)
		for range 3 {
			w.Partition(nodes[:2], nodes[2:])
			w.Run(5*time.Second + time.Duration(w.Rand("mend").IntN(3000))*time.Millisecond)
			w.Heal()
			w.Until("one view", 10*time.Second, w.AllUp(all...))
		}
		require.True(w.T(), same(all))
	})
}

// shape is how the links between two sides die.
type shape func(w *simtest.World, a, b []*simtest.Node)

func gradually(over time.Duration) shape {
	return func(w *simtest.World, a, b []*simtest.Node) { w.Swizzle(over, a, b) }
}

func oneWay(w *simtest.World, a, b []*simtest.Node) { w.OneWay(a, b) }

// waves returns how often, in the time d, some of the nodes ended together: those
// that do so within three seconds go by one decision.
func waves(w *simtest.World, d time.Duration, nodes []*simtest.Node) (n int) {
	left, last := len(nodes), -4*time.Second
	for end := w.Elapsed() + d; w.Elapsed() < end; w.Run(500 * time.Millisecond) {
		if now := len(alive(nodes)); now < left {
			if w.Elapsed()-last > 3*time.Second {
				n++
			}
			left, last = now, w.Elapsed()
		}
	}
	return n
}

// F-07, F-08, SB-1, SB-4: however the links between a majority and a minority
// die, never do both go on, and the majority does in 99 of 100 worlds. When the
// links die for so long that there are two decisions, and the first takes members
// of the majority, the second is about those who are left: either side may have
// the majority of them then.
func TestWhoSurvivesACut(t *testing.T) {
	for _, c := range []struct {
		title           string
		seeds           int
		majority, small int
		cut             shape
	}{
		{"3 | 2 gradually over 2 s", 12, 3, 2, gradually(2 * time.Second)},
		{"3 | 2 gradually over 5 s", 12, 3, 2, gradually(5 * time.Second)},
		{"3 | 2 gradually over 10 s", 12, 3, 2, gradually(10 * time.Second)},
		{"5 | 4 gradually over 8 s", 5, 5, 4, gradually(8 * time.Second)},
		{"3 -x-> 2 one way", 12, 3, 2, oneWay},
		{"2 -x-> 3 one way", 12, 3, 2, func(w *simtest.World, a, b []*simtest.Node) { oneWay(w, b, a) }},
		{"1 -x-> 4 one way", 8, 4, 1, func(w *simtest.World, a, b []*simtest.Node) { oneWay(w, b, a) }},
	} {
		t.Run(c.title, func(t *testing.T) {
			var worlds, survived, twice atomic.Int64
			simtest.Run(t, c.seeds, func(w *simtest.World) {
				all := formed(w, c.majority+c.small)
				nodes := shuffled(w, all)
				many, few := nodes[:c.majority], nodes[c.majority:]
				c.cut(w, many, few)
				decisions := waves(w, 45*time.Second, many)
				require.False(w.T(), len(alive(many)) > 0 && len(alive(few)) > 0, "both sides go on: %v | %v", alive(many), alive(few))
				worlds.Add(1)
				switch {
				case len(alive(many)) == c.majority && w.AllUp(many...)() == "":
					survived.Add(1)
				case decisions > 1:
					twice.Add(1)
				}
				if decisions < 2 {
					require.Empty(w.T(), alive(few), "the minority goes on")
				}
				w.Heal()
				w.Until("all up again", time.Minute, w.AllUp(all...))
			})
			lost := worlds.Load() - survived.Load() - twice.Load()
			t.Logf("the majority survived in %d of %d worlds; %d had two decisions", survived.Load(), worlds.Load(), twice.Load())
			require.LessOrEqual(t, twice.Load(), 1+worlds.Load()/20, "two decisions are rare")
			require.LessOrEqual(t, lost, worlds.Load()/100, "the majority survives in 99 of 100")
		})
	}
}

// F-10: a node that alone reaches both sides stays with the larger one.
func TestABridge(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		all := formed(w, 5)
		nodes := shuffled(w, all)
		left, bridge, right := nodes[:2], nodes[2], nodes[3:]
		w.Partition(left, right)
		ended := func(side []*simtest.Node) bool { return started(side)() == "" }
		w.Until("one side has started anew", 30*time.Second, simtest.That(func() bool { return ended(left) || ended(right) }))
		kept := left
		if ended(left) {
			kept = right
		}
		require.True(w.T(), same(kept), "the other goes on, all of it")
		require.Equal(w.T(), 1, bridge.Process(), "and the bridge with it")
		w.Heal()
		w.Until("all up again", time.Minute, w.AllUp(all...))
	})
}

// F-11, FD-2, FD-3: pauses shorter than what is granted harm nobody.
func TestShortPausesHarmNobody(t *testing.T) {
	simtest.Run(t, 8, func(w *simtest.World) {
		nodes := formed(w, 5)
		r := w.Rand("pauses")
		for range 12 {
			w.Pause(nodes[r.IntN(5)], 2500*time.Millisecond)
			w.Run(10 * time.Second)
		}
		require.True(w.T(), same(nodes))
		w.Until("all up", time.Second, w.AllUp(nodes...))
	})
}

// F-12, MB-10: whoever sleeps through its removal ends when it wakes.
func TestALongPauseOfTheOldest(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		nodes := formed(w, 5)
		oldest := nodes[0]
		w.Pause(oldest, 30*time.Second)
		w.Until("it is out", 20*time.Second, w.AllUp(nodes[1:]...))
		w.Until("it has woken, ended and come back", 30*time.Second, w.AllUp(nodes...))
		require.Equal(w.T(), 2, oldest.Process())
		require.True(w.T(), same(nodes[1:]))
	})
}

// F-14, F-15: two of five that die at once leave a majority; three don't.
func TestSeveralDieAtOnce(t *testing.T) {
	for _, c := range []struct {
		title string
		dead  int
		goOn  bool
	}{{"2 of 5", 2, true}, {"3 of 5", 3, false}} {
		t.Run(c.title, func(t *testing.T) {
			simtest.Run(t, 15, func(w *simtest.World) {
				all := formed(w, 5)
				nodes := shuffled(w, all)
				for _, n := range nodes[:c.dead] {
					w.PowerOff(n)
				}
				if c.goOn {
					w.Until("the others go on", 20*time.Second, w.AllUp(nodes[c.dead:]...))
					require.True(w.T(), same(nodes[c.dead:]))
				} else {
					w.Until("the others start anew", 20*time.Second, started(nodes[c.dead:]))
				}
				for _, n := range nodes[:c.dead] {
					w.Restart(n)
				}
				w.Until("all up again", time.Minute, w.AllUp(all...))
			})
		})
	}
}

// F-17: a link that comes and goes for minutes ends at most in the downing of
// one of its two nodes, never in two clusters.
func TestAFlappingLink(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		all := formed(w, 5)
		nodes := shuffled(w, all)
		r := w.Rand("flaps")
		for end := w.Elapsed() + 3*time.Minute; w.Elapsed() < end; {
			w.Partition(nodes[:1], nodes[1:2])
			w.Run(200*time.Millisecond + time.Duration(r.IntN(9800))*time.Millisecond)
			w.Heal()
			w.Run(200*time.Millisecond + time.Duration(r.IntN(9800))*time.Millisecond)
		}
		w.Until("all up", time.Minute, w.AllUp(all...))
	})
}

// F-23: without its seeds a node waits for as long as it takes, and forms nothing.
func TestNodesWaitForTheirSeeds(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		program := simtest.Clustered{Seeds: []string{"a", "b"}}
		c, d := w.Node("c", program), w.Node("d", program)
		w.Run(2 * time.Minute)
		require.Empty(w.T(), w.Members().Clusters())
		b := w.Node("b", program)
		w.Run(time.Minute)
		require.Empty(w.T(), w.Members().Clusters(), "only the first seed forms a cluster")
		a := w.Node("a", program)
		w.Until("all up", 30*time.Second, w.AllUp(a, b, c, d))
		require.Len(w.T(), w.Members().Clusters(), 1)
	})
}

// F-24: many nodes that join at once; a hundred of them are measured by
// benchmarks/cluster.
func TestManyJoinAtOnce(t *testing.T) {
	simtest.Run(t, 2, func(w *simtest.World) {
		nodes := fleet(w, 26, simtest.Clustered{})
		w.Until("all up", 15*time.Second, w.AllUp(nodes...))
	})
}

// F-25: a third of the nodes is lost at once.
func TestAZoneIsLost(t *testing.T) {
	simtest.Run(t, 4, func(w *simtest.World) {
		all := formed(w, 9)
		nodes := shuffled(w, all)
		for _, n := range nodes[:3] {
			w.PowerOff(n)
		}
		w.Until("six go on", 20*time.Second, w.AllUp(nodes[3:]...))
		require.True(w.T(), same(nodes[3:]))
		for _, n := range nodes[:3] {
			w.Restart(n)
		}
		w.Until("all up again", time.Minute, w.AllUp(all...))
	})
}

// F-27, MB-9: two nodes that both believe to be the first seed form one cluster.
func TestTwoFirstSeeds(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		a := w.Node("a", simtest.Clustered{Seeds: []string{"a", "b"}})
		w.Run(time.Duration(w.Rand("when").IntN(1500)) * time.Millisecond)
		b := w.Node("b", simtest.Clustered{Seeds: []string{"b", "a"}})
		w.Until("both up", 30*time.Second, w.AllUp(a, b))
		require.Len(w.T(), w.Members().Clusters(), 1)
	})
}

// CS: a node may be asked to stop at any instant of its start, or of another
// stop; it ends within its bounds, and its successor gets in.
func TestStoppingAtAnyInstant(t *testing.T) {
	simtest.Run(t, 25, func(w *simtest.World) {
		nodes := formed(w, 3)
		r := w.Rand("stops")
		for range 3 {
			n := nodes[r.IntN(3)]
			w.Crash(n)
			w.Run(time.Duration(r.IntN(3000)) * time.Millisecond)
			w.Restart(n)
			w.Run(time.Duration(r.IntN(1500)) * time.Millisecond)
			before := n.Process()
			for range 2 {
				if sys := n.System(); n.Process() == before {
					n.Go(func() { sys.BeginStop("it was asked to") })
				}
				w.Run(time.Duration(r.IntN(300)) * time.Millisecond)
				if !n.Alive() {
					break
				}
			}
			w.Until("its process has ended", 30*time.Second, simtest.That(func() bool { return n.Process() > before || !n.Alive() }))
			w.Until("all up again", time.Minute, w.AllUp(nodes...))
		}
	})
}
