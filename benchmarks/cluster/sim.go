package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// fleet is a simulated cluster whose views are watched.
type fleet struct {
	w     *simtest.World
	nodes []*simtest.Node
	views map[*simtest.Node]membership.View
	// said counts who was ever held for unreachable, by whom and when.
	said map[accusation]bool
}

type accusation struct {
	observer, subject membership.Node
	version           uint64
}

// newFleet adds n nodes, of which the first three are seeds.
func newFleet(w *simtest.World, n int) *fleet {
	f := &fleet{w: w, views: map[*simtest.Node]membership.View{}, said: map[accusation]bool{}}
	program := simtest.Clustered{Open: f.watch}
	for i := range min(n, 3) {
		program.Seeds = append(program.Seeds, name(i))
	}
	for i := range n {
		f.nodes = append(f.nodes, w.Node(name(i), program, simtest.Relaunch(time.Second)))
	}
	return f
}

func name(i int) string { return fmt.Sprintf("n%03d", i) }

func (f *fleet) watch(n *simtest.Node, cl *cluster.Cluster) error {
	watcher, err := n.System().Spawn("watcher", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if c, ok := ctx.Message().(cluster.Change); ok {
				f.views[n] = c.View
				for _, r := range c.View.Reachability().Records() {
					f.said[accusation{r.Observer, r.Subject, r.Version}] = true
				}
			}
		})
	})
	if err == nil {
		cl.Subscribe(watcher)
	}
	return err
}

// knows is the condition that all others hold the process for unreachable or
// gone.
func (f *fleet) knows(victim *simtest.Node, dead membership.Node) simtest.Cond {
	return func() string {
		for _, n := range f.nodes {
			v := f.views[n]
			if m, ok := v.Member(dead); n != victim && ok && m.Status != membership.Down && v.Reachability().Worst(dead) == membership.Reachable {
				return fmt.Sprintf("%v doesn't know", n)
			}
		}
		return ""
	}
}

// crashes lets a fleet of n form, and processes die one after the other. It
// returns how long the forming took, and how long until all knew of each.
func crashes(seed uint64, n, count int) (formed time.Duration, known []time.Duration, err error) {
	err = simtest.Measure(seed, func(w *simtest.World) {
		f := newFleet(w, n)
		w.Until("all up", 10*time.Minute, w.AllUp(f.nodes...))
		formed = w.Elapsed()
		chance := w.Rand("crashes")
		w.Run(10 * time.Second)
		for range count {
			w.Run(time.Duration(chance.IntN(1000)) * time.Millisecond)
			victim := f.nodes[chance.IntN(n)]
			dead := membership.Node{Addr: victim.Addr(), UID: victim.UID()}
			began := w.Elapsed()
			w.PowerOff(victim)
			w.Until("all know", time.Minute, f.knows(victim, dead))
			known = append(known, w.Elapsed()-began)
			w.Restart(victim)
			w.Until("all up again", time.Minute, w.AllUp(f.nodes...))
			w.Run(5 * time.Second) // its rhythm must be known again
		}
	})
	return formed, known, err
}

// suspicions counts how often a node that lives is held for unreachable, an
// hour and a node. When noisy, two of a hundred messages stall, and each
// process stands still once a minute, for half a second on average.
func suspicions(seed uint64, n int, span time.Duration, noisy bool) (perNodeHour float64, err error) {
	err = simtest.Measure(seed, func(w *simtest.World) {
		s := w.Swarm()
		s.LatencyTail = time.Millisecond
		w.SetSwarm(s)
		f := newFleet(w, n)
		w.Until("all up", time.Minute, w.AllUp(f.nodes...))
		w.Run(10 * time.Second)
		clear(f.said)
		if !noisy {
			w.Run(span)
		} else {
			s.Stall = 0.02
			w.SetSwarm(s)
			disturb(w, f.nodes, span, w.Rand("pauses"))
		}
		perNodeHour = float64(len(f.said)) / float64(n) / span.Hours()
	})
	return perNodeHour, err
}

func disturb(w *simtest.World, nodes []*simtest.Node, span time.Duration, chance *rand.Rand) {
	end := w.Elapsed() + span
	for w.Elapsed() < end {
		w.Run(time.Duration(chance.ExpFloat64() * float64(time.Minute) / float64(len(nodes))))
		w.Pause(nodes[chance.IntN(len(nodes))], time.Duration(chance.ExpFloat64()*float64(500*time.Millisecond)))
	}
}

// percentile returns the value below which the share p of all lies.
func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}
