package simtest

import (
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"

	"github.com/troupe-go/troupe/actor"
)

// strand is a coroutine on which turns and functions of nodes run. One that
// has finished its job goes back to the world's idle list; one that waits for
// a gate belongs to its job until the gate opens or the node dies.
type strand struct {
	w      *World
	id     uint64
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	job    func()
	task   actor.Task
	proc   *process
	parked bool
	// ended: the node died while the strand was parked. What still runs on
	// it are deferred functions, and the doors of a dead node do nothing.
	ended bool
	// left: the job ended its goroutine. Its deferred functions have run; what
	// is left of it waits for the end of the world.
	left bool
}

func (w *World) newStrand() *strand {
	w.strands++
	s := &strand{w: w, id: w.strands}
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		for {
			s.work()
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return s
}

// work runs the job. A panic that nobody caught would have ended the process
// in production: here it ends the seed.
func (s *strand) work() {
	done := false
	defer func() {
		v := recover()
		switch {
		case v != nil:
			s.w.fail(fmt.Sprintf("panic on node %s: %v\n%s", s.proc.node.name, v, debug.Stack()))
		case !done && !s.ended && !s.w.failed && !s.w.t.Failed(): // by runtime.Goexit, which is the job's own
			s.left = true
			s.yield(struct{}{})
		}
	}()
	if s.task != nil {
		s.task.Run()
	} else {
		s.job()
	}
	done = true
}

// park gives control back to the world until the world resumes the strand.
func (s *strand) park() {
	if s.ended {
		runtime.Goexit()
	}
	s.parked = true
	if !s.yield(struct{}{}) {
		// The node is dead. Goexit and not a panic, because a panic is what
		// code under test recovers from.
		s.ended = true
		runtime.Goexit()
	}
}

// run starts a job on a strand.
func (w *World) run(p *process, task actor.Task, job func()) {
	var s *strand
	if n := len(w.idle); n > 0 {
		s = w.idle[n-1]
		w.idle = w.idle[:n-1]
	} else {
		s = w.newStrand()
	}
	s.proc, s.task, s.job = p, task, job
	w.resume(s)
}

// resume lets a strand go on until it parks or its job is done.
func (w *World) resume(s *strand) {
	outer := w.current
	w.current = s
	if s.parked {
		s.parked = false
		delete(s.proc.parked, s.id)
	}
	s.next()
	w.current = outer
	if s.parked {
		s.proc.parked[s.id] = s
		return
	}
	s.proc, s.task, s.job = nil, nil, nil
	if s.left {
		w.left = append(w.left, s)
		return
	}
	w.idle = append(w.idle, s)
}

// unwind ends a parked strand without letting its code go on: only its
// deferred functions run. The Goexit comes out of stop, hence the goroutine.
func (w *World) unwind(s *strand) {
	outer := w.current
	w.current = s
	s.ended = true
	apart(s.stop)
	w.current = outer
}

// apart runs f on a goroutine of its own, which f may end, and waits for it.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// wait is Executor.Wait.
func (w *World) wait(p *process, g *actor.Gate) {
	if g.IsOpen() {
		return
	}
	s := w.current
	if s == nil {
		if w.dispatching {
			w.fail(fmt.Sprintf("a timer function of node %s blocks: %s", p.node.name, w.lastText()))
		}
		w.drive("a gate", g.IsOpen)
		return
	}
	if s.ended {
		runtime.Goexit()
	}
	g.Notify(func() { w.wake(s) })
	s.park()
}

// wake makes a parked strand runnable.
func (w *World) wake(s *strand) {
	if s.ended || s.proc == nil || s.proc.dead {
		return
	}
	w.push(&event{kind: kindResume, proc: s.proc, arg: s.id, strand: s}, s.proc.turnDelay())
}
