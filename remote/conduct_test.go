package remote

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

func TestConduct(t *testing.T) {
	type deed struct {
		after time.Duration
		uid   uint64
		count int           // of messages that can't be decoded, all at once
		wait  time.Duration // that comes of it; 0: none
	}
	const one, other = 7, 8
	for title, deeds := range map[string][]deed{
		"a hundred a second, for ever":            {{0, one, 100, 0}, {time.Second, one, 100, 0}, {time.Second, one, 100, 0}},
		"one more":                                {{0, one, 101, time.Second}},
		"one more within the second":              {{0, one, 100, 0}, {500 * time.Millisecond, one, 50, 0}, {0, one, 1, time.Second}},
		"longer each time":                        {{0, one, 101, time.Second}, {2 * time.Second, one, 101, 2 * time.Second}, {3 * time.Second, one, 101, 4 * time.Second}},
		"a minute of good conduct":                {{0, one, 101, time.Second}, {time.Second, one, 101, 2 * time.Second}, {62 * time.Second, one, 101, time.Second}},
		"almost a minute":                         {{0, one, 101, time.Second}, {time.Second + 59*time.Second, one, 101, 2 * time.Second}},
		"another incarnation begins anew":         {{0, one, 101, time.Second}, {time.Second, one, 101, 2 * time.Second}, {0, other, 100, 0}, {0, other, 1, time.Second}},
		"and what the one before has done counts": {{0, one, 100, 0}, {0, other, 1, 0}, {0, other, 99, 0}, {0, other, 1, time.Second}},
	} {
		t.Run(title, func(t *testing.T) {
			c, now := conduct{}, time.Unix(1000, 0)
			for k, d := range deeds {
				now = now.Add(d.after)
				for n := range d.count {
					wait, over := c.garble(now, d.uid)
					require.Equal(t, d.wait > 0 && n == d.count-1, over, "deed %d, message %d", k, n)
					if over {
						require.Equal(t, d.wait, wait, "deed %d", k)
						require.True(t, c.barred(now.Add(wait-1), d.uid))
						require.False(t, c.barred(now.Add(wait), d.uid))
						require.False(t, c.barred(now, d.uid+1), "its successor is welcome")
					}
				}
			}
		})
	}
	c, now := conduct{}, time.Unix(1000, 0)
	for range 20 {
		for range garbledMax + 1 {
			c.garble(now, one)
		}
		now = c.until
	}
	require.Equal(t, barredMost, c.wait, "there is a longest")
}

func TestConductsAreToldApartByLane(t *testing.T) {
	var c conducts
	now := time.Unix(1000, 0)
	require.False(t, c.barred(now, 7, laneOrdinary))
	for range garbledMax + 1 {
		c.garble(now, 7, laneOrdinary)
	}
	require.True(t, c.barred(now, 7, laneOrdinary))
	require.False(t, c.barred(now, 7, laneControl), "heartbeats have done nothing wrong")
}

func TestUnknownTypesAreNoEvidence(t *testing.T) {
	i := &inbound{} // anything else would need more of it
	for range 10 * garbledMax {
		i.garbled(fmt.Errorf("inside: %w", &codec.UnregisteredError{Name: "x"}))
	}
	require.False(t, i.dead.Load())
}
