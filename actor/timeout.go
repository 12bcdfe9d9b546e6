package actor

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// noAnswer is the type of [ErrTimeout].
type noAnswer struct{}

func (noAnswer) Error() string { return "no answer in time" }

// Is makes a timeout what the standard library calls one.
func (noAnswer) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout is for those who ask a net.Error.
func (noAnswer) Timeout() bool { return true }

// timeoutError is the error of every wait whose time is over, whichever of the clock
// and the context noticed it first.
type timeoutError struct {
	after time.Duration // zero: the time was over before the wait began
	cause error         // what the context says besides; nil: nothing
}

// Error says how long the wait was.
func (e *timeoutError) Error() string {
	text := ErrTimeout.Error()
	if e.after > 0 {
		text = fmt.Sprintf("%s after %v", text, rounded(e.after))
	}
	if e.cause != nil {
		return fmt.Sprintf("%s (%v)", text, e.cause)
	}
	return fmt.Sprintf("%s (%v)", text, context.DeadlineExceeded)
}

// Unwrap returns everything that the error is.
func (e *timeoutError) Unwrap() []error {
	all := []error{ErrTimeout, context.DeadlineExceeded}
	if e.cause != nil {
		all = append(all, e.cause)
	}
	return all
}

// rounded drops the digits of a duration that nobody reads.
func rounded(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d
}

// timedOut is the error of a wait that has lasted for so long.
func timedOut(after time.Duration) error { return &timeoutError{after: after} }

// givenUp is the error of a wait, of at most so long, that ctx has ended: a timeout
// when ctx had a deadline, and otherwise its cause.
func givenUp(ctx context.Context, after time.Duration) error {
	cause := causeOf(ctx)
	switch {
	case errors.Is(cause, ErrTimeout):
		return cause
	case cause == context.DeadlineExceeded:
		return timedOut(after)
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(cause, context.DeadlineExceeded):
		return &timeoutError{after: after, cause: cause}
	}
	return cause
}
