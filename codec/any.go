package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// packedTyped is the msgpack extension in which a value of a type with a name stands in
// a field of type any: as Registry.Append writes it.
const packedTyped = 84

// simpleKinds are the types of which a map in a field of type any may be made.
var simpleKinds = func() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, t := range []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](),
		reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](),
		reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](),
	} {
		all[t.Name()] = t
	}
	return all
}()

// simpleMap returns the map type of that name: of a simple type to a simple type or any.
// There are few of them, so bytes from outside can't make up new types for ever.
func simpleMap(name string) reflect.Type {
	key, elem, ok := strings.Cut(strings.TrimPrefix(name, "map["), "]")
	k, e := simpleKinds[key], simpleKinds[elem]
	if elem == "any" {
		e = reflect.TypeFor[any]()
	}
	if !ok || k == nil || e == nil {
		return nil
	}
	return reflect.MapOf(k, e)
}

// simpleMapName is the name of a map type that simpleMap knows; empty for others. What
// isn't simple in it travels as any.
func simpleMapName(typ reflect.Type) string {
	if typ.Kind() != reflect.Map || typ.Name() != "" || simpleKinds[typ.Key().String()] != typ.Key() {
		return ""
	}
	elem := "any"
	if simpleKinds[typ.Elem().String()] == typ.Elem() {
		elem = typ.Elem().String()
	}
	return "map[" + typ.Key().String() + "]" + elem
}

// any writes the value of a field of type any. What is written by its kind arrives as one
// of the types in the package's documentation; everything else has to be registered.
func (w *packWriter) any(reg *Registry, v reflect.Value) error {
	typ := v.Type()
	if typ == reflect.TypeFor[time.Time]() {
		return packTime(w, v)
	}
	if typ.PkgPath() != "" || typ.Kind() == reflect.Struct || typ.Kind() == reflect.Pointer {
		return w.typed(reg, v)
	}
	switch kind := typ.Kind(); kind {
	case reflect.Bool:
		return packBool(w, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return packInt(w, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return packUint(w, v)
	case reflect.Float32:
		return packFloat32(w, v)
	case reflect.Float64:
		return packFloat64(w, v)
	case reflect.String:
		return packString(w, v)
	case reflect.Slice, reflect.Array:
		return w.anyList(reg, v)
	case reflect.Map:
		return w.anyMap(reg, v)
	}
	return w.typed(reg, v)
}

// anyOf is any for a value that may be nil.
func (w *packWriter) anyOf(reg *Registry, value any) error {
	if value == nil {
		w.buf = append(w.buf, packedNil)
		return nil
	}
	return w.any(reg, reflect.ValueOf(value))
}

func (w *packWriter) anyList(reg *Registry, v reflect.Value) error {
	switch {
	case reg.knows(v.Type()) && v.Type() != reflect.TypeFor[[]byte]():
		return w.typed(reg, v)
	case v.Type().Elem() == reflect.TypeFor[byte]() && v.Kind() == reflect.Slice:
		return packBytes(w, v)
	case v.Type().Elem() == reflect.TypeFor[byte]():
		return packByteArray(w, v)
	}
	return w.list(v, anyElem(reg, v.Type().Elem()))
}

// anyElem is the plan of elements behind any: they are written as any is.
func anyElem(reg *Registry, typ reflect.Type) *plan {
	return &plan{typ: typ, enc: func(w *packWriter, v reflect.Value) error {
		for v.Kind() == reflect.Interface {
			if v.IsNil() {
				w.buf = append(w.buf, packedNil)
				return nil
			}
			v = v.Elem()
		}
		return w.any(reg, v)
	}}
}

func (w *packWriter) anyMap(reg *Registry, v reflect.Value) error {
	typ := v.Type()
	name := simpleMapName(typ)
	switch {
	case reg.knows(typ) || name == "":
		return w.typed(reg, v)
	case typ == reflect.TypeFor[map[string]any]():
		return packMapOf(func(w *packWriter, v any) error { return w.anyOf(reg, v) })(w, v)
	case typ.Key() == reflect.TypeFor[string]():
		return packStringMap(typ, anyElem(reg, typ.Elem()))(w, v)
	case v.IsNil():
		w.buf = append(w.buf, packedNil)
		return nil
	}
	key := &plan{}
	pl := &planner{reg: reg, plans: map[reflect.Type]*plan{}}
	key, err := pl.plan(typ.Key(), "")
	if err != nil {
		return err
	}
	return w.extension(func(b []byte) ([]byte, error) {
		b = wire.AppendString(b, name)
		elem := anyElem(reg, typ.Elem())
		if simpleKinds[typ.Elem().String()] == typ.Elem() {
			if elem, err = pl.plan(typ.Elem(), ""); err != nil {
				return b, err
			}
		}
		in := &packWriter{scope: w.scope, buf: b, start: len(b), sizeMax: w.sizeMax, depth: w.depth}
		err := packMap(typ, key, elem)(in, v)
		return in.buf, err
	})
}

// typed writes a value of a registered type with its name.
func (w *packWriter) typed(reg *Registry, v reflect.Value) error {
	typ := v.Type()
	if typ.Kind() == reflect.Pointer && v.IsNil() {
		w.buf = append(w.buf, packedNil)
		return nil
	}
	if !reg.knows(typ) {
		if v.CanInterface() {
			if narrow, ok := v.Interface().(Widener); ok {
				if wide := reflect.ValueOf(narrow.Wide()); wide.IsValid() && reg.knows(wide.Type()) {
					return w.typed(reg, wide)
				}
			}
		}
		return fmt.Errorf("a value in a field of type any: %w", &UnregisteredError{Type: typ})
	}
	return w.extension(func(b []byte) ([]byte, error) { return reg.Append(w.scope, b, v.Interface()) })
}

// extension writes an extension around what a function appends.
func (w *packWriter) extension(write func(b []byte) ([]byte, error)) error {
	body, err := write(nil)
	if err != nil {
		return err
	}
	if err := w.fits(len(body)); err != nil {
		return err
	}
	w.buf = appendSized(w.buf, len(body), 0, 0, 0xc7, 0xc8)
	w.buf = append(append(w.buf, packedTyped), body...)
	return nil
}

func (r *Registry) knows(typ reflect.Type) bool {
	_, ok := r.tables().byType[typ]
	return ok
}

// Widener is implemented by types that exist once for each type argument, such as refs
// to actors that take one type of message: in a field of type any, where bytes can't tell
// which it was, they arrive as what Wide returns.
type Widener interface {
	// Wide returns the value of a registered type that stands for this one.
	Wide() any
}

// any reads the value of a field of type any.
func (r *packReader) any(reg *Registry) (any, error) {
	if r.null() {
		return nil, nil
	}
	if bits, negative, ok := r.integer(); ok {
		if int64(bits) < 0 && !negative {
			return bits, nil
		}
		return int64(bits), nil
	}
	if f, ok := r.float(); ok {
		return f, nil
	}
	switch c := r.buf[r.off]; {
	case c == packedFalse, c == packedTrue:
		r.off++
		return c == packedTrue, nil
	case c == 0xc4, c == 0xc5, c == 0xc6:
		p, _ := r.raw()
		return append(make([]byte, 0, len(p)), p...), nil
	}
	if p, ok := r.raw(); ok {
		return string(p), nil
	}
	if n, ok := r.listLen(); ok {
		return r.anyList(reg, n)
	}
	if n, ok := r.mapLen(); ok {
		return r.anyMap(reg, n)
	}
	if t, ok := r.time(); ok {
		return t, nil
	}
	return r.anyTyped(reg)
}

func (r *packReader) anyList(reg *Registry, n int) (any, error) {
	list := make([]any, 0, min(n, 256))
	for range n {
		v, err := r.any(reg)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (r *packReader) anyMap(reg *Registry, n int) (any, error) {
	m := make(map[string]any, min(n, 256))
	for range n {
		key, ok := r.raw()
		if !ok {
			return nil, errors.New("a map in a field of type any has keys that are no strings")
		}
		v, err := r.any(reg)
		if err != nil {
			return nil, within(fmt.Sprintf("%.40q", key), err)
		}
		m[string(key)] = v
	}
	return m, nil
}

// anyTyped reads a value with its name.
func (r *packReader) anyTyped(reg *Registry) (any, error) {
	head := r.off
	n, ok := r.sized(0, 0, 0xc7, 0xc8)
	if !ok || r.buf[r.off] != packedTyped {
		r.off = head
		return nil, r.unexpected(reflect.TypeFor[any]())
	}
	body := r.buf[r.off+1 : r.off+1+n]
	r.off += 1 + n
	from := wire.NewReader(body)
	if len(body) > 4 && string(body[1:5]) == "map[" {
		if typ := simpleMap(from.String()); typ != nil {
			return r.simpleMap(reg, typ, from.Rest())
		}
		from = wire.NewReader(body)
	}
	v, err := reg.Read(r.scope, from)
	if err == nil {
		err = from.Done()
	}
	return v, err
}

func (r *packReader) simpleMap(reg *Registry, typ reflect.Type, body []byte) (any, error) {
	s := r.scope
	if s.depth++; s.depth > MaxDepth {
		return nil, fmt.Errorf("%w: %d levels", ErrTooDeep, MaxDepth)
	}
	p, _, err := planFor(reg, typ)
	if err != nil {
		return nil, err
	}
	v := reflect.New(typ).Elem()
	err = reg.msgpack.unpack(s, body, p, v)
	return v.Interface(), err
}
