package chart

import (
	"bytes"
	"fmt"
	"html"
	"io"
)

// Bar is one bar: how many times as good as its base something is.
type Bar struct {
	// Name stands to the left of it.
	Name string
	// Good is its length; 1 is as good as the base.
	Good float64
}

// Section is a part of the chart with a scale of its own.
type Section struct {
	// Title stands above it.
	Title string
	// Bars are drawn from top to bottom.
	Bars []Bar
}

// Measures of the chart, in pixels.
const (
	chartLeft  = 400
	chartWidth = 520
	chartLine  = 26
	chartHead  = 40
)

// Draw returns the sections as SVG, one below the other. No sections give an empty chart.
func Draw(sections []Section) []byte {
	var body bytes.Buffer
	y := 0
	for _, s := range sections {
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
func (s Section) draw(out io.Writer, y int) int {
	most := 1.0
	for _, b := range s.Bars {
		most = max(most, b.Good)
	}
	fmt.Fprintf(out, `<text x="%d" y="%d">%s</text>`, chartLeft, y+22, html.EscapeString(s.Title))
	top := y + chartHead
	for i, b := range s.Bars {
		at := top + i*chartLine
		length := b.Good / most * chartWidth
		fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="end">%s</text>`, chartLeft-8, at+15, html.EscapeString(b.Name))
		fmt.Fprintf(out, `<rect x="%d" y="%d" width="%.1f" height="%d"/>`, chartLeft, at, length, chartLine-6)
		fmt.Fprintf(out, `<text x="%.1f" y="%d">%.2f</text>`, chartLeft+length+6, at+15, b.Good)
	}
	bottom := top + chartLine*len(s.Bars)
	x := chartLeft + chartWidth/most
	fmt.Fprintf(out, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke-dasharray="4 3"/>`, x, top-6, x, bottom)
	return bottom
}
