package actor

import "strconv"

// Location says where an actor lives; it is the identity of a ref.
type Location struct {
	// System is the name of the actor's system.
	System string
	// Addr is the "host:port" under which other nodes reach the system. It
	// is empty for a system without remoting, and for a virtual ref that
	// every node can serve (an entity, a singleton).
	Addr string
	// UID is the incarnation of the system; 0 means whichever runs at Addr.
	UID uint64
	// Path is the absolute path of the actor, such as "/user/account".
	Path string
	// ID is the incarnation of the actor; 0 means whichever has the path.
	ID uint64
}

// Remoting is what a system needs of the wire. Package remote implements it
// and attaches itself once with [System.Attach]. Its methods never block and
// are safe for concurrent use.
type Remoting interface {
	// Link returns the way to the actor at a location. It is asked once for
	// every ref and keeps none alive.
	Link(to Location) Link
}

// Link is the way to an actor of another node. Its methods never block and are
// safe for concurrent use.
type Link interface {
	// Send carries a user message to the actor. What can't be carried becomes a
	// dead letter through [Port.Drop] and an error, which is for information
	// only: nil doesn't mean that the message will arrive. msg may have a trace,
	// which [TraceOf] takes off. A patient sender may
	// get a [*NoRoom] in place of a dead letter, and sends again later.
	Send(msg any, from PID, patient bool) error
	// SendSystem carries a system message: exactly once and in order, or
	// the node ends up quarantined.
	SendSystem(m SystemMessage)
}

// NoRoom is what [Link.Send] answers a patient sender: Room opens when it is worth
// trying again, soon in any case.
type NoRoom struct{ Room *Gate }

// Error says that there is no room.
func (*NoRoom) Error() string { return ErrBackpressure.Error() }

// Unwrap returns [ErrBackpressure].
func (*NoRoom) Unwrap() error { return ErrBackpressure }

// SystemKind is the kind of a [SystemMessage]; the numbers are on the wire.
type SystemKind uint8

// The kinds of system messages that travel between nodes.
const (
	// SystemWatch: From wants to know when To stops.
	SystemWatch SystemKind = 1
	// SystemUnwatch: From no longer wants to know when To stops.
	SystemUnwatch SystemKind = 2
	// SystemTerminated: From has stopped; To watched it.
	SystemTerminated SystemKind = 3
	// SystemStop: To is asked to stop.
	SystemStop SystemKind = 4
)

// SystemMessage is a message of the runtime itself between actors of two
// nodes.
type SystemMessage struct {
	Kind SystemKind
	To   PID
	From PID
}

// Port is the handle through which remoting delivers into a system. Its
// methods never block and are safe for concurrent use.
type Port struct{ sys *System }

// Attach connects the wire to the system: from now on refs of the system are
// known elsewhere under addr ("host:port"). It fails when another is attached.
func (s *System) Attach(r Remoting, addr string) (*Port, error) {
	if !s.wire.CompareAndSwap(nil, &wiring{remoting: r, addr: addr}) {
		return nil, ErrAttached
	}
	return &Port{sys: s}, nil
}

// Deliver hands a user message, maybe one of [WithTrace], that arrived from another node to the actor at
// path; id 0 means whichever incarnation has the path. What can't be delivered
// becomes a dead letter.
func (p *Port) Deliver(path string, id uint64, msg any, from PID) {
	p.sys.local(path, id).t.deliver(envelope{msg: msg, from: from.p})
}

// DeliverAnswer hands a message to the ask of this system that has the number id, if
// there is one that waits for its answer, and reports that.
func (p *Port) DeliverAnswer(id uint64, msg any, from PID) bool {
	to := p.sys.temps.get(id)
	if to == nil {
		return false
	}
	_ = to.t.deliver(envelope{msg: msg, from: from.p}) // a drop has been counted
	return true
}

// AskNumber returns the number of an ask of this system, by which other nodes answer it:
// the ID of its location; 0 for everything else.
func (p *Port) AskNumber(pid PID) uint64 {
	if pid.p != nil {
		if r, ok := pid.p.t.(*reply); ok {
			return p.sys.temps.name(&r.process, &r.temp)
		}
	}
	return 0
}

// AppendAskPath appends the path of the ask that has the number n.
func AppendAskPath(b []byte, n uint64) []byte {
	return strconv.AppendUint(append(b, tempPrefix...), n, 36)
}

// Serial tells senders apart: it is the number of an actor of this system, which
// no other has or will have, and 0 for everything else.
func (p *Port) Serial(pid PID) uint64 {
	if pid.p != nil {
		if c, ok := pid.p.t.(*cell); ok {
			return c.id
		}
	}
	return 0
}

// DeliverSystem hands over a system message that arrived from another node.
// To must be an actor of this system, From one of the sending node.
func (p *Port) DeliverSystem(m SystemMessage) { p.sys.deliverSystem(m) }

// NodeGone says that the incarnation uid of the node at addr will never be
// heard of again: everybody here who watches an actor of it gets its
// Terminated. Calling it again for the same incarnation does nothing more.
func (p *Port) NodeGone(addr string, uid uint64) { p.sys.remoteWatches.gone(addr, uid) }

// Watched reports whether an actor here watches one of the given incarnation.
func (p *Port) Watched(addr string, uid uint64) bool { return p.sys.remoteWatches.watched(addr, uid) }

// Lost counts n messages that were on a connection that has ended, and that the other
// node has not read: they are dropped for [DropConnectionLost]. There is no [DeadLetter]
// of them, since they are not kept.
func (p *Port) Lost(n uint64) { p.sys.deadLetters.counts[DropConnectionLost].Add(n) }

// Drop records a message as a dead letter: it was for the actor at to, and
// reason says why it did not get there. The cause is what an asker is to learn
// besides the reason, nil if nothing; see [DeadLetterError].
func (p *Port) Drop(to Location, msg any, from PID, reason DropReason, cause error) {
	p.sys.dropBecause(p.sys.RefOf(to), msg, from, reason, cause)
}
