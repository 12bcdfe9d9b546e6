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

// C7: the whole cluster prepares for its end, takes nobody in any more, and goes
// in any order.
func TestAClusterIsShutDownAsAWhole(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		order := w.Rand("order").Perm(5)
		require.NoError(w.T(), nodes[order[0]].Cluster().PrepareForShutdown())
		w.Until("all ready", 10*time.Second, allReady(nodes))
		for _, k := range order {
			n := nodes[k]
			w.Run(time.Duration(w.Rand("pause").IntN(3000)) * time.Millisecond)
			cl, sys := n.Cluster(), n.System()
			n.Go(func() { _ = sys.Stop(context.Background()) })
			w.Until("it has left", time.Minute, simtest.That(func() bool { return cl.Ended().IsOpen() }))
			require.ErrorContains(w.T(), cl.Err(), "left the cluster")
		}
	})
}

// allReady is the condition that the nodes may be stopped in any order.
func allReady(nodes []*simtest.Node) simtest.Cond {
	return simtest.That(func() bool {
		for _, n := range nodes {
			if n.Cluster().Status() != membership.ReadyForShutdown {
				return false
			}
		}
		return true
	})
}

// C7, S6: while a cluster prepares for its end all of it serves, and nothing moves,
// although one node has no shard. When the nodes leave, the singleton goes with
// its own, and so do the shards: another node takes one only to answer who asks.
// Everybody leaves in order. When nobody is left, those that were started again
// form a new cluster, with all there was.
func TestNothingMovesWhenAServiceIsShutDown(t *testing.T) {
	simtest.Run(t, 8, func(w *simtest.World) {
		s := newService(w, 5)
		s.shards, s.passive = 40, time.Minute
		s.calm()
		s.entities.Strict, s.clerks.Strict = true, true
		homes := map[string]string{}
		old := uint64(s.nodes[0].Cluster().State().Created)
		closing := map[*simtest.Node]int{} // the process that prepares, of each node
		stopped := map[string]bool{}       // the nodes that were asked to stop
		s.began = func(n *simtest.Node, id string, epoch actor.Epoch) {
			home, known := homes[id]
			homes[id] = n.Name()
			if len(closing) == 0 || epoch.Cluster != old {
				return
			}
			if n.Process() != closing[n] {
				w.Failf("%s begins on %v, which wasn't to be let in", id, n)
			}
			if known && home != n.Name() && (id == clerk || !stopped[home]) {
				w.Failf("%s moves from %s to %v", id, home, n)
			}
		}
		s.all(10*time.Second, 4*idCount) // so many shards that one without any is an imbalance
		order := w.Rand("order").Perm(5)
		empty := s.nodes[order[4]]
		before := empty.Process()
		empty.Go(func() { empty.System().BeginStop("to come back without shards") })
		w.Until("it has gone", time.Minute, simtest.That(func() bool { return empty.Process() > before }))
		w.Until("it is back", time.Minute, w.AllUp(s.nodes...))
		require.NoError(w.T(), s.nodes[order[0]].Cluster().PrepareForShutdown())
		w.Until("all ready", 10*time.Second, allReady(s.nodes))
		for _, n := range s.nodes {
			closing[n] = n.Process()
		}
		w.Run(tryFor) // who asked the node that went then gets no answer
		s.failed = 0
		w.Run(30 * time.Second) // three looks at the balance
		s.all(5*time.Second, idCount)
		require.Zero(w.T(), s.failed, "all the time there is an answer")

		var gone []*cluster.Cluster
		for _, k := range order {
			w.Run(time.Duration(w.Rand("pause").IntN(3000)) * time.Millisecond)
			n := s.nodes[k]
			cl, sys := n.Cluster(), n.System()
			n.Go(func() { _ = sys.Stop(context.Background()) })
			gone, stopped[n.Name()] = append(gone, cl), true
		}
		w.Until("all have left", time.Minute, simtest.That(func() bool {
			for _, cl := range gone {
				if !cl.Ended().IsOpen() {
					return false
				}
			}
			return true
		}))
		for _, cl := range gone {
			require.ErrorIs(w.T(), cl.Err(), cluster.ErrLeft)
		}
		w.Until("a new cluster", time.Minute, w.AllUp(s.nodes...))
		require.NotEqual(w.T(), old, uint64(s.nodes[0].Cluster().State().Created))
		s.all(time.Minute, idCount)
		s.end()
	})
}
