package actor

import (
	"cmp"
	"fmt"
	"strconv"
)

// Ref refers to an actor that takes messages of type M, wherever it lives. It
// is one word, comparable, can be a map key, can travel inside messages and
// works where it arrives. The zero Ref refers to nobody. A Ref is safe for
// concurrent use.
type Ref[M any] struct{ p *process }

// PID refers to an actor that takes any message.
type PID = Ref[any]

// Addressable is every Ref, whatever its type.
type Addressable interface{ PID() PID }

// process is what refs to one actor have in common; its address is their
// identity.
type process struct {
	sys *System
	t   target
}

// target is where a ref leads: a cell, a reply, another node, a handler.
type target interface {
	// deliver takes a user message. A message it can't take is dropped by
	// it; the error only informs.
	deliver(env envelope) error
	signal(s signal)
	location() Location
}

// Tell sends msg, without a sender, and returns at once. The message is
// delivered at most once, after those that the same sender sent before; when it
// can't be delivered it becomes a dead letter. To an actor of another node whose
// connection is full, Tell waits while that node goes on taking messages; TryTell
// doesn't.
func (r Ref[M]) Tell(msg M) {
	if r.p == nil {
		return
	}
	if t, ok := r.p.t.(*remoteTarget); ok {
		_ = t.tell(envelope{msg: msg}, nil) // a drop has been counted
		return
	}
	_ = r.p.t.deliver(envelope{msg: msg}) // the same
}

// TryTell is Tell with the error that is known at once: [ErrMailboxFull],
// [ErrStopped], [ErrNobody], [ErrBackpressure]. nil does not mean that the
// message will be handled.
func (r Ref[M]) TryTell(msg M) error {
	if r.p == nil {
		return ErrNobody
	}
	return r.p.t.deliver(envelope{msg: msg})
}

// TellFrom is TryTell with a sender, to whom the answer goes.
func (r Ref[M]) TellFrom(msg M, sender Addressable) error {
	if r.p == nil {
		return ErrNobody
	}
	return r.p.t.deliver(envelope{msg: msg, from: sender.PID().p})
}

// processOf returns who is meant; nil means nobody.
func processOf(who Addressable) *process {
	if who == nil {
		return nil
	}
	return who.PID().p
}

// PID returns the ref as one that takes any message.
func (r Ref[M]) PID() PID { return PID(r) }

// Narrow returns pid as a ref for messages of type M, on the caller's word.
func Narrow[M any](pid PID) Ref[M] { return Ref[M](pid) }

// IsZero reports whether the ref refers to nobody.
func (r Ref[M]) IsZero() bool { return r.p == nil }

// Location says where the actor lives; the zero Location for nobody.
func (r Ref[M]) Location() Location {
	if r.p == nil {
		return Location{}
	}
	return r.p.t.location()
}

// Path returns the actor's path in its system; empty for nobody.
func (r Ref[M]) Path() string { return r.Location().Path }

// IsLocal reports whether the actor lives in the system that made the ref.
func (r Ref[M]) IsLocal() bool {
	if r.p == nil {
		return false
	}
	_, remote := r.p.t.(*remoteTarget)
	return !remote
}

// String returns the ref in the form troupe://system@host:port/path#id.
func (r Ref[M]) String() string {
	if r.p == nil {
		return "troupe:nobody"
	}
	return r.Location().String()
}

// String returns the location in the form troupe://system@host:port/path#id.
func (l Location) String() string {
	s := "troupe://" + l.System
	if l.Addr != "" {
		s += "@" + l.Addr
	}
	s += l.Path
	if l.ID != 0 {
		s += "#" + strconv.FormatUint(l.ID, 10)
	}
	return s
}

// compare orders locations by address, incarnation, path and actor.
func (l Location) compare(o Location) int {
	return cmp.Or(cmp.Compare(l.Addr, o.Addr), cmp.Compare(l.UID, o.UID),
		cmp.Compare(l.Path, o.Path), cmp.Compare(l.ID, o.ID))
}

func compareProcesses(a, b *process) int { return a.t.location().compare(b.t.location()) }

// deadTarget is an actor that isn't there, or that can't be reached.
type deadTarget struct {
	process
	loc Location
	err error // why it can't be reached; nil: it isn't there
}

func (d *deadTarget) deliver(env envelope) error {
	if d.err != nil {
		d.sys.dropBecause(PID{p: &d.process}, env.msg, PID{p: env.from}, DropUnreachable, d.err)
		return d.err
	}
	d.sys.drop(PID{p: &d.process}, env.msg, PID{p: env.from}, DropStopped)
	return ErrStopped
}

func (d *deadTarget) signal(s signal) { answerDead(s) }

func (d *deadTarget) location() Location { return d.loc }

// pathTarget is whoever has a path of this system at the moment of the send.
type pathTarget struct {
	process
	loc Location
}

func (t *pathTarget) deliver(env envelope) error {
	return t.sys.local(t.loc.Path, 0).t.deliver(env)
}

func (t *pathTarget) signal(s signal) { t.sys.local(t.loc.Path, 0).t.signal(s) }

func (t *pathTarget) location() Location { return t.loc }

// Handler takes what is told to a ref of [System.NewRef].
type Handler interface {
	// Deliver handles or passes on one message. It runs on the sender's
	// goroutine: it must not block and must be safe for concurrent use. An
	// error informs the sender; what is not passed on must be given to
	// [System.Drop].
	Deliver(msg any, from PID) error
}

// Fronting is a [Handler] in front of one actor, such as the one that looks
// after a router's routees. The ref is watched and stopped as that actor, and
// sent to another node it is that actor's ref.
type Fronting interface {
	Handler
	// Actor returns the actor behind. It must not block and must be safe for
	// concurrent use.
	Actor() PID
}

// Picking is a [Handler] that mostly picks an actor who gets the message. What
// an actor sends there in its turn then costs no more than if it had sent it to
// that one itself.
type Picking interface {
	Handler
	// Pick returns who gets the message, and what of it. false means that
	// Deliver has to handle it. The rest is as with Deliver.
	Pick(msg any) (to PID, what any, ok bool)
}

// virtualTarget is a ref that is not one actor.
type virtualTarget struct {
	process
	path    string
	handler Handler
	picking Picking // handler, if it is one
}

func (t *virtualTarget) deliver(env envelope) error {
	msg, trace := TraceOf(env.msg)
	if h, ok := t.handler.(TraceHandler); ok && trace != "" {
		return h.DeliverTraced(msg, PID{p: env.from}, trace)
	}
	return t.handler.Deliver(msg, PID{p: env.from})
}

func (t *virtualTarget) signal(s signal) {
	if behind := t.behind(); behind != nil {
		behind.t.signal(s)
		return
	}
	answerDead(s)
}

// behind returns the actor that the handler fronts, if there is one.
func (t *virtualTarget) behind() *process {
	if f, ok := t.handler.(Fronting); ok {
		return f.Actor().p
	}
	return nil
}

func (t *virtualTarget) location() Location {
	if behind := t.behind(); behind != nil {
		return behind.t.location()
	}
	return Location{System: t.sys.name, Path: t.path}
}

// NewRef makes a virtual ref: one that is not an actor but leads to some,
// such as an entity or the proxy of a singleton. Every call makes a new one,
// so whoever wants == to work keeps it. Sent to another node, it is resolved
// there by its path; see [System.Resolve]. Without a handler what it is told becomes dead letters.
func (s *System) NewRef(path string, h Handler) PID {
	if isNil(h) {
		return PID{p: s.dead(Location{System: s.name, Path: path})}
	}
	t := &virtualTarget{path: path, handler: h}
	t.picking, _ = h.(Picking)
	t.process = process{sys: s, t: t}
	return PID{p: &t.process}
}

// Resolve says what virtual refs whose path begins with prefix lead to when
// they arrive from another node. It fails when the prefix is taken.
func (s *System) Resolve(prefix string, ref func(path string) (PID, bool)) error {
	if ref == nil {
		return fmt.Errorf("resolve %q: there is no function that says what it leads to", prefix)
	}
	s.resolversMu.Lock()
	defer s.resolversMu.Unlock()
	if s.resolvers[prefix] != nil {
		return fmt.Errorf("resolve %q: %w", prefix, ErrNameTaken)
	}
	if s.resolvers == nil {
		s.resolvers = map[string]func(string) (PID, bool){}
	}
	s.resolvers[prefix] = ref
	return nil
}
