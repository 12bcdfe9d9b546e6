package load

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// latencyMax is the largest latency that histograms tell apart, in microseconds.
	latencyMax = int64(5 * time.Minute / time.Microsecond)
	// intervalsMax bounds the intervals of a report.
	intervalsMax = 600
	// wrongMax bounds the wrong answers that are kept as examples.
	wrongMax = 50
	// kindsMax bounds the kinds of errors that are told apart.
	kindsMax = 50
	// marksMax bounds the marks of a report.
	marksMax = 100
)

// recorder gathers outcomes. It may be used from many goroutines.
type recorder struct {
	config Config

	mu        sync.Mutex // guards everything below
	start     time.Time
	width     time.Duration // of an interval
	all       *hdrhistogram.Histogram
	failed    *hdrhistogram.Histogram
	routes    map[string]*routeRecord
	intervals []*intervalRecord
	errors    map[string]int64
	wrong     []string
	wrongs    int64
	retries   int64
	marks     []Mark
}

type routeRecord struct {
	latency *hdrhistogram.Histogram
	errors  int64
}

type intervalRecord struct {
	latency *hdrhistogram.Histogram
	errors  int64
}

func newRecorder(c Config) *recorder {
	return &recorder{
		config: c,
		width:  max(time.Second, (c.Duration / intervalsMax).Round(time.Second)),
		all:    hdrhistogram.New(1, latencyMax, 3),
		failed: hdrhistogram.New(1, latencyMax, 3),
		routes: map[string]*routeRecord{},
		errors: map[string]int64{},
	}
}

func (r *recorder) begin(start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start = start
}

func (r *recorder) outcome(o Outcome) {
	micros := min(max(o.Done.Sub(o.Intended).Microseconds(), 1), latencyMax)
	r.mu.Lock()
	defer r.mu.Unlock()
	route, in := r.route(o.Route), r.interval(o.Intended)
	if o.Err != "" {
		r.countError(o.Err)
		route.errors++
		in.errors++
		_ = r.failed.RecordValue(micros) // micros is within bounds
		return
	}
	_ = r.all.RecordValue(micros)
	_ = route.latency.RecordValue(micros)
	_ = in.latency.RecordValue(micros)
	if o.Wrong != "" {
		r.wrongs++
		if len(r.wrong) < wrongMax {
			r.wrong = append(r.wrong, fmt.Sprintf("%s of %s/%d by %s (entity on %s), sent %.3f s after the start: %s",
				o.Route, o.User, o.Artifact, o.Target, cmp.Or(o.Host, "?"), o.Sent.Sub(r.start).Seconds(), o.Wrong))
		}
	}
}

// retried counts an attempt that failed and was made up for.
func (r *recorder) retried(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retries++
	r.countError(kind + ", retried")
}

// notSent counts an arrival that found too many outstanding.
func (r *recorder) notSent(a arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.countError("not sent: too many outstanding")
	r.route(operations[a.op].name).errors++
	r.interval(a.intended).errors++
}

func (r *recorder) mark(label string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.start.IsZero() && len(r.marks) < marksMax {
		r.marks = append(r.marks, Mark{At: time.Since(r.start), Label: label})
	}
}

// countError needs mu.
func (r *recorder) countError(kind string) {
	if _, ok := r.errors[kind]; !ok && len(r.errors) >= kindsMax {
		kind = "of other kinds"
	}
	r.errors[kind]++
}

// route needs mu.
func (r *recorder) route(name string) *routeRecord {
	if r.routes[name] == nil {
		r.routes[name] = &routeRecord{latency: hdrhistogram.New(1, latencyMax, 3)}
	}
	return r.routes[name]
}

// interval needs mu.
func (r *recorder) interval(at time.Time) *intervalRecord {
	i := min(max(int(at.Sub(r.start)/r.width), 0), 2*intervalsMax)
	for len(r.intervals) <= i {
		// Two digits are enough for a plot, and there are many of these.
		r.intervals = append(r.intervals, &intervalRecord{latency: hdrhistogram.New(1, latencyMax, 2)})
	}
	return r.intervals[i]
}

// now returns what a progress bar shows.
func (r *recorder) now() (ok, failed, wrong int64, p99 time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.TotalCount(), r.failed.TotalCount(), r.wrongs, at(r.all, 99)
}

// result sums up, after the run.
func (r *recorder) result(elapsed time.Duration) *Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	res := &Result{
		Config: r.config, Started: r.start, Elapsed: elapsed, Latency: latencyOf(r.all), Failures: latencyOf(r.failed),
		WrongTotal: r.wrongs, Wrong: slices.Clone(r.wrong), Retries: r.retries, Marks: slices.Clone(r.marks), Interval: r.width,
	}
	if elapsed > 0 {
		res.Throughput = float64(res.Latency.Count) / elapsed.Seconds()
	}
	for _, name := range slices.Sorted(maps.Keys(r.errors)) {
		res.Errors = append(res.Errors, ErrorCount{Kind: name, Count: r.errors[name]})
	}
	slices.SortStableFunc(res.Errors, func(a, b ErrorCount) int { return cmp.Compare(b.Count, a.Count) })
	for _, o := range operations {
		if route := r.routes[o.name]; route != nil {
			res.Routes = append(res.Routes, RouteResult{Name: o.name, Latency: latencyOf(route.latency), Errors: route.errors})
		}
	}
	for _, in := range r.intervals {
		res.Series = append(res.Series, Point{Latency: latencyOf(in.latency), Errors: in.errors})
	}
	for _, q := range quantiles(r.all.TotalCount()) {
		res.Percentiles = append(res.Percentiles, Percentile{Percent: q, Latency: at(r.all, q)})
	}
	return res
}

// at returns the latency that percent of the values do not exceed.
func at(h *hdrhistogram.Histogram, percent float64) time.Duration {
	if h.TotalCount() == 0 {
		return 0
	}
	return time.Duration(min(h.ValueAtPercentile(percent), h.Max())) * time.Microsecond
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	return Latency{
		Count: h.TotalCount(),
		P50:   at(h, 50), P95: at(h, 95), P99: at(h, 99), P999: at(h, 99.9),
		Max: at(h, 100),
	}
}

// quantiles returns the percentages of a percentile plot: evenly spread over the
// number of nines, up to the last one that count values can tell.
func quantiles(count int64) []float64 {
	var out []float64
	for left := 1.0; left > 1/float64(max(count, 1)); left /= 1.1220184543 { // 20 steps a decade
		out = append(out, 100*(1-left))
	}
	return append(out, 100)
}
