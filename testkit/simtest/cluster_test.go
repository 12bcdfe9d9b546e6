package simtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// fleet adds so many clustered nodes, named a, b, c, …, all of them seeds.
func fleet(w *simtest.World, size int, c simtest.Clustered) (nodes []*simtest.Node) {
	for i := range size {
		c.Seeds = append(c.Seeds, string(rune('a'+i)))
	}
	for _, name := range c.Seeds {
		nodes = append(nodes, w.Node(name, c))
	}
	return nodes
}

func TestACalmClusterFormsAtOnce(t *testing.T) {
	simtest.Run(t, 30, func(w *simtest.World) {
		a, b, c := w.Node("a"), w.Node("b"), w.Node("c")
		w.Join(a, b, c)
		w.Until("all up", 10*time.Second, w.AllUp(a, b, c))
		at := w.Elapsed()
		w.Run(2 * time.Minute)
		w.Until("still all up", time.Second, w.AllUp(a, b, c))
		require.Less(w.T(), at, time.Second, "the decision to form is gossiped at once")
		require.Equal(w.T(), 3, a.Process()+b.Process()+c.Process())
	})
}

// F-01, F-13: a killed process is removed, its successor at the same address joins.
func TestAKilledNodeComesBackAsAnother(t *testing.T) {
	simtest.Run(t, 30, func(w *simtest.World) {
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		victim := nodes[w.Rand("victim").IntN(5)]
		down := w.Down(victim)
		if w.Rand("how").IntN(2) == 0 {
			w.Crash(victim)
		} else {
			w.PowerOff(victim)
		}
		if w.Rand("when").IntN(2) == 0 {
			w.Until("it is out", 30*time.Second, down)
		}
		w.Restart(victim)
		w.Until("all up again", time.Minute, w.AllUp(nodes...))
		w.Until("the old one is out", time.Second, down)
	})
}

// F-03: a clean cut; the minority ends itself, and comes back when it is healed.
func TestTheMinorityOfAPartitionStops(t *testing.T) {
	simtest.Run(t, 30, func(w *simtest.World) {
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		order := w.Rand("sides").Perm(5)
		minority := w.Side(nodes[order[0]], nodes[order[1]])
		majority := w.Side(nodes[order[2]], nodes[order[3]], nodes[order[4]])
		w.Partition(minority, majority)
		w.Until("the majority goes on alone", time.Minute, w.AllUp(majority...))
		w.Until("the minority has ended and was started anew", 15*time.Second, simtest.That(func() bool {
			return minority[0].Process() > 1 && minority[1].Process() > 1
		}))
		for _, n := range majority {
			require.Equal(w.T(), 1, n.Process(), "%v", n)
		}
		w.Heal()
		w.Until("all up again", time.Minute, w.AllUp(nodes...))
	})
}

// F-05: a cut that is healed before anybody is held for dead changes nothing.
func TestAShortCutChangesNothing(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		w.Partition(nodes[:2], nodes[2:])
		w.Run(2 * time.Second)
		w.Heal()
		w.Run(30 * time.Second)
		w.Until("all up", time.Second, w.AllUp(nodes...))
		for _, n := range nodes {
			require.Equal(w.T(), 1, n.Process())
		}
	})
}

// F-09: nodes that leave together hand over and are gone; the rest goes on.
func TestNodesLeaveTogether(t *testing.T) {
	simtest.Run(t, 30, func(w *simtest.World) {
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		left := 0
		for _, n := range nodes[:2] {
			sys := n.System()
			n.Go(func() {
				_ = sys.Stop(context.Background())
			})
			left++
		}
		w.Until("three are left", time.Minute, w.AllUp(nodes[2:]...))
		w.Until("all are back", time.Minute, w.AllUp(nodes...))
		require.Equal(w.T(), 2, left)
	})
}

// Nodes leave in order, two at a time now and then, the leader among them, and
// their successors at the same addresses are there at once. Nobody calls them dead.
func TestWhoLeftWasNotDead(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		r := w.Rand("leavers")
		never := func(n *simtest.Node, cl *cluster.Cluster) error {
			pid, err := n.System().Spawn("events", func() actor.Actor {
				return actor.Func(func(ctx *actor.Context) {
					c, _ := ctx.Message().(cluster.Change)
					for _, e := range c.Events {
						if d, ok := e.(membership.MemberDowned); ok {
							w.Failf("%v calls %v dead, which has left", n, d.Member)
						}
						if gone, ok := e.(membership.MemberRemoved); ok && gone.Before != membership.Exiting && gone.Before != membership.Leaving {
							w.Failf("%v removes %v as one that was %v", n, gone.Member, gone.Before)
						}
					}
				})
			})
			if err == nil {
				cl.Subscribe(pid)
			}
			return err
		}
		program := simtest.Clustered{Seeds: []string{"a", "b", "c", "d", "e"}, Open: never}
		var nodes []*simtest.Node
		for _, name := range program.Seeds {
			nodes = append(nodes, w.Node(name, program, simtest.Relaunch(time.Duration(1+r.IntN(50))*time.Millisecond)))
		}
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		for range 6 {
			for _, k := range r.Perm(5)[:1+r.IntN(2)] {
				if n := nodes[k]; n.Alive() && n.Cluster() != nil && n.Cluster().Up().IsOpen() {
					sys := n.System()
					n.Go(func() { sys.BeginStop("it was asked to leave") })
				}
				w.Run(time.Duration(r.IntN(400)) * time.Millisecond)
			}
			w.Run(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
		w.Until("all up again", time.Minute, w.AllUp(nodes...))
	})
}

// Whatever happens: no invariant of MB is broken, and when it is over all nodes
// are in one cluster again.
func TestClustersSurviveChaos(t *testing.T) {
	simtest.Run(t, 30, func(w *simtest.World) {
		w.SetSwarm(simtest.DrawSwarm(w.Rand("swarm")))
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Chaos(2*time.Minute, nodes...)
		w.Until("all in one cluster", 3*time.Minute, w.AllUp(nodes...))
	})
}

// F-26: the leader is cut off from some, or dies, while it lets others in: no
// up-number is given twice as far as anybody who lives can see.
func TestALeaderThatDiesWhileItDecides(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		r := w.Rand("schedule")
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		for range 4 {
			order := r.Perm(5)
			leader := nodes[0] // the first address leads
			if m, ok := nodes[order[0]].Cluster().State().Leader(); ok {
				for _, n := range nodes {
					if n.Addr() == m.Addr {
						leader = n
					}
				}
			}
			var others []*simtest.Node
			for _, k := range order {
				if nodes[k] != leader {
					others = append(others, nodes[k])
				}
			}
			// Two come back as new incarnations, while the leader reaches only some.
			w.Crash(others[0])
			w.Crash(others[1])
			w.Run(time.Duration(r.IntN(12_000)) * time.Millisecond)
			w.Restart(others[0])
			w.Restart(others[1])
			w.Run(time.Duration(r.IntN(1500)) * time.Millisecond)
			deaf := others[r.IntN(3):]
			w.OneWay(w.Side(leader), deaf)
			w.Run(time.Duration(r.IntN(2500)) * time.Millisecond)
			switch r.IntN(3) {
			case 0:
				w.Crash(leader)
			case 1:
				w.PowerOff(leader)
			}
			w.Run(time.Duration(r.IntN(15_000)) * time.Millisecond)
			w.Heal()
			w.Run(time.Duration(r.IntN(5_000)) * time.Millisecond)
			w.Restart(leader)
			w.Until("all up again", 3*time.Minute, w.AllUp(nodes...))
		}
	})
}
