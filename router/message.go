package router

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Broadcast goes to every routee, whatever the logic; each gets Message alone.
// Broadcast{actor.PoisonPill{}} lets all of them finish what they have and ends
// a pool.
type Broadcast struct{ Message any }

// GetRoutees asks a router for its routees.
type GetRoutees struct{ actor.Returns[Routees] }

// Routees is the answer to [GetRoutees].
type Routees struct{ Refs []actor.PID }

// AddRoutee adds a routee that is there already. It is watched, and taken out
// when it has stopped. A [Balancing] pool can't take one: then the message is
// unhandled.
type AddRoutee struct{ Ref actor.PID }

// RemoveRoutee takes a routee out. One that the pool has spawned is stopped, after
// what it has in its mailbox; others go on living. In a group it is back when the
// source names it again.
type RemoveRoutee struct{ Ref actor.PID }

// AdjustPoolSize adds Change routees to a pool, or takes some out when Change is
// negative; those are stopped after what they have in their mailboxes. At least
// one stays; with a [Resizer] its bounds hold. A group leaves it unhandled.
type AdjustPoolSize struct{ Change int }

// What a head tells itself.
type (
	opened struct{ by *head }
	listed struct {
		by   *head
		refs []actor.PID
	}
	resizeDue struct{}
	refillDue struct{}
	retireDue struct{ ref actor.PID }
)

// Register makes the package's messages known to reg, so that they travel
// between nodes. [Pool] and [Group] do that for their own system; a node that
// only sends them to routers elsewhere has to call it.
func Register(reg *codec.Registry) error {
	return errors.Join(
		codec.Register[Broadcast](reg, "troupe.router.Broadcast.v1"),
		codec.Register[Keyed](reg, "troupe.router.Keyed.v1"),
		codec.Register[GetRoutees](reg, "troupe.router.GetRoutees.v1", codec.RightMember, codec.Upkeep),
		codec.Register[Routees](reg, "troupe.router.Routees.v1", codec.RightMember, codec.Upkeep),
		codec.Register[AddRoutee](reg, "troupe.router.AddRoutee.v1", codec.RightMember, codec.Upkeep),
		codec.Register[RemoveRoutee](reg, "troupe.router.RemoveRoutee.v1", codec.RightMember, codec.Upkeep),
		codec.Register[AdjustPoolSize](reg, "troupe.router.AdjustPoolSize.v1", codec.RightMember, codec.Upkeep),
	)
}

// AppendWire appends the message inside with its name.
func (m Broadcast) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	return s.Registry.Append(s, b, m.Message)
}

// DecodeWire reads what AppendWire wrote.
func (m *Broadcast) DecodeWire(s codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	inner, err := s.Registry.Read(s, r)
	if err != nil {
		return fmt.Errorf("broadcast: %w", err)
	}
	m.Message = inner
	return r.Done()
}

// AppendWire appends the key, then the message inside with its name.
func (k Keyed) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	return s.Registry.Append(s, wire.AppendString(b, k.Key), k.Message)
}

// DecodeWire reads what AppendWire wrote.
func (k *Keyed) DecodeWire(s codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	key := r.String()
	inner, err := s.Registry.Read(s, r)
	if err != nil {
		return fmt.Errorf("keyed: %w", err)
	}
	*k = Keyed{Key: key, Message: inner}
	return r.Done()
}

// AppendWire appends nothing: the message has no fields.
func (GetRoutees) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }

// DecodeWire reads nothing.
func (*GetRoutees) DecodeWire(codec.Scope, []byte) error { return nil }

// AppendWire appends the number of refs, then each.
func (m Routees) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendUvarint(b, uint64(len(m.Refs)))
	for _, r := range m.Refs {
		b, _ = r.AppendWire(s, b) // has no error
	}
	return b, nil
}

// DecodeWire reads what AppendWire wrote.
func (m *Routees) DecodeWire(s codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.Refs = nil
	for range r.Count(1) {
		m.Refs = append(m.Refs, actor.ReadRef[any](s, r))
	}
	return r.Done()
}

// AppendWire appends the ref.
func (m AddRoutee) AppendWire(s codec.Scope, b []byte) ([]byte, error) { return m.Ref.AppendWire(s, b) }

// DecodeWire reads what AppendWire wrote.
func (m *AddRoutee) DecodeWire(s codec.Scope, b []byte) error { return m.Ref.DecodeWire(s, b) }

// AppendWire appends the ref.
func (m RemoveRoutee) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	return m.Ref.AppendWire(s, b)
}

// DecodeWire reads what AppendWire wrote.
func (m *RemoveRoutee) DecodeWire(s codec.Scope, b []byte) error { return m.Ref.DecodeWire(s, b) }

// AppendWire appends the number.
func (m AdjustPoolSize) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendVarint(b, int64(m.Change)), nil
}

// DecodeWire reads what AppendWire wrote.
func (m *AdjustPoolSize) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.Change = int(r.Varint())
	return r.Done()
}
