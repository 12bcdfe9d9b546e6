package codec

import (
	"errors"
	"fmt"
	"reflect"
)

// The ids of the encodings of this project; numbers below 1000 are reserved for
// them. An id names a format, not who implements it.
const (
	IDWire     uint32 = 1 // AppendWire and DecodeWire
	IDBinary   uint32 = 2 // encoding.BinaryAppender and encoding.BinaryUnmarshaler
	IDMsgpack  uint32 = 3
	IDBasic    uint32 = 4 // string, int and the like
	IDProtobuf uint32 = 5 // package codec/protobuf, or another implementation
	IDJSON     uint32 = 6
	IDRaw      uint32 = 7
)

// idReserved is the first id that is free for everybody.
const idReserved = 1000

// Serializer is an encoding for many types. Hand it to [By] for one type, or to
// [Registry.Use] for all that it can encode. Its methods are called from several
// goroutines at once; a panic in Append or Decode becomes an error.
//
// A Serializer that implements fmt.Stringer is called so by [Type.Encoding]; one
// that implements [Describer] shows its fields in a [Registry.Schema].
type Serializer interface {
	// ID is the number of the encoding: the same for ever and on all nodes, at
	// least 1000, or IDProtobuf for another implementation of that format.
	ID() uint32
	// Check says why values of a type can't be encoded; nil: they can.
	Check(typ reflect.Type) error
	// Append appends the encoding of msg to b and returns the extended slice.
	Append(s Scope, b []byte, msg any) ([]byte, error)
	// Decode returns the value of the type that body encodes. It must not keep
	// body, nor allocate far more than its length.
	Decode(s Scope, typ reflect.Type, body []byte) (any, error)
}

// By is the option that has a type encoded by a serializer instead of what
// [Register] would choose.
func By(s Serializer) Option { return by{s} }

type by struct{ serializer Serializer }

func (o by) apply(t *Type) error {
	if o.serializer == nil {
		return errors.New("codec.By without a serializer")
	}
	t.by = o.serializer
	return nil
}

// Use has all types that are registered from now on, have no encoding methods of
// their own, and pass the serializer's Check, encoded by it. Of several the first
// that was used is taken. It fails with [ErrClash] when another serializer has
// its id, and for a reserved id. Using the same one twice is allowed. Safe for
// concurrent use; call it before Register.
func (r *Registry) Use(s Serializer) error {
	if r == nil || s == nil {
		return errors.New("use serializer: the registry or the serializer is nil")
	}
	r.registerMu.Lock()
	defer r.registerMu.Unlock()
	if err := r.know(s); err != nil {
		return fmt.Errorf("use serializer: %w", err)
	}
	for _, u := range r.used {
		if u.ID() == s.ID() {
			return nil
		}
	}
	r.used = append(r.used, s)
	return nil
}

// know notes who has an id. The caller holds registerMu.
func (r *Registry) know(s Serializer) error {
	id := s.ID()
	switch s.(type) {
	case JSON, Raw:
	default:
		if id < idReserved && id != IDProtobuf {
			return fmt.Errorf("%w: id %d of %T is reserved; take one from %d on", ErrClash, id, s, idReserved)
		}
	}
	if old, ok := r.serializers[id]; ok {
		if !sameSerializer(old, s) {
			return fmt.Errorf("%w: id %d of %T belongs to another %T; every serializer has an id of its own", ErrClash, id, s, old)
		}
		return nil
	}
	if r.serializers == nil {
		r.serializers = map[uint32]Serializer{}
	}
	r.serializers[id] = s
	return nil
}

func sameSerializer(a, b Serializer) bool {
	v, w := reflect.ValueOf(a), reflect.ValueOf(b)
	return v.Type() == w.Type() && v.Comparable() && w.Comparable() && v.Equal(w)
}

// detect finds the serializer that a type without encoding methods goes to.
func (r *Registry) detect(typ reflect.Type) Serializer {
	r.registerMu.Lock()
	used := r.used
	r.registerMu.Unlock()
	for _, s := range used {
		if s.Check(typ) == nil {
			return s
		}
	}
	return nil
}

// chooseSerializer has a type encoded by a serializer.
func chooseSerializer[T any](reg *Registry, t *Type, s Serializer) error {
	reg.registerMu.Lock()
	err := reg.know(s)
	reg.registerMu.Unlock()
	if err != nil {
		return err
	}
	if err := s.Check(t.goType); err != nil {
		return err
	}
	t.by, t.id, t.how = s, s.ID(), fmt.Sprintf("serializer-%d", s.ID())
	if named, ok := s.(fmt.Stringer); ok {
		t.how = named.String()
	}
	if j, ok := s.(JSON); ok {
		s = j.of(t.goType)
	}
	t.enc = func(scope Scope, b []byte, msg any) ([]byte, error) {
		v, err := valueOf[T](msg)
		if err != nil {
			return b, err
		}
		return s.Append(scope, b, v)
	}
	t.dec = func(scope Scope, body []byte) (any, error) {
		msg, err := s.Decode(scope, t.goType, body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if _, ok := msg.(T); !ok {
			return nil, fmt.Errorf("%w: the serializer %s returned a %T, want a %v", ErrMalformed, t.how, msg, t.goType)
		}
		return msg, nil
	}
	return nil
}

// Raw is a [Serializer] for types that are strings or slices of bytes below: the
// body is what they hold and nothing else.
type Raw struct{}

// ID returns [IDRaw].
func (Raw) ID() uint32 { return IDRaw }

// String returns "raw".
func (Raw) String() string { return "raw" }

// Check takes strings and slices of bytes.
func (Raw) Check(typ reflect.Type) error {
	if typ.Kind() == reflect.String || typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Uint8 {
		return nil
	}
	return fmt.Errorf("codec.Raw is for strings and slices of bytes, and this is a %v", typ.Kind())
}

// Append appends what msg holds.
func (Raw) Append(_ Scope, b []byte, msg any) ([]byte, error) {
	if v := reflect.ValueOf(msg); v.Kind() == reflect.String {
		return append(b, v.String()...), nil
	} else {
		return append(b, v.Bytes()...), nil
	}
}

// Decode copies body.
func (Raw) Decode(_ Scope, typ reflect.Type, body []byte) (any, error) {
	v := reflect.New(typ).Elem()
	if typ.Kind() == reflect.String {
		v.SetString(string(body))
	} else {
		v.SetBytes(append([]byte{}, body...))
	}
	return v.Interface(), nil
}
