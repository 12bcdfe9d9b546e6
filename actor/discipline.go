package actor

import (
	"container/heap"
	"math"
	"slices"
	"sync"
	"time"
)

// Overflow says what happens to a message that finds a bounded mailbox full.
type Overflow uint8

// The ways to overflow.
const (
	// DropNewest refuses the message: it becomes a dead letter, and
	// [Ref.TryTell] says so.
	DropNewest Overflow = iota
	// DropOldest makes room: the oldest message of the lowest priority
	// becomes a dead letter.
	DropOldest
	// BlockSender makes a sender of this system wait for room, up to
	// Mailbox.Wait; then it is as with DropNewest. Messages from other nodes
	// are refused at once. Two actors that send to each other's full
	// mailboxes wait in vain, so give it to mailboxes at the end of a chain.
	BlockSender
)

// Mailbox is the option for a mailbox that isn't simply first in, first out.
// For a plain bound, [Bounded] is quicker.
type Mailbox struct {
	// Max is how many messages fit; zero or less means no limit.
	Max int
	// Overflow says what happens to one more.
	Overflow Overflow
	// Wait bounds BlockSender. Default 1 s.
	Wait time.Duration
	// Priority orders the messages: lower values come first, equal ones in the
	// order in which they were sent. nil: all are equal, but for messages
	// with a method ControlMessage(), which come before all others. It must be
	// pure, quick and safe for concurrent use. A message for which it panics
	// comes last.
	Priority func(msg any) int
}

// Control is implemented by messages that go before others in a [Mailbox]
// without a Priority.
type Control interface{ ControlMessage() }

func (m Mailbox) applySpawn(o *options) { o.mailbox = &m }

// controlFirst is the priority of a Mailbox that has none.
func controlFirst(msg any) int {
	if _, control := msg.(Control); control {
		return 0
	}
	return 1
}

// discipline is the queue behind a [Mailbox]: a heap, stable by the order of
// the sends, wholly under a lock.
type discipline struct {
	Mailbox
	evicted func(envelope) // takes what had to make room
	mu      sync.Mutex
	ranked  rankedHeap
	sent    uint64
	front   []envelope // unstashed: before all others
	room    []*Gate    // senders that wait, first come first served
	closed  bool
}

func newDiscipline(m Mailbox) *discipline {
	if m.Priority == nil {
		m.Priority = controlFirst
	}
	m.Wait = orDefault(m.Wait, time.Second)
	return &discipline{Mailbox: m}
}

type ranked struct {
	envelope
	priority int
	order    uint64
}

// rankedHeap has the next message on top.
type rankedHeap []ranked

func (h rankedHeap) Len() int { return len(h) }
func (h rankedHeap) Less(i, j int) bool {
	if h[i].priority != h[j].priority {
		return h[i].priority < h[j].priority
	}
	return h[i].order < h[j].order
}
func (h rankedHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *rankedHeap) Push(v any)   { *h = append(*h, v.(ranked)) }
func (h *rankedHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = ranked{}
	*h = old[:len(old)-1]
	return last
}

// priority asks the user's function, whose panic must not reach the sender.
func (d *discipline) priority(msg any) (p int) {
	defer func() {
		if recover() != nil {
			p = math.MaxInt
		}
	}()
	return d.Priority(msg)
}

// push adds a message. When it had to make room, evicted is what went.
func (d *discipline) push(env envelope, internal bool) (evicted *envelope, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrStopped
	}
	priority := 0
	if !internal {
		priority = d.priority(env.msg)
		if d.Max > 0 && len(d.ranked)+len(d.front) >= d.Max {
			if d.Overflow != DropOldest || len(d.ranked) == 0 {
				return nil, ErrMailboxFull
			}
			evicted = d.evict()
		}
	}
	d.sent++
	heap.Push(&d.ranked, ranked{envelope: env, priority: priority, order: d.sent})
	return evicted, nil
}

// evict takes out the oldest message of the lowest priority.
func (d *discipline) evict() *envelope {
	worst := 0
	for i, r := range d.ranked {
		w := d.ranked[worst]
		if r.priority > w.priority || r.priority == w.priority && r.order < w.order {
			worst = i
		}
	}
	r := heap.Remove(&d.ranked, worst).(ranked)
	return &r.envelope
}

func (d *discipline) pop() (envelope, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var env envelope
	switch {
	case len(d.front) > 0:
		env = d.front[0]
		d.front = d.front[1:]
	case len(d.ranked) > 0:
		env = heap.Pop(&d.ranked).(ranked).envelope
	default:
		return envelope{}, false
	}
	if len(d.room) > 0 {
		d.room[0].Open()
		d.room = d.room[1:]
	}
	return env, true
}

func (d *discipline) prepend(envs []envelope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.front = append(envs, d.front...)
}

func (d *discipline) close() []envelope {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	rest := d.front
	for len(d.ranked) > 0 {
		rest = append(rest, heap.Pop(&d.ranked).(ranked).envelope)
	}
	for _, g := range d.room {
		g.Open()
	}
	d.front, d.room = nil, nil
	return rest
}

// await returns a gate that opens when a message has left the mailbox; it is
// open already when there is room.
func (d *discipline) await() *Gate {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := &Gate{}
	if d.closed || len(d.ranked)+len(d.front) < d.Max {
		g.Open()
	} else {
		d.room = append(d.room, g)
	}
	return g
}

// leave ends a wait that nobody has ended.
func (d *discipline) leave(g *Gate) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.room, g); i >= 0 {
		d.room = slices.Delete(d.room, i, i+1)
	}
}

// deliverWaiting delivers to a full mailbox that makes its senders wait.
func (c *cell) deliverWaiting(env envelope, w *worker) error {
	deadline := c.sys.clock.Now().Add(c.mailbox.special.Wait)
	for {
		wait := deadline.Sub(c.sys.clock.Now())
		if wait <= 0 {
			return ErrMailboxFull
		}
		room := c.mailbox.special.await()
		limit := c.sys.clock.AfterFunc(wait, func() { room.Open() })
		if w != nil {
			w.blocking()
		}
		c.sys.exec.Wait(room)
		limit.Stop()
		c.mailbox.special.leave(room)
		if err := c.mailbox.push(env); err != ErrMailboxFull {
			return err
		}
	}
}
