package actor

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// BreakerState is the state of a [Breaker].
type BreakerState uint8

// The states of a breaker.
const (
	// BreakerClosed: calls go through.
	BreakerClosed BreakerState = iota
	// BreakerOpen: calls are refused at once.
	BreakerOpen
	// BreakerHalfOpen: one call may try whether it works again.
	BreakerHalfOpen
)

// String returns the name of the state.
func (s BreakerState) String() string {
	switch s {
	case BreakerClosed:
		return "closed"
	case BreakerOpen:
		return "open"
	case BreakerHalfOpen:
		return "half-open"
	}
	return "unknown"
}

// BreakerConfig says when a [Breaker] opens and for how long. The zero value
// is usable.
type BreakerConfig struct {
	// Name stands in errors and events.
	Name string
	// MaxFailures is how many calls in a row have to fail to open the
	// breaker. Default 10. Lower values protect earlier and refuse more.
	MaxFailures int
	// CallTimeout is how long a call may take; a longer one is a failure.
	// Default 10 s.
	CallTimeout time.Duration
	// ResetTimeout is how long the breaker stays open before it lets one call
	// try. Default 15 s.
	ResetTimeout time.Duration
	// MaxResetTimeout bounds the growth of ResetTimeout. Default: it doesn't
	// grow beyond a day.
	MaxResetTimeout time.Duration
	// Growth multiplies the reset timeout each time a trial fails; it is reset
	// by success. Default 1: it stays the same.
	Growth float64
	// Jitter adds a random part of the grown timeout, 0.2 up to a fifth.
	// Default 0.
	Jitter float64
	// IsFailure says whether the outcome of a call counts as a failure. nil:
	// every error does. It must be pure. A call that ran out of time is a
	// failure whatever it says.
	IsFailure func(result any, err error) bool
	// OnEvent is told of everything that happens, in order for one caller. It
	// runs on the goroutine of the call: it must be quick and safe for
	// concurrent use. nil: nobody is told.
	OnEvent func(BreakerEvent)
}

// validate says what makes no sense.
func (c BreakerConfig) validate() error {
	switch {
	case c.Growth != 0 && !(c.Growth >= 1):
		return fmt.Errorf("BreakerConfig.Growth is %v: must be 1 or more, or 0 for 1", c.Growth)
	case !(c.Jitter >= 0):
		return fmt.Errorf("BreakerConfig.Jitter is %v: must not be negative", c.Jitter)
	case c.MaxResetTimeout != 0 && c.MaxResetTimeout < c.ResetTimeout:
		return fmt.Errorf("BreakerConfig.MaxResetTimeout is %v, less than ResetTimeout, which is %v", c.MaxResetTimeout, c.ResetTimeout)
	}
	return notNegative(setting{"BreakerConfig.MaxFailures", int64(c.MaxFailures)}, length("BreakerConfig.CallTimeout", c.CallTimeout),
		length("BreakerConfig.ResetTimeout", c.ResetTimeout), length("BreakerConfig.MaxResetTimeout", c.MaxResetTimeout))
}

func (c BreakerConfig) withDefaults() BreakerConfig {
	c.MaxFailures = cmp.Or(c.MaxFailures, 10)
	c.CallTimeout = cmp.Or(c.CallTimeout, 10*time.Second)
	c.ResetTimeout = cmp.Or(c.ResetTimeout, 15*time.Second)
	c.MaxResetTimeout = max(cmp.Or(c.MaxResetTimeout, 24*time.Hour), c.ResetTimeout)
	c.Growth = cmp.Or(c.Growth, 1)
	if c.IsFailure == nil {
		c.IsFailure = func(_ any, err error) bool { return err != nil }
	}
	return c
}

// BreakerEventKind is what a [BreakerEvent] tells of.
type BreakerEventKind uint8

// What happens to a breaker.
const (
	// BreakerOpened: from now on calls are refused.
	BreakerOpened BreakerEventKind = iota
	// BreakerTries: it is half open, and a call goes through as a trial.
	BreakerTries
	// BreakerClosedAgain: from now on calls go through.
	BreakerClosedAgain
	// BreakerSucceeded: a call succeeded after Elapsed.
	BreakerSucceeded
	// BreakerFailed: a call failed after Elapsed.
	BreakerFailed
	// BreakerTimedOut: a call took too long.
	BreakerTimedOut
	// BreakerRefused: a call was refused.
	BreakerRefused
)

// BreakerEvent is something that happened to a breaker.
type BreakerEvent struct {
	Breaker string
	Kind    BreakerEventKind
	Elapsed time.Duration
}

// BreakerOpenError is returned for a call that was refused.
type BreakerOpenError struct {
	// Breaker is the name.
	Breaker string
	// Remaining is how long it stays open; zero while a trial is under way.
	Remaining time.Duration
}

// Error says how long to wait.
func (e *BreakerOpenError) Error() string {
	return fmt.Sprintf("circuit breaker %q is open for another %v", e.Breaker, e.Remaining)
}

// breakerCore is the breaker as a value: state and transitions, without time,
// chance or locks of its own.
type breakerCore struct {
	state    BreakerState
	failures int           // in a row, while closed
	openedAt time.Time     // while open
	reset    time.Duration // how long it stays open this time
	next     time.Duration // how long the next time; 0: the configured one
	round    uint64        // counts the transitions: results of earlier rounds don't count
}

// outcome is how a call ended.
type outcome uint8

const (
	callSucceeded outcome = iota
	callFailed
	callTimedOut
	callAbandoned // the caller gave up: nobody's fault
)

// admit says whether a call may go through at now, and if not for how long not.
func (b *breakerCore) admit(cfg BreakerConfig, now time.Time) (ok bool, remaining time.Duration, trial bool) {
	switch b.state {
	case BreakerClosed:
		return true, 0, false
	case BreakerHalfOpen:
		return false, 0, false // the trial is under way
	}
	if left := b.reset - now.Sub(b.openedAt); left > 0 {
		return false, left, false
	}
	b.state = BreakerHalfOpen
	b.round++
	return true, 0, true
}

// result takes in how a call of the round ended and reports a transition.
func (b *breakerCore) result(cfg BreakerConfig, now time.Time, round uint64, o outcome, random *rand.Rand) (changed bool) {
	if round != b.round || b.state == BreakerOpen {
		return false
	}
	switch {
	case o == callAbandoned && b.state == BreakerHalfOpen:
		// The trial told nothing: the next call is one at once.
		b.state, b.openedAt, b.reset = BreakerOpen, now, 0
		b.round++
		return false
	case o == callAbandoned:
		return false
	case o == callSucceeded && b.state == BreakerHalfOpen:
		*b = breakerCore{round: b.round + 1}
		return true
	case o == callSucceeded:
		b.failures = 0
		return false
	case b.state == BreakerClosed:
		if b.failures++; b.failures < cfg.MaxFailures {
			return false
		}
	}
	b.open(cfg, now, random)
	return true
}

func (b *breakerCore) open(cfg BreakerConfig, now time.Time, random *rand.Rand) {
	b.state, b.openedAt, b.failures = BreakerOpen, now, 0
	b.round++
	b.reset = b.next
	if b.reset == 0 {
		b.reset = cfg.ResetTimeout
	}
	grown := float64(b.reset) * cfg.Growth
	if cfg.Jitter > 0 {
		grown *= 1 + random.Float64()*cfg.Jitter
	}
	b.next = time.Duration(min(grown, float64(cfg.MaxResetTimeout)))
}

// Breaker keeps callers from waiting for something that doesn't work: after
// MaxFailures failures in a row it refuses calls at once, and after a while
// lets one through to see. It is safe for concurrent use.
type Breaker struct {
	sys *System
	cfg BreakerConfig
	bad error // what is wrong with cfg

	mu     sync.Mutex // guards core and random
	core   breakerCore
	random *rand.Rand
}

// NewBreaker returns a closed breaker on the clock of the system. With a config that makes
// no sense, such as one with negative numbers, every call of it is refused with an error
// that says what is wrong.
func NewBreaker(s *System, cfg BreakerConfig) *Breaker {
	b := &Breaker{sys: s, cfg: cfg.withDefaults(), random: s.Rand("breaker/" + cfg.Name)}
	if err := cfg.validate(); err != nil {
		b.bad = fmt.Errorf("breaker %q: %w", cfg.Name, err)
	}
	return b
}

// State returns the present state. An open breaker whose time is up is open
// until the next call comes.
func (b *Breaker) State() BreakerState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.core.state
}

// Succeed counts a success from elsewhere; an open breaker ignores it.
func (b *Breaker) Succeed() { b.manual(callSucceeded) }

// Fail counts a failure from elsewhere; an open breaker ignores it.
func (b *Breaker) Fail() { b.manual(callFailed) }

func (b *Breaker) manual(o outcome) {
	b.mu.Lock()
	round := b.core.round
	b.mu.Unlock()
	b.ended(round, o, 0)
}

// Guard runs work behind the breaker and waits for its result, until CallTimeout
// has passed or ctx is done. Work runs on a goroutine of its own; its context
// ends when nobody waits for it any more, and what it returns then is ignored.
//
// Errors: [*BreakerOpenError] when the call was refused, [ErrTimeout], the
// cause of ctx, a [*PanicError], and those of work. Inside Receive it blocks
// the actor, so call it in the work of [Go].
func Guard[R any](ctx context.Context, b *Breaker, work func(context.Context) (R, error)) (R, error) {
	var none R
	if ctx.Err() != nil {
		return none, givenUp(ctx, 0)
	}
	if b.bad != nil {
		return none, b.bad
	}
	round, err := b.begin()
	if err != nil {
		return none, err
	}
	begun := b.sys.clock.Now()
	r, o, err := runLimited(ctx, b.sys, b.cfg.CallTimeout, work)
	if o == callSucceeded && b.cfg.IsFailure(r, err) {
		o = callFailed
	}
	b.ended(round, o, b.sys.clock.Now().Sub(begun))
	return r, err
}

// begin admits a call and returns its round.
func (b *Breaker) begin() (round uint64, err error) {
	now := b.sys.clock.Now()
	b.mu.Lock()
	ok, remaining, trial := b.core.admit(b.cfg, now)
	round = b.core.round
	b.mu.Unlock()
	if trial {
		b.tell(BreakerTries, 0)
	}
	if !ok {
		b.tell(BreakerRefused, 0)
		return 0, &BreakerOpenError{Breaker: b.cfg.Name, Remaining: remaining}
	}
	return round, nil
}

// ended takes the outcome of a call in and tells of it.
func (b *Breaker) ended(round uint64, o outcome, elapsed time.Duration) {
	now := b.sys.clock.Now()
	b.mu.Lock()
	changed := b.core.result(b.cfg, now, round, o, b.random)
	state := b.core.state
	b.mu.Unlock()
	switch o {
	case callSucceeded:
		b.tell(BreakerSucceeded, elapsed)
	case callFailed:
		b.tell(BreakerFailed, elapsed)
	case callTimedOut:
		b.tell(BreakerTimedOut, elapsed)
	}
	switch {
	case changed && state == BreakerOpen:
		b.tell(BreakerOpened, 0)
	case changed && state == BreakerClosed:
		b.tell(BreakerClosedAgain, 0)
	}
}

func (b *Breaker) tell(k BreakerEventKind, elapsed time.Duration) {
	if b.cfg.OnEvent != nil {
		b.cfg.OnEvent(BreakerEvent{Breaker: b.cfg.Name, Kind: k, Elapsed: elapsed})
	}
}

// limited is a call that one of three ends: its work, its time, its caller.
type limited[R any] struct {
	once sync.Once
	over Gate
	r    R
	err  error
	o    outcome
}

func (l *limited[R]) settle(r R, err error, o outcome) {
	l.once.Do(func() {
		l.r, l.err, l.o = r, err, o
		l.over.Open()
	})
}

// runLimited runs work elsewhere and waits for it, for limit at most.
func runLimited[R any](ctx context.Context, s *System, limit time.Duration, work func(context.Context) (R, error)) (R, outcome, error) {
	var none R
	l := &limited[R]{}
	inside := newEnding()
	s.exec.Go(func() {
		r, err := contained(func() (R, error) { return work(inside) })
		l.settle(r, err, callSucceeded)
	})
	timer := s.clock.AfterFunc(limit, func() {
		l.settle(none, timedOut(limit), callTimedOut)
	})
	defer timer.Stop()
	s.waitIn(ctx, &l.over, func() { l.settle(none, givenUp(ctx, 0), callAbandoned) })
	inside.end(context.Canceled)
	return l.r, l.o, l.err
}
