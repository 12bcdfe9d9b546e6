package codec

import (
	"encoding"
	"fmt"
	"reflect"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	nameMax        = 255
	sizeMaxDefault = 1 << 20
)

// Appender is implemented by types that encode themselves, on the value. It
// appends to b and returns the extended slice.
type Appender interface {
	AppendWire(s Scope, b []byte) ([]byte, error)
}

// Decoder is implemented by types that decode themselves, on the pointer. It is
// handed the whole body and must not keep it. It should skip fields that a newer
// sender has put at the end.
type Decoder interface {
	DecodeWire(s Scope, b []byte) error
}

// Option is an option of [Register]: [Control], [Upkeep], [MaxSize], [Alias], [By],
// or a [Right].
type Option interface{ apply(*Type) error }

// Lane is the option that says on which connection a type travels.
type Lane uint8

// Control makes a type travel on the control connection, which never queues
// behind user traffic. It is for small messages of protocols only.
const Control Lane = 1

func (l Lane) apply(t *Type) error {
	if l != Control {
		return fmt.Errorf("lane %d is unknown; the only lane to ask for is codec.Control", l)
	}
	t.control = true
	return nil
}

// Weight is the option that says what a type counts for where memory is short.
type Weight uint8

// Upkeep marks messages that keep a system going, or have it give back what it holds: a
// node that is short of memory takes them from others when it refuses all other work.
// What travels on the control connection needs no mark. It is for small messages.
const Upkeep Weight = 1

func (w Weight) apply(t *Type) error {
	if w != Upkeep {
		return fmt.Errorf("weight %d is unknown; the only one to ask for is codec.Upkeep", w)
	}
	t.upkeep = true
	return nil
}

// MaxSize is the option that bounds the encoded size of a type in bytes. The
// default is 1 MiB. Raising it lets larger messages through the codec (frames
// have their own limit); lowering it refuses them earlier.
type MaxSize int

func (m MaxSize) apply(t *Type) error {
	if m <= 0 {
		return fmt.Errorf("max size %d: must be positive", int(m))
	}
	t.sizeMax = int(m)
	return nil
}

// Alias is the option that gives a type another name for decoding, such as the
// one it was stored under earlier.
type Alias string

func (a Alias) apply(t *Type) error {
	t.aliases = append(t.aliases, string(a))
	return checkName(string(a))
}

// Register makes values of type T encodable under a name that stays the same for
// ever. It fails with [ErrClash] when the name or the type is taken, and with an
// explanation when a value of T could not be encoded, not be decoded, or would come back
// as something else: an interface, half of a method pair, methods that are promoted from
// an embedded field, an unexported field without the tag "-", a channel or function, two
// fields with one name, a pointer to something that may be nil.
// Registering the same thing twice is allowed.
func Register[T any](reg *Registry, name string, opts ...Option) error {
	typ := reflect.TypeFor[T]()
	if reg == nil {
		return fmt.Errorf("register %v as %q: the registry is nil", typ, name)
	}
	if err := checkName(name); err != nil {
		return fmt.Errorf("register %v: %w", typ, err)
	}
	t := &Type{name: name, goType: typ, sizeMax: sizeMaxDefault}
	for _, o := range opts {
		if err := o.apply(t); err != nil {
			return fmt.Errorf("register %v as %q: %w", typ, name, err)
		}
	}
	if old, ok := reg.tables().byType[typ]; ok {
		asked := t.by
		t.enc, t.dec, t.place, t.how, t.id, t.by = old.enc, old.dec, old.place, old.how, old.id, old.by
		if asked != nil {
			t.id = asked.ID()
		}
		return reg.add(t) // the same again, or a clash that add explains
	}
	if err := choose[T](reg, t); err != nil {
		return fmt.Errorf("register %v as %q: %w", typ, name, err)
	}
	return reg.add(t)
}

// checkName keeps names printable: they appear in logs, journals and metrics.
func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("the name is empty")
	}
	if len(name) > nameMax {
		return fmt.Errorf("the name is %d bytes long, at most %d", len(name), nameMax)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("name %q is not UTF-8", name)
	}
	for _, c := range name {
		if unicode.IsSpace(c) || !unicode.IsPrint(c) {
			return fmt.Errorf("name %q contains %q; use letters, digits and punctuation", name, c)
		}
	}
	return nil
}

// choose decides how T is encoded.
func choose[T any](reg *Registry, t *Type) error {
	typ := t.goType
	if typ.Kind() == reflect.Interface {
		return fmt.Errorf("interfaces can't be registered; register the concrete types that are sent")
	}
	if t.by != nil {
		return chooseSerializer[T](reg, t, t.by)
	}
	self := typ // what has the methods
	if typ.Kind() == reflect.Pointer {
		self = typ.Elem()
	}
	own, err := pairOf(self, true, &wireFormat)
	switch {
	case err != nil:
		return err
	case own != nil && own.pointer && self == typ:
		return fmt.Errorf("AppendWire has a pointer receiver, but messages are values: give it a value receiver or register the pointer type")
	case own != nil:
		chooseWire[T](t)
		return nil
	}
	if s := reg.detect(typ); s != nil {
		return chooseSerializer[T](reg, t, s)
	}
	if _, ok := typ.MethodByName("ProtoReflect"); ok {
		return fmt.Errorf("it is a message of protocol buffers: first call reg.Use(protobuf.Serializer{}) of the module codec/protobuf")
	}
	if own, _ := pairOf(self, true, &binaryFormat); own != nil && own.enc == "AppendBinary" && (self != typ || !own.pointer) {
		chooseBinary[T](t)
		return nil
	}
	return chooseMsgpack(reg, t)
}

// decodeTarget returns what decoding methods are called on: a new S for T = *S,
// and a new *T otherwise.
func decodeTarget[T any]() any {
	if typ := reflect.TypeFor[T](); typ.Kind() == reflect.Pointer {
		return reflect.New(typ.Elem()).Interface()
	}
	return new(T)
}

// decoded turns a decode target back into the message.
func decoded[T any](target any) any {
	if p, ok := target.(*T); ok {
		return *p
	}
	return target // T is a pointer type and the target is the message
}

// notA says that msg is not a T.
func notA[T any](msg any) error { return notOf(msg, reflect.TypeFor[T]()) }

func notOf(msg any, typ reflect.Type) error { return fmt.Errorf("got a %T, want a %v", msg, typ) }

// valueOf returns msg as a T that may be encoded.
func valueOf[T any](msg any) (any, error) {
	if _, ok := msg.(T); !ok {
		return nil, notA[T](msg)
	}
	if v := reflect.ValueOf(msg); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("a nil %v can't be encoded", v.Type())
	}
	return msg, nil
}

func chooseWire[T any](t *Type) {
	t.how, t.id = "wire", IDWire
	if t.goType.Kind() != reflect.Pointer {
		t.enc = func(s Scope, b []byte, msg any) ([]byte, error) {
			if _, ok := msg.(T); !ok { // it can't be nil either
				return b, notA[T](msg)
			}
			return msg.(Appender).AppendWire(s, b)
		}
		t.dec, t.place = decodeInto[T](), decodeAlone[T]
		return
	}
	t.enc = func(s Scope, b []byte, msg any) ([]byte, error) {
		v, err := valueOf[T](msg)
		if err != nil {
			return b, err
		}
		return v.(Appender).AppendWire(s, b)
	}
	t.dec = func(s Scope, body []byte) (any, error) {
		target := decodeTarget[T]()
		if err := target.(Decoder).DecodeWire(s, body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return decoded[T](target), nil
	}
}

// spot is where values are decoded, again and again: the message is a copy, so it alone
// is allocated.
type spot[T any] struct {
	value *T
	into  Decoder // value
	dirty bool    // by a method that failed
}

func newSpot[T any]() *spot[T] {
	v := new(T)
	return &spot[T]{value: v, into: any(v).(Decoder)}
}

// decode decodes a value. The spot is empty again afterwards, unless it is dirty.
func (p *spot[T]) decode(s Scope, body []byte) (any, error) {
	p.dirty = true
	if err := p.into.DecodeWire(s, body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	msg := any(*p.value)
	var zero T
	*p.value = zero
	p.dirty = false
	return msg, nil
}

// decodeInto decodes values for many goroutines.
func decodeInto[T any]() func(Scope, []byte) (any, error) {
	spots := sync.Pool{New: func() any { return newSpot[T]() }}
	return func(s Scope, body []byte) (any, error) {
		p := spots.Get().(*spot[T])
		msg, err := p.decode(s, body)
		if err == nil {
			spots.Put(p)
		}
		return msg, err
	}
}

// decodeAlone is decodeInto for one goroutine, which needs one spot.
func decodeAlone[T any]() func(Scope, []byte) (any, error) {
	p := newSpot[T]()
	return func(s Scope, body []byte) (any, error) {
		if p.dirty {
			p = newSpot[T]()
		}
		return p.decode(s, body)
	}
}

func chooseBinary[T any](t *Type) {
	t.how, t.id = "binary", IDBinary
	t.enc = func(_ Scope, b []byte, msg any) ([]byte, error) {
		v, err := valueOf[T](msg)
		if err != nil {
			return b, err
		}
		return v.(encoding.BinaryAppender).AppendBinary(b)
	}
	t.dec = func(_ Scope, body []byte) (any, error) {
		target := decodeTarget[T]()
		if err := target.(encoding.BinaryUnmarshaler).UnmarshalBinary(body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return decoded[T](target), nil
	}
}
