package testkit

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/troupe-go/troupe/actor"
)

// stepper is the executor of a [Solo]: one thing at a time, and the actor itself
// only when it is told to. Each thing has a goroutine of its own, which it may
// end, while the caller waits for it.
type stepper struct {
	path  string // of the actor
	clock *Clock
	fail  func(format string, args ...any)

	mu      sync.Mutex
	own     []actor.Task // turns of the actor
	others  []func()
	depth   int
	inTurn  bool // the actor's turn is under way, and nothing it waits for
	stalled string
}

// stepsMax is how many things may happen in one go before it counts as endless.
const stepsMax = 100_000

func (e *stepper) Schedule(t actor.Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, ok := t.(fmt.Stringer); ok && s.String() == e.path {
		e.own = append(e.own, t)
		return
	}
	e.others = append(e.others, t.Run)
}

func (e *stepper) Go(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.others = append(e.others, f)
}

// Wait runs what there is until the gate is open; when there is nothing, it lets
// time pass.
func (e *stepper) Wait(g *actor.Gate) {
	for range stepsMax {
		if g.IsOpen() {
			return
		}
		if !e.other() && !e.turn() && !e.clock.advanceToNext() {
			e.stall("waits for something that never comes: nothing is left to run, and no timer to fall due")
			return
		}
	}
	e.stall(fmt.Sprintf("still waits after %d steps", stepsMax))
}

// stall fails the test; in a turn, whose goroutine isn't the test's, that is left
// to whoever waits for the turn.
func (e *stepper) stall(what string) {
	e.mu.Lock()
	inside := e.depth > 0
	e.stalled = what
	e.mu.Unlock()
	if inside {
		runtime.Goexit()
	}
	e.blame()
}

func (e *stepper) blame() {
	e.mu.Lock()
	what := e.stalled
	e.stalled = ""
	e.mu.Unlock()
	if what != "" {
		e.fail("the actor %s", what)
	}
}

// other runs one thing that is not the actor's turn.
func (e *stepper) other() bool {
	e.mu.Lock()
	if len(e.others) == 0 {
		e.mu.Unlock()
		return false
	}
	f := e.others[0]
	e.others = e.others[1:]
	e.mu.Unlock()
	e.run(f, false)
	return true
}

// turn runs one turn of the actor.
func (e *stepper) turn() bool {
	e.mu.Lock()
	if len(e.own) == 0 {
		e.mu.Unlock()
		return false
	}
	t := e.own[0]
	e.own = e.own[1:]
	e.mu.Unlock()
	e.run(t.Run, true)
	return true
}

// settle runs everything but the actor.
func (e *stepper) settle() {
	for range stepsMax {
		if !e.other() {
			return
		}
	}
	e.fail("the surroundings of the actor do not come to rest within %d steps", stepsMax)
}

func (e *stepper) run(f func(), turn bool) {
	e.mu.Lock()
	outer := e.inTurn
	e.inTurn = turn
	e.depth++
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	e.mu.Lock()
	e.depth--
	e.inTurn = outer
	outermost := e.depth == 0
	e.mu.Unlock()
	if outermost {
		e.blame()
	}
}

// acting reports whether what happens now is the actor's doing.
func (e *stepper) acting() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inTurn
}
