package simtest

import (
	"container/heap"

	"github.com/troupe-go/troupe/actor"
)

// kind says what an event is; it is part of the trace.
type kind uint8

const (
	kindTurn    kind = iota + 1 // a task of an executor
	kindGo                      // the start of a function given to Executor.Go
	kindResume                  // a parked coroutine goes on
	kindTimer                   // a timer of a node's clock
	kindNet                     // something happens to a connection
	kindDisk                    // an operation of the simulated store ends
	kindFault                   // the world does something to a node or a link
	kindNote                    // a remark of the script or a checker
	kindDeliver                 // bytes reach the other end of a connection
)

var kindNames = [...]string{kindTurn: "turn", kindGo: "go", kindResume: "resume", kindTimer: "timer",
	kindNet: "net", kindDisk: "disk", kindFault: "fault", kindNote: "note", kindDeliver: "deliver"}

func (k kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "?"
}

// event is one entry of the world's heap. Exactly one of task, strand and call
// is set. It is also the actor.Timer of a clock's timer.
type event struct {
	at   int64  // virtual nanoseconds since the world began
	tie  uint64 // drawn at push: orders what happens at one instant
	seq  uint64 // the last resort that makes the order total
	kind kind
	done bool // fired or stopped
	home *queue

	proc   *process // whose event it is; nil for the world's own
	label  string   // stable text for the trace
	arg    uint64   // stable number for the trace
	task   actor.Task
	strand *strand
	call   func()
}

// Stop implements actor.Timer.
func (e *event) Stop() bool {
	if e.done {
		return false
	}
	e.done = true
	e.home.stopped++
	return true
}

// queue is the heap of events. Stopped timers stay in it until they come up
// or outnumber the living.
type queue struct {
	events  events
	stopped int
}

func (q *queue) push(e *event) {
	e.home = q
	heap.Push(&q.events, e)
	if q.stopped > 1024 && q.stopped > len(q.events)/2 {
		q.compact()
	}
}

// pop returns the next event that was not stopped, or nil.
func (q *queue) pop() *event {
	for len(q.events) > 0 {
		e := heap.Pop(&q.events).(*event)
		if !e.done {
			return e
		}
		q.stopped--
	}
	return nil
}

// peek returns the time of the next event.
func (q *queue) peek() (at int64, ok bool) {
	for len(q.events) > 0 {
		if e := q.events[0]; !e.done {
			return e.at, true
		}
		heap.Pop(&q.events)
		q.stopped--
	}
	return 0, false
}

func (q *queue) compact() {
	live := q.events[:0]
	for _, e := range q.events {
		if !e.done {
			live = append(live, e)
		}
	}
	clear(q.events[len(live):])
	q.events = live
	q.stopped = 0
	heap.Init(&q.events)
}

type events []*event

func (h events) Len() int { return len(h) }

func (h events) Less(i, j int) bool {
	a, b := h[i], h[j]
	if a.at != b.at {
		return a.at < b.at
	}
	if a.tie != b.tie {
		return a.tie < b.tie
	}
	return a.seq < b.seq
}

func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *events) Push(x any) { *h = append(*h, x.(*event)) }

func (h *events) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
