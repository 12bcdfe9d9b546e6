package actor

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	// stackEvery is how often the stack of a panic at the same place is logged.
	stackEvery = 10 * time.Second
	// stackPlaces is how many places are remembered.
	stackPlaces = 256
)

// panicPlace says which type of actor panicked where.
type panicPlace struct {
	actor string
	pc    uintptr
}

// stacks keeps the log short when an actor panics at every message: each failure has
// its line, but only the first of a while has its stack.
type stacks struct {
	mu     sync.Mutex
	logged map[panicPlace]time.Time
}

// due reports whether the stack of a panic is to be logged.
func (s *stacks) due(place panicPlace, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.logged[place]; ok && now.Sub(at) < stackEvery {
		return false
	}
	if len(s.logged) >= stackPlaces {
		clear(s.logged) // rather a stack too many than memory without a bound
	}
	if s.logged == nil {
		s.logged = map[panicPlace]time.Time{}
	}
	s.logged[place] = now
	return true
}

// placeOf returns where the actor panicked with p.
func placeOf(c *cell, p *PanicError) panicPlace {
	return panicPlace{fmt.Sprintf("%T", c.actor), p.pc}
}

// panickedAt returns the place of the panic that the caller is recovering from: the
// innermost function that isn't one of Go's runtime.
func panickedAt() uintptr {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(f.Function, "runtime."):
			return f.PC
		}
		if !more {
			return 0
		}
	}
}
