package singleton

import (
	"fmt"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// The protocol between the managers of one singleton. Every message names the
// incarnation it comes from.
type (
	// handOverToMe asks an older host to hand over.
	handOverToMe struct{ From membership.Node }
	// handOverDone promises never to run the instance again. UpTo is the
	// largest up-number that the sender has seen.
	handOverDone struct {
		From membership.Node
		UpTo uint64
	}
	// where asks whether the instance runs at the receiver.
	where struct{ From membership.Node }
	// here says that it runs at the sender.
	here struct {
		From  membership.Node
		Epoch actor.Epoch
	}
	// pause asks a proxy to send nothing more to the instance.
	pause struct {
		From  membership.Node
		Epoch actor.Epoch
	}
	// paused answers it, behind everything that was sent before.
	paused struct {
		From  membership.Node
		Epoch actor.Epoch
	}
	// carried is a user message on its way from a proxy to the instance.
	carried struct{ Msg any }
)

// Register makes the protocol known to a registry. [Start] does it; calling it
// before the node joins a cluster spares the node a warning about messages of
// a protocol that it doesn't know yet. What overtakes
// user traffic travels on the control connection; paused must not, since it
// says that nothing comes after it.
func Register(reg *codec.Registry) error {
	for _, err := range []error{
		codec.Register[handOverToMe](reg, "troupe.singleton.HandOverToMe.v1", codec.RightMember, codec.Control),
		codec.Register[handOverDone](reg, "troupe.singleton.HandOverDone.v1", codec.RightMember, codec.Control),
		codec.Register[where](reg, "troupe.singleton.Where.v1", codec.RightMember, codec.Control),
		codec.Register[here](reg, "troupe.singleton.Here.v1", codec.RightMember, codec.Control),
		codec.Register[pause](reg, "troupe.singleton.Pause.v1", codec.RightMember, codec.Control),
		codec.Register[paused](reg, "troupe.singleton.Paused.v1", codec.RightMember, codec.Upkeep),
		codec.Register[carried](reg, "troupe.singleton.Carried.v1", codec.RightMember),
	} {
		if err != nil {
			return fmt.Errorf("register the protocol of singletons: %w", err)
		}
	}
	return nil
}

func appendNode(b []byte, n membership.Node) []byte {
	return wire.AppendUint64(wire.AppendString(b, n.Addr), n.UID)
}

func readNode(r *wire.Reader) membership.Node {
	return membership.Node{Addr: r.String(), UID: r.Uint64()}
}

func decodeNode(b []byte) (membership.Node, error) {
	r := wire.NewReader(b)
	n := readNode(r)
	return n, r.Err()
}

func appendAt(b []byte, n membership.Node, e actor.Epoch) ([]byte, error) {
	return e.Append(appendNode(b, n)), nil
}

func decodeAt(b []byte) (membership.Node, actor.Epoch, error) {
	r := wire.NewReader(b)
	n, e := readNode(r), actor.ReadEpoch(r)
	return n, e, r.Err()
}

// AppendWire and DecodeWire are the wire form of each message: the node as
// address and incarnation, then the epoch. Newer fields go to the end.

func (m handOverToMe) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendNode(b, m.From), nil
}

func (m *handOverToMe) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.From, err = decodeNode(b)
	return err
}

func (m handOverDone) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendUvarint(appendNode(b, m.From), m.UpTo), nil
}

func (m *handOverDone) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.From, m.UpTo = readNode(r), r.Uvarint()
	return r.Err()
}

func (m where) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendNode(b, m.From), nil
}

func (m *where) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.From, err = decodeNode(b)
	return err
}

func (m here) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendAt(b, m.From, m.Epoch)
}

func (m *here) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.From, m.Epoch, err = decodeAt(b)
	return err
}

func (m pause) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendAt(b, m.From, m.Epoch)
}

func (m *pause) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.From, m.Epoch, err = decodeAt(b)
	return err
}

func (m paused) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendAt(b, m.From, m.Epoch)
}

func (m *paused) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.From, m.Epoch, err = decodeAt(b)
	return err
}

func (m carried) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	return s.Registry.Append(s, b, m.Msg)
}

func (m *carried) DecodeWire(s codec.Scope, b []byte) (err error) {
	m.Msg, err = s.Registry.Read(s, wire.NewReader(b))
	return err
}
