package protobuf

import (
	"errors"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/troupe-go/troupe/codec"
)

// Serializer encodes the messages of protocol buffers, for codec.Registry.Use or
// codec.By. The zero value is ready, and all are the same one.
type Serializer struct{}

// ID returns codec.IDProtobuf.
func (Serializer) ID() uint32 { return codec.IDProtobuf }

// String returns "protobuf".
func (Serializer) String() string { return "protobuf" }

// Check takes pointers to generated messages.
func (Serializer) Check(typ reflect.Type) error {
	message := reflect.TypeFor[proto.Message]()
	switch {
	case typ.Implements(message) && typ.Kind() == reflect.Pointer:
		return nil
	case reflect.PointerTo(typ).Implements(message):
		return fmt.Errorf("%v is used by pointer only: register *%v", typ, typ)
	}
	return fmt.Errorf("%v is no message of protocol buffers", typ)
}

// Append appends the encoding of msg.
func (Serializer) Append(_ codec.Scope, b []byte, msg any) ([]byte, error) {
	m, ok := msg.(proto.Message)
	if !ok {
		return b, fmt.Errorf("%T is no message of protocol buffers", msg)
	}
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
}

// Decode returns a new message of the type.
func (Serializer) Decode(_ codec.Scope, typ reflect.Type, body []byte) (any, error) {
	m, ok := reflect.New(typ.Elem()).Interface().(proto.Message)
	if !ok {
		return nil, errors.New("the type is no message of protocol buffers")
	}
	if err := (proto.UnmarshalOptions{RecursionLimit: codec.MaxDepth}).Unmarshal(body, m); err != nil {
		return nil, err
	}
	return m, nil
}

// Fields implements codec.Describer: a field is its number, which is what travels,
// and messages within are called by their full names.
func (Serializer) Fields(typ reflect.Type) []codec.Field {
	m, ok := reflect.New(typ.Elem()).Interface().(proto.Message)
	if !ok {
		return nil
	}
	fields := m.ProtoReflect().Descriptor().Fields()
	out := make([]codec.Field, fields.Len())
	for i := range out {
		f := fields.Get(i)
		out[i] = codec.Field{Name: fmt.Sprint(f.Number()), Kind: kindOf(f), Optional: f.HasPresence()}
	}
	return out
}

func kindOf(f protoreflect.FieldDescriptor) string {
	if f.IsMap() {
		return fmt.Sprintf("map of %v to %s", f.MapKey().Kind(), kindOf(f.MapValue()))
	}
	kind := f.Kind().String()
	switch {
	case f.Message() != nil:
		kind = string(f.Message().FullName())
	case f.Enum() != nil:
		kind = string(f.Enum().FullName())
	}
	if f.IsList() {
		return "list of " + kind
	}
	return kind
}
