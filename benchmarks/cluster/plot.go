package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// line is one row of points of a plot.
type line struct {
	name   string
	points [][2]float64
}

// plot draws lines over a logarithmic axis of cluster sizes, as SVG.
func plot(title, unit string, lines []line) []byte {
	const left, top, width, height = 70, 50, 560, 300
	colors := []string{"#3b6ea5", "#c0392b", "#2e8b57", "#8e5ea2"}
	most, first, last := 0.0, math.Inf(1), 0.0
	for _, l := range lines {
		for _, p := range l.points {
			most, first, last = max(most, p[1]), min(first, p[0]), max(last, p[0])
		}
	}
	most = max(most, 1e-9) // all zero is a line at the bottom
	x := func(n float64) float64 {
		return left + width*(math.Log2(n)-math.Log2(first))/max(math.Log2(last)-math.Log2(first), 1)
	}
	y := func(v float64) float64 { return top + height*(1-v/most) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, left+width+40, top+height+50+18*len(lines))
	b.WriteString(`<style>text{fill:#222}.axis{stroke:#999}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>`)
	fmt.Fprintf(&b, `<text x="%d" y="20" font-size="14">%s</text><text x="%d" y="40">%s</text>`, left, html.EscapeString(title), left, html.EscapeString(unit))
	for i := range 5 {
		v := most * float64(i) / 4
		fmt.Fprintf(&b, `<line class="axis" x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke-width="0.5"/>`, left, y(v), left+width, y(v))
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%.4g</text>`, left-8, y(v)+4, v)
	}
	for i, l := range lines {
		color := colors[i%len(colors)]
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, color)
		for _, p := range l.points {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(p[0]), y(p[1]))
		}
		b.WriteString(`"/>`)
		for _, p := range l.points {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x(p[0]), y(p[1]), color)
			if i == 0 {
				fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`, x(p[0]), top+height+18, p[0])
			}
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" style="fill:%s">%s</text>`, left, top+height+42+18*i, color, html.EscapeString(l.name))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">nodes</text></svg>`, left+width, top+height+34)
	return b.Bytes()
}
