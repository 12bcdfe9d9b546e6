package core

import (
	"fmt"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// RegisterTypes makes the protocol known to a system's codecs. It travels on the
// control connection, but for the marker, which must stay behind the user's
// messages.
func RegisterTypes(reg *codec.Registry) error {
	for _, err := range []error{
		codec.Register[Register](reg, "troupe.sharding.Register.v1", codec.RightMember, codec.Control),
		codec.Register[GetHomes](reg, "troupe.sharding.GetHomes.v1", codec.RightMember, codec.Control),
		codec.Register[Started](reg, "troupe.sharding.Started.v1", codec.RightMember, codec.Control),
		codec.Register[Stopped](reg, "troupe.sharding.Stopped.v1", codec.RightMember, codec.Control),
		codec.Register[Held](reg, "troupe.sharding.Held.v1", codec.RightMember, codec.Control),
		codec.Register[Query](reg, "troupe.sharding.Query.v1", codec.RightMember, codec.Control),
		codec.Register[Registered](reg, "troupe.sharding.Registered.v1", codec.RightMember, codec.Control),
		codec.Register[Homes](reg, "troupe.sharding.Homes.v1", codec.RightMember, codec.Control),
		codec.Register[Host](reg, "troupe.sharding.Host.v1", codec.RightMember, codec.Control),
		codec.Register[BeginHandOff](reg, "troupe.sharding.BeginHandOff.v1", codec.RightMember, codec.Control),
		codec.Register[HandOff](reg, "troupe.sharding.HandOff.v1", codec.RightMember, codec.Control),
		codec.Register[Released](reg, "troupe.sharding.Released.v1", codec.RightMember, codec.Control),
		codec.Register[Retired](reg, "troupe.sharding.Retired.v1", codec.RightMember, codec.Control),
		codec.Register[LastSent](reg, "troupe.sharding.LastSent.v1", codec.RightMember, codec.Upkeep),
	} {
		if err != nil {
			return fmt.Errorf("register the protocol of sharding: %w", err)
		}
	}
	return nil
}

// The least bytes that an element of a list takes, so that a count which the
// rest can't hold is refused before anything is allocated.
const (
	hostedBytesMin = 1 + 10 + 1
	homeBytesMin   = 1 + 9 + 10
)

func appendNode(b []byte, n Node) []byte {
	return wire.AppendUint64(wire.AppendString(b, n.Addr), n.UID)
}

func readNode(r *wire.Reader) Node { return Node{Addr: r.String(), UID: r.Uint64()} }

func appendShard(b []byte, shard uint32) []byte { return wire.AppendUvarint(b, uint64(shard)) }

func readShard(r *wire.Reader) uint32 {
	v := r.Uvarint()
	if v > uint64(^uint32(0)) {
		r.Fail("shard %d", v)
	}
	return uint32(v)
}

func appendGrant(b []byte, g Grant) []byte { return g.Epoch.Append(appendShard(b, g.Shard)) }

func readGrant(r *wire.Reader) Grant {
	return Grant{Shard: readShard(r), Epoch: actor.ReadEpoch(r)}
}

func (h Head) append(b []byte) []byte {
	return wire.AppendUvarint(h.Term.Append(appendNode(b, h.From)), h.Seq)
}

func (h *Head) read(r *wire.Reader) {
	*h = Head{From: readNode(r), Term: actor.ReadEpoch(r), Seq: r.Uvarint()}
}

// The wire form of a message is its head and then its fields in order; newer
// fields go to the end and are skipped by those who don't know them.

// AppendWire appends the head, the number of shards, the flags, and what is hosted.
func (m Register) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendBool(wire.AppendBool(appendShard(m.Head.append(b), m.Shards), m.Proxy), m.Leaving)
	b = wire.AppendUvarint(b, uint64(len(m.Hosted)))
	for _, h := range m.Hosted {
		b = wire.AppendBool(appendGrant(b, h.Grant), h.Stopping)
	}
	return b, nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Register) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.Head.read(r)
	m.Shards, m.Proxy, m.Leaving = readShard(r), r.Bool(), r.Bool()
	if n := r.Count(hostedBytesMin); n > 0 {
		m.Hosted = make([]Hosted, n)
		for i := range m.Hosted {
			m.Hosted[i] = Hosted{Grant: readGrant(r), Stopping: r.Bool()}
		}
	}
	return r.Err()
}

// AppendWire appends the head and the shards.
func (m GetHomes) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendUvarint(m.Head.append(b), uint64(len(m.Shards)))
	for _, s := range m.Shards {
		b = appendShard(b, s)
	}
	return b, nil
}

// DecodeWire reads what AppendWire wrote.
func (m *GetHomes) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.Head.read(r)
	if n := r.Count(1); n > 0 {
		m.Shards = make([]uint32, n)
		for i := range m.Shards {
			m.Shards[i] = readShard(r)
		}
	}
	return r.Err()
}

// AppendWire appends the head and the homes.
func (m Homes) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendUvarint(m.Head.append(b), uint64(len(m.Homes)))
	for _, h := range m.Homes {
		b = h.Epoch.Append(appendNode(appendShard(b, h.Shard), h.Node))
	}
	return b, nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Homes) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.Head.read(r)
	if n := r.Count(homeBytesMin); n > 0 {
		m.Homes = make([]Home, n)
		for i := range m.Homes {
			m.Homes[i] = Home{Shard: readShard(r), Node: readNode(r), Epoch: actor.ReadEpoch(r)}
		}
	}
	return r.Err()
}

// AppendWire appends the head and the grant.
func (m Started) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendGrant(m.Head.append(b), m.Grant), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Started) DecodeWire(_ codec.Scope, b []byte) error { return decodeGrant(b, &m.Head, &m.Grant) }

// AppendWire appends the head and the grant.
func (m Stopped) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendGrant(m.Head.append(b), m.Grant), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Stopped) DecodeWire(_ codec.Scope, b []byte) error { return decodeGrant(b, &m.Head, &m.Grant) }

// AppendWire appends the head and the grant.
func (m Host) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendGrant(m.Head.append(b), m.Grant), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Host) DecodeWire(_ codec.Scope, b []byte) error { return decodeGrant(b, &m.Head, &m.Grant) }

// AppendWire appends the head and the grant.
func (m HandOff) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendGrant(m.Head.append(b), m.Grant), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *HandOff) DecodeWire(_ codec.Scope, b []byte) error { return decodeGrant(b, &m.Head, &m.Grant) }

// AppendWire appends the head and the grant.
func (m LastSent) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendGrant(m.Head.append(b), m.Grant), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *LastSent) DecodeWire(_ codec.Scope, b []byte) error {
	return decodeGrant(b, &m.Head, &m.Grant)
}

func decodeGrant(b []byte, h *Head, g *Grant) error {
	r := wire.NewReader(b)
	h.read(r)
	*g = readGrant(r)
	return r.Err()
}

// AppendWire appends the head, the grant, and the region.
func (m Held) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendNode(appendGrant(m.Head.append(b), m.Grant), m.Region), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Held) DecodeWire(_ codec.Scope, b []byte) error {
	return decodeGrantNode(b, &m.Head, &m.Grant, &m.Region)
}

// AppendWire appends the head, the grant, and the owner.
func (m BeginHandOff) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendNode(appendGrant(m.Head.append(b), m.Grant), m.Owner), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *BeginHandOff) DecodeWire(_ codec.Scope, b []byte) error {
	return decodeGrantNode(b, &m.Head, &m.Grant, &m.Owner)
}

func decodeGrantNode(b []byte, h *Head, g *Grant, n *Node) error {
	r := wire.NewReader(b)
	h.read(r)
	*g, *n = readGrant(r), readNode(r)
	return r.Err()
}

// AppendWire appends the head.
func (m Query) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return m.Head.append(b), nil }

// DecodeWire reads what AppendWire wrote.
func (m *Query) DecodeWire(_ codec.Scope, b []byte) error { return decodeHead(b, &m.Head) }

// AppendWire appends the head.
func (m Registered) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return m.Head.append(b), nil }

// DecodeWire reads what AppendWire wrote.
func (m *Registered) DecodeWire(_ codec.Scope, b []byte) error { return decodeHead(b, &m.Head) }

// AppendWire appends the head.
func (m Released) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return m.Head.append(b), nil }

// DecodeWire reads what AppendWire wrote.
func (m *Released) DecodeWire(_ codec.Scope, b []byte) error { return decodeHead(b, &m.Head) }

func decodeHead(b []byte, h *Head) error {
	r := wire.NewReader(b)
	h.read(r)
	return r.Err()
}

// AppendWire appends the node.
func (m Retired) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendNode(b, m.From), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Retired) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.From = readNode(r)
	return r.Err()
}
