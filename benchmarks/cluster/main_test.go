package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFiguresOfTheSimulation takes the measurements that cost little and holds
// them to their targets.
func TestFiguresOfTheSimulation(t *testing.T) {
	t.Run("formation, and a crash known to all of five", func(t *testing.T) {
		formed, known, err := crashes(1, 5, 5)
		require.NoError(t, err)
		require.Len(t, known, 5)
		require.Less(t, formed, time.Second)
		require.LessOrEqual(t, percentile(known, 1), 4500*time.Millisecond)
		require.Greater(t, percentile(known, 0), 3*time.Second, "sooner would be a guess")
	})
	t.Run("no suspicion while it is quiet", func(t *testing.T) {
		rate, err := suspicions(1, 5, 5*time.Minute, false)
		require.NoError(t, err)
		require.Zero(t, rate)
	})
	t.Run("noise is noticed", func(t *testing.T) {
		_, err := suspicions(1, 5, time.Minute, true)
		require.NoError(t, err)
	})
	t.Run("a change among thirty", func(t *testing.T) {
		s, err := spread(1, 30)
		require.NoError(t, err)
		require.LessOrEqual(t, s.idle, 200)
		require.LessOrEqual(t, s.bytes, 4096)
		require.Positive(t, s.have)
		require.LessOrEqual(t, s.have, s.know)
		require.LessOrEqual(t, s.know, 3500*time.Millisecond)
	})
}

func TestPercentile(t *testing.T) {
	require.Zero(t, percentile(nil, 0.5))
	all := []time.Duration{4, 1, 3, 2}
	require.Equal(t, time.Duration(3), percentile(all, 0.5))
	require.Equal(t, time.Duration(4), percentile(all, 0.99))
	require.Equal(t, time.Duration(4), percentile(all, 1))
}

func TestPlotsAreWellFormed(t *testing.T) {
	for _, points := range [][][2]float64{{{5, 0}}, {{5, 4.2}, {20, 4.6}, {100, 5}}} {
		svg := plot("a & b", "s", []line{{"x", points}, {"y", points}})
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
		require.NotContains(t, string(svg), "NaN")
	}
}
