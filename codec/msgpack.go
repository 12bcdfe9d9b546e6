package codec

import (
	"fmt"
	"io"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// pooledMax is the largest buffer in bytes that a pooled decoder may keep.
const pooledMax = 64 << 10

// packers keeps msgpack encoders and decoders for reuse, per registry.
type packers struct {
	encoders sync.Pool
	decoders sync.Pool
}

// packWriter is the writer below a msgpack encoder. It carries the scope, and it
// ends the encoding of a value that contains itself before the stack does.
type packWriter struct {
	scope   Scope
	buf     []byte
	start   int
	sizeMax int
	checkAt int      // nested depth is looked at when the body has grown to this size
	depth   int      // of what is written here; methods of users don't count
	keys    []string // of maps that are being written
	enc     *msgpack.Encoder
}

func (w *packWriter) Write(p []byte) (int, error) {
	if err := w.room(len(p)); err != nil {
		return 0, err
	}
	w.buf = append(w.buf, p...)
	return len(p), nil
}

// WriteString spares msgpack the copy of a string.
func (w *packWriter) WriteString(s string) (int, error) {
	if err := w.room(len(s)); err != nil {
		return 0, err
	}
	w.buf = append(w.buf, s...)
	return len(s), nil
}

func (w *packWriter) WriteByte(c byte) error {
	if err := w.room(1); err != nil {
		return err
	}
	w.buf = append(w.buf, c)
	return nil
}

func (w *packWriter) room(n int) error {
	size := len(w.buf) - w.start
	if n > w.sizeMax-size {
		return fmt.Errorf("%w: more than %d bytes (raise it with codec.MaxSize at registration, or send less)", ErrTooLarge, w.sizeMax)
	}
	if size >= w.checkAt {
		// A body that is being written is truncated, which walk reports too; only the depth counts.
		if _, deepest, _ := walk(w.buf[w.start:]); deepest > MaxDepth {
			return fmt.Errorf("%w: more than %d levels, or a value that contains itself", ErrTooDeep, MaxDepth)
		}
		w.checkAt = 2 * size
	}
	return nil
}

// packReader is the reader below a msgpack decoder. It carries the scope.
type packReader struct {
	scope Scope
	buf   []byte
	off   int
	dec   *msgpack.Decoder
}

func (r *packReader) Read(p []byte) (int, error) {
	if r.off >= len(r.buf) {
		return 0, io.EOF
	}
	n := copy(p, r.buf[r.off:])
	r.off += n
	return n, nil
}

func (r *packReader) ReadByte() (byte, error) {
	if r.off >= len(r.buf) {
		return 0, io.EOF
	}
	c := r.buf[r.off]
	r.off++
	return c, nil
}

func (r *packReader) UnreadByte() error {
	if r.off == 0 {
		return fmt.Errorf("nothing to unread")
	}
	r.off--
	return nil
}

// ScopeOfEncoder returns the scope in which a msgpack encoder works, for types
// with their own EncodeMsgpack. It reports false for an encoder that isn't ours.
func ScopeOfEncoder(enc *msgpack.Encoder) (Scope, bool) {
	if w, ok := enc.Writer().(*packWriter); ok {
		return w.scope, true
	}
	return Scope{}, false
}

// ScopeOfDecoder returns the scope in which a msgpack decoder works, for types
// with their own DecodeMsgpack. It reports false for a decoder that isn't ours.
func ScopeOfDecoder(dec *msgpack.Decoder) (Scope, bool) {
	if r, ok := dec.Buffered().(*packReader); ok {
		return r.scope, true
	}
	return Scope{}, false
}

func (p *packers) writer(s Scope, b []byte, sizeMax int) *packWriter {
	w, ok := p.encoders.Get().(*packWriter)
	if !ok {
		w = &packWriter{}
		w.enc = msgpack.NewEncoder(w)
	}
	w.scope, w.buf, w.start, w.sizeMax, w.checkAt, w.depth = s, b, len(b), sizeMax, 4<<10, 0
	w.enc.Reset(w)
	w.enc.SetSortMapKeys(true)
	w.enc.UseCompactInts(true)
	return w
}

// done returns what was written and puts the writer back.
func (p *packers) done(w *packWriter) []byte {
	b := w.buf
	w.scope, w.buf = Scope{}, nil
	clear(w.keys) // some are left after an error
	w.keys = w.keys[:0]
	if cap(w.keys) > pooledMax/16 {
		w.keys = nil
	}
	p.encoders.Put(w)
	return b
}

// unpack reads a whole body into a value that is settable and zero.
func (p *packers) unpack(s Scope, body []byte, plan *plan, into reflect.Value) error {
	if err := checkStructure(body); err != nil {
		return err
	}
	r, ok := p.decoders.Get().(*packReader)
	if !ok {
		r = &packReader{}
		r.dec = msgpack.NewDecoder(r)
	}
	r.scope, r.buf, r.off = s, body, 0
	r.dec.Reset(r)
	r.dec.UseLooseInterfaceDecoding(true)
	err := plan.dec(r, into)
	left := len(r.buf) - r.off
	r.scope, r.buf = Scope{}, nil
	if len(body) <= pooledMax {
		p.decoders.Put(r)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if left != 0 {
		return fmt.Errorf("%w: %d bytes were not read", ErrMalformed, left)
	}
	return nil
}

// chooseMsgpack sets up the encoding by fields after a look at the type.
func chooseMsgpack(reg *Registry, t *Type) error {
	plan, foreign, err := planFor(reg, t.goType)
	if err != nil {
		return err
	}
	t.how, t.id = "msgpack", IDMsgpack
	sizeMax, typ := t.sizeMax, t.goType
	pointer := typ.Kind() == reflect.Pointer
	p := &reg.msgpack
	t.enc = func(s Scope, b []byte, msg any) ([]byte, error) {
		v := reflect.ValueOf(msg)
		switch {
		case !v.IsValid() || v.Type() != typ:
			return b, notOf(msg, typ)
		case pointer && v.IsNil():
			return b, fmt.Errorf("a nil %v can't be encoded", typ)
		case pointer:
			v = v.Elem()
		}
		w := p.writer(s, b, sizeMax)
		err := plan.enc(w, v)
		out := p.done(w)
		if err != nil {
			return b, err
		}
		if foreign {
			if err := checkStructure(out[len(b):]); err != nil {
				return b, err
			}
		}
		return out, nil
	}
	if pointer {
		t.dec = func(s Scope, body []byte) (any, error) {
			v := reflect.New(typ.Elem())
			err := p.unpack(s, body, plan, v.Elem())
			return v.Interface(), err
		}
		return nil
	}
	spots := sync.Pool{New: func() any { return new(reflect.New(typ).Elem()) }}
	t.dec = func(s Scope, body []byte) (any, error) {
		v, _ := spots.Get().(*reflect.Value)
		err := p.unpack(s, body, plan, *v)
		if err != nil {
			return nil, err // what is half read stays out of the pool
		}
		msg := v.Interface() // a copy, which alone is allocated
		v.SetZero()
		spots.Put(v)
		return msg, nil
	}
	return nil
}
