package codec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// shape is what registration learns about a type that msgpack is to encode.
type shape struct {
	// openEnded: the value, not the type, says how deep it nests.
	openEnded bool
	// needsAddress: some encoding method has a pointer receiver.
	needsAddress bool
}

// shapeOf walks a type and refuses what msgpack would encode wrongly or not at all.
func shapeOf(typ reflect.Type) (shape, error) {
	w := shapeWalk{busy: map[reflect.Type]bool{}, tag: "msgpack", own: ownEncoding}
	err := w.visit(typ, typ.String(), 0)
	return w.shape, err
}

type shapeWalk struct {
	shape shape
	busy  map[reflect.Type]bool
	tag   string                                     // of struct fields
	own   func(typ reflect.Type) (own, pointer bool) // encodes itself
}

func (w *shapeWalk) visit(typ reflect.Type, path string, depth int) error {
	if depth > MaxDepth {
		w.shape.openEnded = true
		return nil
	}
	if own, pointer := w.own(typ); own {
		w.shape.needsAddress = w.shape.needsAddress || pointer
		return nil
	}
	if w.busy[typ] {
		w.shape.openEnded = true
		return nil
	}
	w.busy[typ] = true
	defer delete(w.busy, typ)
	switch typ.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		return fmt.Errorf("%s is a %v and can't be encoded; leave it out with the tag `%s:\"-\"`", path, typ, w.tag)
	case reflect.Interface:
		w.shape.openEnded = true
		return nil
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return w.visit(typ.Elem(), path, depth+1)
	case reflect.Map:
		if err := w.visit(typ.Key(), path+" key", depth+1); err != nil {
			return err
		}
		return w.visit(typ.Elem(), path, depth+1)
	case reflect.Struct:
		return w.visitStruct(typ, path, depth)
	}
	return nil
}

func (w *shapeWalk) visitStruct(typ reflect.Type, path string, depth int) error {
	encoded, hidden := 0, ""
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get(w.tag), ",")
		if name == "-" || f.Name == "_msgpack" || f.Name == "_" {
			continue
		}
		if f.PkgPath != "" && !f.Anonymous {
			hidden = f.Name
			continue
		}
		encoded++
		if w.tag == "msgpack" {
			if err := checkOptions(f, options, path); err != nil {
				return err
			}
		}
		if err := w.visit(f.Type, path+"."+f.Name, depth+1); err != nil {
			return err
		}
	}
	if encoded == 0 && hidden != "" {
		return fmt.Errorf("%s has only unexported fields (%s), which would be lost on the way; export them, or give the type AppendWire and DecodeWire", path, hidden)
	}
	return nil
}

// checkOptions refuses the tag options that msgpack answers with a panic.
func checkOptions(f reflect.StructField, options, path string) error {
	for option := range strings.SplitSeq(options, ",") {
		kind := f.Type.Kind()
		if option == "intern" && kind != reflect.String && kind != reflect.Interface {
			return fmt.Errorf("%s.%s: the tag option intern is for strings only", path, f.Name)
		}
		if option == "inline" && kind != reflect.Struct {
			return fmt.Errorf("%s.%s: the tag option inline is for embedded structs only", path, f.Name)
		}
	}
	return nil
}

// ownEncoding reports whether msgpack hands the type to methods of its own, and
// whether those need an addressable value.
func ownEncoding(typ reflect.Type) (own, pointer bool) {
	if typ == reflect.TypeFor[time.Time]() {
		return true, false
	}
	return hasMethods(typ,
		reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.Marshaler](),
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler]())
}

// ownJSON is ownEncoding for JSON.
func ownJSON(typ reflect.Type) (own, pointer bool) {
	return hasMethods(typ, reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]())
}

func hasMethods(typ reflect.Type, methods ...reflect.Type) (own, pointer bool) {
	for _, m := range methods {
		if typ.Implements(m) {
			return true, false
		}
	}
	if typ.Kind() == reflect.Pointer {
		return false, false
	}
	for _, m := range methods {
		if reflect.PointerTo(typ).Implements(m) {
			return true, true
		}
	}
	return false, false
}
