package memory_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/memory"
)

func TestLimitIsWhatTheRuntimeHas(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(was) })
	for title, c := range map[string]struct{ set, want int64 }{
		"one":  {3 << 30, 3 << 30},
		"none": {math.MaxInt64, 0},
	} {
		t.Run(title, func(t *testing.T) {
			debug.SetMemoryLimit(c.set)
			require.Equal(t, c.want, memory.Limit())
		})
	}
}

func TestNeededIsWhatIsAlive(t *testing.T) {
	const size = 64 << 20
	m := memory.NewMeter()
	runtime.GC()
	before, collections := m.Needed()
	require.Positive(t, before)

	block := make([]byte, size)
	runtime.GC()
	with, again := m.Needed()
	require.Greater(t, again, collections)
	require.InDelta(t, before+size, with, size/4)
	runtime.KeepAlive(block)

	runtime.GC()
	after, _ := m.Needed()
	require.InDelta(t, before, after, size/4, "what nobody holds doesn't count, even before it is given back to the machine")
}

func TestNeededAllocatesNothing(t *testing.T) {
	m := memory.NewMeter()
	m.Needed()
	require.Zero(t, testing.AllocsPerRun(100, func() { m.Needed() }))
}
