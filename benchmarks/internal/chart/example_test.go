package chart_test

import (
	"bytes"
	"fmt"

	"github.com/troupe-go/troupe/benchmarks/internal/chart"
)

func ExampleDraw() {
	svg := chart.Draw([]chart.Section{{Title: "throughput", Bars: []chart.Bar{{Name: "R1", Good: 0.5}, {Name: "R2", Good: 2}}}})
	fmt.Println(bytes.Count(svg, []byte("<rect ")), bytes.Contains(svg, []byte("R1")))
	// Output: 2 true
}
