package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// openLoopTime is how long asks are sent at a fixed rate.
const openLoopTime = 2 * time.Second

// underWayMax bounds the asks under way.
const underWayMax = 10_000

// openLoop sends n asks when they are due, whatever became of the others, and notes for
// each how long it took from when it was due. A sender that is held up so makes the
// figures worse: that is the correction for coordinated omission.
type openLoop struct {
	n     int
	gap   time.Duration
	begun time.Time
	each  []time.Duration
}

func newOpenLoop(perSecond float64, d time.Duration) *openLoop {
	n := max(int(perSecond*d.Seconds()), 1000)
	return &openLoop{n: n, gap: time.Duration(1e9 / perSecond), each: make([]time.Duration, n)}
}

func (o *openLoop) drive(send func(i int) error) error {
	o.begun = time.Now()
	for i := 0; i < o.n; {
		if time.Since(o.begun) < time.Duration(i)*o.gap {
			runtime.Gosched()
			continue
		}
		if err := send(i); err != nil {
			return err
		}
		i++
	}
	return nil
}

func (o *openLoop) done(i int) { o.each[i] = time.Since(o.begun) - time.Duration(i)*o.gap }

// figures are the percentiles in microseconds, without the first tenth, in which heaps
// grow and workers wake.
func (o *openLoop) figures() figures { return percentiles(o.each[o.n/10:], time.Microsecond) }

func percentiles(each []time.Duration, unit time.Duration) figures {
	s := slices.Sorted(slices.Values(each))
	out := figures{}
	for name, part := range map[string]float64{"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1} {
		out[name] = float64(s[max(int(math.Ceil(part*float64(len(s))))-1, 0)]) / float64(unit)
	}
	return out
}

// atRate asks at a fixed rate, every ask from a goroutine of its own, as a server does
// for each of its requests.
func (t *troupe) atRate(o *openLoop) error {
	room := make(chan struct{}, underWayMax)
	errs := make(chan error, o.n)
	err := o.drive(func(i int) error {
		room <- struct{}{}
		go func() {
			_, err := t.ask()
			o.done(i)
			errs <- err
			<-room
		}()
		return nil
	})
	for range o.n {
		err = errors.Join(err, <-errs)
	}
	return err
}

// atRate writes a frame for each ask, whose answer another goroutine reads.
func (f *floor) atRate(o *openLoop) error {
	var failed error
	var readers sync.WaitGroup
	readers.Go(func() {
		buf := make([]byte, 1<<10)
		for range o.n {
			frame, err := f.read(buf)
			if err != nil {
				failed = err
				_ = f.conn.Close() // so that writing fails too
				return
			}
			o.done(int(binary.BigEndian.Uint64(frame[5:])))
		}
	})
	b := frameOf(frameAnswered, 0)
	err := o.drive(func(i int) error {
		binary.BigEndian.PutUint64(b[5:], uint64(i))
		if _, err := f.out.Write(b); err != nil {
			return err
		}
		return f.out.Flush()
	})
	readers.Wait()
	return errors.Join(err, failed)
}

// urgent asks on the control connection, which is the one of heartbeats.
type urgent struct{ actor.Returns[urgentAnswer] }
type urgentAnswer struct{}

// urgentWhileFull asks on the control connection while others keep the buffer for
// ordinary messages full.
func (t *troupe) urgentWhileFull(asks int) (figures, error) {
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for range 4 {
		flood.Go(func() {
			m := note{Text: string(make([]byte, 1<<10))}
			for {
				select {
				case <-stop:
					return
				default:
					t.there.Tell(m) // waits for room
				}
			}
		})
	}
	defer flood.Wait()
	defer close(stop)
	each := make([]time.Duration, 0, asks)
	for range asks {
		time.Sleep(10 * time.Millisecond)
		begun := time.Now()
		if _, err := actor.Ask(context.Background(), t.heart, urgent{}); err != nil {
			return nil, fmt.Errorf("an ask on the control connection: %w", err)
		}
		each = append(each, time.Since(begun))
	}
	return percentiles(each, time.Millisecond), nil
}
