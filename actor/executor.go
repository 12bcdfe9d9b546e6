package actor

import "sync"

// Task is something an [Executor] runs: one turn of an actor.
type Task interface {
	// Run does the work and returns. It recovers its own panics.
	Run()
}

// Executor is the door through which scheduling enters a system: everything
// that runs in it, runs because an executor ran it. Implementations are safe
// for concurrent use.
type Executor interface {
	// Schedule runs t soon, once, never inside the call itself. A task that
	// is scheduled again while it runs may overlap with itself; the cells
	// of this package see to it that this doesn't happen.
	Schedule(t Task)
	// Go runs f soon, apart from all turns; f may block for long.
	Go(f func())
	// Wait blocks the calling turn, or function started by Go, until g is
	// open. It is the only way code of ours blocks, so that an executor
	// with few workers can bring in a spare one and a simulator can run
	// somebody else meanwhile.
	Wait(g *Gate)
}

// Gate is an event that happens at most once and that others can wait for.
// The zero value is a closed gate. A Gate is safe for concurrent use and must
// not be copied after its first use.
type Gate struct {
	mu     sync.Mutex
	open   bool
	done   chan struct{}
	waiter chan struct{} // of one that waits without done
	notify []func()
}

// Open opens the gate for good. Opening it again does nothing. It reports
// whether this call opened it.
func (g *Gate) Open() bool {
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return false
	}
	g.open = true
	if g.done != nil {
		close(g.done)
	}
	if g.waiter != nil {
		g.waiter <- struct{}{} // there is room
	}
	calls := g.notify
	g.notify = nil
	g.mu.Unlock()
	for _, f := range calls {
		f()
	}
	return true
}

// wait blocks the goroutine until the gate is open. The channels for that come from
// a pool, each with room for one.
func (g *Gate) wait(pool *sync.Pool) {
	g.mu.Lock()
	if g.open || g.waiter != nil {
		g.mu.Unlock()
		<-g.Done()
		return
	}
	c, ok := pool.Get().(chan struct{})
	if !ok {
		c = make(chan struct{}, 1)
	}
	g.waiter = c
	g.mu.Unlock()
	<-c
	pool.Put(c)
}

// IsOpen reports whether the gate is open.
func (g *Gate) IsOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// Done returns a channel that is closed when the gate is open.
func (g *Gate) Done() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done == nil {
		g.done = make(chan struct{})
		if g.open {
			close(g.done)
		}
	}
	return g.done
}

// Notify calls f once when the gate opens, at once if it is open already. f
// runs on the opener's goroutine and must not block.
func (g *Gate) Notify(f func()) {
	g.mu.Lock()
	if !g.open {
		g.notify = append(g.notify, f)
		g.mu.Unlock()
		return
	}
	g.mu.Unlock()
	f()
}
