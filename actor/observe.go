package actor

import "time"

// Observer looks on while a system works: a test kit is one, or a tracer. Each
// of its functions may be nil. They are called where things happen, on the turn of
// an actor or on the goroutine of a sender, many at once, and so have to be quick,
// safe for concurrent use, and must not wait for anything.
type Observer struct {
	// Spawn is told of every actor that is spawned, before it starts, and
	// returns the factory that is used for it.
	Spawn func(Spawning) func() Actor
	// Send is told of every message to an actor of the system, or to an asker,
	// before it is delivered, and returns what is delivered in its place. With
	// an error the message becomes a dead letter with the reason DropEncode.
	Send func(Sending) (any, error)
	// Act is told of everything else.
	Act func(Act)
}

// Spawning is the birth of an actor.
type Spawning struct {
	Parent, Child PID
	// Name is the name that was asked for; empty when it is given out.
	Name    string
	Factory func() Actor
	// Supervise is what the parent will do when the actor fails.
	Supervise Supervise
}

// Sending is a message on its way.
type Sending struct {
	To, From PID
	Message  any
	// Ask says that From waits for one answer, Answer that To does.
	Ask, Answer bool
}

// ActKind is the kind of an [Act].
type ActKind uint8

// The kinds, with the fields of Act that they use.
const (
	// ActHandled: Actor is about to handle Message of Other. Own says that the
	// runtime had put it into the mailbox: a tick of a timer, a Terminated.
	ActHandled ActKind = iota + 1
	// ActStashed: Actor has put Message of Other aside; it will handle it again.
	ActStashed
	// ActDropped: Message of Other, which was for Actor, is a dead letter of Reason.
	ActDropped
	// ActUnhandled: Actor had no use for Message of Other.
	ActUnhandled
	// ActWatched: Actor watches Other, and gets Message in place of a Terminated
	// unless that is nil.
	ActWatched
	// ActUnwatched: Actor doesn't watch Other any more.
	ActUnwatched
	// ActTimerSet: Actor has started a timer that sends it Message; see Schedule.
	ActTimerSet
	// ActTimerCancelled: the timer of Actor that would have sent Message is
	// cancelled; Schedule has its key.
	ActTimerCancelled
	// ActReceiveTimeout: Actor has set its receive timeout to After, 0: ended it.
	ActReceiveTimeout
	// ActStop: Actor asks Other to stop.
	ActStop
	// ActFailed: Actor has failed with Err. Own says that it hadn't started.
	ActFailed
	// ActPublished: Message was published as an event.
	ActPublished
	// ActAdapted: Actor has a further address, Other; see [Adapt].
	ActAdapted
	// ActWork: Actor has something done elsewhere; see [Go].
	ActWork
)

// Act is something that happens to an actor, or that it does.
type Act struct {
	Kind         ActKind
	Actor, Other PID
	Message      any
	Own          bool
	Schedule     Schedule
	After        time.Duration
	Reason       DropReason
	Err          error
}

// act tells the observer, if there is one. Where much goes on, callers look for
// themselves first: an Act takes a while to write down.
func (s *System) act(a Act) {
	if s.observer != nil && s.observer.Act != nil {
		s.observer.Act(a)
	}
}

// observe has the observer's Send see a message and returns what is delivered.
func (s *System) observe(to *process, env envelope) (envelope, error) {
	if s.observer.Send == nil {
		return env, nil
	}
	sending := Sending{To: PID{p: to}, From: PID{p: env.from}}
	_, sending.Message = plain(sending.To, env.msg)
	if env.from != nil {
		_, sending.Ask = env.from.t.(*reply)
	}
	_, sending.Answer = to.t.(*reply)
	msg, err := s.observer.Send(sending)
	if err != nil {
		return env, err
	}
	was, trace := TraceOf(env.msg)
	if m, ok := was.(*adapted); ok {
		msg = &adapted{by: m.by, msg: msg}
	}
	env.msg = WithTrace(msg, trace)
	return env, nil
}

// observeBirth lets the observer change the factory of a child.
func (c *cell) observeBirth(child *cell) {
	o := c.sys.observer
	if o == nil {
		return
	}
	child.extras() // its messages take the way on which they are observed
	if o.Spawn != nil {
		child.spec.factory = o.Spawn(Spawning{
			Parent: PID{p: &c.process}, Child: PID{p: &child.process}, Name: child.name,
			Factory: child.spec.factory, Supervise: child.spec.supervise,
		})
	}
}

// observeHandling tells that the cell is about to handle a message.
func (c *cell) observeHandling(env envelope, own bool) {
	if c.sys.observer == nil {
		return
	}
	_, msg := plain(PID{}, env.msg)
	c.sys.act(Act{Kind: ActHandled, Actor: PID{p: &c.process}, Other: PID{p: env.from}, Message: msg, Own: own})
}

// drop makes a message that was for the cell a dead letter.
func (c *cell) drop(env envelope, reason DropReason) {
	self := PID{p: &c.process}
	var cause error
	if reason == DropStopped && c.mailbox.isClosed() && c.x != nil {
		cause = c.x.cause
	}
	c.sys.dropBecause(self, env.msg, PID{p: env.from}, reason, cause)
	if c.sys.observer != nil {
		_, msg := plain(self, env.msg)
		c.sys.act(Act{Kind: ActDropped, Actor: self, Other: PID{p: env.from}, Message: msg, Reason: reason})
	}
}

// Wrapper is an actor around another one, as a factory changed by an [Observer]
// makes them. The runtime calls the hooks of the wrapper, which passes them on;
// [Hooks] finds those of the inner one. [Inspect] shows the inner one.
type Wrapper interface {
	Actor
	// Wrapped returns the inner actor.
	Wrapped() Actor
}

// Hooks returns the value whose optional interfaces count for an actor: its
// [Receiver] for one of [SpawnTyped], the actor itself otherwise.
func Hooks(a Actor) any { return hooks(a) }

// innermost returns what is inside all wrappers.
func innermost(a Actor) any {
	for {
		inside := hooks(a)
		w, ok := inside.(Wrapper)
		if !ok || isNil(w) {
			return inside
		}
		a = w.Wrapped()
	}
}
