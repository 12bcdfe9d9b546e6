//go:build race

package membership

// raced reports whether the race detector runs, which makes everything ten
// times slower.
const raced = true
