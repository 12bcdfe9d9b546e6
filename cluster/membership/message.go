package membership

import (
	"errors"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Message is what cores send each other; it is one of the types of this file.
// Messages are values and encode themselves.
type Message interface {
	codec.Appender
	message()
}

type (
	// InitJoin asks a seed whether it is in a cluster.
	InitJoin struct {
		From    Node
		Cluster string
		// First says that the asking node would form the cluster.
		First    bool
		Settings []Setting // sorted by key
	}
	// InitJoinAck answers that the seed is in a cluster.
	InitJoinAck struct {
		From Node
		// Clash says why the asking node can't join; empty if it can.
		Clash string
	}
	// InitJoinNack answers that the seed is in no cluster.
	InitJoinNack struct {
		From Node
		// First says that the answering node would form the cluster too.
		First bool
	}
	// Join asks a member to be let in.
	Join struct {
		From    Node
		Cluster string
		Roles   []string // sorted
	}
	// Welcome lets a node in.
	Welcome struct {
		From, To Node
		State    State
	}
	// Gossip carries everything that the sender knows.
	Gossip struct {
		From, To Node
		State    State
	}
	// Digest asks whether both know the same: digests of the value and of
	// who has seen it. Who doesn't answers with Gossip.
	Digest struct {
		From, To Node
		Created  int64
		Value    uint64
		SeenBy   uint64
	}
	// Seen says that the sender has seen the value with this digest.
	Seen struct {
		From, To Node
		Created  int64
		Value    uint64
	}
	// ExitingConfirmed says that the sender is done exiting and can be
	// removed.
	ExitingConfirmed struct {
		From, To Node
		Created  int64
	}
	// Farewell says that the receiver is no member any more.
	Farewell struct {
		From, To Node
		Created  int64
	}
)

func (InitJoin) message()         {}
func (InitJoinAck) message()      {}
func (InitJoinNack) message()     {}
func (Join) message()             {}
func (Welcome) message()          {}
func (Gossip) message()           {}
func (Digest) message()           {}
func (Seen) message()             {}
func (ExitingConfirmed) message() {}
func (Farewell) message()         {}

// clashMax bounds the words of an InitJoinAck.
const clashMax = 4 * settingSizeMax

// Register makes all messages known to reg under their names on the wire.
func Register(reg *codec.Registry) error {
	size := codec.MaxSize(4 << 20) // a state of thousands of members
	return errors.Join(
		codec.Register[InitJoin](reg, "troupe.membership.InitJoin.v1", codec.Control),
		codec.Register[InitJoinAck](reg, "troupe.membership.InitJoinAck.v1", codec.Control),
		codec.Register[InitJoinNack](reg, "troupe.membership.InitJoinNack.v1", codec.Control),
		codec.Register[Join](reg, "troupe.membership.Join.v1", codec.Control),
		codec.Register[Welcome](reg, "troupe.membership.Welcome.v1", codec.Control, size),
		codec.Register[Gossip](reg, "troupe.membership.Gossip.v1", codec.Control, size),
		codec.Register[Digest](reg, "troupe.membership.Digest.v1", codec.Control),
		codec.Register[Seen](reg, "troupe.membership.Seen.v1", codec.Control),
		codec.Register[ExitingConfirmed](reg, "troupe.membership.ExitingConfirmed.v1", codec.Control),
		codec.Register[Farewell](reg, "troupe.membership.Farewell.v1", codec.Control),
	)
}

// AppendWire appends the wire form.
func (m InitJoin) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendString(m.From.Append(b), m.Cluster)
	b = wire.AppendBool(b, m.First)
	b = wire.AppendUvarint(b, uint64(len(m.Settings)))
	for _, s := range m.Settings {
		b = wire.AppendString(wire.AppendString(b, s.Key), s.Value)
	}
	return b, nil
}

// DecodeWire reads the wire form.
func (m *InitJoin) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = InitJoin{From: ReadNode(r), Cluster: readName(r), First: r.Bool()}
	n := r.Count(2)
	if n > settingsMax {
		r.Fail("%d settings, at most %d are allowed", n, settingsMax)
	}
	for range n {
		s := Setting{Key: r.String(), Value: r.String()}
		if r.Err() != nil {
			break
		}
		if s.Key == "" || len(s.Key)+len(s.Value) > settingSizeMax ||
			len(m.Settings) > 0 && compareSettings(m.Settings[len(m.Settings)-1], s) >= 0 {
			r.Fail("setting of %d bytes, or out of order", len(s.Key)+len(s.Value))
			break
		}
		m.Settings = append(m.Settings, s)
	}
	return r.Done()
}

// AppendWire appends the wire form.
func (m InitJoinAck) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendString(m.From.Append(b), m.Clash[:min(len(m.Clash), clashMax)]), nil
}

// DecodeWire reads the wire form.
func (m *InitJoinAck) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = InitJoinAck{From: ReadNode(r), Clash: r.String()}
	if len(m.Clash) > clashMax {
		r.Fail("explanation of %d bytes", len(m.Clash))
	}
	return r.Done()
}

// AppendWire appends the wire form.
func (m InitJoinNack) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendBool(m.From.Append(b), m.First), nil
}

// DecodeWire reads the wire form.
func (m *InitJoinNack) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = InitJoinNack{From: ReadNode(r), First: r.Bool()}
	return r.Done()
}

// AppendWire appends the wire form.
func (m Join) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendStrings(wire.AppendString(m.From.Append(b), m.Cluster), m.Roles), nil
}

// DecodeWire reads the wire form.
func (m *Join) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Join{From: ReadNode(r), Cluster: readName(r), Roles: readStrings(r, rolesMax, roleSizeMax)}
	return r.Done()
}

// AppendWire appends the wire form.
func (m Welcome) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendState(m.To.Append(m.From.Append(b)), m.State, true), nil
}

// DecodeWire reads the wire form.
func (m *Welcome) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Welcome{From: ReadNode(r), To: ReadNode(r), State: readState(r)}
	return r.Done()
}

// AppendWire appends the wire form.
func (m Gossip) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendState(m.To.Append(m.From.Append(b)), m.State, true), nil
}

// DecodeWire reads the wire form.
func (m *Gossip) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Gossip{From: ReadNode(r), To: ReadNode(r), State: readState(r)}
	return r.Done()
}

// AppendWire appends the wire form.
func (m Digest) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = appendLetter(b, m.From, m.To, m.Created)
	return wire.AppendUint64(wire.AppendUint64(b, m.Value), m.SeenBy), nil
}

// DecodeWire reads the wire form.
func (m *Digest) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Digest{}
	m.From, m.To, m.Created = readLetter(r)
	m.Value, m.SeenBy = r.Uint64(), r.Uint64()
	return r.Done()
}

// AppendWire appends the wire form.
func (m Seen) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendUint64(appendLetter(b, m.From, m.To, m.Created), m.Value), nil
}

// DecodeWire reads the wire form.
func (m *Seen) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Seen{}
	m.From, m.To, m.Created = readLetter(r)
	m.Value = r.Uint64()
	return r.Done()
}

// AppendWire appends the wire form.
func (m ExitingConfirmed) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendLetter(b, m.From, m.To, m.Created), nil
}

// DecodeWire reads the wire form.
func (m *ExitingConfirmed) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.From, m.To, m.Created = readLetter(r)
	return r.Done()
}

// AppendWire appends the wire form.
func (m Farewell) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendLetter(b, m.From, m.To, m.Created), nil
}

// DecodeWire reads the wire form.
func (m *Farewell) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.From, m.To, m.Created = readLetter(r)
	return r.Done()
}

// appendLetter appends what all messages between members begin with.
func appendLetter(b []byte, from, to Node, created int64) []byte {
	return wire.AppendUint64(to.Append(from.Append(b)), uint64(created))
}

func readLetter(r *wire.Reader) (from, to Node, created int64) {
	return ReadNode(r), ReadNode(r), int64(r.Uint64())
}

func readName(r *wire.Reader) string {
	name := r.String()
	if r.Err() == nil && (name == "" || len(name) > nameMax) {
		r.Fail("cluster name of %d bytes", len(name))
	}
	return name
}
