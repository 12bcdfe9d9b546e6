package actor

import (
	"cmp"
	"fmt"
	"runtime"
	"sync"
)

// Dedicated is the option that has an actor run on goroutines kept apart from
// all others: a bulkhead for what blocks or computes for long. All actors of a
// system with the same class share Goroutines of them, so no more than that many
// of them are in a turn at once; the rest wait, and nobody else does. They are
// started when there is work and end when there is none.
//
// Children don't inherit it. It counts for the executor that a system makes for
// itself; others, such as a simulator's, run the actor like any other.
type Dedicated struct {
	// Class names the bulkhead. The first actor of a class decides its size; a
	// spawn with another size is an error.
	Class string
	// Goroutines is how many turns of the class run at once. Zero is the size that
	// the class has, or 16. More
	// let more calls block at once, fewer spare what is called.
	Goroutines int
}

func (d Dedicated) applySpawn(o *options) { o.dedicated = &d }

// Pinned is the option that gives an actor an operating system thread of its
// own for life: for code that is bound to a thread. What is said of [Dedicated]
// about children and executors holds here too.
type Pinned struct{}

func (Pinned) applySpawn(o *options) { o.pinned = true }

const dedicatedGoroutines = 16

// apart reports whether the actor runs on a lane.
func (o *options) apart() bool { return o.pinned || o.dedicated != nil }

// lane is a queue of cells with goroutines of its own.
type lane struct {
	p      *workers
	most   int
	pinned bool
	wake   chan struct{} // of the pinned one

	mu      sync.Mutex // guards what follows
	ready   fifo
	running int
	idle    bool // the pinned one sleeps
}

// lanes are the lanes of the classes.
type lanes struct {
	mu sync.Mutex
	m  map[string]*lane
}

// lane returns the lane that the options ask for; nil when the cells of this
// system don't run on workers of its own.
func (s *System) lane(o *options) *lane {
	switch {
	case s.own == nil || !o.apart():
		return nil
	case o.pinned:
		return &lane{p: s.own, most: 1, pinned: true, wake: make(chan struct{}, 1)}
	}
	l := &s.own.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil {
		l.m = map[string]*lane{}
	}
	if l.m[o.dedicated.Class] == nil {
		l.m[o.dedicated.Class] = &lane{p: s.own, most: cmp.Or(o.dedicated.Goroutines, dedicatedGoroutines)}
	}
	return l.m[o.dedicated.Class]
}

// checkClass refuses a number of goroutines that differs from that with which the
// class was begun.
func (s *System) checkClass(d *Dedicated) error {
	if d == nil || d.Goroutines == 0 || s.own == nil {
		return nil
	}
	s.own.lanes.mu.Lock()
	defer s.own.lanes.mu.Unlock()
	if l := s.own.lanes.m[d.Class]; l != nil && l.most != d.Goroutines {
		return fmt.Errorf("Dedicated class %q has %d goroutines already: give all its actors the same number, or none to take what there is", d.Class, l.most)
	}
	return nil
}

func (l *lane) push(c *cell) {
	l.mu.Lock()
	l.ready.push(c)
	start, rouse := l.running < l.most, l.idle
	if start {
		l.running++
	}
	l.idle = false
	l.mu.Unlock()
	switch {
	case start && l.pinned:
		l.p.Go(l.runPinned)
	case start:
		l.p.Go(l.run)
	case rouse:
		l.wake <- struct{}{}
	}
}

// next takes a cell; nil means that there is none, and that the caller is not
// counted as running any more, or as idle.
func (l *lane) next() *cell {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.ready.pop()
	switch {
	case c != nil:
	case l.pinned:
		l.idle = true
	default:
		l.running--
	}
	return c
}

// run runs cells as long as there are any.
func (l *lane) run() {
	w, alive := l.p.newWorker(), true
	w.setGoroutine()
	defer func() {
		if alive { // a handler has ended the goroutine: another one goes on
			l.p.Go(l.run)
		}
	}()
	for {
		c := l.next()
		if c == nil {
			alive = false
			return
		}
		w.turnApart(c)
	}
}

// runPinned runs one cell until it has stopped. The thread ends with the
// goroutine, because it is never unlocked.
func (l *lane) runPinned() {
	runtime.LockOSThread()
	w, alive := l.p.newWorker(), true
	w.setGoroutine()
	defer func() {
		if alive {
			l.p.Go(l.runPinned)
		}
	}()
	for alive {
		c := l.next()
		if c == nil {
			<-l.wake
			continue
		}
		w.turnApart(c)
		alive = c.phase != stopped
	}
}
