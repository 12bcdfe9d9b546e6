package persistence

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// limit is a context that ends, besides with its parent, when nothing has
// moved for a while by the system's clock.
type limit struct {
	context.Context
	cancel context.CancelCauseFunc
	clock  actor.Clock
	idle   time.Duration

	mu     sync.Mutex
	moved  time.Time   // last
	timer  actor.Timer // nil: the limit has ended
	silent bool        // because nothing has moved
	over   actor.Gate  // opens when the limit has ended by itself, or the work
}

func newLimit(parent context.Context, clock actor.Clock, idle time.Duration) *limit {
	l := &limit{clock: clock, idle: idle, moved: clock.Now()}
	l.Context, l.cancel = context.WithCancelCause(parent)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = clock.AfterFunc(idle, l.due)
	return l
}

// move says that there is progress.
func (l *limit) move() {
	l.mu.Lock()
	l.moved = l.clock.Now()
	l.mu.Unlock()
}

func (l *limit) due() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch left := l.idle - l.clock.Now().Sub(l.moved); {
	case l.timer == nil:
	case left > 0:
		l.timer = l.clock.AfterFunc(left, l.due)
	default:
		l.timer, l.silent = nil, true
		l.cancel(l.silence())
		l.over.Open()
	}
}

func (l *limit) silence() error { return fmt.Errorf("%w for %v", errSilent, l.idle) }

// end ends the limit and reports whether it had ended by itself.
func (l *limit) end() (silent bool) {
	l.mu.Lock()
	silent = l.silent
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.mu.Unlock()
	l.cancel(nil)
	return silent
}

// errSilent is wrapped when the store was left behind without an answer.
var errSilent = errors.New("no answer of the store")

// attempt runs work, which calls the store, and returns its result, or an error that
// wraps errSilent when nothing has moved for the time of the limit. It doesn't depend on
// a store that minds its context: one that doesn't is left behind, and what comes of it
// is not looked at any more.
func attempt[R any](parent context.Context, sys *actor.System, idle time.Duration, work func(l *limit) (R, error)) (R, error) {
	l := newLimit(parent, sys.Clock(), idle)
	type result struct {
		value R
		err   error
	}
	results := make(chan result, 1)
	sys.Executor().Go(func() {
		out := result{err: errors.New("the store has ended the goroutine that called it")}
		defer func() {
			if v := recover(); v != nil {
				out.err = &actor.PanicError{Value: v, Stack: debug.Stack()}
			}
			results <- out // there is room
			l.over.Open()
		}()
		out.value, out.err = work(l)
	})
	sys.Executor().Wait(&l.over)
	if l.end() {
		var none R
		return none, l.silence()
	}
	out := <-results
	return out.value, out.err
}
