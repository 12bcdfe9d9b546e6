package openloop

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"time"
)

// UnderWayMax bounds what [Loop.Each] has under way.
const UnderWayMax = 10_000

// Loop is one measurement. Make one with [New]; it is used once.
type Loop struct {
	// Sleeps leaves the processor to others until the next is due, some 100 µs late.
	// Default: it is spun for, which is exact and takes a processor.
	Sleeps bool

	n     int
	gap   float64 // nanoseconds
	begun time.Time
	each  []time.Duration
}

// New is a loop of n, so many a second.
func New(n int, perSecond float64) *Loop {
	return &Loop{n: n, gap: 1e9 / perSecond, each: make([]time.Duration, n)}
}

// Len is how many there are.
func (l *Loop) Len() int { return l.n }

func (l *Loop) due(i int) time.Duration { return time.Duration(float64(i) * l.gap) }

// Drive calls send for each when it is due, and at once for those that are late. It ends
// with the last, or with the first error, which it returns.
func (l *Loop) Drive(send func(i int) error) error {
	l.begun = time.Now()
	for i := 0; i < l.n; {
		if left := l.due(i) - time.Since(l.begun); left > 0 {
			if l.Sleeps {
				sleep(left)
			} else {
				runtime.Gosched()
			}
			continue
		}
		if err := send(i); err != nil {
			return err
		}
		i++
	}
	return nil
}

// Done notes that one is done. It may be called concurrently, once for each.
func (l *Loop) Done(i int) { l.each[i] = time.Since(l.begun) - l.due(i) }

// Each calls ask for each when it is due, on a goroutine of its own, as a server does for
// each of its requests, and returns when all have, with what they returned.
func (l *Loop) Each(ask func(i int) error) error {
	room := make(chan struct{}, UnderWayMax)
	errs := make(chan error, l.n)
	err := l.Drive(func(i int) error {
		room <- struct{}{}
		go func() {
			err := ask(i)
			l.Done(i)
			errs <- err
			<-room
		}()
		return nil
	})
	for range l.n {
		err = errors.Join(err, <-errs)
	}
	return err
}

// Steady are the times of those that fit (nil: all), without the first tenth, in which
// heaps grow and workers wake.
func (l *Loop) Steady(fits func(i int) bool) []time.Duration {
	var out []time.Duration
	for i := l.n / 10; i < l.n; i++ {
		if fits == nil || fits(i) {
			out = append(out, l.each[i])
		}
	}
	return out
}

// Percentiles are p50, p99, p99.9 and max in a unit. There must be at least one time.
func Percentiles(each []time.Duration, unit time.Duration) map[string]float64 {
	s := slices.Sorted(slices.Values(each))
	out := map[string]float64{}
	for name, part := range map[string]float64{"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1} {
		out[name] = float64(s[max(int(math.Ceil(part*float64(len(s))))-1, 0)]) / float64(unit)
	}
	return out
}
