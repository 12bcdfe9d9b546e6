package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
)

func TestLeave(t *testing.T) { // C36, F-09
	t.Run("one after the other", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1")
			for i, n := range nodes {
				begin := time.Now()
				require.NoError(t, n.cl.Leave(context.Background()))
				require.Less(t, time.Since(begin), 4*time.Second, "%s", n.addr)
				require.ErrorIs(t, n.cl.Err(), cluster.ErrLeft)
				w.allUp(2*time.Second, nodes[i+1:]...)
			}
		})
	})
	t.Run("all at once", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1")
			begin := time.Now()
			for _, n := range nodes {
				require.True(t, n.sys.BeginStop("test"))
			}
			for _, n := range nodes {
				<-n.sys.Stopped().Done()
				require.ErrorIs(t, n.cl.Err(), cluster.ErrLeft)
			}
			require.Less(t, time.Since(begin), 10*time.Second)
		})
	})
	t.Run("asked by another node", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			nodes := w.form("a:1", "b:1", "c:1")
			nodes[0].cl.Dismiss("c:1")
			<-nodes[2].sys.Stopped().Done()
			require.ErrorIs(t, nodes[2].cl.Err(), cluster.ErrLeft)
			w.allUp(2*time.Second, nodes[:2]...)
		})
	})
	t.Run("in the order of the phases", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			nodes := w.form("a:1", "b:1")
			b := nodes[1]
			var saw []string
			for _, p := range []actor.Phase{actor.PhaseClusterShardingRegion, actor.PhaseClusterExiting} {
				require.NoError(t, b.sys.OnStop(p, "test", func(context.Context) error {
					m, _ := b.cl.State().Member(b.cl.Self())
					saw = append(saw, fmt.Sprintf("%s: %v", p, m.Status))
					return nil
				}))
			}
			b.stop()
			require.Equal(t, []string{"cluster-sharding-shutdown-region: up", "cluster-exiting: exiting"}, saw)
		})
	})
	t.Run("while another node can't be reached: once that is downed", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1")
			for _, n := range nodes[1:] {
				w.net.Stall("a:1", n.addr)
			}
			<-time.After(4 * time.Second)
			b := nodes[1]
			begin := time.Now()
			b.stop()
			require.Less(t, time.Since(begin), 15*time.Second)
			require.ErrorIs(t, b.cl.Err(), cluster.ErrLeft)
			w.allUp(5*time.Second, nodes[2:]...)
		})
	})
	t.Run("while nobody downs what can't be reached: it goes all the same", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			w.change = func(c *cluster.Config) { c.Downing = downing.Off{} }
			nodes := w.form("a:1", "b:1", "c:1")
			w.net.Stall("a:1", "b:1")
			w.net.Stall("a:1", "c:1")
			<-time.After(4 * time.Second)
			begin := time.Now()
			nodes[1].stop()
			require.Less(t, time.Since(begin), 20*time.Second)
			require.ErrorIs(t, nodes[1].cl.Err(), cluster.ErrLeft)
			require.ErrorContains(t, nodes[1].cl.Err(), "could not agree")
		})
	})
	t.Run("messages sent before the end arrive before Terminated", func(t *testing.T) {
		inTown(t, func(t *testing.T, w *town) {
			nodes := w.form("a:1", "b:1")
			got := nodes[0].watcher(nodes[1].echo("x", nodes[0]))
			synctest.Wait()
			nodes[1].stop()
			synctest.Wait()
			require.Len(t, got, 1)
		})
	})
}
