package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
)

// SB-5: what a margin must cover follows from the settings.
func TestHowMuchLaterALosingSideMayStop(t *testing.T) {
	for title, c := range map[string]struct {
		cfg  cluster.Config
		want time.Duration
	}{
		"the defaults":              {cluster.Config{}, 2875 * time.Millisecond},
		"a fixed rhythm":            {cluster.Config{Heartbeat: cluster.Heartbeat{Fixed: true}}, 2750 * time.Millisecond},
		"rare heartbeats":           {cluster.Config{Heartbeat: cluster.Heartbeat{Every: 2 * time.Second}}, 6250 * time.Millisecond},
		"a patient detector":        {cluster.Config{Heartbeat: cluster.Heartbeat{AcceptablePause: time.Minute}}, 2875 * time.Millisecond},
		"a lease":                   {cluster.Config{Downing: downing.LeaseMajority{}}, 9875 * time.Millisecond},
		"a lease that is soon free": {cluster.Config{Downing: downing.LeaseMajority{}, Lease: cluster.Lease{TTL: 6 * time.Second}}, 5875 * time.Millisecond},
		"nobody stops by itself":    {cluster.Config{Downing: downing.Off{}}, 0},
	} {
		require.Equal(t, c.want, c.cfg.OutOfStep(), title)
	}
}

func TestAMarginThatIsTooSmallIsRefused(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.open("a:1")
		margin, err := a.cl.RemovalMargin(0)
		require.NoError(t, err)
		require.Equal(t, 3*time.Second, margin)
		margin, err = a.cl.RemovalMargin(5 * time.Second)
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, margin)
		_, err = a.cl.RemovalMargin(time.Second)
		require.ErrorContains(t, err, "RemovalMargin 1s")
		require.ErrorContains(t, err, "up to 2.875s")
		require.ErrorContains(t, err, "raise RemovalMargin")
	})
	inTown(t, func(t *testing.T, w *town) {
		slow := w.open("a:1", func(c *cluster.Config) { c.Heartbeat.Every = 2 * time.Second })
		margin, err := slow.cl.RemovalMargin(0)
		require.NoError(t, err)
		require.Equal(t, 6250*time.Millisecond, margin, "the default suits the settings")
	})
}
