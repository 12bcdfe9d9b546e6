package simtest

import "fmt"

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

// Watch adds a checker to the world.
func (w *World) Watch(c Checker) { w.checkers = append(w.checkers, c) }

func (w *World) check() {
	for _, c := range w.checkers {
		if err := c.Check(w); err != nil {
			w.fail(fmt.Sprintf("invariant %s is broken: %v", c.Name(), err))
		}
	}
}

func (w *World) checkEnd() {
	w.t.Helper()
	for _, c := range w.checkers {
		if e, ok := c.(EndChecker); ok {
			if err := e.CheckEnd(w); err != nil {
				w.fail(fmt.Sprintf("invariant %s is broken at the end: %v", c.Name(), err))
			}
		}
	}
}
