package simtest

import (
	"errors"
	"fmt"
)

// Checker is an oracle that watches a whole world. Its Check runs after every
// event, so it must be quick when nothing has changed; an error ends the seed.
type Checker interface {
	// Name names the invariants that the checker watches over.
	Name() string
	// Check looks at the world after an event.
	Check(w *World) error
}

// EndChecker is a checker that also has a say when the script is through.
type EndChecker interface {
	// CheckEnd looks at the world after the script has returned.
	CheckEnd(w *World) error
}

// Violation is the error of a [Checker] that knows what it is about: when a seed
// fails with it, the messages that name any of that are told first.
type Violation struct {
	// About are words as they stand in messages: ids, the addresses of nodes.
	About []string
	// Text says which invariant is broken, and how.
	Text string
}

// Error returns the text.
func (v *Violation) Error() string { return v.Text }

// violation makes a Violation.
func violation(about []string, format string, args ...any) error {
	return &Violation{About: about, Text: fmt.Sprintf(format, args...)}
}

// broken ends the seed for what a checker says.
func (w *World) broken(c Checker, when string, err error) {
	w.t.Helper()
	var v *Violation
	if errors.As(err, &v) {
		w.about = v.About
	}
	w.fail(fmt.Sprintf("invariant %s is broken%s: %v", c.Name(), when, err))
}

// Watch adds a checker to the world.
func (w *World) Watch(c Checker) { w.checkers = append(w.checkers, c) }

func (w *World) check() {
	for _, c := range w.checkers {
		if err := c.Check(w); err != nil {
			w.broken(c, "", err)
		}
	}
}

func (w *World) checkEnd() {
	w.t.Helper()
	for _, c := range w.checkers {
		if e, ok := c.(EndChecker); ok {
			if err := e.CheckEnd(w); err != nil {
				w.broken(c, " at the end", err)
			}
		}
	}
}
