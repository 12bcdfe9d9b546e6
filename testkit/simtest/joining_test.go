package simtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// townOf adds five clustered nodes, of which the first two are the seeds.
func townOf(w *simtest.World, c simtest.Clustered) (nodes []*simtest.Node) {
	c.Seeds = []string{"a", "b"}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		nodes = append(nodes, w.Node(name, c))
	}
	return nodes
}

// All seeds die and come back, at once or after any time; others live on. There is
// one cluster in the end: a second one is never formed, or ends itself at once.
func TestAClusterThatHasLostItsSeedsGetsThemBack(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		nodes := townOf(w, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		r := w.Rand("schedule")
		lost := nodes[:1+r.IntN(2)]
		dark := false
		for _, n := range lost {
			if r.IntN(4) == 0 {
				dark = true
				w.PowerOff(n)
			} else {
				w.Crash(n)
			}
		}
		w.Run(time.Duration(r.Int64N(int64([]time.Duration{time.Second, 5 * time.Second, time.Minute}[r.IntN(3)]))))
		for _, n := range lost {
			w.Restart(n)
		}
		w.Until("one cluster", 3*time.Minute, w.AllUp(nodes...))
		if !dark { // a machine without power refuses nothing: looking at it takes long
			require.Len(w.T(), w.Members().Clusters(), 1)
		}
	})
}

// Two clusters that a partition has led to say so on every node when it is over; where
// they were told to, the younger one gives way.
func TestTwoClustersThatMeet(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		gives := w.Rand("gives").IntN(2) == 0
		told := map[string]int{}
		nodes := townOf(w, simtest.Clustered{
			Adjust: func(_ *simtest.Node, cfg *cluster.Config) {
				if gives {
					cfg.Membership.YieldFor = membership.Always
				}
			},
			Open: func(n *simtest.Node, cl *cluster.Cluster) error { return countRivals(n, cl, told) },
		})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		w.Partition(nodes[:2], nodes[2:])
		w.Until("the older one goes on", time.Minute, w.AllUp(nodes[2:]...))
		w.Until("the seeds have formed another", time.Minute, w.AllUp(nodes[:2]...))
		w.Run(time.Minute)
		require.Empty(w.T(), told)
		w.Heal()
		if gives {
			w.Until("one cluster", 2*time.Minute, w.AllUp(nodes...))
			return
		}
		w.Run(30 * time.Second)
		w.Until("still two", time.Second, w.AllUp(nodes[:2]...))
		w.Until("still two", time.Second, w.AllUp(nodes[2:]...))
		for _, n := range nodes {
			require.Equal(w.T(), 1, told[n.Name()], n.Name())
		}
	})
}

// countRivals counts how often a node tells of another cluster.
func countRivals(n *simtest.Node, cl *cluster.Cluster, told map[string]int) error {
	pid, err := n.System().Spawn("rivals", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			c, _ := ctx.Message().(cluster.Change)
			for _, e := range c.Events {
				if o, ok := e.(membership.OtherCluster); ok && strings.Contains(o.String(), "there are two clusters") {
					told[n.Name()]++
				}
			}
		})
	})
	if err == nil {
		cl.Subscribe(pid)
	}
	return err
}
