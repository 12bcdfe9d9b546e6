package load

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is what a run has shown. Latencies count from the intended arrival.
type Result struct {
	// Config is what was run, with its defaults filled in.
	Config Config
	// Started is when the first request could arrive.
	Started time.Time
	// Elapsed is how long requests arrived.
	Elapsed time.Duration
	// Throughput is answered requests per second of Elapsed.
	Throughput float64
	// Latency is that of the answered requests.
	Latency Latency
	// Failures is the latency of the requests that failed.
	Failures Latency
	// Routes are the routes one by one.
	Routes []RouteResult
	// Errors are the failures by kind, most frequent first. A kind that ends in
	// "retried" counts attempts that another attempt made up for.
	Errors []ErrorCount
	// Retries is how many attempts were made up for.
	Retries int64
	// WrongTotal is how many answers the model excludes.
	WrongTotal int64
	// Wrong describes the first of them.
	Wrong []string
	// Verified is the reading back after the run; nil when there was none.
	Verified *Verification
	// Interval is the width of a point of Series.
	Interval time.Duration
	// Series is latency and errors over the time of intended arrival.
	Series []Point
	// Percentiles is the distribution of Latency.
	Percentiles []Percentile
	// Marks are what happened meanwhile.
	Marks []Mark
}

// Latency sums up a distribution.
type Latency struct {
	// Count is how many values there are.
	Count int64
	// P50, P95, P99 and P999 are percentiles, Max is the largest value.
	P50, P95, P99, P999, Max time.Duration
}

// RouteResult is one route of a [Result].
type RouteResult struct {
	// Name is the route.
	Name string
	// Latency is that of its answered requests.
	Latency Latency
	// Errors is how many failed.
	Errors int64
}

// ErrorCount is one kind of error.
type ErrorCount struct {
	// Kind says what failed.
	Kind string
	// Count is how often.
	Count int64
}

// Point is one interval of a [Result].
type Point struct {
	// Latency is that of the requests that were meant to arrive in it.
	Latency Latency
	// Errors is how many of them failed.
	Errors int64
}

// Percentile is one point of a distribution.
type Percentile struct {
	// Percent of the requests took no longer than Latency.
	Percent float64
	// Latency is the latency at that percentage.
	Latency time.Duration
}

// Mark is something that happened at a time after the start.
type Mark struct {
	// At is how long after the start it happened.
	At time.Duration
	// Label says what happened.
	Label string
}

// Failed returns how many requests failed for good.
func (r *Result) Failed() int64 {
	var n int64
	for _, route := range r.Routes {
		n += route.Errors
	}
	return n
}

// WrongAnswers returns how many answers were wrong, the reading back included.
func (r *Result) WrongAnswers() int64 {
	if r.Verified == nil {
		return r.WrongTotal
	}
	return r.WrongTotal + int64(len(r.Verified.Wrong))
}

// WriteText writes the result as people read it on a terminal.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "users         %d (%d pairs each), ramping for %v\n", r.Config.Users, r.Config.PairsPerUser, r.Config.Ramp)
	fmt.Fprintf(&b, "requests      %d answered, %d failed in %v\n", r.Latency.Count, r.Failed(), r.Elapsed.Round(time.Millisecond))
	fmt.Fprintf(&b, "throughput    %.1f/s\n", r.Throughput)
	fmt.Fprintf(&b, "latency       p50 %s  p95 %s  p99 %s  p99.9 %s  max %s\n",
		short(r.Latency.P50), short(r.Latency.P95), short(r.Latency.P99), short(r.Latency.P999), short(r.Latency.Max))
	if r.Failures.Count > 0 {
		fmt.Fprintf(&b, "failures      p50 %s  max %s\n", short(r.Failures.P50), short(r.Failures.Max))
	}
	b.WriteString("\n")
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "route\tanswered\tfailed\tp50\tp95\tp99\tmax")
	for _, route := range r.Routes {
		l := route.Latency
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t%s\n", route.Name, l.Count, route.Errors, short(l.P50), short(l.P95), short(l.P99), short(l.Max))
	}
	_ = table.Flush() // a strings.Builder takes everything
	b.WriteString("\n")
	r.writeVerdict(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) writeVerdict(b *strings.Builder) {
	if len(r.Errors) == 0 {
		b.WriteString("errors        none\n")
	}
	for i, e := range r.Errors {
		head := "errors"
		if i > 0 {
			head = ""
		}
		fmt.Fprintf(b, "%-13s %d %s\n", head, e.Count, e.Kind)
	}
	if v := r.Verified; v != nil {
		fmt.Fprintf(b, "read back     %d pairs, %d wrong", v.Pairs, len(v.Wrong))
		if v.Unsure > 0 {
			fmt.Fprintf(b, ", %d with a failed set in doubt", v.Unsure)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "wrong answers %d\n", r.WrongAnswers())
	wrong := r.Wrong
	if r.Verified != nil {
		wrong = append(wrong[:len(wrong):len(wrong)], r.Verified.Wrong...)
	}
	for i, text := range wrong {
		if i == wrongMax {
			b.WriteString("  …\n")
			break
		}
		fmt.Fprintf(b, "  %s\n", text)
	}
}

// short prints a latency with three digits.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
