package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/process"
)

func TestMain(m *testing.M) { process.Run(m, main) }

func TestFourProcesses(t *testing.T) { // C25, C37, F-01
	a := process.Start(t)
	seed := a.Line(`up: +(\S+) \(this node\)`)
	b := process.Start(t, "-seeds", seed)
	c := process.Start(t, "-seeds", seed)
	d := process.Start(t, "-seeds", seed)
	addrB := b.Line(`up: +(\S+) \(this node\)`)
	addrC := c.Line(`up: +(\S+) \(this node\)`)
	addrD := d.Line(`up: +(\S+) \(this node\)`)
	for range 3 {
		require.Contains(t, []string{addrB, addrC, addrD}, a.Line(`up: +(\S+)$`))
	}
	require.Equal(t, 0, b.Interrupt(), "it left in order")
	require.Equal(t, addrB, c.Line(`removed: +(\S+), it was exiting`))
	c.Kill()
	a.Line("unreachable: +" + addrC)
	require.Equal(t, addrC, a.Line(`removed: +(\S+), it was down`))
	require.Equal(t, addrC, d.Line(`removed: +(\S+), it was down`))
	require.Equal(t, 0, d.Interrupt())
	require.Equal(t, 0, a.Interrupt())
}
