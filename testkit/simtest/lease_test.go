package simtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/lease"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// leased is the program of nodes that share a lease outside of the network.
func leased() simtest.Clustered {
	store := lease.NewMemory()
	return simtest.Clustered{Adjust: func(_ *simtest.Node, cfg *cluster.Config) {
		cfg.Downing, cfg.Lease.Store = downing.LeaseMajority{}, store
	}}
}

// B5, B7, SB-1: whatever the cut, one side goes on, and it is the larger one
// if that lives.
func TestTheLeaseDecides(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		nodes := fleet(w, 5, leased())
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		r := w.Rand("cut")
		order, small := r.Perm(5), 1+r.IntN(2)
		var minority, majority []*simtest.Node
		for i, k := range order {
			if i < small {
				minority = append(minority, nodes[k])
			} else {
				majority = append(majority, nodes[k])
			}
		}
		w.Partition(w.Side(minority...), w.Side(majority...))
		w.Until("the majority goes on alone", time.Minute, w.AllUp(majority...))
		w.Until("the minority has ended", time.Minute, simtest.That(func() bool {
			for _, n := range minority {
				if n.Process() == 1 {
					return false
				}
			}
			return true
		}))
		for _, n := range majority {
			require.Equal(w.T(), 1, n.Process(), "%v", n)
		}
		w.Heal()
		w.Until("all up again", time.Minute, w.AllUp(nodes...))
	})
}

// F-15: when the majority dies at once, the rest goes on with the lease.
func TestTheRestGoesOnWithTheLease(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		nodes := fleet(w, 5, leased())
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		order := w.Rand("victims").Perm(5)
		for _, k := range order[:3] {
			w.PowerOff(nodes[k])
		}
		rest := []*simtest.Node{nodes[order[3]], nodes[order[4]]}
		w.Until("two go on", time.Minute, w.AllUp(rest...))
		for _, n := range rest {
			require.Equal(w.T(), 1, n.Process(), "%v", n)
		}
	})
}

// B7: links break one after another, in no order, and some only one way; in the
// end all nodes are in one cluster again.
func TestTheLeaseInChaos(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		w.SetSwarm(simtest.DrawSwarm(w.Rand("swarm")))
		nodes := fleet(w, 5, leased())
		w.Chaos(2*time.Minute, nodes...)
		w.Until("all in one cluster", 5*time.Minute, w.AllUp(nodes...))
	})
}
