package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Settings of a [Lease]. Name and Owner must be set.
type Settings struct {
	// Name says which lease it is, see [ValidName].
	Name string
	// Owner is who wants it, 1 to 300 bytes: unique among all processes that
	// ever used the store.
	Owner string
	// TTL is how long the holder may be silent before another gets the lease.
	// Default 30 s. It must be longer than the longest pause of a process.
	// Raised, the lease of a holder that died is free later.
	TTL time.Duration
	// RenewEvery is the time between two signs of life. Default: a tenth of TTL;
	// at most a third. Lowered, more traffic to the store.
	RenewEvery time.Duration
	// Timeout bounds each operation of the store. Default: a sixth of TTL, at
	// most 5 s.
	Timeout time.Duration
}

// OrDefaults returns s with the default in the place of each time that is 0.
func (s Settings) OrDefaults() Settings {
	if s.TTL == 0 {
		s.TTL = 30 * time.Second
	}
	if s.RenewEvery == 0 {
		s.RenewEvery = s.TTL / 10
	}
	if s.Timeout == 0 {
		s.Timeout = min(s.TTL/6, 5*time.Second)
	}
	return s
}

func (s Settings) withDefaults() (Settings, error) {
	s = s.OrDefaults()
	err := ValidName(s.Name)
	switch {
	case err != nil:
	case s.Owner == "" || len(s.Owner) > ownerMax:
		err = fmt.Errorf("lease %s: owner %q: want 1 to %d bytes", s.Name, s.Owner, ownerMax)
	case s.TTL < 0 || s.RenewEvery < 0 || s.Timeout < 0:
		err = fmt.Errorf("lease %s: TTL %v, RenewEvery %v, Timeout %v: want positive times, or 0 for the default", s.Name, s.TTL, s.RenewEvery, s.Timeout)
	case s.RenewEvery > s.TTL/3:
		err = fmt.Errorf("lease %s: RenewEvery %v: want at most %v, a third of the TTL, so that one lost sign of life does no harm", s.Name, s.RenewEvery, s.TTL/3)
	}
	return s, err
}

// validFor is how long a holder believes in a renewal: less than others wait,
// so that clocks may run at slightly different speeds.
func (s Settings) validFor() time.Duration { return s.TTL - s.TTL/10 }

// Lease is a right that one owner at a time holds. Make it with [New]. All
// methods are safe for concurrent use.
type Lease struct {
	sys   *actor.System
	store Store
	Settings

	mu    sync.Mutex
	busy  *actor.Gate // an operation is under way
	mine  Record      // as this owner wrote it last; zero: it has nothing there
	held  bool
	until time.Time // the holder believes in it until then
	lost  func(error)
	renew actor.Timer
	end   actor.Timer

	seen   Record    // of another owner
	seenAt time.Time // when it was first seen like that
}

// New returns the lease for an owner. It does nothing before
// [Lease.Acquire]. The system lends its clock and its workers; when it stops,
// a lease that is held isn't renewed any more.
func New(sys *actor.System, store Store, s Settings) (*Lease, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, err
	}
	if store == nil {
		return nil, fmt.Errorf("lease %s: no store: hand in one, such as NewFiles", s.Name)
	}
	l := &Lease{sys: sys, store: store, Settings: s}
	sys.Stopped().Notify(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.stop()
	})
	return l, nil
}

// Acquire gets the lease, if nobody has it, and keeps it until [Lease.Release].
// Its holder gets the same token again. [ErrHeld] says that another has it;
// should that one have died, try again: it takes a TTL from the first try on. It
// is a [*HeldError] when it is known who has it.
// Any other error is [ErrUnknown]. lost, if not nil, is called once when the
// lease is lost without a release; it must not block.
func (l *Lease) Acquire(ctx context.Context, lost func(error)) (Token, error) {
	if err := l.begin(ctx); err != nil {
		return 0, fmt.Errorf("acquire lease %s: %w: %w", l.Name, ErrUnknown, err)
	}
	defer l.done()
	if token, ok := l.Check(); ok {
		l.mu.Lock()
		l.lost = lost
		l.mu.Unlock()
		return token, nil
	}
	l.expire() // the time of an earlier holding may be over without anybody having looked
	start := l.sys.Clock().Now()
	found, err := l.get(ctx)
	if err != nil {
		return 0, fmt.Errorf("acquire lease %s: %w: %w", l.Name, ErrUnknown, err)
	}
	if by := l.inTheWay(found); by != "" {
		return 0, fmt.Errorf("acquire lease %s: %w", l.Name, &HeldError{by})
	}
	next := Record{Version: found.Version + 1, Owner: l.Owner, Token: found.Token + 1, TTL: l.TTL}
	switch err := l.swap(ctx, found, next); {
	case errors.Is(err, ErrChanged):
		found, err := l.get(ctx) // somebody was faster
		if err != nil {
			return 0, fmt.Errorf("acquire lease %s: %w: %w", l.Name, ErrHeld, err)
		}
		return 0, fmt.Errorf("acquire lease %s: %w", l.Name, &HeldError{l.inTheWay(found)})
	case err != nil:
		l.mu.Lock()
		l.mine = next // perhaps: a release gives it back then
		l.mu.Unlock()
		return 0, fmt.Errorf("acquire lease %s: %w: %w", l.Name, ErrUnknown, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mine, l.held, l.lost = next, true, lost
	l.believe(start)
	return next.Token, nil
}

// inTheWay returns who else has, or may have, the lease.
func (l *Lease) inTheWay(found Record) string {
	if found.Owner == "" || found.Owner == l.Owner {
		return ""
	}
	now := l.sys.Clock().Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen != found {
		l.seen, l.seenAt = found, now
	}
	if now.Sub(l.seenAt) >= found.TTL {
		return "" // a whole TTL without a sign of life
	}
	return found.Owner
}

// Check returns the token if this owner holds the lease at this instant. It
// asks nobody and takes no time.
func (l *Lease) Check() (Token, bool) {
	now := l.sys.Clock().Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held || !now.Before(l.until) {
		return 0, false
	}
	return l.mine.Token, true
}

// Release gives the lease back, so that the next owner needn't wait. From its
// call on this owner doesn't hold it; an error says that others may have to wait for
// the TTL, unless it is released again. Without a lease it does nothing.
func (l *Lease) Release(ctx context.Context) error {
	l.mu.Lock()
	l.stop()
	l.mu.Unlock()
	if err := l.begin(ctx); err != nil {
		return fmt.Errorf("release lease %s: %w", l.Name, err)
	}
	defer l.done()
	l.mu.Lock()
	l.stop() // somebody may have got it meanwhile
	mine := l.mine
	l.mu.Unlock()
	if mine.Owner == "" {
		return nil
	}
	err := l.swap(ctx, mine, Record{Version: mine.Version + 1, Token: mine.Token, TTL: l.TTL})
	if err != nil && !errors.Is(err, ErrChanged) {
		return fmt.Errorf("release lease %s: %w", l.Name, err)
	}
	l.mu.Lock()
	l.mine = Record{}
	l.mu.Unlock()
	return nil
}

// stop ends the belief in the lease. The caller holds mu.
func (l *Lease) stop() {
	l.held, l.lost = false, nil
	for _, t := range []actor.Timer{l.renew, l.end} {
		if t != nil {
			t.Stop()
		}
	}
}

// begin waits until no other operation of this lease is under way.
func (l *Lease) begin(ctx context.Context) error {
	for {
		l.mu.Lock()
		busy := l.busy
		if busy == nil {
			l.busy = new(actor.Gate)
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		if err := l.sys.Wait(ctx, busy); err != nil {
			return err
		}
	}
}

func (l *Lease) done() {
	l.mu.Lock()
	busy := l.busy
	l.busy = nil
	l.mu.Unlock()
	busy.Open()
}
