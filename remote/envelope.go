package remote

import (
	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/wire"
)

// Flags of an envelope.
const (
	flagTargetUID    = 1 << 0 // only for that incarnation of the receiving system
	flagSenderHere   = 1 << 1 // the sender lives on the sending node
	flagSenderElse   = 1 << 2 // the sender lives on another node
	flagSenderAnyUID = 1 << 3 // the sender's node counts, not its incarnation
)

// envelope is a frameUser taken apart. Its slices are parts of the frame.
type envelope struct {
	TargetUID uint64
	Path      []byte
	ID        uint64
	From      sender
	Name      []byte
	Body      []byte
	Trace     []byte // from version 3 on
}

// sender is who sent a message. Raw is its bytes, the key of a cache.
type sender struct {
	Flags  byte
	System []byte
	Addr   []byte
	UID    uint64
	Path   []byte
	ID     uint64
	Raw    []byte
}

// appendUser appends the frame of a user message up to its body; the caller
// appends that and calls endFrame. self is the sending node.
func appendUser(b []byte, self identity, to actor.Location, from actor.Location, name string) []byte {
	b = beginFrame(b, frameUser)
	flags := byte(0)
	if to.UID != 0 {
		flags |= flagTargetUID
	}
	if from.Path != "" {
		if from.Addr == self.Addr { // a virtual ref has no address and is resolved where it arrives
			flags |= flagSenderHere
			if from.UID == 0 {
				flags |= flagSenderAnyUID
			}
		} else {
			flags |= flagSenderElse
		}
	}
	b = append(b, flags)
	if to.UID != 0 {
		b = wire.AppendUint64(b, to.UID)
	}
	b = wire.AppendString(b, to.Path)
	b = wire.AppendUvarint(b, to.ID)
	if flags&flagSenderElse != 0 {
		b = wire.AppendString(b, from.System)
		b = wire.AppendString(b, from.Addr)
		b = wire.AppendUint64(b, from.UID)
	}
	if flags&(flagSenderHere|flagSenderElse) != 0 {
		b = wire.AppendString(b, from.Path)
		b = wire.AppendUvarint(b, from.ID)
	}
	return wire.AppendString(b, name)
}

// readUser takes a frame apart behind its kind.
func readUser(b []byte) (envelope, error) {
	r := wire.NewReader(b)
	var e envelope
	e.From.Flags = r.Byte() &^ flagTargetUID
	if len(b) > 0 && b[0]&flagTargetUID != 0 {
		e.TargetUID = r.Uint64()
	}
	e.Path = r.Bytes()
	e.ID = r.Uvarint()
	start := len(b) - r.Len()
	if e.From.Flags&flagSenderElse != 0 {
		e.From.System = r.Bytes()
		e.From.Addr = r.Bytes()
		e.From.UID = r.Uint64()
	}
	if e.From.Flags&(flagSenderHere|flagSenderElse) != 0 {
		e.From.Path = r.Bytes()
		e.From.ID = r.Uvarint()
		e.From.Raw = b[start : len(b)-r.Len()]
	}
	e.Name = r.Bytes()
	e.Body = r.Rest()
	if len(e.Name) == 0 {
		r.Fail("no type name")
	}
	return e, r.Err()
}

// append appends the frame again.
func (e envelope) append(b []byte) []byte {
	start := len(b)
	flags := e.From.Flags
	if e.TargetUID != 0 {
		flags |= flagTargetUID
	}
	b = append(beginFrame(b, frameUser), flags)
	if e.TargetUID != 0 {
		b = wire.AppendUint64(b, e.TargetUID)
	}
	b = wire.AppendUvarint(wire.AppendBytes(b, e.Path), e.ID)
	b = wire.AppendBytes(append(b, e.From.Raw...), e.Name)
	return endFrame(append(b, e.Body...), start)
}

// forgedBy reports whether peer can't have written this sender honestly: an actor of
// its own is never said to live elsewhere, nor in both places.
func (s sender) forgedBy(peer identity) bool {
	return s.Flags&flagSenderElse != 0 && (s.Flags&flagSenderHere != 0 || string(s.Addr) == peer.Addr)
}

// location is the sender as a location; peer is the node that sent the frame.
func (s sender) location(peer identity) actor.Location {
	switch {
	case s.Flags&flagSenderElse != 0:
		return actor.Location{System: string(s.System), Addr: string(s.Addr), UID: s.UID, Path: string(s.Path), ID: s.ID}
	case s.Flags&flagSenderHere != 0:
		l := actor.Location{System: peer.System, Addr: peer.Addr, UID: peer.UID, Path: string(s.Path), ID: s.ID}
		if s.Flags&flagSenderAnyUID != 0 {
			l.UID = 0
		}
		return l
	}
	return actor.Location{}
}

// systemFrame is a frameSystem taken apart: a message between an actor of the
// sending node (From) and one of the receiving node (To).
type systemFrame struct {
	Seq  uint64
	Kind actor.SystemKind
	// After is how many ordinary messages had been sent to the node before
	// this one: it is delivered behind them.
	After      uint64
	ToUID      uint64 // 0: whichever incarnation
	ToPath     string
	ToID       uint64
	FromAnyUID bool
	FromPath   string
	FromID     uint64
	// Lane is the ordinary lane that After counts, AfterLarge the same for the
	// large one. From version 3 on.
	Lane       uint8
	AfterLarge uint64
}

func appendSystem(b []byte, s systemFrame, version uint64) []byte {
	start := len(b)
	b = beginFrame(b, frameSystem)
	b = wire.AppendUvarint(b, s.Seq)
	b = append(b, byte(s.Kind))
	b = wire.AppendUvarint(b, s.After)
	b = wire.AppendUint64(b, s.ToUID)
	b = wire.AppendString(b, s.ToPath)
	b = wire.AppendUvarint(b, s.ToID)
	b = wire.AppendBool(b, s.FromAnyUID)
	b = wire.AppendString(b, s.FromPath)
	b = wire.AppendUvarint(b, s.FromID)
	if version >= 3 {
		b = wire.AppendUvarint(b, uint64(s.Lane))
		b = wire.AppendUvarint(b, s.AfterLarge)
	}
	return endFrame(b, start)
}

func readSystem(b []byte, version uint64) (systemFrame, error) {
	r := wire.NewReader(b)
	s := systemFrame{
		Seq: r.Uvarint(), Kind: actor.SystemKind(r.Byte()), After: r.Uvarint(), ToUID: r.Uint64(), ToPath: r.String(), ToID: r.Uvarint(),
		FromAnyUID: r.Bool(), FromPath: r.String(), FromID: r.Uvarint(),
	}
	if s.Seq == 0 {
		r.Fail("sequence number 0")
	}
	if version >= 3 {
		lane := r.Uvarint()
		if lane >= ordinaryMax {
			r.Fail("ordinary lane %d", lane)
		}
		s.Lane, s.AfterLarge = uint8(lane), r.Uvarint()
	}
	return s, r.Err()
}

// appendNumber appends a frame that carries one number: ack, nack, position,
// ping and pong.
func appendNumber(b []byte, kind frameKind, n uint64) []byte {
	start := len(b)
	return endFrame(wire.AppendUvarint(beginFrame(b, kind), n), start)
}

func readNumber(b []byte) (uint64, error) {
	r := wire.NewReader(b)
	n := r.Uvarint()
	return n, r.Err()
}

// appendBare appends a frame that is only its kind.
func appendBare(b []byte, kind frameKind) []byte {
	start := len(b)
	return endFrame(beginFrame(b, kind), start)
}
