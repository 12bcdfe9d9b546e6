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

// The first bytes of msgpack values that are written here.
const (
	packedNil   = 0xc0
	packedFalse = 0xc2
	packedTrue  = 0xc3
	packedTime  = 0xff // the extension -1
)

// appendSized appends the head of a value with a length: the code alone for less than
// short, or the code for a length of 8, 16 or 32 bits. A code8 of 0 is none.
func appendSized(b []byte, n, short int, fixed, code8, code16 byte) []byte {
	switch {
	case n < short:
		return append(b, fixed|byte(n))
	case n <= math.MaxUint8 && code8 != 0:
		return append(b, code8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, code16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, code16+1), uint32(n))
}

func appendMapLen(b []byte, n int) []byte  { return appendSized(b, n, 16, 0x80, 0, 0xde) }
func appendListLen(b []byte, n int) []byte { return appendSized(b, n, 16, 0x90, 0, 0xdc) }
func appendBytesLen(b []byte, n int) []byte {
	return appendSized(b, n, 0, 0, 0xc4, 0xc5)
}

func appendString(b []byte, s string) []byte {
	return append(appendSized(b, len(s), 32, 0xa0, 0xd9, 0xda), s...)
}

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n <= math.MaxInt8:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, 0xcc, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, 0xcd), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xcf), n)
}

func appendInt(b []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(b, uint64(n))
	case n >= -32:
		return append(b, byte(n))
	case n >= math.MinInt8:
		return append(b, 0xd0, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, 0xd2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(n))
}

func appendPackedTime(b []byte, t time.Time) []byte {
	sec, nsec := uint64(t.Unix()), uint64(t.Nanosecond())
	switch {
	case sec>>34 != 0:
		b = binary.BigEndian.AppendUint32(append(b, 0xc7, 12, packedTime), uint32(nsec))
		return binary.BigEndian.AppendUint64(b, sec)
	case nsec != 0 || sec > math.MaxUint32:
		return binary.BigEndian.AppendUint64(append(b, 0xd7, packedTime), nsec<<34|sec)
	}
	return binary.BigEndian.AppendUint32(append(b, 0xd6, packedTime), uint32(sec))
}

// enter begins a value of n elements, or n pairs.
func (w *packWriter) enter(n int) error {
	if n == 0 {
		return nil
	}
	if w.depth++; w.depth > MaxDepth {
		return fmt.Errorf("%w: more than %d levels, or a value that contains itself", ErrTooDeep, MaxDepth)
	}
	return w.fits(0)
}

// leave ends what enter began.
func (w *packWriter) leave(n int) error {
	if n > 0 {
		w.depth--
	}
	return w.fits(0)
}

// fits reports that the body, and n bytes more, are larger than its type allows.
func (w *packWriter) fits(n int) error {
	if n > w.sizeMax-(len(w.buf)-w.start) {
		return fmt.Errorf("%w: more than %d bytes (raise it with codec.MaxSize at registration, or send less)", ErrTooLarge, w.sizeMax)
	}
	return nil
}

func packBool(w *packWriter, v reflect.Value) error {
	if v.Bool() {
		w.buf = append(w.buf, packedTrue)
	} else {
		w.buf = append(w.buf, packedFalse)
	}
	return nil
}

func packInt(w *packWriter, v reflect.Value) error {
	w.buf = appendInt(w.buf, v.Int())
	return nil
}

func packUint(w *packWriter, v reflect.Value) error {
	w.buf = appendUint(w.buf, v.Uint())
	return nil
}

func packFloat32(w *packWriter, v reflect.Value) error {
	w.buf = binary.BigEndian.AppendUint32(append(w.buf, 0xca), math.Float32bits(float32(v.Float())))
	return nil
}

func packFloat64(w *packWriter, v reflect.Value) error {
	w.buf = binary.BigEndian.AppendUint64(append(w.buf, 0xcb), math.Float64bits(v.Float()))
	return nil
}

func packString(w *packWriter, v reflect.Value) error { return w.string(v.String()) }

func (w *packWriter) string(s string) error {
	if err := w.fits(len(s)); err != nil {
		return err
	}
	w.buf = appendString(w.buf, s)
	return nil
}

func packBytes(w *packWriter, v reflect.Value) error {
	if v.IsNil() {
		w.buf = append(w.buf, packedNil)
		return nil
	}
	return w.bytes(v.Bytes())
}

func (w *packWriter) bytes(p []byte) error {
	if err := w.fits(len(p)); err != nil {
		return err
	}
	w.buf = append(appendBytesLen(w.buf, len(p)), p...)
	return nil
}

func packByteArray(w *packWriter, v reflect.Value) error {
	if v.CanAddr() {
		return w.bytes(v.Bytes())
	}
	n := v.Len()
	if err := w.fits(n); err != nil {
		return err
	}
	w.buf = appendBytesLen(w.buf, n)
	for i := range n {
		w.buf = append(w.buf, byte(v.Index(i).Uint()))
	}
	return nil
}

func packTime(w *packWriter, v reflect.Value) error {
	w.buf = appendPackedTime(w.buf, timeIn(v))
	return nil
}

func timeIn(v reflect.Value) time.Time {
	if v.CanAddr() {
		if p, ok := v.Addr().Interface().(*time.Time); ok { // allocates nothing
			return *p
		}
	}
	t, _ := v.Interface().(time.Time)
	return t
}

// list writes a slice or an array.
func (w *packWriter) list(v reflect.Value, elem *plan) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		w.buf = append(w.buf, packedNil)
		return nil
	}
	n := v.Len()
	if err := w.enter(n); err != nil {
		return err
	}
	w.buf = appendListLen(w.buf, n)
	for i := range n {
		if err := elem.enc(w, v.Index(i)); err != nil {
			return err
		}
		if err := w.fits(0); err != nil {
			return err
		}
	}
	return w.leave(n)
}

// methodsOf returns a plan's functions for values that encode themselves.
func methodsOf(typ reflect.Type, own *pair) (enc func(*packWriter, reflect.Value) error, dec func(*packReader, reflect.Value) error) {
	call := encodeCalls[own.enc]
	nilable := typ.Kind() == reflect.Map || typ.Kind() == reflect.Slice
	enc = func(w *packWriter, v reflect.Value) error {
		if nilable && v.IsNil() {
			w.buf = append(w.buf, packedNil)
			return nil
		}
		if !v.CanAddr() && own.pointer {
			c := reflect.New(typ).Elem()
			c.Set(v)
			v = c
		}
		if v.CanAddr() {
			v = v.Addr() // has the methods of the value too, and boxing it allocates nothing
		}
		return call(w, v.Interface())
	}
	decode := decodeCalls[own.format.decode.name]
	return enc, func(r *packReader, v reflect.Value) error {
		if r.null() {
			return nil
		}
		return decode(r, v.Addr().Interface())
	}
}

// encodeCalls write a value by one of its methods.
var encodeCalls = map[string]func(w *packWriter, v any) error{
	"AppendWire": func(w *packWriter, v any) error {
		s := w.scope
		s.depth++
		if s.depth > MaxDepth {
			return fmt.Errorf("%w: %d levels", ErrTooDeep, MaxDepth)
		}
		return w.appended(func(b []byte) ([]byte, error) { return v.(Appender).AppendWire(s, b) })
	},
	"AppendBinary": func(w *packWriter, v any) error { return w.appended(v.(encoding.BinaryAppender).AppendBinary) },
	"AppendText":   func(w *packWriter, v any) error { return w.appended(v.(encoding.TextAppender).AppendText) },
	"MarshalBinary": func(w *packWriter, v any) error {
		p, err := v.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			return err
		}
		return w.bytes(p)
	},
	"MarshalText": func(w *packWriter, v any) error {
		p, err := v.(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return err
		}
		return w.bytes(p)
	},
	"MarshalMsgpack": func(w *packWriter, v any) error {
		return w.one("MarshalMsgpack", func() error {
			p, err := v.(msgpack.Marshaler).MarshalMsgpack()
			if err != nil {
				return err
			}
			if err := w.fits(len(p)); err != nil {
				return err
			}
			w.buf = append(w.buf, p...)
			return nil
		})
	},
	"EncodeMsgpack": func(w *packWriter, v any) error {
		return w.one("EncodeMsgpack", func() error { return v.(msgpack.CustomEncoder).EncodeMsgpack(w.enc) })
	},
}

// appended writes what a method appends, with its length before it.
func (w *packWriter) appended(method func(b []byte) ([]byte, error)) error {
	mark := len(w.buf)
	b, err := method(append(w.buf, 0xc4, 0)) // the head of at most 255 bytes
	if err != nil {
		return err
	}
	if len(b) < mark+2 {
		return fmt.Errorf("the method returned less than it was given; it must append to its argument")
	}
	w.buf = b
	if n := len(b) - mark - 2; n <= math.MaxUint8 {
		w.buf[mark], w.buf[mark+1] = 0xc4, byte(n)
	} else {
		head := appendBytesLen(make([]byte, 0, 5), n)
		w.buf = slices.Replace(b, mark, mark+2, head...)
	}
	return w.fits(0)
}

// one has a method write, and refuses anything but one value.
func (w *packWriter) one(name string, write func() error) error {
	mark := len(w.buf)
	if err := write(); err != nil {
		return err
	}
	end, deepest, err := walk(w.buf[mark:])
	switch {
	case err != nil:
		return fmt.Errorf("%s wrote no msgpack: %w", name, err)
	case deepest > MaxDepth:
		return fmt.Errorf("%w: more than %d levels", ErrTooDeep, MaxDepth)
	case end != len(w.buf)-mark:
		return fmt.Errorf("%s wrote more than one value; put them into an array (EncodeArrayLen first)", name)
	}
	return nil
}

// isPlain reports whether values are written by their kind alone.
func (p *plan) isPlain() bool {
	own, err := msgpackPair(p.typ)
	return own == nil && err == nil
}
