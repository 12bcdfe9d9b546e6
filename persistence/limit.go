package persistence

import (
	"context"
	"fmt"
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

	mu    sync.Mutex
	moved bool
	timer actor.Timer // nil: the limit has ended
}

func newLimit(parent context.Context, clock actor.Clock, idle time.Duration) *limit {
	l := &limit{clock: clock, idle: idle}
	l.Context, l.cancel = context.WithCancelCause(parent)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = clock.AfterFunc(idle, l.due)
	return l
}

// move says that there is progress.
func (l *limit) move() {
	l.mu.Lock()
	l.moved = true
	l.mu.Unlock()
}

func (l *limit) due() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.timer == nil:
	case l.moved:
		l.moved = false
		l.timer = l.clock.AfterFunc(l.idle, l.due)
	default:
		l.timer = nil
		l.cancel(fmt.Errorf("no answer of the store for %v", l.idle))
	}
}

// end ends the limit. It returns err, and why the context ended early if it did.
func (l *limit) end(err error) error {
	l.mu.Lock()
	expired := l.timer == nil
	if !expired {
		l.timer.Stop()
		l.timer = nil
	}
	l.mu.Unlock()
	if err != nil && expired {
		err = fmt.Errorf("%w: %w", context.Cause(l.Context), err)
	}
	l.cancel(nil)
	return err
}
