// Package chart draws the ratios of benchmarks as bars, in SVG.
//
// A bar says how many times as good as its base a figure is, so that longer is better
// whatever the unit; the base is a dashed line. Every section has a scale of its own.
package chart
