package actor

import "time"

// Clock is the door through which time enters a system. Production uses the
// package time; tests and the simulator bring their own.
type Clock interface {
	// Now returns the present instant. Within one system it never goes back.
	Now() time.Time
	// AfterFunc calls f once, d from now, unless the timer is stopped first.
	// A d of zero or less means as soon as possible, but never before
	// AfterFunc has returned. f must be short and must not block.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending call of a [Clock].
type Timer interface {
	// Stop prevents the call and reports whether it did: false means that
	// the call was made, is being made, or was stopped before.
	Stop() bool
}

// RealClock is the clock of the machine.
type RealClock struct{}

// Now returns time.Now.
func (RealClock) Now() time.Time { return time.Now() }

// AfterFunc calls time.AfterFunc.
func (RealClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
