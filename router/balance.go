package router

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Balancing has all routees of a pool share one queue: a message waits until a
// routee is free and not behind others in the mailbox of a busy one. Who asks
// gets the answer of whoever took it. [Broadcast] goes past the queue to every
// routee. It is for pools only, without a [Resizer].
type Balancing struct {
	// QueueMax is how many messages may wait. Default, or 0: no limit. A
	// message that finds the queue full becomes a dead letter with the reason
	// MailboxFull.
	QueueMax int
}

func (b Balancing) check(pool bool) error {
	if !pool {
		return fmt.Errorf("Balancing is for pools: a group can't see when its routees are free; use SmallestMailbox")
	}
	if b.QueueMax < 0 {
		return fmt.Errorf("Balancing.QueueMax is %d: must not be negative", b.QueueMax)
	}
	return nil
}

func (Balancing) over([]actor.PID, Picker, *rand.Rand) Picker { return nil }

// sweepEvery is how often a queue in which messages wait looks for workers that
// are free without having said so: what they were given never got to them, because
// their mailboxes are bounded or the runtime has handled it.
const sweepEvery = 10 * time.Millisecond

// queue is what the workers of a balancing pool share.
type queue struct {
	max   int
	clock actor.Clock

	mu       sync.Mutex
	running  bool // false while the router has no workers, and after its end
	poisoned bool // a worker that finds nothing to do any more is to stop
	waiting  []envelope
	free     []*worker // the one that became free last is at the end
	busy     []*worker
	sweeping bool // a sweep is due
}

// worker is a routee of a balancing pool, in one incarnation.
type worker struct {
	pid actor.PID
	// item is what it was given last.
	item envelope
	// given counts the items, swept is the count that the last sweep saw while
	// the worker had nothing to do.
	given, swept uint64
}

// put gives an item to a free worker, or lets it wait for one.
func (q *queue) put(e envelope, f *front) error {
	q.mu.Lock()
	if !q.running {
		q.mu.Unlock()
		return f.wait(e)
	}
	if n := len(q.free); n > 0 {
		w := q.free[n-1]
		q.free = q.free[:n-1]
		q.assign(w, e)
		q.mu.Unlock()
		return e.send(w.pid)
	}
	if q.max > 0 && len(q.waiting) >= q.max {
		q.mu.Unlock()
		f.sys.Drop(f.self, e.msg, e.from, actor.DropMailboxFull)
		return actor.ErrMailboxFull
	}
	q.waiting = append(q.waiting, e)
	sweeping := q.sweeping
	q.sweeping = true
	q.mu.Unlock()
	if !sweeping {
		q.clock.AfterFunc(sweepEvery, q.sweep)
	}
	return nil
}

func (q *queue) assign(w *worker, e envelope) {
	w.item = e
	w.given++
	q.busy = append(q.busy, w)
}

// join makes w known as free.
func (q *queue) join(w *worker) { q.next(w) }

// done notes that w has finished its item and gives it the next.
func (q *queue) done(w *worker, given uint64) {
	q.mu.Lock()
	i := slices.Index(q.busy, w)
	if i < 0 || w.given != given {
		q.mu.Unlock()
		return // it has left, or a sweep was faster
	}
	q.busy = slices.Delete(q.busy, i, i+1)
	q.mu.Unlock()
	q.next(w)
}

func (q *queue) next(w *worker) {
	q.mu.Lock()
	w.item = envelope{}
	if len(q.waiting) == 0 && q.poisoned {
		q.mu.Unlock()
		w.pid.Tell(actor.PoisonPill{})
		return
	}
	if len(q.waiting) == 0 {
		q.free = append(q.free, w)
		q.mu.Unlock()
		return
	}
	e := q.waiting[0]
	q.waiting[0] = envelope{}
	if q.waiting = q.waiting[1:]; len(q.waiting) == 0 {
		q.waiting = nil // the array, with its used up front, goes
	}
	q.assign(w, e)
	q.mu.Unlock()
	_ = e.send(w.pid) // what can't be delivered is a dead letter
}

// leave takes workers out that get nothing any more.
func (q *queue) leave(gone func(*worker) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free = slices.DeleteFunc(q.free, gone)
	q.busy = slices.DeleteFunc(q.busy, gone)
}

// start begins to take messages.
func (q *queue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running, q.poisoned = true, false
}

// poison stops the workers when they have done everything that waits.
func (q *queue) poison() {
	q.mu.Lock()
	q.poisoned = true
	free := q.free
	q.free = nil
	q.mu.Unlock()
	for _, w := range free {
		w.pid.Tell(actor.PoisonPill{})
	}
}

// stop ends that and returns everything that waits.
func (q *queue) stop() []envelope {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting
	q.running, q.waiting = false, nil
	return waiting
}

// sweep finds workers that are free without having said so: idle in two sweeps
// with the same item. It goes on as long as something waits.
func (q *queue) sweep() {
	q.mu.Lock()
	var idle []*worker
	for _, w := range q.busy {
		if waiting, busy, known := w.pid.Pending(); !known || busy || waiting > 0 {
			continue
		}
		if w.swept == w.given {
			idle = append(idle, w)
		}
		w.swept = w.given
	}
	q.mu.Unlock()
	for _, w := range idle {
		q.done(w, w.swept)
	}
	q.mu.Lock()
	q.sweeping = len(q.waiting) > 0
	again := q.sweeping
	q.mu.Unlock()
	if again {
		q.clock.AfterFunc(sweepEvery, q.sweep)
	}
}

// post is the place of a routee in a balancing pool, over all of its lives.
type post struct {
	queue  *queue
	worker *worker // in its present life
}

// around stands around the handling of every message, whatever the behaviour: it
// sees when an item is done, and the worker is free.
func (p *post) around(ctx *actor.Context, msg any, next func(any)) {
	w, returned := p.worker, false
	given, isItem := p.queue.isItem(w, envelope{msg: msg, from: ctx.Sender()})
	defer func() {
		switch {
		case !isItem:
		case returned:
			p.queue.done(w, given)
		default:
			// It fails. Whether it is free again is for its supervisor to
			// say: this runs when it is resumed, and a fresh one joins anew.
			actor.Go(ctx, func(context.Context) (struct{}, error) { return struct{}{}, nil },
				func(struct{}, error) { p.queue.done(w, given) })
		}
	}()
	next(msg)
	returned = true
}

// member is the actor of a worker around that of the user: it joins the others
// and leaves them. The hooks are passed on.
type member struct {
	post    *post
	worker  *worker
	hooks   any // the user's actor, or receiver
	receive func(*actor.Context)
}

// Receive lets the user's actor handle the message.
func (m *member) Receive(ctx *actor.Context) { m.receive(ctx) }

// isItem tells the item from other messages. A message that is like the item
// passes for it: then the worker gets its next a little early.
func (q *queue) isItem(w *worker, e envelope) (given uint64, is bool) {
	q.mu.Lock()
	item, given := w.item, w.given
	q.mu.Unlock()
	if item.from != e.from {
		return given, false
	}
	a, b := reflect.TypeOf(item.msg), reflect.TypeOf(e.msg)
	if a != b {
		return given, false
	}
	return given, a == nil || !reflect.ValueOf(item.msg).Comparable() || item.msg == e.msg
}

// PreStart runs the user's hook and joins the others.
func (m *member) PreStart(ctx *actor.Context) error {
	if h, ok := m.hooks.(actor.PreStarter); ok {
		if err := h.PreStart(ctx); err != nil {
			return err
		}
	}
	m.worker = &worker{pid: ctx.Self()}
	m.post.worker = m.worker
	m.post.queue.join(m.worker)
	return nil
}

// PreRestart leaves and runs the user's hook.
func (m *member) PreRestart(ctx *actor.Context, cause error) {
	m.leave()
	switch h := m.hooks.(type) {
	case actor.PreRestarter:
		h.PreRestart(ctx, cause)
	case actor.PostStopper:
		h.PostStop(ctx)
	}
}

// PostStop leaves and runs the user's hook.
func (m *member) PostStop(ctx *actor.Context) {
	m.leave()
	if h, ok := m.hooks.(actor.PostStopper); ok {
		h.PostStop(ctx)
	}
}

func (m *member) leave() { m.post.queue.leave(func(w *worker) bool { return w == m.worker }) }
