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
	for range 3 {
		before := c.hurries
		var busy sync.WaitGroup
		for c.hurry == 0 { // once, unless they run before the yield
			c.hurries = before
			busy.Go(func() {
				for end := time.Now().Add(2 * yieldMost); time.Now().Before(end); {
				}
			})
			c.Yield()
		}
		busy.Wait()
		require.Equal(t, before+1, c.hurries)
		for n := hurryFor << before; n > 0; n-- {
			require.Equal(t, n, c.hurry)
			c.Yield()
		}
		require.Zero(t, c.hurry)
	}
	for c.hurries > 0 { // the first that doesn't take long; the machine may be busy
		c.hurry = 0
		c.Yield()
	}
}
