package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// ratioMax is what the p99 of asks may be during an attack, beside that in peace.
const ratioMax = 2

// median returns the middle of a figure over phases.
func median(all []phase, figure func(p phase) float64) float64 {
	var s []float64
	for _, p := range all {
		s = append(s, figure(p))
	}
	slices.Sort(s)
	return s[len(s)/2]
}

// ratio is the median over the rounds of a figure during the attack, beside that of
// another phase of the same round.
func (r row) ratio(beside []phase, figure func(p phase) float64) float64 {
	var s []float64
	for i := range r.war {
		s = append(s, figure(r.war[i])/max(figure(beside[i]), 1e-9))
	}
	slices.Sort(s)
	return s[len(s)/2]
}

func p50(p phase) float64       { return p.P50 / 1000 }
func p99(p phase) float64       { return p.P99 / 1000 }
func longest(p phase) float64   { return p.Max / 1000 }
func targetP99(p phase) float64 { return p.TargetP99 / 1000 }
func perSecond(p phase) float64 { return float64(p.Connections) / p.Took.Seconds() }
func logged(p phase) float64    { return p.lines }
func busy(p phase) float64      { return float64(p.busy.Microseconds()) }

func times(all []phase) string {
	return fmt.Sprintf("%.2f %.2f %.1f", median(all, p50), median(all, p99), median(all, longest))
}

func connections(p phase) float64 { return float64(p.Connections) }

// cost is the processor time of all nodes that a connection of the attack costs, in µs.
func (r row) cost() float64 {
	return (median(r.war, busy) - median(r.peace, busy)) / max(median(r.war, connections), 1)
}

func (r row) failed() (n int) {
	for _, p := range slices.Concat(r.peace, r.feint, r.war) {
		n += p.Failed
	}
	return n
}

// verdict says what a row has missed.
func (r row) verdict() string {
	switch {
	case r.failed() > 0, r.up < members, r.lost > 0:
		return "BROKEN"
	case median(r.war, connections) == 0:
		return "NOT ATTACKED" // others left the attacker no time
	case r.ratio(r.peace, p99) > ratioMax:
		return "MISSED"
	}
	return ""
}

// table prints all rows.
func table(to io.Writer, rows []row) error {
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "id\tattack\ta second\tpeace\tfeint\tattacked\tp99\ttarget\tof feint\tat the attacked\tfailed\tmembers\tµs each\tgoroutines\tMiB\tlines/s\t\t")
	for _, r := range rows {
		fmt.Fprintf(out, "%s\t%s\t%.0f\t%s\t%s\t%s\t%.2f\t≤ %d\t%.2f\t%.2f\t%d\t%d\t%.0f\t%+d\t%+.1f\t%.1f\t%s\t\n",
			r.id, r.what, median(r.war, perSecond), times(r.peace), times(r.feint), times(r.war), r.ratio(r.peace, p99), ratioMax, r.ratio(r.feint, p99), r.ratio(r.peace, targetP99),
			r.failed(), r.up, r.cost(), r.goroutines, float64(r.rss)/(1<<20), median(r.war, logged), r.verdict())
	}
	return out.Flush()
}
