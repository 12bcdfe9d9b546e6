package codec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// format is a pair of encoding methods that a type may have: the names under which
// they are called, and the interfaces that ask for them. The first encoding method
// that a type declares is taken.
type format struct {
	encode []want
	decode want
}

type want struct {
	name string
	by   reflect.Type
}

func wants[I any](name string) want { return want{name, reflect.TypeFor[I]()} }

// The formats in which values of a type may encode themselves, the first before the
// others.
var (
	wireFormat    = format{[]want{wants[Appender]("AppendWire")}, wants[Decoder]("DecodeWire")}
	msgpackFormat = format{[]want{wants[msgpack.CustomEncoder]("EncodeMsgpack")}, wants[msgpack.CustomDecoder]("DecodeMsgpack")}
	marshalFormat = format{[]want{wants[msgpack.Marshaler]("MarshalMsgpack")}, wants[msgpack.Unmarshaler]("UnmarshalMsgpack")}
	binaryFormat  = format{
		[]want{wants[encoding.BinaryAppender]("AppendBinary"), wants[encoding.BinaryMarshaler]("MarshalBinary")},
		wants[encoding.BinaryUnmarshaler]("UnmarshalBinary"),
	}
	textFormat = format{
		[]want{wants[encoding.TextAppender]("AppendText"), wants[encoding.TextMarshaler]("MarshalText")},
		wants[encoding.TextUnmarshaler]("UnmarshalText"),
	}
	jsonFormat     = format{[]want{wants[json.Marshaler]("MarshalJSON")}, wants[json.Unmarshaler]("UnmarshalJSON")}
	jsonTextFormat = format{[]want{wants[encoding.TextMarshaler]("MarshalText")}, wants[encoding.TextUnmarshaler]("UnmarshalText")}
)

// method is an encoding or decoding method that a type has.
type method struct {
	want
	found   bool
	pointer bool                 // only the pointer has it
	from    *reflect.StructField // the embedded field that it is promoted from; nil: it is declared
}

// pair is how values of a type encode themselves.
type pair struct {
	format  *format
	enc     string
	pointer bool // enc needs the pointer
}

// pairOf returns the first of the formats that a type has both methods of; nil when
// it has none of them. It fails when the type has methods, but no pair that is sound.
// strict: whoever calls the methods takes the first that are there, sound or not.
func pairOf(typ reflect.Type, strict bool, formats ...*format) (*pair, error) {
	if typ.Kind() == reflect.Interface || typ.Kind() == reflect.Pointer {
		return nil, nil
	}
	var why error
	for _, f := range formats {
		enc, dec := methodOf(typ, f.encode...), methodOf(typ, f.decode)
		if !enc.found && !dec.found {
			continue
		}
		err := checkPair(typ, f, enc, dec)
		if err == nil {
			return &pair{format: f, enc: enc.name, pointer: enc.pointer}, nil
		}
		if why == nil {
			why = err
		}
		if strict {
			break
		}
	}
	return nil, why
}

// msgpackPair is how a value inside a msgpack message encodes itself, if it does.
func msgpackPair(typ reflect.Type) (*pair, error) {
	return pairOf(typ, false, &wireFormat, &msgpackFormat, &marshalFormat, &binaryFormat, &textFormat)
}

// jsonPair is msgpackPair for JSON, whose package takes the first method that is there.
func jsonPair(typ reflect.Type) (*pair, error) {
	return pairOf(typ, true, &jsonFormat, &jsonTextFormat)
}

// methodOf returns the first of the methods that a type declares, or else the first
// that is promoted to it.
func methodOf(typ reflect.Type, of ...want) method {
	var best method
	for _, w := range of {
		m := method{want: w}
		switch {
		case typ.Implements(w.by):
			m.found = true
		case reflect.PointerTo(typ).Implements(w.by):
			m.found, m.pointer = true, true
		default:
			continue
		}
		m.from = promotedFrom(typ, w.name)
		if m.from == nil {
			return m
		}
		if !best.found {
			best = m
		}
	}
	return best
}

func checkPair(typ reflect.Type, f *format, enc, dec method) error {
	switch {
	case !dec.found:
		return fmt.Errorf("it has %s but not %s: what is encoded could never be decoded; give it both, on the type itself", enc.name, f.decode.name)
	case !enc.found:
		return fmt.Errorf("it has %s but not %s; give it both, on the type itself", dec.name, f.encode[len(f.encode)-1].name)
	case enc.from != nil || dec.from != nil:
		return checkPromoted(typ, enc, dec)
	case !dec.pointer:
		return fmt.Errorf("%s has a value receiver, so what it decodes is lost; give it a pointer receiver", dec.name)
	}
	return nil
}

// checkPromoted takes methods of an embedded field for those of the struct only when
// there is nothing else in it that they could miss.
func checkPromoted(typ reflect.Type, enc, dec method) error {
	m := enc
	if m.from == nil {
		m = dec
	}
	cure := fmt.Sprintf("give the struct both methods, or the field a name instead of embedding %v", m.from.Type)
	switch {
	case enc.from == nil || dec.from == nil:
		return fmt.Errorf("its %s is promoted from the embedded %v and doesn't belong to the other method; %s", m.name, m.from.Type, cure)
	case m.from.Type.Kind() == reflect.Pointer:
		return fmt.Errorf("its %s is promoted from the embedded %v, which may be nil; %s", m.name, m.from.Type, cure)
	case embedsTime(m.from.Type):
		return fmt.Errorf("its %s is promoted from the embedded time.Time and keeps a time zone that depends on the machine; %s", m.name, cure)
	}
	for i := range typ.NumField() {
		other := typ.Field(i)
		if other.Name != m.from.Name && other.Name != "_" && other.Tag.Get("msgpack") != "-" {
			return fmt.Errorf("its %s is promoted from the embedded %v and would lose the field %s; %s", m.name, m.from.Type, other.Name, cure)
		}
	}
	if inner := methodOf(m.from.Type, m.want); inner.from != nil {
		return checkPromoted(m.from.Type, inner, methodOf(m.from.Type, dec.want))
	}
	return nil
}

func embedsTime(typ reflect.Type) bool {
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return typ == reflect.TypeFor[time.Time]()
	}
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Anonymous && embedsTime(f.Type) {
			return true
		}
	}
	return false
}

// promotedFrom returns the embedded field that a method of a struct is promoted from;
// nil when the struct declares it. The type system doesn't tell the two apart, but the
// compiler does: it generates the promoted ones.
func promotedFrom(typ reflect.Type, name string) *reflect.StructField {
	if typ.Kind() != reflect.Struct {
		return nil
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.Anonymous || !offers(f.Type, name) {
			continue
		}
		m, ok := typ.MethodByName(name)
		if !ok {
			m, ok = reflect.PointerTo(typ).MethodByName(name)
		}
		if ok && generated(m.Func.Pointer()) {
			return &f
		}
		return nil
	}
	return nil
}

func offers(typ reflect.Type, name string) bool {
	_, ok := typ.MethodByName(name)
	if !ok && typ.Kind() != reflect.Interface {
		_, ok = reflect.PointerTo(typ).MethodByName(name)
	}
	return ok
}

// generated reports whether the compiler has made a function. What is inlined into it
// has a file of its own, so a few instructions are looked at.
func generated(entry uintptr) bool {
	const instructions = 256
	for pc := entry; pc < entry+instructions; pc++ {
		f := runtime.FuncForPC(pc)
		if f == nil || f.Entry() != entry {
			return false
		}
		if file, _ := f.FileLine(pc); strings.Contains(file, "<autogenerated>") {
			return true
		}
	}
	return false
}
