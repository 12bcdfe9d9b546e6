package cluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/lease"
	"github.com/troupe-go/troupe/cluster/membership"
)

func TestLeaseMajority(t *testing.T) { // B5, F-15
	settings := func(store lease.Store) func(*cluster.Config) {
		return func(c *cluster.Config) {
			c.Downing = downing.LeaseMajority{StableAfter: 1500 * time.Millisecond, MinorityDelay: time.Second, ReleaseAfter: 3 * time.Second}
			c.Lease = cluster.Lease{Store: store, Name: "test"}
		}
	}
	owner := func(t *testing.T, store lease.Store) string {
		r, err := store.Get(context.Background(), "test")
		require.NoError(t, err)
		return r.Owner
	}
	split := func(w *town, left, right []*node) {
		for _, x := range left {
			for _, y := range right {
				w.net.Stall(x.addr, y.addr)
			}
		}
	}
	t.Run("the larger side gets it, and gives it back", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			store := lease.NewMemory()
			w.change = settings(store)
			nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1")
			split(w, nodes[:3], nodes[3:])
			w.allUp(15*time.Second, nodes[:3]...)
			require.Equal(t, nodes[0].cl.Self().String(), owner(t, store))
			for _, n := range nodes[3:] {
				<-n.cl.Done()
				require.ErrorIs(t, n.cl.Err(), cluster.ErrDowned)
			}
			<-time.After(4 * time.Second)
			require.Empty(t, owner(t, store))
		})
	})
	t.Run("somebody else has it already: that side goes on, though it is the smaller", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			store := lease.NewMemory()
			w.change = settings(store)
			nodes := w.form("a:1", "b:1", "c:1")
			mine, err := lease.New(nodes[0].sys, store, lease.Settings{Name: "test", Owner: nodes[0].cl.Self().String()})
			require.NoError(t, err)
			_, err = mine.Acquire(context.Background(), nil)
			require.NoError(t, err)
			split(w, nodes[:1], nodes[1:])
			for _, n := range nodes[1:] {
				<-n.cl.Done()
				require.ErrorIs(t, n.cl.Err(), cluster.ErrDowned)
			}
			w.allUp(15*time.Second, nodes[0])
		})
	})
	t.Run("a strategy that needs one is refused without", func(t *testing.T) {
		quiet := zerolog.Nop()
		sys, err := actor.NewSystem("x", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(context.Background())) }()
		_, err = cluster.Open(sys, cluster.Config{Downing: downing.LeaseMajority{}})
		require.ErrorContains(t, err, "Lease.Store is nil: hand in the store that all nodes share")
		_, err = cluster.Open(sys, cluster.Config{Downing: downing.LeaseMajority{}, Lease: cluster.Lease{Store: lease.NewMemory(), Name: "no name"}})
		require.ErrorContains(t, err, "letters, digits")
	})
}

// Over sockets and files: two nodes that share a folder can't hear each other any
// more. Which of them goes on is up to the lease.
func TestLeaseMajorityOverTCPAndFiles(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	quiet := zerolog.Nop()
	dir := t.TempDir()
	var all []*cluster.Cluster
	var seeds []string
	for range 2 {
		store, err := lease.NewFiles(dir)
		require.NoError(t, err)
		soon := actor.PhaseConfig{Timeout: 100 * time.Millisecond} // at the end nobody is there who could agree
		sys, err := actor.NewSystem("tcp", actor.Config{Logger: &quiet, Shutdown: map[actor.Phase]actor.PhaseConfig{
			actor.PhaseClusterLeave: soon, actor.PhaseClusterExiting: soon, actor.PhaseClusterExitingDone: soon,
		}})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(ctx)) }()
		cl, err := cluster.Start(ctx, sys, cluster.Config{
			Listen: "127.0.0.1:0", Seeds: seeds, Lease: cluster.Lease{Store: store},
			Downing: downing.LeaseMajority{StableAfter: time.Second},
		})
		require.NoError(t, err)
		if seeds == nil {
			seeds = []string{cl.Self().Addr}
		}
		all = append(all, cl)
	}
	all[0].Remote().Close() // as if its machine were gone: the other hears no more of it
	alone := func(v membership.View) bool { return len(v.Members()) == 1 && v.SelfMember().Status == membership.Up }
	for range all[1].Events(ctx) {
		if alone(all[1].State()) {
			break
		}
	}
	require.NoError(t, ctx.Err())
	if all[1].Err() == nil {
		require.True(t, all[1].IsSingleton())
		return
	}
	require.ErrorIs(t, all[1].Err(), cluster.ErrDowned, "the other, which lives, was faster with the lease")
}
