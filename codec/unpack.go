package codec

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// The functions here read bytes that checkStructure has passed: every value is complete,
// and so are its elements. Methods of users get no more than the bytes of their value,
// so that stays true behind them.

// null reads a nil, if there is one.
func (r *packReader) null() bool {
	if r.buf[r.off] == packedNil {
		r.off++
		return true
	}
	return false
}

func (r *packReader) unexpected(typ reflect.Type) error {
	return fmt.Errorf("a value with the first byte %#x does not fit into a %v", r.buf[r.off], typ)
}

// skip passes a value over.
func (r *packReader) skip() error {
	n, _, err := walk(r.buf[r.off:])
	r.off += n
	return err
}

// sized reads the length of a value that begins with one of the codes; false when it
// begins with another.
func (r *packReader) sized(fixed, mask, code8, code16 byte) (n int, ok bool) {
	b := r.buf[r.off:]
	switch c := b[0]; {
	case mask != 0 && c&^mask == fixed:
		r.off++
		return int(c & mask), true
	case c == code8 && code8 != 0:
		r.off += 2
		return int(b[1]), true
	case c == code16:
		r.off += 3
		return int(binary.BigEndian.Uint16(b[1:])), true
	case c == code16+1:
		r.off += 5
		return int(binary.BigEndian.Uint32(b[1:])), true
	}
	return 0, false
}

func (r *packReader) mapLen() (int, bool)  { return r.sized(0x80, 0x0f, 0, 0xde) }
func (r *packReader) listLen() (int, bool) { return r.sized(0x90, 0x0f, 0, 0xdc) }

// raw reads a string or bytes; the result is part of the body.
func (r *packReader) raw() ([]byte, bool) {
	n, ok := r.sized(0xa0, 0x1f, 0xd9, 0xda)
	if !ok {
		n, ok = r.sized(0, 0, 0xc4, 0xc5)
	}
	if !ok {
		return nil, false
	}
	p := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return p, true
}

// integer reads an integer of any width: its bits, and whether it is below zero.
func (r *packReader) integer() (bits uint64, negative, ok bool) {
	b := r.buf[r.off:]
	signed := func(n int64) (uint64, bool, bool) { return uint64(n), n < 0, true }
	c := b[0]
	if c < 0x80 || c >= 0xe0 {
		r.off++
		return signed(int64(int8(c)))
	}
	switch c {
	case 0xcc:
		r.off += 2
		return uint64(b[1]), false, true
	case 0xcd:
		r.off += 3
		return uint64(binary.BigEndian.Uint16(b[1:])), false, true
	case 0xce:
		r.off += 5
		return uint64(binary.BigEndian.Uint32(b[1:])), false, true
	case 0xcf:
		r.off += 9
		return binary.BigEndian.Uint64(b[1:]), false, true
	case 0xd0:
		r.off += 2
		return signed(int64(int8(b[1])))
	case 0xd1:
		r.off += 3
		return signed(int64(int16(binary.BigEndian.Uint16(b[1:]))))
	case 0xd2:
		r.off += 5
		return signed(int64(int32(binary.BigEndian.Uint32(b[1:]))))
	case 0xd3:
		r.off += 9
		return signed(int64(binary.BigEndian.Uint64(b[1:])))
	}
	return 0, false, false
}

// float reads a floating-point number of either width.
func (r *packReader) float() (f float64, ok bool) {
	switch b := r.buf[r.off:]; b[0] {
	case 0xca:
		r.off += 5
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))), true
	case 0xcb:
		r.off += 9
		return math.Float64frombits(binary.BigEndian.Uint64(b[1:])), true
	}
	return 0, false
}

func unpackBool(r *packReader, v reflect.Value) error {
	switch c := r.buf[r.off]; c {
	case packedNil, packedFalse, packedTrue:
		r.off++
		v.SetBool(c == packedTrue)
		return nil
	}
	return r.unexpected(v.Type())
}

func unpackInt(r *packReader, v reflect.Value) error {
	bits, negative, ok := r.integer()
	switch {
	case !ok && r.null():
		return nil
	case !ok:
		return r.unexpected(v.Type())
	case negative != (int64(bits) < 0):
		return fmt.Errorf("%d does not fit into a %v", bits, v.Type())
	case v.OverflowInt(int64(bits)):
		return fmt.Errorf("%d does not fit into a %v", int64(bits), v.Type())
	}
	v.SetInt(int64(bits))
	return nil
}

func unpackUint(r *packReader, v reflect.Value) error {
	bits, negative, ok := r.integer()
	switch {
	case !ok && r.null():
		return nil
	case !ok:
		return r.unexpected(v.Type())
	case negative:
		return fmt.Errorf("%d does not fit into a %v", int64(bits), v.Type())
	case v.OverflowUint(bits):
		return fmt.Errorf("%d does not fit into a %v", bits, v.Type())
	}
	v.SetUint(bits)
	return nil
}

// unpackFloat takes every number that the field can hold as it is.
func unpackFloat(r *packReader, v reflect.Value) error {
	f, ok := r.float()
	if !ok {
		bits, negative, whole := r.integer()
		switch {
		case !whole && r.null():
			return nil
		case !whole:
			return r.unexpected(v.Type())
		case negative:
			f, ok = float64(int64(bits)), int64(float64(int64(bits))) == int64(bits)
		default:
			f, ok = float64(bits), bits <= 1<<53 || bits < 1<<63 && uint64(float64(bits)) == bits
		}
		if !ok {
			return fmt.Errorf("an integer does not fit into a %v without loss", v.Type())
		}
	}
	if v.Kind() == reflect.Float32 && f == f && float64(float32(f)) != f {
		return fmt.Errorf("%v does not fit into a %v without loss", f, v.Type())
	}
	v.SetFloat(f)
	return nil
}

func unpackString(r *packReader, v reflect.Value) error {
	p, ok := r.raw()
	switch {
	case ok:
		v.SetString(string(p))
		return nil
	case r.null():
		return nil
	}
	return r.unexpected(v.Type())
}

// text reads a string.
func (r *packReader) text() (string, error) {
	p, ok := r.raw()
	if !ok && !r.null() {
		return "", r.unexpected(reflect.TypeFor[string]())
	}
	return string(p), nil
}

func unpackBytes(r *packReader, v reflect.Value) error {
	p, ok := r.raw()
	switch {
	case ok:
		v.SetBytes(append(make([]byte, 0, len(p)), p...))
		return nil
	case r.null():
		return nil
	}
	return r.unexpected(v.Type())
}

func unpackByteArray(r *packReader, v reflect.Value) error {
	p, ok := r.raw()
	switch {
	case !ok && r.null():
		return nil
	case !ok:
		return r.unexpected(v.Type())
	case len(p) > v.Len():
		return fmt.Errorf("%d bytes do not fit into a %v", len(p), v.Type())
	}
	for i, c := range p {
		v.Index(i).SetUint(uint64(c))
	}
	return nil
}

func unpackTime(r *packReader, v reflect.Value) error {
	if r.null() {
		return nil
	}
	t, ok := r.time()
	if !ok {
		return r.unexpected(v.Type())
	}
	if p, ok := v.Addr().Interface().(*time.Time); ok {
		*p = t
	}
	return nil
}

// time reads a time, in UTC.
func (r *packReader) time() (time.Time, bool) {
	b := r.buf[r.off:]
	at := func(size int, sec int64, nsec uint64) (time.Time, bool) {
		if nsec >= 1e9 {
			return time.Time{}, false
		}
		r.off += size
		return time.Unix(sec, int64(nsec)).UTC(), true
	}
	switch {
	case b[0] == 0xd6 && b[1] == packedTime:
		return at(6, int64(binary.BigEndian.Uint32(b[2:])), 0)
	case b[0] == 0xd7 && b[1] == packedTime:
		n := binary.BigEndian.Uint64(b[2:])
		return at(10, int64(n&(1<<34-1)), n>>34)
	case b[0] == 0xc7 && b[1] == 12 && b[2] == packedTime:
		return at(15, int64(binary.BigEndian.Uint64(b[7:])), uint64(binary.BigEndian.Uint32(b[3:])))
	}
	return time.Time{}, false
}

func unpackSlice(elem *plan) func(r *packReader, v reflect.Value) error {
	return func(r *packReader, v reflect.Value) error {
		if r.null() {
			return nil
		}
		n, ok := r.listLen()
		if !ok {
			return r.unexpected(v.Type())
		}
		// Elements are larger than their bytes, so the slice grows with what is read.
		const atOnce = 256
		s := reflect.MakeSlice(v.Type(), min(n, atOnce), min(n, atOnce))
		v.Set(s)
		for i := range n {
			if i == v.Len() {
				more := min(n, 2*i)
				v.Grow(more - i)
				v.SetLen(more)
			}
			if err := elem.dec(r, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func unpackArray(elem *plan) func(r *packReader, v reflect.Value) error {
	return func(r *packReader, v reflect.Value) error {
		if r.null() {
			return nil
		}
		n, ok := r.listLen()
		switch {
		case !ok:
			return r.unexpected(v.Type())
		case n > v.Len():
			return fmt.Errorf("%d elements do not fit into a %v", n, v.Type())
		}
		for i := range n {
			if err := elem.dec(r, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// decodeCalls read a value by one of its methods.
var decodeCalls = map[string]func(r *packReader, v any) error{
	"DecodeWire": func(r *packReader, v any) error {
		s := r.scope
		s.depth++
		if s.depth > MaxDepth {
			return fmt.Errorf("%w: %d levels", ErrTooDeep, MaxDepth)
		}
		return r.handed(v, func(p []byte) error { return v.(Decoder).DecodeWire(s, p) })
	},
	"UnmarshalBinary": func(r *packReader, v any) error { return r.handed(v, v.(encoding.BinaryUnmarshaler).UnmarshalBinary) },
	"UnmarshalText":   func(r *packReader, v any) error { return r.handed(v, v.(encoding.TextUnmarshaler).UnmarshalText) },
	"UnmarshalMsgpack": func(r *packReader, v any) error {
		at := r.off
		if err := r.skip(); err != nil {
			return err
		}
		return v.(msgpack.Unmarshaler).UnmarshalMsgpack(slices.Clone(r.buf[at:r.off]))
	},
	"DecodeMsgpack": func(r *packReader, v any) error {
		at, all := r.off, r.buf
		if err := r.skip(); err != nil {
			return err
		}
		end := r.off
		r.buf, r.off = all[:end], at
		err := v.(msgpack.CustomDecoder).DecodeMsgpack(r.dec)
		left := end - r.off
		r.buf, r.off = all, end
		if err == nil && left != 0 {
			err = fmt.Errorf("DecodeMsgpack left %d bytes of its value unread", left)
		}
		return err
	},
}

// handed gives bytes to a method.
func (r *packReader) handed(v any, method func([]byte) error) error {
	p, ok := r.raw()
	if !ok {
		return r.unexpected(reflect.TypeOf(v).Elem())
	}
	return method(p)
}
