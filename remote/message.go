package remote

import (
	"fmt"

	"github.com/klauspost/compress/s2"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/wire"
)

// The first byte of a message of version 3 says in which form its fields are.
const (
	targetForm    = 3 << 0 // how the receiver is named
	targetAny     = 0 << 0
	targetOne     = 1 << 0 // with the incarnation of its system
	targetIndex   = 2 << 0 // by the receiving node's table
	senderForm    = 7 << 2
	senderNobody  = 0 << 2
	senderHere    = 1 << 2 // of the sending node
	senderAnyHere = 2 << 2 // of whichever incarnation of it
	senderElse    = 3 << 2 // of a third node, or virtual
	senderIndex   = 4 << 2
	nameIndex     = 1 << 5
	bodyS2        = 1 << 6
	withExtras    = 1 << 7 // what goes with the message is before its body
	allIndexed    = targetIndex | senderIndex | nameIndex
)

// form is how messages are written on a stream. It is immutable.
type form struct {
	version uint64
	s2      int        // bodies from this length on are compressed; 0: none is
	traces  bool       // the receiver reads them
	table   *sendTable // nil: none
}

// bareForm is the form of messages that wait for a stream: every stream can be given it,
// or what is made of it for an older version.
var bareForm = &form{version: protocolVersion, traces: true}

// appendMessage appends a frame up to its body. self is the sending node; ask the number
// of the ask that is the sender, 0 if from is.
func appendMessage(b []byte, self identity, f *form, to, from actor.Location, ask uint64, name string) []byte {
	if f.version < 3 {
		if ask != 0 {
			from = actor.Location{System: self.System, Addr: self.Addr, UID: self.UID, Path: string(actor.AppendAskPath(nil, ask)), ID: ask}
		}
		return appendUser(b, self, to, from, name)
	}
	start := len(b)
	b = append(beginFrame(b, frameMessage), 0)
	b, target := f.appendTarget(b, to)
	b, rest := f.appendRest(b, self, from, ask, name)
	b[start+frameHeader+1] = target | rest
	return b
}

// appendRest appends what is between the receiver and the body.
func (f *form) appendRest(b []byte, self identity, from actor.Location, ask uint64, name string) ([]byte, byte) {
	flags := byte(senderHere)
	if ask != 0 {
		b = appendAsk(b, ask)
	} else {
		b, flags = f.appendSender(b, self, from)
	}
	b, form := f.appendName(b, name)
	return b, flags | form
}

func (f *form) appendName(b []byte, name string) ([]byte, byte) {
	if i, ok := f.table.name(name); ok {
		return wire.AppendUvarint(b, uint64(i)), nameIndex
	}
	return wire.AppendString(b, name), 0
}

// A key is a field in literal form behind the byte of its flags: what tables are of.

func appendTargetKey(b []byte, to actor.Location) []byte {
	if to.UID != 0 {
		b = wire.AppendUint64(append(b, targetOne), to.UID)
	} else {
		b = append(b, targetAny)
	}
	return wire.AppendUvarint(wire.AppendString(b, to.Path), to.ID)
}

func appendSenderKey(b []byte, self identity, from actor.Location) []byte {
	switch {
	case from.Path == "":
		return append(b, senderNobody)
	case from.Addr != self.Addr: // a virtual ref has no address and is resolved where it arrives
		b = wire.AppendString(append(b, senderElse), from.System)
		b = wire.AppendUint64(wire.AppendString(b, from.Addr), from.UID)
	case from.UID == 0:
		b = append(b, senderAnyHere)
	default:
		b = append(b, senderHere)
	}
	return wire.AppendUvarint(wire.AppendString(b, from.Path), from.ID)
}

// appendAsk appends the path and the ID of an ask of this node. No table has it: each
// comes once.
func appendAsk(b []byte, n uint64) []byte {
	at := len(b)
	b = actor.AppendAskPath(append(b, 0), n)
	b[at] = byte(len(b) - at - 1) // it is short
	return wire.AppendUvarint(b, n)
}

// appendTarget appends the receiver, by its index if it has one.
func (f *form) appendTarget(b []byte, to actor.Location) ([]byte, byte) {
	start := len(b)
	b = appendTargetKey(b, to)
	if i, ok := f.table.target(b[start:]); ok {
		return wire.AppendUvarint(b[:start], uint64(i)), targetIndex
	}
	flag := b[start]
	return append(b[:start], b[start+1:]...), flag
}

func (f *form) appendSender(b []byte, self identity, from actor.Location) ([]byte, byte) {
	start := len(b)
	b = appendSenderKey(b, self, from)
	if i, ok := f.table.sender(b[start:]); ok {
		return wire.AppendUvarint(b[:start], uint64(i)), senderIndex
	}
	flag := b[start]
	return append(b[:start], b[start+1:]...), flag
}

// compress replaces the body, from at on, by its compressed form if that is shorter.
// scratch is where it is made.
func (f *form) compress(b []byte, at int, scratch []byte) (out, used []byte) {
	body := b[at:]
	if f.s2 == 0 || len(body) < f.s2 {
		return b, scratch
	}
	if most := s2.MaxEncodedLen(len(body)); cap(scratch) < most {
		scratch = make([]byte, most)
	}
	packed := s2.Encode(scratch[:cap(scratch)], body)
	if len(packed) >= len(body)-len(body)/16 || len(body) > unpackedMax(len(packed)) {
		return b, scratch // not worth unpacking, or so good that it looks like a bomb
	}
	b[frameHeader+1] |= bodyS2
	return append(b[:at], packed...), scratch
}

// message is a message taken apart, of either layout. Its slices are parts of the
// frame, or of a table's entry.
type message struct {
	Flags  byte
	Target []byte // its key, if by name
	Sender []byte
	Name   []byte
	Extras []byte // as they are on the wire; nil: none
	Body   []byte // the same

	Trace []byte // of the extras

	TargetAt, SenderAt, NameAt uint64 // its index, otherwise
}

// readMessage takes a frame of version 3 apart behind its kind.
func readMessage(b []byte) (message, error) {
	var m message
	err := m.read(b)
	return m, err
}

// isAllIndexed reports whether a message has nothing but indexes, of a byte each, before
// its body: most have, once there is a table.
func isAllIndexed(b []byte) bool {
	return len(b) > 3 && b[0] == allIndexed && b[1]|b[2]|b[3] < 0x80
}

// read is readMessage into a message that is empty.
func (m *message) read(b []byte) error {
	if isAllIndexed(b) {
		m.Flags, m.TargetAt, m.SenderAt, m.NameAt, m.Body = b[0], uint64(b[1]), uint64(b[2]), uint64(b[3]), b[4:]
		return nil
	}
	r := wire.NewReader(b)
	m.Flags = r.Byte()
	if m.Flags&targetForm == targetIndex {
		m.TargetAt = r.Uvarint()
	} else if start := len(b) - r.Len(); skipTarget(r, m.Flags&targetForm) {
		m.Target = b[start : len(b)-r.Len()]
	}
	if m.Flags&senderForm == senderIndex {
		m.SenderAt = r.Uvarint()
	} else if start := len(b) - r.Len(); skipSender(r, m.Flags&senderForm) {
		m.Sender = b[start : len(b)-r.Len()]
	}
	if m.Flags&nameIndex != 0 {
		m.NameAt = r.Uvarint()
	} else if m.Name = r.Bytes(); len(m.Name) == 0 {
		r.Fail("no type name")
	}
	if m.Flags&withExtras != 0 {
		m.readExtras(r)
	}
	m.Body = r.Rest()
	return r.Err()
}

func skipTarget(r *wire.Reader, form byte) bool {
	switch form {
	case targetOne:
		r.Uint64()
	case targetAny:
	default:
		r.Fail("target in form %d", form)
	}
	r.Bytes()
	r.Uvarint()
	return r.Err() == nil
}

func skipSender(r *wire.Reader, form byte) bool {
	switch form {
	case senderNobody:
		return true
	case senderElse:
		r.Bytes()
		r.Bytes()
		r.Uint64()
	case senderHere, senderAnyHere:
	default:
		r.Fail("sender in form %d", form>>2)
	}
	r.Bytes()
	r.Uvarint()
	return r.Err() == nil
}

// envelope makes of a message in literal form what is made of one of an old version.
func (m *message) envelope() (envelope, error) {
	var e envelope
	e.Name, e.Body, e.Trace = m.Name, m.Body, m.Trace
	if err := e.readTarget(m); err != nil {
		return e, err
	}
	return e, e.From.read(m)
}

// readTarget takes from a message for whom it is, which it says by name.
func (e *envelope) readTarget(m *message) error {
	r := wire.NewReader(m.Target)
	if m.Flags&targetForm == targetOne {
		e.TargetUID = r.Uint64()
	}
	e.Path, e.ID = r.Bytes(), r.Uvarint()
	return r.Err()
}

// read takes from a message from whom it is, which it says by name.
func (s *sender) read(m *message) error {
	s.Raw = m.Sender
	r := wire.NewReader(m.Sender)
	switch m.Flags & senderForm {
	case senderHere:
		s.Flags = flagSenderHere
	case senderAnyHere:
		s.Flags = flagSenderHere | flagSenderAnyUID
	case senderElse:
		s.Flags = flagSenderElse
		s.System, s.Addr, s.UID = r.Bytes(), r.Bytes(), r.Uint64()
	}
	if s.Flags != 0 {
		s.Path, s.ID = r.Bytes(), r.Uvarint()
	}
	return r.Err()
}

// unpack returns a compressed body as it was, at most so many bytes of it.
func unpack(body []byte, most int) ([]byte, error) {
	n, err := s2.DecodedLen(body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errFrame, err)
	case n > most:
		return nil, fmt.Errorf("%w: a compressed body of %d bytes, at most %d", errFrameSize, n, most)
	case n > unpackedMax(len(body)):
		return nil, fmt.Errorf("%w: %d bytes are said to be a compressed body of %d", errFrame, len(body), n)
	}
	out, err := s2.Decode(nil, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	return out, nil
}

// unpackedMax bounds how large a body of n bytes may get by being unpacked, so that what
// is allocated is in proportion to what has arrived.
func unpackedMax(n int) int { return max(64<<10, 64*n) }
