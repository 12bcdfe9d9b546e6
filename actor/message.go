package actor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// registerMessages makes the package's own messages known to the wire. What
// stops others, reaches them by pattern, or says that somebody has ended, is not
// taken from every node: see [codec.Right].
func registerMessages(reg *codec.Registry) error {
	return errors.Join(
		codec.Register[Failure](reg, "troupe.actor.Failure.v1"),
		codec.Register[PoisonPill](reg, "troupe.actor.PoisonPill.v1", codec.RightStop, codec.Upkeep),
		codec.Register[Kill](reg, "troupe.actor.Kill.v1", codec.RightStop, codec.Upkeep),
		codec.Register[Identify](reg, "troupe.actor.Identify.v1", codec.Upkeep),
		codec.Register[ActorIdentity](reg, "troupe.actor.ActorIdentity.v1", codec.Upkeep),
		codec.Register[selected](reg, "troupe.actor.selected.v1", codec.RightSelect),
		codec.Register[Terminated](reg, "troupe.actor.Terminated.v1", codec.RightMember),
		codec.Register[PID](reg, "troupe.actor.PID.v1"),
	)
}

func isTemp(path string) bool { return strings.HasPrefix(path, tempPrefix) }

// AppendWire appends nothing: the message has no fields.
func (PoisonPill) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }

// DecodeWire reads nothing.
func (*PoisonPill) DecodeWire(codec.Scope, []byte) error { return nil }

// AppendWire appends nothing: the message has no fields.
func (Kill) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }

// DecodeWire reads nothing.
func (*Kill) DecodeWire(codec.Scope, []byte) error { return nil }

// AppendWire appends the ref and the cause, as a [Failure] is.
func (t Terminated) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	b = t.Ref.Location().Append(b)
	if t.Cause == nil {
		return b, nil
	}
	return Failure{Err: t.Cause}.AppendWire(s, b)
}

// DecodeWire reads what AppendWire wrote; Cause is a [*RemoteError].
func (t *Terminated) DecodeWire(s codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	t.Ref = ReadRef[any](s, r)
	if err := r.Err(); err != nil || r.Len() == 0 {
		return err
	}
	var f Failure
	if err := f.DecodeWire(s, r.Rest()); err != nil {
		return err
	}
	t.Cause = f.Err
	return nil
}

// AppendWire appends the number.
func (i Identify) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendUvarint(b, i.ID), nil
}

// DecodeWire reads what AppendWire wrote.
func (i *Identify) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	i.ID = r.Uvarint()
	return r.Done()
}

// AppendWire appends the number and the ref.
func (i ActorIdentity) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return i.Ref.Location().Append(wire.AppendUvarint(b, i.ID)), nil
}

// DecodeWire reads what AppendWire wrote.
func (i *ActorIdentity) DecodeWire(s codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	i.ID = r.Uvarint()
	i.Ref = ReadRef[any](s, r)
	return r.Done()
}

// AppendWire appends the pattern and the message.
func (m selected) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	return s.Registry.Append(s, wire.AppendString(b, m.pattern), m.msg)
}

// DecodeWire reads what AppendWire wrote.
func (m *selected) DecodeWire(s codec.Scope, b []byte) (err error) {
	r := wire.NewReader(b)
	m.pattern = r.String()
	if len(m.pattern) > selectionMax {
		return fmt.Errorf("selection of %d characters, not at most %d", len(m.pattern), selectionMax)
	}
	if m.msg, err = s.Registry.Read(s, r); err != nil {
		return err
	}
	return r.Done()
}
