package main

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/chart"
)

// TestEveryWorkloadRuns runs each once, as small as it can be, for every
// contender: what it measures here means nothing.
func TestEveryWorkloadRuns(t *testing.T) {
	for _, w := range workloads(5000) {
		t.Run(w.id, func(t *testing.T) {
			require.True(t, w.load == 0 || w.of != "", "where does the rate come from?")
			for _, c := range w.contenders {
				f := w.run(c, 1e5)
				require.NotEmpty(t, f, c)
				for name, v := range f {
					require.Contains(t, figureOrder, name, "would not be printed")
					require.GreaterOrEqual(t, v, 0.0, "%s, %s", c, name)
				}
			}
		})
	}
}

func TestWhatMustNotGoWrong(t *testing.T) {
	for _, w := range workloads(5000) {
		switch w.id {
		case "F2":
			require.Equal(t, figures{"": 90}, w.run(product, 0))
		}
	}
}

func TestWorkloadsHaveNames(t *testing.T) {
	ids := map[string]bool{}
	for _, w := range workloads(1) {
		require.False(t, ids[w.id], w.id)
		ids[w.id] = true
		require.NotContains(t, w.id, ",", "it is an argument")
		require.Equal(t, len(w.contenders), len(slices.Compact(slices.Sorted(slices.Values(w.contenders)))), w.id)
	}
}

func TestChosen(t *testing.T) {
	all := workloads(1)
	some, err := chosen(all, "O2,L8")
	require.NoError(t, err)
	var ids []string
	for _, w := range some {
		ids = append(ids, w.id)
	}
	require.Equal(t, []string{"O2", "O2 25 %", "O2 50 %", "O2 75 %", "L8", "L8 1M"}, ids)
	_, err = chosen(all, "L1,L77")
	require.ErrorContains(t, err, `no workload "L77"`)
	some, err = chosen(all, "")
	require.NoError(t, err)
	require.Len(t, some, len(all))
}

func TestSkynetSize(t *testing.T) {
	for _, c := range []struct{ full, scale, want int }{
		{1_000_000, 1, 1_000_000}, {1_000_000, 10, 100_000}, {1_000_000, 50, 10_000}, {100_000, 100, 1000}, {100_000, 100_000, 1000},
	} {
		require.Equal(t, c.want, skynetSize(c.full, c.scale), "%d / %d", c.full, c.scale)
	}
}

func TestPercentiles(t *testing.T) {
	l := newLatencies(10_000)
	for i := range l.each {
		l.each[i] = 1 << 31 // the first tenth doesn't count
		if i >= 1000 {
			l.each[i] = uint32(10_000-i) * 1000 // 9000 µs down to 1 µs
		}
	}
	require.Equal(t, figures{"p50": 4500, "p90": 8100, "p99": 8910, "p99.9": 8991, "max": 9000}, l.figures())
	require.Equal(t, figures{"p50": 7, "p90": 7, "p99": 7, "p99.9": 7, "max": 7}, latencies{each: []uint32{7000}}.figures())
}

func TestDriveKeepsToTheSchedule(t *testing.T) {
	const held = 20 * time.Millisecond
	s := schedule{n: 20, gap: float64(2 * time.Millisecond)}
	l := newLatencies(s.n)
	begun := time.Now()
	next := 0
	s.drive(begun, func(i int) {
		require.Equal(t, next, i)
		next++
		require.GreaterOrEqual(t, time.Since(begun), s.due(i), "before it was due")
		if i == 0 {
			time.Sleep(held) // the sender is held up
		}
		l.note(s, begun, i)
	})
	require.Equal(t, s.n, next)
	for i := range 10 { // those due meanwhile took as long as they had to wait
		require.GreaterOrEqual(t, time.Duration(l.each[i]), held-s.due(i), "message %d", i)
	}
}

func TestPacedIsBounded(t *testing.T) {
	require.Equal(t, 2_000_000, paced(1e6, 2*time.Second).n)
	require.Equal(t, 1000, paced(10, time.Second).n, "enough for percentiles")
	require.Equal(t, 50_000_000, paced(1e9, 2*time.Second).n)
	require.Equal(t, 2*time.Second, paced(1e6, 2*time.Second).due(2_000_000))
}

func madeUp() []row {
	sample := func(v float64) []float64 { return []float64{v, v * 0.9, v * 1.1} }
	return []row{
		newRow(workload{id: "L4", what: "ping-pong", unit: "ns", target: 0.4, contenders: besideFloor}, "", map[string][]float64{
			channels: sample(200), queue: sample(400), product: sample(100)}),
		newRow(workload{id: "O1 25 %", what: "tell at 2 M/s", unit: "µs", contenders: besideFloor, load: 0.25, of: "O1"}, "p99", map[string][]float64{
			channels: sample(8), queue: sample(4), product: sample(6)}),
		newRow(workload{id: "F2", what: "refused & known", higher: true, contenders: []string{product}}, "", map[string][]float64{
			product: sample(90)}),
		newRow(workload{id: "S1", what: "one way", unit: "ns", contenders: []string{bare, "labels"}}, "", map[string][]float64{
			bare: sample(50), "labels": sample(75)}),
	}
}

func TestTables(t *testing.T) {
	var b strings.Builder
	tables(&b, madeUp())
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	require.Equal(t, []string{
		"id what channels queue troupe unit of the floor target",
		"L4 ping-pong 200 ±10 % 400 ±10 % 100 ±10 % ns 0.50 ≤ 0.40",
		"O1 25 % tell at 2 M/s, p99 8 ±10 % 4 ±10 % 6 ±10 % µs 1.50",
		"F2 refused & known – – 90 ±10 %",
		"",
		"id what with unit of the first",
		"S1 one way bare 50 ±10 % ns",
		"S1 one way labels 75 ±10 % ns 1.50",
	}, lines)
}

func TestChart(t *testing.T) {
	svg := string(chart.Draw(sections(madeUp())))
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := decoder.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	for _, want := range []string{"throughput:", ">2.00<", "latency", ">0.67<", "with a feature", "S1 one way: labels"} {
		require.Contains(t, svg, want)
	}
	require.NotContains(t, svg, "bare<", "nothing is compared with itself")
	require.Equal(t, 3, strings.Count(svg, "<rect"))
}

func TestCapacity(t *testing.T) {
	rows := []row{newRow(workload{id: "O1", contenders: besideFloor}, "", map[string][]float64{product: {1, 3, 2}})}
	require.Equal(t, 2e6, capacity(rows, "O1"))
	require.Zero(t, capacity(rows, "O2"))
}
