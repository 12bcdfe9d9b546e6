package cluster

import (
	"errors"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// heartbeat asks a node for a sign of life.
type heartbeat struct {
	From membership.Node
	Seq  uint64
}

// heartbeatAck is the sign of life.
type heartbeatAck struct {
	From membership.Node
	Seq  uint64
}

// register makes the messages of the cluster known.
func register(reg *codec.Registry) error {
	return errors.Join(
		membership.Register(reg),
		registerOrders(reg),
		codec.Register[profile](reg, "troupe.cluster.Profile.v1", codec.RightMember, codec.Upkeep),
		codec.Register[heartbeat](reg, "troupe.cluster.Heartbeat.v1", codec.RightMember, codec.Control),
		codec.Register[heartbeatAck](reg, "troupe.cluster.HeartbeatAck.v1", codec.RightMember, codec.Control),
	)
}

// AppendWire appends the wire form.
func (m heartbeat) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendUvarint(m.From.Append(b), m.Seq), nil
}

// DecodeWire reads the wire form.
func (m *heartbeat) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = heartbeat{From: membership.ReadNode(r), Seq: r.Uvarint()}
	return r.Done()
}

// AppendWire appends the wire form.
func (m heartbeatAck) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendUvarint(m.From.Append(b), m.Seq), nil
}

// DecodeWire reads the wire form.
func (m *heartbeatAck) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = heartbeatAck{From: membership.ReadNode(r), Seq: r.Uvarint()}
	return r.Done()
}
