package simtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// C7: the whole cluster prepares for its end, takes nobody in any more, and goes
// in any order.
func TestAClusterIsShutDownAsAWhole(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		nodes := fleet(w, 5, simtest.Clustered{})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		order := w.Rand("order").Perm(5)
		require.NoError(w.T(), nodes[order[0]].Cluster().PrepareForShutdown())
		w.Until("all ready", 10*time.Second, simtest.That(func() bool {
			for _, n := range nodes {
				if n.Cluster().Status() != membership.ReadyForShutdown {
					return false
				}
			}
			return true
		}))
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
