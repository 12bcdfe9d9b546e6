package remote

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pollClock goes on by a microsecond with every look at it.
type pollClock struct{ now time.Time }

func (c *pollClock) Now() time.Time {
	c.now = c.now.Add(time.Microsecond)
	return c.now
}

func TestPollingLooksForMoreWhereThereMostlyIsMore(t *testing.T) {
	clock := &pollClock{}
	var shared polling
	tries := 0
	never := func() int { tries++; return 0 }
	after := func(n int) func() int {
		return func() int {
			if tries++; tries == n {
				return 7
			}
			return 0
		}
	}
	poll := func(p *poller, try func() int) int {
		tries = 0
		p.shared.latest.Store(p.number)
		return p.poll(clock.Now, try)
	}
	t.Run("as long as it is worth it", func(t *testing.T) {
		p := &poller{shared: &shared}
		for range 10 {
			require.Equal(t, 7, poll(p, after(5)))
			require.Equal(t, 5, tries, "no more than it takes")
		}
		require.Zero(t, poll(p, never))
		require.InDelta(t, int(pollAdaptive/time.Microsecond), tries, 2, "that is how long it looks")
		require.Zero(t, poll(p, never))
		require.Zero(t, tries, "it was in vain, so once not")
		require.Equal(t, 7, poll(p, after(5)))
		require.Equal(t, 7, poll(p, after(5)), "there is more again")
	})
	t.Run("hardly ever where there never is more", func(t *testing.T) {
		p := &poller{shared: &shared}
		most := 0
		for range 100_000 {
			poll(p, never)
			most += tries
		}
		require.Less(t, most, 100_000/10, "one look in 1024 pieces, of some 50 tries")
		polled := false
		for range 1 << pollPatience {
			polled = polled || poll(p, after(1)) > 0
		}
		require.True(t, polled, "but it is tried")
	})
	t.Run("not for what is over", func(t *testing.T) {
		p := &poller{shared: &shared}
		require.Zero(t, poll(p, func() int { tries++; return -1 }))
		require.Equal(t, 1, tries)
	})
	t.Run("not always, as others may have something to say", func(t *testing.T) {
		p := &poller{shared: &shared}
		polled := 0
		for range 10 * (pollTurns + 1) {
			if poll(p, after(1)) > 0 {
				polled++
			}
		}
		require.Equal(t, 10*pollTurns, polled)
	})
	t.Run("not where others have something to say", func(t *testing.T) {
		p, other := shared.poller(0), shared.poller(0)
		p.skip, other.skip = 0, 0
		find := func() int { return 7 }
		for range 3 {
			require.Zero(t, p.poll(clock.Now, find))
			require.Zero(t, other.poll(clock.Now, find))
		}
		require.Equal(t, 7, other.poll(clock.Now, find), "the second in a row")
		require.Equal(t, 7, other.poll(clock.Now, find))
		require.Zero(t, p.poll(clock.Now, find))
	})
	t.Run("not before anything has come", func(t *testing.T) {
		p := shared.poller(0)
		require.Zero(t, poll(&p, after(1)))
		require.Equal(t, 7, poll(&p, after(1)))
	})
	t.Run("always for so long", func(t *testing.T) {
		p := &poller{shared: &shared, fixed: 100 * time.Microsecond}
		for range 10 {
			require.Zero(t, poll(p, never))
			require.InDelta(t, 100, tries, 2)
		}
	})
	t.Run("never", func(t *testing.T) {
		require.Zero(t, poll(&poller{shared: &shared, fixed: -1}, after(1)))
		require.Zero(t, tries)
	})
}
