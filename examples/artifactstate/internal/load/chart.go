package load

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// The drawing area of a chart, in units of the SVG.
const (
	chartWidth, chartHeight                       = 960.0, 320.0
	plotLeft, plotRight, plotTop, plotBottom      = 64.0, 944.0, 28.0, 280.0
	tickGap, labelGap, markLabelMax, markRowCount = 6.0, 20.0, 40, 3
)

// axis maps values to positions.
type axis struct {
	from, to   float64 // values
	start, end float64 // positions
	log        bool
	ticks      []float64
	label      func(float64) string
}

func (a *axis) at(v float64) float64 {
	from, to := a.from, a.to
	if a.log {
		from, to, v = math.Log10(from), math.Log10(to), math.Log10(math.Max(v, a.from))
	}
	if to == from {
		return a.start
	}
	return a.start + (v-from)/(to-from)*(a.end-a.start)
}

// latencyAxis is a logarithmic axis upwards that holds all of the latencies, in
// seconds, over at least one decade.
func latencyAxis(latencies ...time.Duration) *axis {
	low, high := math.Inf(1), 0.0
	for _, d := range latencies {
		if s := d.Seconds(); s > 0 {
			low, high = math.Min(low, s), math.Max(high, s)
		}
	}
	if high == 0 {
		low, high = 0.001, 0.01
	}
	bottom, top := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high*1.05))
	a := &axis{from: math.Pow(10, bottom), to: math.Pow(10, math.Max(top, bottom+1)), start: plotBottom, end: plotTop, log: true, label: latencyLabel}
	for e := bottom; e <= math.Max(top, bottom+1); e++ {
		a.ticks = append(a.ticks, math.Pow(10, e))
	}
	return a
}

func latencyLabel(seconds float64) string {
	switch {
	case seconds < 0.9999e-3:
		return fmt.Sprintf("%.3g µs", seconds*1e6)
	case seconds < 0.9999:
		return fmt.Sprintf("%.3g ms", seconds*1e3)
	}
	return fmt.Sprintf("%.3g s", seconds)
}

// linearAxis starts at zero and has about five round ticks.
func linearAxis(top, start, end float64, unit string) *axis {
	top = math.Max(top, 1)
	step := math.Pow(10, math.Floor(math.Log10(top)))
	for _, divide := range []float64{1, 2, 4, 5, 10} {
		if top/(step/divide) >= 4 {
			step /= divide
			break
		}
	}
	a := &axis{to: top, start: start, end: end, label: func(v float64) string { return fmt.Sprintf("%.4g%s", v, unit) }}
	for v := 0.0; v <= top*1.0001; v += step {
		a.ticks = append(a.ticks, v)
	}
	return a
}

// chart is an SVG that is being drawn.
type chart struct {
	b    strings.Builder
	x, y *axis
}

// newChart draws the frame. What it shows is said to those who can't see it.
func newChart(shows string, x, y *axis) *chart {
	c := &chart{x: x, y: y}
	fmt.Fprintf(&c.b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(shows))
	for _, v := range y.ticks {
		at := y.at(v)
		fmt.Fprintf(&c.b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, plotLeft, plotRight, at, at)
		fmt.Fprintf(&c.b, `<text class="tick" text-anchor="end" x="%.1f" y="%.1f">%s</text>`, plotLeft-tickGap, at+4, y.label(v))
	}
	for _, v := range x.ticks {
		at := x.at(v)
		fmt.Fprintf(&c.b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, at, at, plotBottom, plotBottom+tickGap)
		fmt.Fprintf(&c.b, `<text class="tick" text-anchor="middle" x="%.1f" y="%.1f">%s</text>`, at, plotBottom+labelGap, x.label(v))
	}
	fmt.Fprintf(&c.b, `<line class="axis" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, plotLeft, plotRight, plotBottom, plotBottom)
	return c
}

// line draws values over positions; a value that is not a number is a gap.
func (c *chart) line(class string, xs, ys []float64) {
	var path strings.Builder
	down := false
	for i, v := range ys {
		if math.IsNaN(v) {
			down = false
			continue
		}
		verb := "M"
		if down {
			verb = "L"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", verb, c.x.at(xs[i]), c.y.at(v))
		// A single point between two gaps would be invisible.
		if alone := !down && (i+1 == len(ys) || math.IsNaN(ys[i+1])); alone {
			path.WriteString("h0.1")
		}
		down = true
	}
	fmt.Fprintf(&c.b, `<path class="line %s" d="%s"/>`, class, path.String())
}

// bar draws a rectangle from low to high.
func (c *chart) bar(class string, from, to, low, high float64) {
	left, right := c.x.at(from), c.x.at(to)
	gap := math.Min(1, (right-left)/4)
	fmt.Fprintf(&c.b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`,
		class, left, c.y.at(high), math.Max(right-left-gap, 0.2), math.Max(c.y.at(low)-c.y.at(high), 0))
}

// mark draws a vertical line with a label; neighbours take turns in height.
func (c *chart) mark(i int, v float64, label string) {
	at := c.x.at(v)
	if runes := []rune(label); len(runes) > markLabelMax {
		label = string(runes[:markLabelMax-1]) + "…"
	}
	anchor, shift := "start", 4.0
	if at > (plotLeft+plotRight)/2 {
		anchor, shift = "end", -4.0
	}
	fmt.Fprintf(&c.b, `<line class="mark" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, at, at, plotTop-12, plotBottom)
	fmt.Fprintf(&c.b, `<text class="marktext" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`,
		anchor, at+shift, plotTop-4+13*float64(i%markRowCount), template.HTMLEscapeString(label))
}

// tip makes a column of the plot tell more to the mouse.
func (c *chart) tip(from, to float64, text string) {
	left, right := c.x.at(from), c.x.at(to)
	fmt.Fprintf(&c.b, `<rect class="tip" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`,
		left, plotTop, math.Max(right-left, 1), plotBottom-plotTop, template.HTMLEscapeString(text))
}

// caption names the x axis.
func (c *chart) caption(text string) {
	fmt.Fprintf(&c.b, `<text class="tick" text-anchor="end" x="%.1f" y="%.1f">%s</text>`, plotRight, plotBottom+2*labelGap-4, template.HTMLEscapeString(text))
}

// svg ends the drawing. All text in it was escaped on its way in.
func (c *chart) svg() template.HTML {
	return template.HTML(c.b.String() + "</svg>")
}
