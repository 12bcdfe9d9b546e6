package load

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"
)

//go:embed report.html
var reportHTML string

// key is an entry of a chart's legend.
type key struct{ Class, Text string }

// figure is a chart with its words.
type figure struct {
	Title, Note string
	Keys        []key
	Chart       template.HTML
}

// page is what report.html shows.
type page struct {
	Result  *Result
	Tiles   []tile
	Figures []figure
	Targets string
	Wrong   []string
}

// tile is one large number.
type tile struct {
	Name, Value string
	Bad         bool
}

// WriteHTML writes the result as one page that needs nothing else: no script, no
// network. It follows the reader's light or dark setting.
func (r *Result) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{"short": short, "round": func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }}).Parse(reportHTML)
	if err != nil {
		return fmt.Errorf("parse the template of the report: %w", err)
	}
	p := page{
		Result:  r,
		Targets: strings.Join(r.Config.Targets, ", "),
		Figures: []figure{r.latencyFigure(), r.throughputFigure(), r.percentileFigure()},
		Wrong:   r.Wrong,
		Tiles: []tile{
			{"throughput", fmt.Sprintf("%.0f/s", r.Throughput), false},
			{"p50", short(r.Latency.P50), false},
			{"p95", short(r.Latency.P95), false},
			{"p99", short(r.Latency.P99), false},
			{"max", short(r.Latency.Max), false},
			{"failed", fmt.Sprint(r.Failed()), r.Failed() > 0},
			{"wrong answers", fmt.Sprint(r.WrongAnswers()), r.WrongAnswers() > 0},
		},
	}
	if r.Verified != nil {
		p.Wrong = append(p.Wrong[:len(p.Wrong):len(p.Wrong)], r.Verified.Wrong...)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// timeAxis runs over the series, in seconds.
func (r *Result) timeAxis() *axis {
	return linearAxis(float64(len(r.Series))*r.Interval.Seconds(), plotLeft, plotRight, " s")
}

func (r *Result) span(i int) (from, to float64) {
	width := r.Interval.Seconds()
	return float64(i) * width, float64(i+1) * width
}

func (r *Result) marks(c *chart) {
	for i, m := range r.Marks {
		c.mark(i, m.At.Seconds(), m.Label)
	}
}

func (r *Result) latencyFigure() figure {
	var all []time.Duration
	curves := []struct {
		class string
		of    func(Latency) time.Duration
	}{
		{"max", func(l Latency) time.Duration { return l.Max }},
		{"p99", func(l Latency) time.Duration { return l.P99 }},
		{"p95", func(l Latency) time.Duration { return l.P95 }},
		{"p50", func(l Latency) time.Duration { return l.P50 }},
	}
	for _, p := range r.Series {
		all = append(all, p.Latency.P50, p.Latency.Max)
	}
	c := newChart("Latency percentiles over the time of arrival", r.timeAxis(), latencyAxis(all...))
	xs := make([]float64, len(r.Series))
	for i := range r.Series {
		from, to := r.span(i)
		xs[i] = (from + to) / 2
	}
	var keys []key
	for _, curve := range curves {
		ys := make([]float64, len(r.Series))
		for i, p := range r.Series {
			ys[i] = math.NaN()
			if p.Latency.Count > 0 {
				ys[i] = curve.of(p.Latency).Seconds()
			}
		}
		c.line(curve.class, xs, ys)
		keys = append(keys, key{curve.class, curve.class})
	}
	r.marks(c)
	for i, p := range r.Series {
		from, to := r.span(i)
		c.tip(from, to, fmt.Sprintf("%g s: p50 %s, p95 %s, p99 %s, max %s, %d answered, %d failed", from,
			short(p.Latency.P50), short(p.Latency.P95), short(p.Latency.P99), short(p.Latency.Max), p.Latency.Count, p.Errors))
	}
	c.caption("when the requests were meant to arrive")
	return figure{"Latency over time", "Answered requests, from intended arrival to answer.", keys, c.svg()}
}

func (r *Result) throughputFigure() figure {
	top := 0.0
	for _, p := range r.Series {
		top = math.Max(top, float64(p.Latency.Count+p.Errors))
	}
	seconds := r.Interval.Seconds()
	c := newChart("Requests per second, answered and failed", r.timeAxis(), linearAxis(top/seconds, plotBottom, plotTop, ""))
	for i, p := range r.Series {
		from, to := r.span(i)
		answered, failed := float64(p.Latency.Count)/seconds, float64(p.Errors)/seconds
		c.bar("answered", from, to, 0, answered)
		if failed > 0 {
			c.bar("failed", from, to, answered, answered+failed)
		}
	}
	r.marks(c)
	for i, p := range r.Series {
		from, to := r.span(i)
		c.tip(from, to, fmt.Sprintf("%g s: %d answered, %d failed", from, p.Latency.Count, p.Errors))
	}
	c.caption("when the requests were meant to arrive")
	return figure{"Requests per second", "By the time of intended arrival.", []key{{"answered", "answered"}, {"failed", "failed"}}, c.svg()}
}

// percentileFigure has an axis of nines: 90 %, 99 % and 99.9 % are equally far
// apart, so that the tail gets the room that it deserves.
func (r *Result) percentileFigure() figure {
	last := 10.0
	var latencies []time.Duration
	for _, p := range r.Percentiles {
		latencies = append(latencies, p.Latency)
		if p.Percent < 100 {
			last = math.Max(last, nines(p.Percent))
		}
	}
	x := &axis{from: 1, to: last, start: plotLeft, end: plotRight, log: true, label: func(v float64) string { return fmt.Sprintf("%.7g %%", 100-100/v) }}
	x.ticks = []float64{1, 2}
	for v := 10.0; v <= last*1.0001; v *= 10 {
		x.ticks = append(x.ticks, v)
	}
	c := newChart("Latency by percentile", x, latencyAxis(latencies...))
	var xs, ys []float64
	for _, p := range r.Percentiles {
		if p.Latency <= 0 {
			continue
		}
		at := last
		if p.Percent < 100 {
			at = nines(p.Percent)
		}
		xs, ys = append(xs, at), append(ys, p.Latency.Seconds())
	}
	c.line("p50", xs, ys)
	for i := range xs {
		to := last
		if i+1 < len(xs) {
			to = xs[i+1]
		}
		c.tip(xs[i], to, fmt.Sprintf("%.6g %% within %s", 100-100/xs[i], short(time.Duration(ys[i]*float64(time.Second)))))
	}
	c.caption("share of the requests that were no slower")
	return figure{"Latency by percentile", "All answered requests of the run.", nil, c.svg()}
}

func nines(percent float64) float64 { return 100 / (100 - percent) }
