package bound

import (
	"runtime"
	"testing"
)

// Slack is what a decoder may allocate whatever its input, in bytes.
const Slack = 64 << 10

// Allocation fails the test when f allocates more than [Slack] and twice the length
// of its input, in bytes. It stops the world twice.
func Allocation(t testing.TB, input int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(Slack+2*input); got > most {
		t.Fatalf("%d bytes of input made it allocate %d bytes, %d are allowed", input, got, most)
	}
}
