package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// row is what came out for one figure of one workload.
type row struct {
	workload
	figure  string
	samples map[string][]float64 // by contender
}

// newRow names the row of a figure.
func newRow(w workload, figure string, samples map[string][]float64) row {
	r := row{workload: w, figure: figure, samples: samples}
	switch figure {
	case "":
	case "bytes":
		r.id, r.what, r.unit, r.target = "L6 bytes", "heap and stack of an idle one", "B", 0
	case "stop":
		r.id, r.what, r.target = "L6 stop", "stop all", 0
	default:
		r.what += ", " + figure
	}
	return r
}

// figureOrder is the order in which the figures of a workload stand.
var figureOrder = []string{"", "bytes", "stop", "p50", "p90", "p99", "p99.9", "max"}

// median returns the middle of the samples and their spread in per cent of it.
func median(samples []float64) (mid, spread float64) {
	if len(samples) == 0 {
		return 0, 0
	}
	s := slices.Sorted(slices.Values(samples))
	mid = s[len(s)/2]
	return mid, 100 * (s[len(s)-1] - s[0]) / cmp.Or(mid, 1)
}

// base returns what a contender is held against: the better floor, or the first
// contender. There is none for that one itself.
func (r row) base(contender string) (float64, bool) {
	if !r.hasFloor() {
		mid, _ := median(r.samples[r.contenders[0]])
		return mid, contender != r.contenders[0] && mid != 0
	}
	c, _ := median(r.samples[channels])
	q, _ := median(r.samples[queue])
	if r.higher {
		return max(c, q), c != 0 && q != 0
	}
	return min(c, q), c != 0 && q != 0
}

// ratio returns the contender's median over its base.
func (r row) ratio(contender string) (float64, bool) {
	base, ok := r.base(contender)
	mid, _ := median(r.samples[contender])
	if !ok {
		return 0, false
	}
	return mid / base, true
}

func (r row) cell(contender string) string {
	if len(r.samples[contender]) == 0 {
		return "–"
	}
	mid, spread := median(r.samples[contender])
	return fmt.Sprintf("%.4g ±%.0f %%", mid, spread/2)
}

// tables prints the rows beside their floor, then those with other contenders.
func tables(to io.Writer, rows []row) {
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	heading := "id\twhat\tchannels\tqueue\ttroupe\tunit\tof the floor\ttarget\t"
	for _, r := range rows {
		if len(r.contenders) > 1 && !r.hasFloor() {
			continue
		}
		if heading != "" {
			fmt.Fprintln(out, heading)
			heading = ""
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.id, r.what,
			r.cell(channels), r.cell(queue), r.cell(product), r.unit, r.ratioText(product), r.targetText())
	}
	_ = out.Flush()
	heading = "id\twhat\twith\t\tunit\tof the first\t"
	for _, r := range rows {
		if len(r.contenders) < 2 || r.hasFloor() {
			continue
		}
		if heading != "" {
			fmt.Fprintln(to)
			fmt.Fprintln(out, heading)
			heading = ""
		}
		for _, c := range r.contenders {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t\n", r.id, r.what, c, r.cell(c), r.unit, r.ratioText(c))
		}
	}
	_ = out.Flush()
}

func (r row) ratioText(contender string) string {
	if ratio, ok := r.ratio(contender); ok {
		return fmt.Sprintf("%.2f", ratio)
	}
	return ""
}

func (r row) targetText() string {
	switch {
	case r.target == 0:
		return ""
	case r.higher:
		return fmt.Sprintf("≥ %.2f", r.target)
	}
	return fmt.Sprintf("≤ %.2f", r.target)
}
