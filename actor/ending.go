package actor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// ending is a context whose end is told to whoever waits for it by a plain
// call, on the goroutine that ends it. The contexts of the standard library
// start a goroutine for that, which would be a sixth door.
type ending struct {
	mu    sync.Mutex
	cause error
	done  chan struct{}
	calls map[uint64]func()
	last  uint64
}

func newEnding() *ending { return &ending{done: make(chan struct{})} }

func (e *ending) Deadline() (time.Time, bool) { return time.Time{}, false }
func (e *ending) Done() <-chan struct{}       { return e.done }
func (e *ending) Value(any) any               { return nil }

func (e *ending) Err() error {
	switch cause := e.why(); {
	case cause == nil:
		return nil
	case errors.Is(cause, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return context.Canceled
}

func (e *ending) why() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cause
}

// end ends the context; the first cause counts.
func (e *ending) end(cause error) {
	e.mu.Lock()
	if e.cause != nil {
		e.mu.Unlock()
		return
	}
	e.cause = cause
	calls := e.calls
	e.calls = nil
	close(e.done)
	e.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(calls)) {
		calls[k]()
	}
}

// AfterFunc calls f once when the context ends. Package context knows the
// method and uses it for contexts derived from this one; it holds a lock that f
// takes, too, while it calls it. So f can't be called at once when the context
// has ended in this very moment, and gets a goroutine of its own. Where one
// goroutine runs at a time that doesn't happen: package context looks whether
// the context has ended first.
func (e *ending) AfterFunc(f func()) (stop func() bool) {
	stop, ended := e.onEnd(f)
	if ended {
		go f()
	}
	return stop
}

// onEnd has f called when the context ends; it reports whether it has ended.
func (e *ending) onEnd(f func()) (stop func() bool, ended bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cause != nil {
		return func() bool { return false }, true
	}
	if e.calls == nil {
		e.calls = map[uint64]func(){}
	}
	e.last++
	k := e.last
	e.calls[k] = f
	return func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		_, there := e.calls[k]
		delete(e.calls, k)
		return there
	}, false
}

// afterEnd is context.AfterFunc, without a goroutine where the context is one
// of ours.
func afterEnd(ctx context.Context, f func()) (stop func() bool) {
	if e, ok := ctx.(*ending); ok {
		stop, ended := e.onEnd(f)
		if ended {
			f()
		}
		return stop
	}
	return context.AfterFunc(ctx, f)
}

// causeOf is context.Cause for contexts that may be ours.
func causeOf(ctx context.Context) error {
	if e, ok := ctx.(*ending); ok {
		return e.why()
	}
	return context.Cause(ctx)
}

// Wait blocks until g is open or ctx is done; then it returns the cause of ctx, and
// for a deadline an [ErrTimeout].
// It goes through the system's executor, so it may be called in a turn, in a
// task of the shutdown, in a function given to Go, or from outside.
func (s *System) Wait(ctx context.Context, g *Gate) error {
	if g.IsOpen() {
		return nil
	}
	var woken Gate
	g.Notify(func() { woken.Open() })
	if ctx.Done() != nil {
		defer afterEnd(ctx, func() { woken.Open() })()
	}
	s.exec.Wait(&woken)
	if g.IsOpen() {
		return nil
	}
	return givenUp(ctx, 0)
}
