package actor

import (
	"cmp"
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
	// Max is how many messages fit; zero means no limit, and less is an error.
	Max int
	// Overflow says what happens to one more.
	Overflow Overflow
	// Wait bounds BlockSender. Default 1 s.
	Wait time.Duration
	// Priority orders the messages: lower values come first, equal ones in the
	// order in which they were sent. nil: all are equal, but for messages
	// with a method ControlMessage(), which come before all others. It must be
	// pure, quick and safe for concurrent use. A message for which it panics
	// comes last. It sees the messages of users only: what the runtime has to say
	// (a [PoisonPill], a [Kill], a [Terminated], the ticks of timers, a
	// [ReceiveTimeout], an [Identify]) comes when all that was there before has been
	// handled, and nothing that is sent after a PoisonPill or a Kill overtakes it.
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
// the sends, wholly under a lock. The runtime's own messages have a queue beside it.
type discipline struct {
	Mailbox
	evicted func(envelope) // takes what had to make room
	budget  *budget        // nil: bytes don't count
	clock   Clock          // nil: ages don't count
	mu      sync.Mutex
	ranked  rankedHeap
	sent    uint64
	epoch   uint64     // orders to end so far: what is sent after one has a later epoch
	own     []unranked // of the runtime, oldest first
	late    int        // ranked messages that came after the last of own
	front   []ranked   // unstashed: before all others
	room    []*Gate    // senders that wait, first come first served
	closed  bool
}

func newDiscipline(m Mailbox) *discipline {
	if m.Priority == nil {
		m.Priority = controlFirst
	}
	m.Wait = cmp.Or(m.Wait, time.Second)
	return &discipline{Mailbox: m}
}

type ranked struct {
	envelope
	epoch    uint64
	priority int
	order    uint64
	size     int64
	since    time.Time
}

// unranked is a message of the runtime's own. It comes after what was there before.
type unranked struct {
	envelope
	order uint64
	ahead int // ranked messages between the unranked one before it and this one
	since time.Time
}

// endsActor reports whether a message is an order to the actor to end.
func endsActor(msg any) bool {
	switch untraced(msg).(type) {
	case PoisonPill, Kill:
		return true
	}
	return false
}

// rankedHeap is a binary heap with the next message on top. It holds messages as they
// are: to box each of them would cost more than the rest.
type rankedHeap []ranked

func (h rankedHeap) less(i, j int) bool {
	if h[i].epoch != h[j].epoch {
		return h[i].epoch < h[j].epoch
	}
	if h[i].priority != h[j].priority {
		return h[i].priority < h[j].priority
	}
	return h[i].order < h[j].order
}

func (h *rankedHeap) push(r ranked) {
	*h = append(*h, r)
	h.up(len(*h) - 1)
}

func (h *rankedHeap) pop() ranked { return h.remove(0) }

// remove takes out the message at i.
func (h *rankedHeap) remove(i int) ranked {
	all, last := *h, len(*h)-1
	r := all[i]
	all[i], all[last] = all[last], ranked{}
	*h = all[:last]
	if i < last && !h.down(i) {
		h.up(i)
	}
	return r
}

func (h rankedHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// down reports whether the message at i has moved.
func (h rankedHeap) down(i int) bool {
	from := i
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if other := child + 1; other < len(h) && h.less(other, child) {
			child = other
		}
		if !h.less(child, i) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	return i > from
}

// rank asks the user's function, whose panic must not reach the sender. It runs
// outside of the locks.
func (d *discipline) rank(msg any) (p int) {
	defer func() {
		if recover() != nil {
			p = math.MaxInt
		}
	}()
	_, msg = plain(PID{}, msg)
	return d.Priority(msg)
}

// push adds a message of a user. When it had to make room, evicted is what went.
func (d *discipline) push(env envelope, priority int) (evicted *envelope, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrStopped
	}
	size := int64(0)
	if d.budget != nil {
		if size = sizeOf(env.msg); !d.budget.take(size) {
			return nil, errOverBudget
		}
	}
	if d.Max > 0 && len(d.ranked)+len(d.front) >= d.Max {
		if d.Overflow == DropOldest {
			evicted = d.evict()
		}
		if evicted == nil {
			d.pay(size)
			return nil, ErrMailboxFull
		}
	}
	d.sent++
	d.late++
	d.ranked.push(d.stamped(ranked{envelope: env, epoch: d.epoch, priority: priority, order: d.sent, size: size}))
	return evicted, nil
}

// pushOwn adds a message of the runtime, for which neither rank nor bound counts.
func (d *discipline) pushOwn(env envelope) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrStopped
	}
	d.sent++
	u := unranked{envelope: env, order: d.sent, ahead: d.late}
	if d.clock != nil {
		u.since = d.clock.Now()
	}
	d.own, d.late = append(d.own, u), 0
	if endsActor(env.msg) {
		d.epoch++
	}
	return nil
}

// full reports whether the mailbox has a bound and holds as much, of anything.
func (d *discipline) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Max > 0 && len(d.ranked)+len(d.front)+len(d.own) >= d.Max
}

// left notes that a ranked message has gone.
func (d *discipline) left(r ranked) {
	d.pay(r.size)
	i, _ := slices.BinarySearchFunc(d.own, r.order, func(u unranked, order uint64) int { return cmp.Compare(u.order, order) })
	if i < len(d.own) {
		d.own[i].ahead--
	} else {
		d.late--
	}
}

// pay gives bytes back to the budget.
func (d *discipline) pay(size int64) {
	if size > 0 {
		d.budget.used.Add(-size)
	}
}

func (d *discipline) stamped(r ranked) ranked {
	if d.clock != nil {
		r.since = d.clock.Now()
	}
	return r
}

// oldest returns since when the oldest message waits; zero without any.
func (d *discipline) oldest() (since time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, waiting := range [][]ranked{d.front, d.ranked} {
		for _, r := range waiting {
			if since.IsZero() || r.since.Before(since) {
				since = r.since
			}
		}
	}
	if len(d.own) > 0 && (since.IsZero() || d.own[0].since.Before(since)) {
		since = d.own[0].since
	}
	return since
}

// evict takes out the oldest message of the lowest priority; nil means that all are
// unstashed ones.
func (d *discipline) evict() *envelope {
	worst := -1
	for i, r := range d.ranked {
		if worst < 0 || r.priority > d.ranked[worst].priority ||
			r.priority == d.ranked[worst].priority && r.order < d.ranked[worst].order {
			worst = i
		}
	}
	if worst < 0 {
		return nil
	}
	r := d.ranked.remove(worst)
	d.left(r)
	return &r.envelope
}

func (d *discipline) pop() (envelope, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var next envelope
	switch {
	case len(d.front) > 0:
		next = d.front[0].envelope
		d.pay(d.front[0].size)
		d.front[0], d.front = ranked{}, d.front[1:]
	case len(d.own) > 0 && d.own[0].ahead == 0:
		next = d.own[0].envelope
		d.own[0], d.own = unranked{}, d.own[1:]
		return next, true // it has taken nobody's room
	case len(d.ranked) > 0:
		r := d.ranked.pop()
		d.left(r)
		next = r.envelope
	default:
		return envelope{}, false
	}
	if len(d.room) > 0 {
		d.room[0].Open()
		d.room = d.room[1:]
	}
	return next, true
}

// prepend puts back what was there before; it counts, but isn't refused.
func (d *discipline) prepend(envs []envelope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	front := make([]ranked, 0, len(envs)+len(d.front))
	for _, env := range envs {
		r := d.stamped(ranked{envelope: env})
		if d.budget != nil {
			r.size = sizeOf(env.msg)
			d.budget.used.Add(r.size)
		}
		front = append(front, r)
	}
	d.front = append(front, d.front...)
}

func (d *discipline) close() []envelope {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	var rest []envelope
	for _, r := range d.front {
		d.pay(r.size)
		rest = append(rest, r.envelope)
	}
	for _, u := range d.own {
		rest = append(rest, u.envelope)
	}
	for len(d.ranked) > 0 {
		r := d.ranked.pop()
		d.pay(r.size)
		rest = append(rest, r.envelope)
	}
	for _, g := range d.room {
		g.Open()
	}
	d.front, d.own, d.room = nil, nil, nil
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
		if err := c.mailbox.push(env, c.spec.mailboxMax); err != ErrMailboxFull {
			return err
		}
	}
}
