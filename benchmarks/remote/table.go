package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/troupe-go/troupe/benchmarks/internal/chart"
)

// row is one figure of one workload.
type row struct {
	workload
	figure  string
	samples map[string][]float64 // by contender
}

// figureOrder is the order in which the figures of a workload stand.
var figureOrder = []string{"", "idle", "busy", "p50", "p99", "p99.9", "max"}

// median returns the middle of the samples and their spread in per cent of it.
func median(samples []float64) (mid, spread float64) {
	s := slices.Sorted(slices.Values(samples))
	mid = s[len(s)/2]
	return mid, 100 * (s[len(s)-1] - s[0]) / cmp.Or(mid, 1)
}

func (r row) name() string {
	if r.figure == "" {
		return r.what
	}
	return r.what + ", " + r.figure
}

func (r row) cell(contender string) string {
	mid, spread := median(r.samples[contender])
	return fmt.Sprintf("%s %.4g ±%.0f %%", contender, mid, spread/2)
}

// ratio is the second contender's median over that of the first; 0 if there is no
// second.
func (r row) ratio() float64 {
	if len(r.contenders) < 2 {
		return 0
	}
	base, _ := median(r.samples[r.contenders[0]])
	mid, _ := median(r.samples[r.contenders[1]])
	return mid / cmp.Or(base, 1)
}

func (r row) targetText() string {
	switch {
	case r.target == 0 || r.figure != r.targetOf:
		return "–"
	case r.higher:
		return fmt.Sprintf("≥ %g", r.target)
	}
	return fmt.Sprintf("≤ %g", r.target)
}

// table prints all rows.
func table(to io.Writer, rows []row) error {
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "id\twhat\tbase\tmeasured\tunit\tof the base\ttarget\t")
	for _, r := range rows {
		base, ratio := "", ""
		if len(r.contenders) > 1 {
			base, ratio = r.cell(r.contenders[0]), fmt.Sprintf("%.2f", r.ratio())
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.id, r.name(), base, r.cell(r.contenders[len(r.contenders)-1]), r.unit, ratio, r.targetText())
	}
	return out.Flush()
}

// sections sorts the ratios into the parts of the chart.
func sections(rows []row) []chart.Section {
	all := []chart.Section{
		{Title: "times as good as frames over bare TCP (the line)"},
		{Title: "latency at a fixed rate: times as good as frames over bare TCP (the line)"},
		{Title: "with TLS, and beside a slow peer: times as good as without (the line)"},
	}
	for _, r := range rows {
		good := r.ratio()
		if good == 0 {
			continue
		}
		if !r.higher {
			good = 1 / good
		}
		part := &all[2]
		switch {
		case r.rate > 0:
			part = &all[1]
		case r.contenders[0] == bare:
			part = &all[0]
		}
		part.Bars = append(part.Bars, chart.Bar{Name: r.id + " " + r.name(), Good: good})
	}
	return slices.DeleteFunc(all, func(s chart.Section) bool { return len(s.Bars) == 0 })
}
