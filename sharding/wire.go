package sharding

import (
	"fmt"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/sharding/internal/core"
	"github.com/troupe-go/troupe/singleton"
)

// Messages between regions beside the protocol of the core.
type (
	// envelope is a user's message on its way to the region that hosts the
	// entity. Its sender is the user's.
	envelope struct {
		ID   string
		Hops uint8
		Msg  any
	}
	// getAllocation asks for the coordinator's view.
	getAllocation struct{}
	// allocation answers it.
	allocation struct {
		Coordinator membership.Node
		Active      bool
		Loads       []core.Load
	}
	// getCounts asks a region what it hosts.
	getCounts struct{}
	// counts answers it: how many entities there are in each shard.
	counts struct {
		Shards   []uint32
		Entities []uint32
	}
)

// Register makes the messages of sharding known to a registry. [Start] does
// it; calling it before the node joins a cluster spares the node a warning about
// messages of a protocol that it doesn't know yet, when regions elsewhere are
// quick to speak to it.
func Register(reg *codec.Registry) error {
	if err := singleton.Register(reg); err != nil {
		return err
	}
	if err := core.RegisterTypes(reg); err != nil {
		return err
	}
	for _, err := range []error{
		// The message inside has been checked against its own limit.
		codec.Register[envelope](reg, "troupe.sharding.Envelope.v1", codec.RightMember, codec.MaxSize(envelopeMax)),
		codec.Register[getAllocation](reg, "troupe.sharding.GetAllocation.v1", codec.RightMember, codec.Upkeep),
		codec.Register[allocation](reg, "troupe.sharding.Allocation.v1", codec.RightMember, codec.Upkeep),
		codec.Register[getCounts](reg, "troupe.sharding.GetCounts.v1", codec.RightMember, codec.Upkeep),
		codec.Register[counts](reg, "troupe.sharding.Counts.v1", codec.RightMember, codec.Upkeep),
	} {
		if err != nil {
			return fmt.Errorf("register the messages of regions: %w", err)
		}
	}
	return nil
}

const envelopeMax = 64 << 20

// AppendWire appends the entity's id, the hops, and the message with its name.
func (e envelope) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	b = append(wire.AppendString(b, e.ID), e.Hops)
	return s.Registry.Append(s, b, e.Msg)
}

func (e *envelope) DecodeWire(s codec.Scope, b []byte) (err error) {
	r := wire.NewReader(b)
	e.ID, e.Hops = r.String(), r.Byte()
	if r.Err() == nil && (e.ID == "" || e.Hops == 0) {
		r.Fail("entity %q over %d hops", e.ID, e.Hops)
	}
	if err := r.Err(); err != nil {
		return err
	}
	e.Msg, err = s.Registry.Read(s, r)
	return err
}

func (getAllocation) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }

func (*getAllocation) DecodeWire(codec.Scope, []byte) error { return nil }

// AppendWire appends the coordinator's node, whether it is active, and the
// regions with their shards.
func (a allocation) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendBool(appendNode(b, a.Coordinator), a.Active)
	b = wire.AppendUvarint(b, uint64(len(a.Loads)))
	for _, l := range a.Loads {
		b = appendNumbers(appendNode(b, l.Node), l.Shards)
	}
	return b, nil
}

func (a *allocation) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	a.Coordinator, a.Active = readNode(r), r.Bool()
	if n := r.Count(1 + 8 + 1); n > 0 {
		a.Loads = make([]core.Load, n)
		for i := range a.Loads {
			a.Loads[i] = core.Load{Node: readNode(r), Shards: readNumbers(r)}
		}
	}
	return r.Err()
}

func (getCounts) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }

func (*getCounts) DecodeWire(codec.Scope, []byte) error { return nil }

// AppendWire appends the shards and then the numbers of their entities.
func (c counts) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendNumbers(appendNumbers(b, c.Shards), c.Entities), nil
}

func (c *counts) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	c.Shards, c.Entities = readNumbers(r), readNumbers(r)
	if r.Err() == nil && len(c.Shards) != len(c.Entities) {
		r.Fail("%d shards with %d counts", len(c.Shards), len(c.Entities))
	}
	return r.Err()
}

func countsOf(shards []ShardState) (c counts) {
	for _, s := range shards {
		c.Shards = append(c.Shards, uint32(s.Shard))
		c.Entities = append(c.Entities, uint32(s.Entities))
	}
	return c
}

func appendNumbers(b []byte, numbers []uint32) []byte {
	b = wire.AppendUvarint(b, uint64(len(numbers)))
	for _, n := range numbers {
		b = wire.AppendUvarint(b, uint64(n))
	}
	return b
}

func readNumbers(r *wire.Reader) []uint32 {
	n := r.Count(1)
	if n == 0 {
		return nil
	}
	numbers := make([]uint32, n)
	for i := range numbers {
		v := r.Uvarint()
		if v > uint64(^uint32(0)) {
			r.Fail("number %d", v)
		}
		numbers[i] = uint32(v)
	}
	return numbers
}

func appendNode(b []byte, n membership.Node) []byte {
	return wire.AppendUint64(wire.AppendString(b, n.Addr), n.UID)
}

func readNode(r *wire.Reader) membership.Node {
	return membership.Node{Addr: r.String(), UID: r.Uint64()}
}
