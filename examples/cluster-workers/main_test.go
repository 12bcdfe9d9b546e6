package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/process"
)

func TestMain(m *testing.M) { process.Run(m, main) }

// A front end without workers, then with two, which leave one after the other.
func TestWorkersDialIn(t *testing.T) { // C6, C37
	front := process.Start(t, "-role", "frontend", "-every", "100ms")
	seed := front.Line(`frontend at (\S+)`)
	front.Line("no worker is available")
	one, two := process.Start(t, "-seeds", seed), process.Start(t, "-seeds", seed)
	addrs := []string{one.Line(`backend at (\S+)`), two.Line(`backend at (\S+)`)}
	for range 2 {
		require.Contains(t, addrs, front.Line(`worker (\S+) is available`))
	}
	for _, addr := range addrs { // both get work
		require.Regexp(t, `TEXT \d+`, front.Line(`text \d+: (TEXT \d+), by `+addr))
	}
	require.Equal(t, 0, one.Interrupt())
	require.Equal(t, addrs[0], front.Line(`worker (\S+) is gone`))
	front.Line(`TEXT \d+, by ` + addrs[1])
	require.Equal(t, 0, two.Interrupt())
	require.Equal(t, addrs[1], front.Line(`worker (\S+) is gone`))
	front.Line("no worker is available")
	require.Equal(t, 0, front.Interrupt())
}

func TestAnUnknownRole(t *testing.T) {
	require.Equal(t, 1, process.Start(t, "-role", "cook").Wait())
}
