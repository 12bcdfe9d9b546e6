package remote

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestYieldsAreLeftOutWhereOthersTakeLong(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c := &tcpConn{}
	var busy sync.WaitGroup
	for c.hurry == 0 { // once, unless they run before the yield
		busy.Go(func() {
			for end := time.Now().Add(2 * yieldMost); time.Now().Before(end); {
			}
		})
		c.Yield()
	}
	busy.Wait()
	for n := hurryFor; n > 0; n-- {
		require.Equal(t, n, c.hurry)
		c.Yield()
	}
	require.Zero(t, c.hurry)
}
