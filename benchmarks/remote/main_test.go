package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestContenders runs every exchange once, small: nothing is lost and all is answered.
func TestContenders(t *testing.T) {
	for name, start := range map[string]struct {
		serve func() (string, error)
		dial  func(string) (contender, error)
	}{"floor": {serveFloor, dialFloor}, "troupe": {serveTroupe, dialTroupe}} {
		for title, exchange := range map[string]func(c contender) error{
			"one way":        func(c contender) error { _, err := c.oneWay(2000, 16, 0); return err },
			"with a window":  func(c contender) error { _, err := c.oneWay(100, 64<<10, 32); return err },
			"much":           func(c contender) error { _, err := c.oneWay(500, 64<<10, 0); return err },
			"round trips":    func(c contender) error { _, err := c.rounds(200, 1, false); return err },
			"many at once":   func(c contender) error { _, err := c.rounds(2000, 100, false); return err },
			"several askers": func(c contender) error { _, err := c.rounds(640, 64, true); return err },
		} {
			t.Run(name+", "+title, func(t *testing.T) {
				addr, err := start.serve()
				require.NoError(t, err)
				c, err := start.dial(addr)
				require.NoError(t, err)
				require.NoError(t, exchange(c))
			})
		}
	}
}

func TestMedian(t *testing.T) {
	mid, spread := median([]float64{3, 1, 2})
	require.Equal(t, 2.0, mid)
	require.Equal(t, 100.0, spread)
}
