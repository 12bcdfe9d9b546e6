package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// sentinels are the errors that keep their identity on the wire; the index is
// their code, so the order is fixed and new ones go to the end.
var sentinels = []error{
	nil, ErrStopped, ErrNameTaken, ErrBadName, ErrMailboxFull, ErrTimeout, ErrDeadLetter, ErrNobody,
	ErrStashFull, ErrAttached, ErrBackpressure, ErrKilled, ErrCallCycle,
	ErrStashed, context.DeadlineExceeded, context.Canceled,
	codec.ErrUnregistered, codec.ErrMalformed, codec.ErrTooLarge, codec.ErrTooDeep, codec.ErrDenied,
	ErrOverloaded,
}

// RemoteError is an error that came from another node: its text, and what it is: the
// errors of this package and of [context], [*DeadLetterError] and [*PanicError], whose
// values are texts and whose stacks stay where they were, and those of
// [codec.RegisterError].
type RemoteError struct {
	Text   string
	causes []error
}

// Error returns the text the error had where it arose.
func (e *RemoteError) Error() string { return e.Text }

// Unwrap returns what the error is, so that errors.Is and errors.As work across nodes.
func (e *RemoteError) Unwrap() []error { return e.causes }

const (
	// errorTextMax bounds the text of an error on the wire, in bytes.
	errorTextMax = 4 << 10
	// factsMax bounds what else is said of an error there.
	factsMax = 32
)

// Kinds of what is said of an error besides its text and its first code. The numbers are
// on the wire.
const (
	factSentinel = 1 // another code
	factDropped  = 2 // a DeadLetterError of this reason; of an answer if a byte follows
	factPanic    = 3 // a PanicError
	factNamed    = 4 // a registered error of this name
)

// AppendWire appends the error's text, the code of its sentinel, and whatever else it is.
func (f Failure) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	f.Err = f.cause()
	var codes []uint64
	for i, sentinel := range sentinels[1:] {
		if sentinel == context.DeadlineExceeded && errors.Is(f.Err, ErrTimeout) && !wraps(f.Err, sentinel) {
			continue // the code of ErrTimeout says it
		}
		if errors.Is(f.Err, sentinel) {
			codes = append(codes, uint64(i+1))
		}
	}
	first := uint64(0)
	if len(codes) > 0 {
		first, codes = codes[0], codes[1:]
	}
	text := f.Err.Error()
	if len(text) > errorTextMax {
		text = strings.ToValidUTF8(text[:errorTextMax], "")
	}
	b = wire.AppendUvarint(b, first)
	b = wire.AppendString(b, text)
	for _, code := range codes {
		b = appendFact(b, factSentinel, wire.AppendUvarint(nil, code))
	}
	if letter, ok := errors.AsType[*DeadLetterError](f.Err); ok {
		b = appendFact(b, factDropped, letter.fact())
	}
	if _, ok := errors.AsType[*PanicError](f.Err); ok {
		b = appendFact(b, factPanic, nil)
	}
	if s.Registry != nil {
		for _, name := range s.Registry.ErrorNames(f.Err) {
			b = appendFact(b, factNamed, []byte(name))
		}
	}
	return b, nil
}

// wraps reports whether target itself is err or inside of it, whatever their Is says.
func wraps(err, target error) bool {
	if err == target {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return wraps(e.Unwrap(), target)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(inner error) bool { return wraps(inner, target) })
	}
	return false
}

func (e *DeadLetterError) fact() []byte {
	if e.Answer {
		return []byte{byte(e.Reason), 1}
	}
	return []byte{byte(e.Reason)}
}

func appendFact(b []byte, kind byte, value []byte) []byte {
	return wire.AppendBytes(append(b, kind), value)
}

// DecodeWire reads what AppendWire wrote; Err is a [*RemoteError].
func (f *Failure) DecodeWire(s codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	e := &RemoteError{}
	code := r.Uvarint()
	e.Text = r.String()
	e.sentinel(code)
	for n := 0; n < factsMax && r.Len() > 0 && r.Err() == nil; n++ {
		kind, value := r.Byte(), r.Bytes()
		if r.Err() == nil {
			e.fact(s.Registry, kind, value)
		}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("failure: %w", err)
	}
	f.Err = e
	return nil
}

func (e *RemoteError) sentinel(code uint64) {
	if code > 0 && code < uint64(len(sentinels)) {
		e.causes = append(e.causes, sentinels[code])
	}
}

// fact adds what is said of the error; what isn't known is skipped.
func (e *RemoteError) fact(reg *codec.Registry, kind byte, value []byte) {
	switch {
	case kind == factSentinel:
		e.sentinel(wire.NewReader(value).Uvarint())
	case kind == factDropped && len(value) > 0:
		e.causes = append(e.causes, &DeadLetterError{Reason: DropReason(value[0]), Answer: len(value) > 1})
	case kind == factPanic:
		e.causes = append(e.causes, &PanicError{Value: e.Text})
	case kind == factNamed && reg != nil:
		if err := reg.ErrorNamed(string(value)); err != nil {
			e.causes = append(e.causes, err)
		}
	}
}
