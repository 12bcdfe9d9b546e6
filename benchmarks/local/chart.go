package main

import (
	"bytes"
	"fmt"
	"html"
)

// chart draws how many times as good as the floor every row is, as SVG. The
// line marks the floor itself.
func chart(rows []row) []byte {
	const left, width, line, top = 230, 520, 26, 40
	type bar struct {
		name string
		good float64
	}
	var bars []bar
	most := 1.0
	for _, r := range rows {
		ratio, ok := r.ratio()
		if !ok || ratio == 0 {
			continue
		}
		if !r.higher {
			ratio = 1 / ratio
		}
		bars = append(bars, bar{r.id + " " + r.what, ratio})
		most = max(most, ratio)
	}
	var b bytes.Buffer
	height := top + line*len(bars) + 20
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, left+width+80, height)
	b.WriteString(`<style>text{fill:#222}rect{fill:#3b6ea5}line{stroke:#c33}@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#6fa3d8}}</style>`)
	fmt.Fprintf(&b, `<text x="%d" y="18">times as good as raw goroutines (the line)</text>`, left)
	for i, bar := range bars {
		y := top + i*line
		length := bar.good / most * width
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left-8, y+15, html.EscapeString(bar.name))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d"/>`, left, y, length, line-6)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.2f</text>`, float64(left)+length+6, y+15, bar.good)
	}
	x := left + width/most
	fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke-dasharray="4 3"/></svg>`, x, top-6, x, height-14)
	return b.Bytes()
}
