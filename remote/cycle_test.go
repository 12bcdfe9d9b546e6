package remote_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/remote"
)

// TestStartAndStopLeaveNothing starts and stops a pair of nodes that talk, a
// thousand times: neither goroutines nor memory stay behind.
func TestStartAndStopLeaveNothing(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	net := remote.NewMemNet()
	round := func() {
		a, b := start(t, memConfig(net, "a:1")), start(t, memConfig(net, "b:1"))
		there := b.inbox("there")
		there.pid.Tell(watchIt{b.sys.RefAt("a:1", "/user/nobody")})
		there.next()
		a.sys.RefAt("b:1", "/user/there").Tell(ping{1})
		there.expect(ping{1})
		a.stop()
		b.stop()
	}
	measure := func() (goroutines int, heap uint64) {
		runtime.GC()
		runtime.GC() // what the first one found dead has finalizers
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapInuse
	}
	t.Run("warm up", func(*testing.T) {
		for range 20 {
			round()
		}
	})
	goroutines, heap := measure()
	for i := range rounds {
		round()
		if n := runtime.NumGoroutine(); n > goroutines+50 {
			require.FailNow(t, fmt.Sprintf("%d goroutines after %d rounds, %d before", n, i, goroutines))
		}
	}
	_, after := measure()
	require.Less(t, after, heap+8<<20)
}
