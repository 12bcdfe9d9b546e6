package openloop_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/openloop"
)

func Example() {
	l := openloop.New(100, 10_000) // 100 questions, 10 000 a second
	var asked atomic.Int32
	err := l.Each(func(int) error {
		asked.Add(1)
		return nil
	})
	fmt.Println(asked.Load(), err, len(openloop.Percentiles(l.Steady(nil), time.Microsecond)))
	// Output: 100 <nil> 4
}

func TestNoneIsSentBeforeItIsDue(t *testing.T) {
	for _, sleeps := range []bool{false, true} {
		t.Run(fmt.Sprintf("sleeps: %v", sleeps), func(t *testing.T) {
			l := openloop.New(200, 10_000)
			l.Sleeps = sleeps
			next := 0
			require.NoError(t, l.Drive(func(i int) error {
				require.Equal(t, next, i)
				next++
				l.Done(i)
				return nil
			}))
			require.Equal(t, l.Len(), next)
			for _, took := range l.Steady(nil) {
				require.GreaterOrEqual(t, took, time.Duration(0))
			}
		})
	}
}

func TestAHeldUpSenderMakesTheOthersLate(t *testing.T) {
	const n, held = 100, 20 * time.Millisecond
	l := openloop.New(n, 10_000)
	require.NoError(t, l.Drive(func(i int) error {
		if i == 0 {
			<-time.After(held)
		}
		l.Done(i)
		return nil
	}))
	late := l.Steady(func(i int) bool { return i == n/2 })
	require.Len(t, late, 1)
	require.Greater(t, late[0], held/2, "it was due after 5 ms")
}

func TestErrors(t *testing.T) {
	bad := errors.New("bad")
	require.ErrorIs(t, openloop.New(10, 1e6).Each(func(i int) error {
		if i == 3 {
			return bad
		}
		return nil
	}), bad)
	sent := 0
	require.ErrorIs(t, openloop.New(10, 1e6).Drive(func(i int) error {
		sent++
		if i == 3 {
			return bad
		}
		return nil
	}), bad)
	require.Equal(t, 4, sent, "it ends with the first error")
}

func TestPercentiles(t *testing.T) {
	var each []time.Duration
	for n := range 1000 {
		each = append(each, time.Duration(1000-n)*time.Microsecond)
	}
	require.Equal(t, map[string]float64{"p50": 500, "p99": 990, "p99.9": 999, "max": 1000}, openloop.Percentiles(each, time.Microsecond))
}
