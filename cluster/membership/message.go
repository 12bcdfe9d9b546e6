package membership

import (
	"errors"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Message is what cores send each other; it is one of the types of this file, or
// [Delta], [Recent], [Hail] or [Rival].
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
		From    Node
		Cluster string
		// Clash says why the asking node doesn't suit the cluster, as far as
		// the answering node can tell; empty if it does.
		Clash    string
		Settings []Setting // of the answering node, sorted by key
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
		// AppVersion is that of the application, see [CompareVersions].
		AppVersion string
	}
	// Welcome lets a node in.
	Welcome struct {
		From, To Node
		State    State
	}
	// Gossip carries everything that the sender knows; see Delta.
	Gossip struct {
		From, To Node
		State    State
	}
	// Digest asks whether both know the same: digests of the value and of
	// who has seen it. Who doesn't answers with Delta, Recent or Seen.
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
		// By says who else has: a bit for each member, or nothing.
		By []byte
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
		codec.Register[InitJoin](reg, "troupe.membership.InitJoin.v1", codec.RightMember, codec.Control),
		codec.Register[InitJoinAck](reg, "troupe.membership.InitJoinAck.v1", codec.RightMember, codec.Control),
		codec.Register[InitJoinNack](reg, "troupe.membership.InitJoinNack.v1", codec.RightMember, codec.Control),
		codec.Register[Join](reg, "troupe.membership.Join.v1", codec.RightMember, codec.Control),
		codec.Register[Welcome](reg, "troupe.membership.Welcome.v1", codec.RightMember, codec.Control, size),
		codec.Register[Gossip](reg, "troupe.membership.Gossip.v1", codec.RightMember, codec.Control, size),
		codec.Register[Delta](reg, "troupe.membership.Delta.v1", codec.RightMember, codec.Control, size),
		codec.Register[Recent](reg, "troupe.membership.Recent.v1", codec.RightMember, codec.Control),
		codec.Register[Digest](reg, "troupe.membership.Digest.v1", codec.RightMember, codec.Control),
		codec.Register[Seen](reg, "troupe.membership.Seen.v1", codec.RightMember, codec.Control),
		codec.Register[ExitingConfirmed](reg, "troupe.membership.ExitingConfirmed.v1", codec.RightMember, codec.Control),
		codec.Register[Farewell](reg, "troupe.membership.Farewell.v1", codec.RightMember, codec.Control),
		codec.Register[Hail](reg, "troupe.membership.Hail.v1", codec.RightMember, codec.Control),
		codec.Register[Rival](reg, "troupe.membership.Rival.v1", codec.RightMember, codec.Control),
	)
}

// AppendWire appends the wire form.
func (m InitJoin) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendString(m.From.Append(b), m.Cluster)
	return appendSettings(wire.AppendBool(b, m.First), m.Settings), nil
}

// DecodeWire reads the wire form.
func (m *InitJoin) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = InitJoin{From: ReadNode(r), Cluster: readName(r), First: r.Bool(), Settings: readSettings(r)}
	return r.Done()
}

func appendSettings(b []byte, settings []Setting) []byte {
	b = wire.AppendUvarint(b, uint64(len(settings)))
	for _, s := range settings {
		b = wire.AppendString(wire.AppendString(b, s.Key), s.Value)
	}
	return b
}

func readSettings(r *wire.Reader) []Setting {
	n := r.Count(2)
	if n > settingsMax {
		r.Fail("%d settings, at most %d are allowed", n, settingsMax)
	}
	var out []Setting
	for range n {
		s := Setting{Key: r.String(), Value: r.String()}
		if r.Err() != nil {
			return nil
		}
		if s.Key == "" || len(s.Key)+len(s.Value) > settingSizeMax ||
			len(out) > 0 && compareSettings(out[len(out)-1], s) >= 0 {
			r.Fail("setting of %d bytes, or out of order", len(s.Key)+len(s.Value))
			return nil
		}
		out = append(out, s)
	}
	return out
}

// AppendWire appends the wire form.
func (m InitJoinAck) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendString(m.From.Append(b), m.Cluster)
	b = wire.AppendString(b, m.Clash[:min(len(m.Clash), clashMax)])
	return appendSettings(b, m.Settings), nil
}

// DecodeWire reads the wire form.
func (m *InitJoinAck) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = InitJoinAck{From: ReadNode(r), Cluster: readName(r), Clash: r.String(), Settings: readSettings(r)}
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
	b = appendStrings(wire.AppendString(m.From.Append(b), m.Cluster), m.Roles)
	return wire.AppendString(b, m.AppVersion), nil
}

// DecodeWire reads the wire form.
func (m *Join) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Join{From: ReadNode(r), Cluster: readName(r), Roles: readStrings(r, rolesMax, roleSizeMax), AppVersion: readVersion(r)}
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
	b = wire.AppendUint64(appendLetter(b, m.From, m.To, m.Created), m.Value)
	return wire.AppendBytes(b, m.By), nil
}

// DecodeWire reads the wire form.
func (m *Seen) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Seen{}
	m.From, m.To, m.Created = readLetter(r)
	m.Value, m.By = r.Uint64(), readBits(r)
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
