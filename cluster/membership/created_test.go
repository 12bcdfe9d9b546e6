package membership

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The clock of the node that forms a cluster again is an hour behind the stamp
// of the former one, which CreatedAfter names.
func TestTheStampOfANewClusterIsNewerThanWhatTheJournalHasSeen(t *testing.T) {
	w := newWorld(t, 1)
	former := w.now.Add(time.Hour).UnixNano()
	w.config = func(c *Config) { c.CreatedAfter = former }
	a := w.start("a", "a")
	w.until("cluster", time.Second, w.allUp("a"))
	require.Greater(t, a.core.View().Created, former)
	require.True(t, a.warned("the clock of this node is 1h0m0s behind"), a.said)
}

func TestAStampThatTheClockHasPassedChangesNothing(t *testing.T) {
	w := newWorld(t, 1)
	w.config = func(c *Config) { c.CreatedAfter = w.now.Add(-time.Hour).UnixNano() }
	a := w.start("a", "a")
	w.until("cluster", time.Second, w.allUp("a"))
	require.InDelta(t, w.now.UnixNano(), a.core.View().Created, float64(time.Second))
	require.Empty(t, a.said)
}

func TestANodeThatJoinsWithItsClockBehindTheStampSaysSo(t *testing.T) {
	w := newWorld(t, 1)
	w.config = func(c *Config) { c.CreatedAfter = w.now.Add(time.Minute).UnixNano() }
	w.start("a", "a")
	w.config = nil
	b := w.start("b", "a")
	w.until("cluster", 10*time.Second, w.allUp("a", "b"))
	require.True(t, b.warned("behind the stamp of the cluster"), b.said)
}

func TestAStampWithoutRoomAboveIsRefused(t *testing.T) {
	for _, bad := range []int64{-1, math.MaxInt64} {
		require.ErrorContains(t, Config{CreatedAfter: bad}.Validate(), "CreatedAfter")
	}
}
