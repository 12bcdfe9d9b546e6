package actor

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// flood is a kind of line that one culprit could fill the log with.
type flood uint8

const (
	floodOfFailures flood = iota
	floodOfDecisions
	floodOfEnds // decisions that end the actor
	floodOfUnhandled
	floodKinds
)

const (
	// floodLogged lines of one culprit are logged in a floodWindow, and floodLoggedAll of
	// all culprits together: many actors may fail because of one thing.
	floodLogged    = 10
	floodLoggedAll = 100
	floodWindow    = 10 * time.Second
	// floodCulprits is how many are remembered.
	floodCulprits = 1024
)

// culprit is an actor, by its place in the tree: one that is spawned again and again
// under a name is the same.
type culprit struct {
	kind   flood
	parent uint64
	name   string
}

// window counts the lines of one culprit, or of all.
type window struct {
	begun            time.Time
	logged, unlogged int
}

// take reports whether one more line is due at now, when so many are in a window, and
// how many were left out before it.
func (w *window) take(now time.Time, most int) (due bool, unlogged int) {
	if now.Sub(w.begun) >= floodWindow {
		w.begun, w.logged = now, 0
	}
	if w.logged >= most {
		w.unlogged++
		return false, 0
	}
	unlogged, w.unlogged = w.unlogged, 0
	w.logged++
	return true, unlogged
}

// floods keep the log short when an actor fails, or gets what it has no use for, again
// and again.
type floods struct {
	mu  sync.Mutex
	of  map[culprit]*window
	all [floodKinds]window
}

// take reports whether a line about the actor is to be logged. If so, unlogged adds to it
// how many were left out since the last.
func (f *floods) take(kind flood, c *cell, now time.Time) (due bool, unlogged func(*zerolog.Event)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := culprit{kind: kind, name: c.name} // given names count as one
	if c.parent != nil {
		key.parent = c.parent.id
	}
	w := f.of[key]
	if w == nil {
		if len(f.of) >= floodCulprits {
			clear(f.of) // rather some lines too many than memory without a bound
		}
		if f.of == nil {
			f.of = map[culprit]*window{}
		}
		w = &window{begun: now}
		f.of[key] = w
	}
	due, left := w.take(now, floodLogged)
	if !due {
		return false, nil
	}
	due, leftOfAll := f.all[kind].take(now, floodLoggedAll)
	if !due {
		w.unlogged += left + 1
		return false, nil
	}
	return true, func(e *zerolog.Event) {
		if left > 0 {
			e.Int("unlogged", left)
		}
		if leftOfAll > 0 {
			e.Int("unlogged_of_all", leftOfAll)
		}
	}
}
