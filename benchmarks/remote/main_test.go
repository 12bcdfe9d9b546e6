package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/keys"
)

// TestContenders runs every exchange once, small: nothing is lost and all is answered.
func TestContenders(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, keys.Make(dir))
	for _, name := range []string{bare, product, withTLS, polling} {
		for title, exchange := range map[string]func(c contender) error{
			"one way":         func(c contender) error { _, err := c.oneWay(2000, 16, 0); return err },
			"with a window":   func(c contender) error { _, err := c.oneWay(100, 64<<10, 32); return err },
			"much":            func(c contender) error { _, err := c.oneWay(500, 64<<10, 0); return err },
			"round trips":     func(c contender) error { _, err := c.rounds(200, 1, false); return err },
			"many at once":    func(c contender) error { _, err := c.rounds(2000, 100, false); return err },
			"several askers":  func(c contender) error { _, err := c.rounds(640, 64, true); return err },
			"at a fixed rate": func(c contender) error { return c.atRate(newOpenLoop(20_000, 100*time.Millisecond)) },
		} {
			t.Run(name+", "+title, func(t *testing.T) {
				var addr string
				if name == bare {
					var err error
					addr, err = serveFloor()
					require.NoError(t, err)
				} else {
					cfg, err := configOf(name, dir)
					require.NoError(t, err)
					rem, err := serveAnswers(cfg)
					require.NoError(t, err)
					addr = rem.Addr()
				}
				c, err := setting{name: name, addrs: []string{addr}, keys: dir}.dial()
				require.NoError(t, err)
				require.NoError(t, exchange(c))
			})
		}
	}
}

func TestPeers(t *testing.T) {
	addrs, err := serveMany(3, true)
	require.NoError(t, err)
	peers, err := dialMany(addrs)
	require.NoError(t, err)
	got, err := besideSlow(peers, 50, true)
	require.NoError(t, err)
	require.Positive(t, got[""])
	got, err = memory(addrs[1:], 100)
	require.NoError(t, err)
	require.Contains(t, got, "idle")
	require.Contains(t, got, "busy")
	got, err = peers[1].urgentWhileFull(3)
	require.NoError(t, err)
	require.Positive(t, got["max"])
}

func TestMedian(t *testing.T) {
	mid, spread := median([]float64{3, 1, 2})
	require.Equal(t, 2.0, mid)
	require.Equal(t, 100.0, spread)
}

func TestTableAndChartHaveARowForEveryFigure(t *testing.T) {
	var rows []row
	for _, w := range workloads(1) {
		samples := map[string][]float64{}
		for i, name := range w.contenders {
			samples[name] = []float64{float64(1 + i)}
		}
		rows = append(rows, row{workload: w, figure: w.targetOf, samples: samples})
	}
	var out bytes.Buffer
	require.NoError(t, table(&out, rows))
	require.Equal(t, len(rows)+1, bytes.Count(out.Bytes(), []byte("\n")))
	require.Contains(t, out.String(), "≥ 0.18")
	require.Contains(t, out.String(), "2.00")
	bars := 0
	for _, s := range sections(rows) {
		for _, b := range s.Bars {
			require.Contains(t, []float64{2, 0.5}, b.Good)
			bars++
		}
	}
	require.Equal(t, len(rows)-2, bars, "all that have a base")
}

func TestOnly(t *testing.T) {
	var ids []string
	for _, w := range workloads(1) {
		if (options{only: "T,R2,O"}).wants(w) {
			ids = append(ids, w.id)
		}
	}
	require.Equal(t, []string{"R2", "T1", "T1k", "T2", "T3", "O", "O 10 k", "O 30 k", "O 100 k"}, ids)
}
