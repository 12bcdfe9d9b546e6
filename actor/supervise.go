package actor

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// Directive is what a supervisor does about a failed actor.
type Directive uint8

// The directives.
const (
	// Restart replaces the actor by a fresh one; ref, mailbox and watches stay.
	Restart Directive = iota
	// Resume lets the actor go on as it is, with its next message. After the
	// failure of an [Ender] it means what is chosen where nothing is said.
	Resume
	// Stop stops the actor.
	Stop
	// Escalate makes it a failure of the parent.
	Escalate
)

// String returns the name of the directive.
func (d Directive) String() string {
	switch d {
	case Restart:
		return "restart"
	case Resume:
		return "resume"
	case Stop:
		return "stop"
	case Escalate:
		return "escalate"
	}
	return "unknown"
}

// Scope says who shares the fate of a failed actor.
type Scope uint8

// The scopes.
const (
	// OneForOne: only the actor that failed.
	OneForOne Scope = iota
	// AllForOne: all members of its [Group] too.
	AllForOne
)

// Supervise says what happens when an actor fails. It is an option of the
// spawn of that actor; its parent carries it out. The zero value restarts the
// actor at once, as often as needed, and stops it when its start fails.
type Supervise struct {
	// MaxRestarts is how many restarts are made Within the window before the
	// actor is stopped instead. 0 means no limit, a negative number none at all.
	MaxRestarts int
	// Within is the window in which restarts are counted. 0 means that all
	// count; less is an error of the spawn.
	Within time.Duration
	// Backoff delays restarts; the zero value doesn't.
	Backoff Backoff
	// Decide chooses by the cause of the failure. nil chooses Restart; but
	// Stop for an actor that was killed or did not handle the end of one it
	// watched, and for a failed start unless Backoff is set. It must be pure;
	// when it panics or returns what is no directive, the actor is stopped.
	Decide func(err error) Directive
	// Revive has an actor that stops itself start again, as if it had failed
	// with [ErrStopped]. Whoever else stops it, its parent, a [PoisonPill],
	// the end of the system, does end it. Default false.
	Revive bool
	// Scope says whether siblings are affected; it counts for a [Group].
	Scope Scope
}

// Backoff is a delay that doubles with every restart from Min up to Max, with
// a random fifth added, and starts over after the actor has run for Max
// without a failure. The zero value means no delay; Max 0 means that it stays at Min.
// A Max below Min, or a negative number, is an error of the spawn.
type Backoff struct {
	Min, Max time.Duration
}

// delay returns the wait before the restart number attempt (0, 1, …).
func (b Backoff) delay(attempt int, random *rand.Rand) time.Duration {
	if b.Min <= 0 {
		return 0
	}
	d, most := b.Min, max(b.Max, b.Min)
	for range attempt {
		if d >= most/2 {
			d = most
			break
		}
		d *= 2
	}
	return d + time.Duration(random.Int64N(int64(d)/5+1))
}

// history is what a supervisor remembers of one actor.
type history struct {
	restarts []time.Time // within the window, oldest first
	attempt  int         // restarts since the backoff started over
	last     time.Time   // of the last restart
	cause    error       // why it was stopped for good
}

// StartError is the failure of an actor whose factory or PreStart failed. Who
// spawned it and watches it finds it as the Cause of its [Terminated].
type StartError struct {
	// Path is the actor's.
	Path string
	// Err says what failed.
	Err error
}

// Error names the actor and what failed.
func (e *StartError) Error() string {
	if e.Path == "" {
		return "start: " + e.Err.Error()
	}
	return "start of " + e.Path + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// decide is the whole of supervision as a pure function: what to do about a
// failure with err at now, after how long, and what to remember.
func decide(s Supervise, h history, now time.Time, err error, random *rand.Rand) (Directive, time.Duration, history) {
	switch d := s.directive(err); d {
	case Restart:
	case Resume, Stop, Escalate:
		return d, 0, h
	default: // no directive
		return Stop, 0, h
	}
	if s.Within > 0 {
		h.restarts = slices.Clone(h.restarts)
		h.restarts = slices.DeleteFunc(h.restarts, func(t time.Time) bool { return now.Sub(t) >= s.Within })
	}
	if s.MaxRestarts < 0 || s.MaxRestarts > 0 && len(h.restarts) >= s.MaxRestarts {
		return Stop, 0, h
	}
	if s.MaxRestarts > 0 {
		h.restarts = append(h.restarts, now)
	}
	if !h.last.IsZero() && now.Sub(h.last) > max(s.Backoff.Max, s.Backoff.Min) {
		h.attempt = 0
	}
	delay := s.Backoff.delay(h.attempt, random)
	h.attempt++
	h.last = now.Add(delay)
	return Restart, delay, h
}

// Ender is implemented by errors after which the state of an actor can't be trusted any
// more, such as a failed write of persistence: an actor that fails with one, or with an
// error that wraps one, is not resumed.
type Ender interface {
	error
	// EndsIncarnation is the mark; it does nothing.
	EndsIncarnation()
}

func (s Supervise) directive(err error) Directive {
	if s.Decide != nil {
		d := s.Decide(err)
		if _, ends := errors.AsType[Ender](err); !ends || d != Resume {
			return d
		}
	}
	var start *StartError
	var pact *DeathPactError
	switch {
	case errors.As(err, &start) && s.Backoff.Min <= 0, errors.As(err, &pact), errors.Is(err, ErrKilled):
		return Stop
	}
	return Restart
}
