package load

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sample is the result of recording known outcomes.
func sample() *Result {
	c := Config{Targets: []string{"http://127.0.0.1:8082"}, Duration: 20 * time.Second}.filled()
	r := newRecorder(c)
	start := time.Now().Add(-20 * time.Second)
	r.begin(start)
	for i := range 2000 {
		intended := start.Add(time.Duration(i) * 10 * time.Millisecond)
		o := Outcome{Route: operations[i%len(operations)].name, User: "<b>u</b>", Intended: intended, Sent: intended, Done: intended.Add(time.Duration(1+i%100) * time.Millisecond)}
		if i >= 800 && i < 1000 && i%2 == 0 {
			o.Err = "status 503"
		}
		if i == 1500 {
			o.Wrong = "read is <true> and must be false"
		}
		r.outcome(o)
	}
	r.retried("connection lost")
	r.mark("kill -9 <entity-1>")
	res := r.result(20 * time.Second)
	res.Marks[0].At = 8 * time.Second
	return res
}

func TestResultAddsUp(t *testing.T) {
	r := sample()
	require.Equal(t, int64(1900), r.Latency.Count)
	require.Equal(t, int64(100), r.Failed())
	require.InDelta(t, 95, r.Throughput, 0.001)
	require.InDelta(t, 50, r.Latency.P50.Seconds()*1000, 2)
	require.InDelta(t, 99, r.Latency.P99.Seconds()*1000, 2)
	require.InDelta(t, 100, r.Latency.Max.Seconds()*1000, 1)
	require.Equal(t, []ErrorCount{{"status 503", 100}, {"connection lost, retried", 1}}, r.Errors)
	require.Len(t, r.Series, 20)
	require.Equal(t, Point{Latency: r.Series[8].Latency, Errors: 50}, r.Series[8])
	require.Equal(t, int64(50), r.Series[8].Latency.Count)
	require.Equal(t, int64(1), r.WrongAnswers())
	last := r.Percentiles[len(r.Percentiles)-1]
	require.Equal(t, Percentile{100, r.Latency.Max}, last)
	for i := 1; i < len(r.Percentiles); i++ {
		require.GreaterOrEqual(t, r.Percentiles[i].Latency, r.Percentiles[i-1].Latency)
	}
}

func TestTextEndsWithTheVerdict(t *testing.T) {
	r := sample()
	r.Verified = &Verification{Pairs: 7, Unsure: 2, Wrong: []string{"u/1: in feed is true and must be false"}}
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	for _, want := range []string{
		"throughput    95.0/s", "1900 answered, 100 failed", "100 status 503", "1 connection lost, retried",
		"read back     7 pairs, 1 wrong, 2 with a failed set in doubt", "wrong answers 2\n", "  u/1: in feed is true",
	} {
		require.Contains(t, b.String(), want)
	}
}

// TestPageIsWhole parses the page as XML, which is stricter than HTML and finds
// what was not closed or not escaped.
func TestPageIsWhole(t *testing.T) {
	for title, r := range map[string]*Result{
		"a run":          sample(),
		"nothing at all": newRecorder(Config{}.filled()).result(0),
	} {
		t.Run(title, func(t *testing.T) {
			var b strings.Builder
			require.NoError(t, r.WriteHTML(&b))
			page := b.String()
			require.NotContains(t, page, "<b>u</b>")
			require.NotContains(t, page, "NaN")
			require.NotContains(t, page, "Inf")
			require.NotRegexp(t, `(src|href)=|@import|<script`, page, "the page needs nothing else")
			charts := 0
			dec := xml.NewDecoder(strings.NewReader(page))
			dec.Entity = xml.HTMLEntity
			for {
				token, err := dec.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "svg" {
					charts++
				}
			}
			require.Equal(t, 3, charts)
		})
	}
}

func TestAxes(t *testing.T) {
	a := latencyAxis(3*time.Millisecond, 40*time.Millisecond)
	require.InDelta(t, 0.001, a.from, 1e-9)
	require.InDelta(t, 0.1, a.to, 1e-9)
	require.InDelta(t, plotBottom, a.at(0.001), 1e-6)
	require.InDelta(t, (plotTop+plotBottom)/2, a.at(0.01), 1e-6)
	require.InDelta(t, plotBottom, a.at(0), 1e-6, "what is below the axis lies on it")
	require.Equal(t, "10 ms", a.label(a.ticks[1]))
	for _, top := range []float64{0, 1, 3, 7, 19, 60, 973, 12345} {
		l := linearAxis(top, 0, 100, "")
		require.True(t, len(l.ticks) >= 4 && len(l.ticks) <= 11, "%v: %v", top, l.ticks)
		require.False(t, math.IsNaN(l.at(top)))
	}
}
