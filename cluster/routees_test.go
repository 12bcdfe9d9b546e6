package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/router"
)

func TestRoutees(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		web := func(c *cluster.Config) { c.Roles = []string{"web"} }
		a, b := w.open("a:1"), w.open("b:1", web)
		w.allUp(10*time.Second, a, b)
		got := make(chan []actor.PID, 100)
		source := a.cl.Routees("/user/x", "web")
		_ = router.Source(source)
		cancel, err := source.Follow(func(pids []actor.PID) { got <- pids })
		require.NoError(t, err)
		addrs := func() string {
			out := ""
			for _, p := range <-got {
				require.Equal(t, "/user/x", p.Path())
				out += p.Location().Addr + " "
			}
			return out
		}
		require.Equal(t, "b:1 ", addrs())
		c := w.open("c:1", web)
		w.allUp(10*time.Second, a, b, c)
		require.Equal(t, "b:1 c:1 ", addrs())
		w.net.Stall("a:1", "c:1")
		w.net.Stall("b:1", "c:1")
		require.Equal(t, "b:1 ", addrs(), "c can't be reached")
		synctest.Wait()
		cancel()
		w.net.Heal("a:1", "c:1")
		w.net.Heal("b:1", "c:1")
		w.allUp(10*time.Second, a, b, c)
		require.Empty(t, got)
		local := make(chan []actor.PID, 100)
		_, err = a.cl.Routees("/user/x", "").Follow(func(pids []actor.PID) { local <- pids })
		require.NoError(t, err)
		pids := <-local
		require.Len(t, pids, 3)
		require.True(t, pids[0].IsLocal())
	})
}
