package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/benchmarks/internal/openloop"
)

// openLoopTime is how long asks are sent at a fixed rate.
const openLoopTime = 2 * time.Second

// newOpenLoop is one of that length, or of as many asks as tell something.
func newOpenLoop(perSecond float64, d time.Duration) *openloop.Loop {
	return openloop.New(max(int(perSecond*d.Seconds()), 1000), perSecond)
}

// atRate asks at a fixed rate.
func (t *troupe) atRate(o *openloop.Loop) error {
	return o.Each(func(int) error {
		_, err := t.ask()
		return err
	})
}

// atRate writes a frame for each ask, whose answer another goroutine reads.
func (f *floor) atRate(o *openloop.Loop) error {
	var failed error
	var readers sync.WaitGroup
	readers.Go(func() {
		buf := make([]byte, 1<<10)
		for range o.Len() {
			frame, err := f.read(buf)
			if err != nil {
				failed = err
				_ = f.conn.Close() // so that writing fails too
				return
			}
			o.Done(int(binary.BigEndian.Uint64(frame[5:])))
		}
	})
	b := frameOf(frameAnswered, 0)
	err := o.Drive(func(i int) error {
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
	return openloop.Percentiles(each, time.Millisecond), nil
}
