package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
)

// bar is one bar of the chart: how many times as good as its base.
type bar struct {
	name string
	good float64
}

// section is a part of the chart with a scale of its own.
type section struct {
	title string
	bars  []bar
}

// sections sorts the ratios of all rows into the parts of the chart.
func sections(rows []row) []section {
	floors := section{title: "throughput: times as good as raw goroutines (the line)"}
	loads := section{title: "latency at a fixed rate: times as good as raw goroutines (the line)"}
	others := section{title: "with a feature, or with sleepers: times as good as without (the line)"}
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
				others.bars = append(others.bars, bar{r.id + " " + r.what + ": " + c, ratio})
			case r.load > 0:
				loads.bars = append(loads.bars, bar{r.id + " " + r.what, ratio})
			default:
				floors.bars = append(floors.bars, bar{r.id + " " + r.what, ratio})
			}
		}
	}
	var all []section
	for _, s := range []section{floors, loads, others} {
		if len(s.bars) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// Measures of the chart, in pixels.
const (
	chartLeft  = 400
	chartWidth = 520
	chartLine  = 26
	chartHead  = 40
)

// chart draws how many times as good as its base every figure is, as SVG.
func chart(rows []row) []byte {
	var body bytes.Buffer
	y := 0
	for _, s := range sections(rows) {
		y = s.draw(&body, y)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, chartLeft+chartWidth+80, y+20)
	b.WriteString(`<style>text{fill:#222}rect{fill:#3b6ea5}line{stroke:#c33}@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#6fa3d8}}</style>`)
	b.Write(body.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw draws the section from y down and returns where it ends.
func (s section) draw(out io.Writer, y int) int {
	most := 1.0
	for _, b := range s.bars {
		most = max(most, b.good)
	}
	fmt.Fprintf(out, `<text x="%d" y="%d">%s</text>`, chartLeft, y+22, html.EscapeString(s.title))
	top := y + chartHead
	for i, b := range s.bars {
		at := top + i*chartLine
		length := b.good / most * chartWidth
		fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="end">%s</text>`, chartLeft-8, at+15, html.EscapeString(b.name))
		fmt.Fprintf(out, `<rect x="%d" y="%d" width="%.1f" height="%d"/>`, chartLeft, at, length, chartLine-6)
		fmt.Fprintf(out, `<text x="%.1f" y="%d">%.2f</text>`, chartLeft+length+6, at+15, b.good)
	}
	bottom := top + chartLine*len(s.bars)
	x := chartLeft + chartWidth/most
	fmt.Fprintf(out, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke-dasharray="4 3"/>`, x, top-6, x, bottom)
	return bottom
}
