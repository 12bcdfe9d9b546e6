package codec

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/internal/wire"
)

// Append appends msg with its name and length, so that it can stand inside
// another message: the form of a field of type any. A nil msg is allowed. On
// error it returns b as it was.
func (r *Registry) Append(s Scope, b []byte, msg any) ([]byte, error) {
	if msg == nil {
		return wire.AppendString(b, ""), nil
	}
	if s.depth >= MaxDepth {
		return b, fmt.Errorf("append %T: %w: %d levels", msg, ErrTooDeep, MaxDepth)
	}
	s.depth++
	t, err := r.Of(msg)
	if err != nil {
		return b, err
	}
	start := len(b)
	out := wire.AppendString(b, t.name)
	mark := len(out)
	out = append(out, 0) // most bodies are short: one byte for the length, moved apart when it takes more
	out, err = t.Append(s, out, msg)
	if err != nil {
		return b[:start], err
	}
	return prefixLength(out, mark), nil
}

// prefixLength writes the length of what follows the one byte at mark.
func prefixLength(b []byte, mark int) []byte {
	n := len(b) - mark - 1
	if n < 0x80 {
		b[mark] = byte(n)
		return b
	}
	var length [binary.MaxVarintLen64]byte
	width := binary.PutUvarint(length[:], uint64(n))
	b = slices.Grow(b, width-1)[:len(b)+width-1]
	copy(b[mark+width:], b[mark+1:mark+1+n])
	copy(b[mark:], length[:width])
	return b
}

// Read reads what Append wrote: the value, or nil for nil. After an error of the
// reader itself it returns that error; a body that doesn't decode is an error
// too, and the reader stands behind it.
func (r *Registry) Read(s Scope, from *wire.Reader) (any, error) {
	name := from.Bytes()
	if err := from.Err(); err != nil {
		return nil, err
	}
	if len(name) == 0 {
		return nil, nil
	}
	body := from.Bytes()
	if err := from.Err(); err != nil {
		return nil, err
	}
	if s.depth >= MaxDepth {
		return nil, fmt.Errorf("read %q: %w: %d levels", name, ErrTooDeep, MaxDepth)
	}
	s.depth++
	t, ok := r.tables().byName[string(name)]
	if !ok {
		return nil, &UnregisteredError{Name: string(name)}
	}
	return t.Decode(s, body)
}
