package actor

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Attempts says how often [Retry] tries and how long it waits in between. The
// zero value means one attempt.
type Attempts struct {
	// Max is how many attempts are made at most. Default 1.
	Max int
	// Backoff is the wait after a failed attempt; the zero value doesn't wait.
	Backoff Backoff
	// Delay takes the place of Backoff: the wait after failed attempt number
	// n, from 1 on.
	Delay func(n int, err error) time.Duration
	// Again says whether the outcome of an attempt asks for another one. nil:
	// every error does.
	Again func(result any, err error) bool
}

// validate says what makes no sense.
func (a Attempts) validate() error {
	return cmp.Or(notNegative(setting{"Attempts.Max", int64(a.Max)}), a.Backoff.validate("Attempts.Backoff"))
}

// another says whether attempt number n, from 1 on, is followed by one more.
func (a Attempts) another(n int, result any, err error) bool {
	if n >= max(a.Max, 1) {
		return false
	}
	if a.Again != nil {
		return a.Again(result, err)
	}
	return err != nil
}

// Retry calls work until it succeeds, the attempts are used up or ctx is done,
// and returns its last outcome; when ctx ends during a wait, the cause of that.
// A panic of work is a failure, a [*PanicError]. Work runs on the calling
// goroutine; inside Receive that blocks the actor, so call it in the work of
// [Go].
func Retry[R any](ctx context.Context, s *System, a Attempts, work func(context.Context) (R, error)) (R, error) {
	if err := a.validate(); err != nil {
		var none R
		return none, fmt.Errorf("retry: %w", err)
	}
	for n := 1; ; n++ {
		r, err := contained(func() (R, error) { return work(ctx) })
		if !a.another(n, r, err) {
			return r, err
		}
		delay := a.Backoff.delay(n-1, s.random)
		if a.Delay != nil {
			delay = a.Delay(n, err)
		}
		if err := s.pause(ctx, delay); err != nil {
			var none R
			return none, err
		}
	}
}

// pause waits for d; an error means that ctx has ended first.
func (s *System) pause(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return givenUp(ctx, 0)
	}
	if d <= 0 {
		return nil
	}
	var over Gate
	timer := s.clock.AfterFunc(d, func() { over.Open() })
	defer timer.Stop()
	s.waitIn(ctx, &over, func() { over.Open() })
	if ctx.Err() != nil {
		return givenUp(ctx, 0)
	}
	return nil
}
