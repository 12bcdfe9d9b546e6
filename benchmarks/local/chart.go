package main

import "github.com/troupe-go/troupe/benchmarks/internal/chart"

// sections sorts the ratios of all rows into the parts of the chart.
func sections(rows []row) []chart.Section {
	floors := chart.Section{Title: "throughput: times as good as raw goroutines (the line)"}
	loads := chart.Section{Title: "latency at a fixed rate: times as good as raw goroutines (the line)"}
	others := chart.Section{Title: "with a feature, or with sleepers: times as good as without (the line)"}
	for _, r := range rows {
		for _, c := range r.contenders {
			ratio, ok := r.ratio(c)
			if !ok || ratio == 0 || r.hasFloor() && c != product {
				continue
			}
			if !r.higher {
				ratio = 1 / ratio
			}
			switch {
			case !r.hasFloor():
				others.Bars = append(others.Bars, chart.Bar{Name: r.id + " " + r.what + ": " + c, Good: ratio})
			case r.load > 0:
				loads.Bars = append(loads.Bars, chart.Bar{Name: r.id + " " + r.what, Good: ratio})
			default:
				floors.Bars = append(floors.Bars, chart.Bar{Name: r.id + " " + r.what, Good: ratio})
			}
		}
	}
	var all []chart.Section
	for _, s := range []chart.Section{floors, loads, others} {
		if len(s.Bars) > 0 {
			all = append(all, s)
		}
	}
	return all
}
