package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// believe lets the owner hold the lease from start on. The caller holds mu.
func (l *Lease) believe(start time.Time) {
	clock := l.sys.Clock()
	l.until = start.Add(l.validFor())
	for _, t := range []actor.Timer{l.renew, l.end} {
		if t != nil {
			t.Stop()
		}
	}
	l.renew = clock.AfterFunc(l.RenewEvery, l.renewSoon)
	l.end = clock.AfterFunc(l.until.Sub(clock.Now()), l.expire)
}

// renewSoon renews on a goroutine of the system: timers must not block.
func (l *Lease) renewSoon() {
	if !l.sys.Stopped().IsOpen() {
		l.sys.Executor().Go(l.renewNow)
	}
}

func (l *Lease) renewNow() {
	ctx := context.Background()
	if l.begin(ctx) != nil {
		return
	}
	defer l.done()
	start := l.sys.Clock().Now()
	token, ok := l.Check()
	if !ok {
		return
	}
	l.mu.Lock()
	mine := l.mine
	l.mu.Unlock()
	next := mine
	next.Version++
	err := l.swap(ctx, mine, next)
	if errors.Is(err, ErrChanged) {
		// It may be this owner's own change, of which it got no answer.
		if found, getErr := l.get(ctx); getErr == nil && (found.Owner != l.Owner || found.Token != token) {
			l.lose(fmt.Errorf("lease %s: %w: %s has it now", l.Name, ErrLost, nameOf(found.Owner)))
			return
		} else if getErr == nil {
			mine = found
			next = found
			next.Version++
			err = l.swap(ctx, mine, next)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.mine = next
	}
	switch {
	case !l.held: // its time was over before the answer came
	case err != nil: // again soon; the end of the belief comes by itself
		l.renew = l.sys.Clock().AfterFunc(l.RenewEvery/2, l.renewSoon)
	default:
		l.believe(start)
	}
}

func nameOf(owner string) string {
	if owner == "" {
		return "nobody"
	}
	return owner
}

// expire is called when the belief ends for want of a renewal.
func (l *Lease) expire() {
	if _, ok := l.Check(); !ok {
		l.lose(fmt.Errorf("lease %s: %w: it could not be renewed for %v", l.Name, ErrLost, l.validFor()))
	}
}

// lose tells the owner, once.
func (l *Lease) lose(why error) {
	l.mu.Lock()
	lost, held := l.lost, l.held
	l.stop()
	l.mu.Unlock()
	if held && lost != nil {
		lost(why)
	}
}

// get and swap bound what the store may take.
func (l *Lease) get(ctx context.Context) (Record, error) {
	var found Record // a late answer writes it; nobody looks then
	if err := l.bounded(ctx, func(ctx context.Context) (err error) {
		found, err = l.store.Get(ctx, l.Name)
		return err
	}); err != nil {
		return Record{}, err
	}
	return found, nil
}

func (l *Lease) swap(ctx context.Context, old, next Record) error {
	return l.bounded(ctx, func(ctx context.Context) error { return l.store.Swap(ctx, l.Name, old, next) })
}

// bounded gives an operation its time. One that doesn't heed its context goes
// on by itself, and its answer counts no more.
func (l *Lease) bounded(ctx context.Context, op func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := l.sys.Clock().AfterFunc(l.Timeout, func() { cancel(fmt.Errorf("no answer of the store within %v", l.Timeout)) })
	defer timer.Stop()
	var done actor.Gate
	result := make(chan error, 1)
	l.sys.Executor().Go(func() {
		result <- op(ctx)
		done.Open()
	})
	if err := l.sys.Wait(ctx, &done); err != nil {
		return err
	}
	return <-result
}
