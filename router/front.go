package router

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/actor"
)

// front is the side of a router that senders meet: it routes on their
// goroutines, by a table that the head publishes. While there is no table,
// messages go through the mailbox of the head, which routes them itself, or are
// held for the moment until there is one. The ways of a message:
//
//	through   no table: the routees aren't known, or are being replaced
//	holding   the head is working off what came through; later ones wait here
//	open      by the table
//
// So messages of one sender to one routee keep their order, whenever routing
// begins. What comes through is in a mailbox and shares its fate when the router
// stops; holding ends with the head's turn that opens, or with its end.
type front struct {
	sys    *actor.System
	self   actor.PID // the ref that users have
	head   actor.PID
	random *rand.Rand
	queue  *queue // of a balancing pool

	table    atomic.Pointer[table]
	received atomic.Uint64 // messages of a pool with a Resizer
	resizing atomic.Bool   // the head has been told to look at the size
	sessions atomic.Int64
	pace     pace // the head's

	mu      sync.Mutex // guards what follows, and the order of messages to the head
	holding bool
	held    []envelope
}

// envelope is a message that waits.
type envelope struct {
	msg   any
	from  actor.PID
	trace actor.Trace
}

// send sends the message on.
func (e envelope) send(to actor.PID) error { return send(to, e.msg, e.from, e.trace) }

// send is TellFrom with a trace, if there is one.
func send(to actor.PID, msg any, from actor.PID, trace actor.Trace) error {
	if trace != "" {
		msg = actor.WithTrace(msg, trace)
	}
	return to.TellFrom(msg, from)
}

// heldMax bounds the messages that are held while a router begins to route.
const heldMax = 10_000

// table is what routing takes; it is never changed.
type table struct {
	routees []actor.PID // all of them
	near    []actor.PID // those to pick from
	picker  Picker      // nil without routees, and where nobody is picked
	way     way
	toAll   BroadcastIf // nil: none
	// resizeEvery is after how many messages the head looks at the size: 0
	// never, less than 0 never, but they are counted.
	resizeEvery int
}

// bound waits until the front has its refs: its head may run before whoever
// spawned it goes on.
func (f *front) bound() {
	f.mu.Lock()
	defer f.mu.Unlock()
}

// Actor returns the head: it is watched and stopped in the router's place, and
// other nodes send to it.
func (f *front) Actor() actor.PID { return f.head }

// Deliver routes one message, or hands it to the head when that has to see it.
func (f *front) Deliver(msg any, from actor.PID) error { return f.DeliverTraced(msg, from, "") }

// DeliverTraced is Deliver with the trace of the message, which goes with it.
func (f *front) DeliverTraced(msg any, from actor.PID, trace actor.Trace) error {
	switch msg.(type) {
	case GetRoutees, AddRoutee, RemoveRoutee, AdjustPoolSize, actor.PoisonPill, actor.Kill, actor.Identify:
		return send(f.head, msg, from, trace)
	}
	if t := f.table.Load(); t != nil {
		return f.route(t, msg, from, trace)
	}
	return f.wait(envelope{msg, from, trace})
}

// Pick returns the routee that gets the message, as Deliver would; false where
// it isn't as simple as that.
func (f *front) Pick(msg any) (to actor.PID, what any, ok bool) {
	t := f.table.Load()
	if t == nil || t.way != toOne || t.picker == nil {
		return to, nil, false
	}
	switch msg.(type) {
	case GetRoutees, AddRoutee, RemoveRoutee, AdjustPoolSize, actor.PoisonPill, actor.Kill, actor.Identify, Broadcast:
		return to, nil, false
	}
	if t.toAll != nil && t.toAll.holds(bare(msg)) {
		return to, nil, false
	}
	i := t.picker.Pick(msg)
	if uint(i) >= uint(len(t.near)) {
		return to, nil, false
	}
	if t.resizeEvery != 0 {
		f.count(t)
	}
	return t.near[i], bare(msg), true
}

// route sends a message to whom the table gives it.
func (f *front) route(t *table, msg any, from actor.PID, trace actor.Trace) error {
	if t.resizeEvery != 0 {
		f.count(t)
	}
	if m, ok := msg.(Broadcast); ok {
		return f.toAll(t, m.Message, from, trace)
	}
	if t.toAll != nil && t.toAll.holds(bare(msg)) {
		return f.toAll(t, bare(msg), from, trace)
	}
	switch t.way {
	case toAll:
		return f.toAll(t, bare(msg), from, trace)
	case asking:
		return send(f.head, msg, from, trace)
	case queued:
		return f.queue.put(envelope{bare(msg), from, trace}, f)
	}
	if t.picker != nil {
		if i := t.picker.Pick(msg); uint(i) < uint(len(t.near)) {
			return send(t.near[i], bare(msg), from, trace)
		}
	}
	return f.nobody(t, msg, from)
}

// bare takes a message out of what was put around it for routing.
func bare(msg any) any {
	if k, ok := msg.(Keyed); ok {
		return k.Message
	}
	return msg
}

func (f *front) toAll(t *table, msg any, from actor.PID, trace actor.Trace) error {
	if len(t.routees) == 0 {
		return f.nobody(t, msg, from)
	}
	if _, last := msg.(actor.PoisonPill); last && f.queue != nil {
		f.queue.poison()
		return nil
	}
	if trace != "" {
		msg = actor.WithTrace(msg, trace) // once for all of them
	}
	var first error
	for _, r := range t.routees {
		if err := r.TellFrom(msg, from); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// nobody drops a message that leads to no routee.
func (f *front) nobody(t *table, msg any, from actor.PID) error {
	f.sys.Drop(f.self, bare(msg), from, actor.DropNoRoutee)
	if _, byKey := t.picker.(*hashed); byKey {
		return ErrNoKey
	}
	return ErrNoRoutee
}

// count has the head look at the size of the pool every so many messages, but
// not while it is about to anyway.
func (f *front) count(t *table) {
	n := f.received.Add(1)
	if t.resizeEvery > 0 && n%uint64(t.resizeEvery) == 0 && f.resizing.CompareAndSwap(false, true) {
		f.head.Tell(resizeDue{})
	}
}

// wait takes a message while there is no table.
func (f *front) wait(e envelope) error {
	if _, event := e.msg.(actor.DeadLetter); event {
		// A drop below would publish one and so come here again: it must not
		// find the lock taken.
		return e.send(f.head)
	}
	f.mu.Lock()
	if t := f.table.Load(); t != nil {
		f.mu.Unlock()
		return f.route(t, e.msg, e.from, e.trace)
	}
	defer f.mu.Unlock()
	switch {
	case !f.holding:
		return e.send(f.head)
	case len(f.held) < heldMax:
		f.held = append(f.held, e)
		return nil
	}
	f.sys.Drop(f.self, bare(e.msg), e.from, actor.DropBufferFull)
	return actor.ErrMailboxFull
}

// hold makes messages wait here instead of going through the head.
func (f *front) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding = true
}

// open routes what was held, and from then on everything, by t.
func (f *front) open(t *table) {
	const passes = 8 // then senders have to wait for the rest
	for range passes {
		f.mu.Lock()
		held := f.held
		f.held = nil
		f.mu.Unlock()
		if len(held) == 0 {
			break
		}
		f.routeHeld(t, held)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.routeHeld(t, f.held)
	f.held, f.holding = nil, false
	f.table.Store(t)
}

func (f *front) routeHeld(t *table, held []envelope) {
	for _, e := range held {
		_ = f.route(t, e.msg, e.from, e.trace) // what can't be delivered is a dead letter
	}
}

// divert sends everything through the head again, what was held first.
func (f *front) divert() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table.Store(nil)
	held := f.held
	f.held, f.holding = nil, false
	if f.queue != nil {
		held = append(f.queue.stop(), held...)
	}
	for _, e := range held {
		_ = e.send(f.head) // the same
	}
}
