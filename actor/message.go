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
		codec.Register[PoisonPill](reg, "troupe.actor.PoisonPill.v1", codec.RightStop),
		codec.Register[Kill](reg, "troupe.actor.Kill.v1", codec.RightStop),
		codec.Register[Identify](reg, "troupe.actor.Identify.v1"),
		codec.Register[ActorIdentity](reg, "troupe.actor.ActorIdentity.v1"),
		codec.Register[selected](reg, "troupe.actor.selected.v1", codec.RightSelect),
		codec.Register[Terminated](reg, "troupe.actor.Terminated.v1", codec.RightMember),
		codec.Register[PID](reg, "troupe.actor.PID.v1"),
	)
}

func isTemp(path string) bool { return strings.HasPrefix(path, tempPrefix) }

// sentinels are the errors that keep their identity on the wire; the index is
// their code, so the order is fixed and new ones go to the end.
var sentinels = []error{
	nil, ErrStopped, ErrNameTaken, ErrBadName, ErrMailboxFull, ErrTimeout, ErrDeadLetter, ErrNobody,
	ErrStashFull, ErrAttached, ErrBackpressure, ErrKilled, ErrCallCycle,
}

// RemoteError is an error that came from another node: its text, and the
// sentinel of this package that it wraps, if any.
type RemoteError struct {
	Text  string
	cause error
}

// Error returns the text the error had where it arose.
func (e *RemoteError) Error() string { return e.Text }

// Unwrap returns the sentinel, so that errors.Is works across nodes.
func (e *RemoteError) Unwrap() error { return e.cause }

// errorTextMax bounds the text of an error on the wire, in bytes.
const errorTextMax = 4 << 10

// AppendWire appends the error's text and the code of its sentinel.
func (f Failure) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	if f.Err == nil {
		return b, errors.New("failure without an error")
	}
	code := 0
	for i, s := range sentinels[1:] {
		if errors.Is(f.Err, s) {
			code = i + 1
			break
		}
	}
	text := f.Err.Error()
	if len(text) > errorTextMax {
		text = strings.ToValidUTF8(text[:errorTextMax], "")
	}
	b = wire.AppendUvarint(b, uint64(code))
	return wire.AppendString(b, text), nil
}

// DecodeWire reads what AppendWire wrote; Err is a [*RemoteError].
func (f *Failure) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	code, text := r.Uvarint(), r.String()
	if err := r.Err(); err != nil {
		return fmt.Errorf("failure: %w", err)
	}
	e := &RemoteError{Text: text}
	if code < uint64(len(sentinels)) {
		e.cause = sentinels[code]
	}
	f.Err = e
	return nil
}

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
