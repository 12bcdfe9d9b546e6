package codec

import (
	"fmt"
	"reflect"
	"time"
)

// plan is how the values of one Go type are written and read in msgpack, both ways
// decided at registration.
type plan struct {
	typ   reflect.Type
	reg   *Registry // finds the types of what is in fields of type any
	enc   func(w *packWriter, v reflect.Value) error
	dec   func(r *packReader, v reflect.Value) error // v is settable and zero
	empty func(v reflect.Value) bool                 // what omitempty leaves out
}

// planner makes the plans for one registration. It refuses what would not come back
// as it was.
type planner struct {
	reg     *Registry
	plans   map[reflect.Type]*plan
	foreign bool // some value is written by methods, so that the type doesn't say how deep it nests
}

// planFor returns the plan of a registered type, and whether what it writes has to be
// looked at.
func planFor(reg *Registry, typ reflect.Type) (p *plan, foreign bool, err error) {
	pl := &planner{reg: reg, plans: map[reflect.Type]*plan{}}
	path := typ.String()
	if typ.Kind() == reflect.Pointer {
		path, typ = typ.Elem().String(), typ.Elem()
	}
	p, err = pl.plan(typ, path)
	return p, pl.foreign, err
}

func (pl *planner) plan(typ reflect.Type, path string) (*plan, error) {
	if p := pl.plans[typ]; p != nil {
		return p, nil
	}
	p := &plan{typ: typ, reg: pl.reg, empty: emptyBy(typ)}
	pl.plans[typ] = p // it may contain itself
	if typ == reflect.TypeFor[time.Time]() {
		p.enc, p.dec = packTime, unpackTime
		return p, nil
	}
	own, err := msgpackPair(typ)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if own != nil {
		pl.foreign = pl.foreign || own.format == &msgpackFormat || own.format == &marshalFormat
		p.enc, p.dec = methodsOf(typ, own)
		return p, nil
	}
	return p, pl.build(p, path)
}

func (pl *planner) build(p *plan, path string) error {
	switch kind := p.typ.Kind(); kind {
	case reflect.Bool:
		p.enc, p.dec = packBool, unpackBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.enc, p.dec = packInt, unpackInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.enc, p.dec = packUint, unpackUint
	case reflect.Float32:
		p.enc, p.dec = packFloat32, unpackFloat
	case reflect.Float64:
		p.enc, p.dec = packFloat64, unpackFloat
	case reflect.String:
		p.enc, p.dec = packString, unpackString
	case reflect.Interface:
		return pl.buildAny(p, path)
	case reflect.Pointer:
		return pl.buildPointer(p, path)
	case reflect.Slice, reflect.Array:
		return pl.buildList(p, path)
	case reflect.Map:
		return pl.buildMap(p, path)
	case reflect.Struct:
		return pl.buildStruct(p, path)
	default:
		return fmt.Errorf("%s is a %v and can't be encoded; leave it out with the tag `msgpack:\"-\"`", path, p.typ)
	}
	return nil
}

func (pl *planner) buildAny(p *plan, path string) error {
	if p.typ.NumMethod() > 0 {
		return fmt.Errorf("%s is the interface %v, and bytes don't say what was in it; use a concrete type, "+
			"or any, in which values of registered types arrive as what they are", path, p.typ)
	}
	reg := pl.reg
	p.enc = func(w *packWriter, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, packedNil)
			return nil
		}
		return w.any(reg, v.Elem())
	}
	p.dec = func(r *packReader, v reflect.Value) error {
		value, err := r.any(reg)
		if value != nil {
			v.Set(reflect.ValueOf(value))
		}
		return err
	}
	return nil
}

func (pl *planner) buildPointer(p *plan, path string) error {
	elem := p.typ.Elem()
	switch elem.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return fmt.Errorf("%s is a %v: a pointer to something that may be nil arrives as nil itself; use a %v", path, p.typ, elem)
	}
	to, err := pl.plan(elem, path)
	if err != nil {
		return err
	}
	p.enc = func(w *packWriter, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, packedNil)
			return nil
		}
		return to.enc(w, v.Elem())
	}
	p.dec = func(r *packReader, v reflect.Value) error {
		if r.null() {
			return nil
		}
		v.Set(reflect.New(elem))
		return to.dec(r, v.Elem())
	}
	return nil
}

func (pl *planner) buildList(p *plan, path string) error {
	if p.typ.Elem().Kind() == reflect.Uint8 {
		p.enc, p.dec = packBytes, unpackBytes
		if p.typ.Kind() == reflect.Array {
			p.enc, p.dec = packByteArray, unpackByteArray
		}
		return nil
	}
	elem, err := pl.plan(p.typ.Elem(), path)
	if err != nil {
		return err
	}
	p.enc, p.dec = func(w *packWriter, v reflect.Value) error { return w.list(v, elem) }, unpackSlice(elem)
	if p.typ.Kind() == reflect.Array {
		p.dec = unpackArray(elem)
	}
	return nil
}

func (pl *planner) buildMap(p *plan, path string) error {
	if err := checkKey(p.typ.Key(), path); err != nil {
		return err
	}
	key, err := pl.plan(p.typ.Key(), path+" key")
	if err != nil {
		return err
	}
	elem, err := pl.plan(p.typ.Elem(), path)
	if err != nil {
		return err
	}
	p.enc, p.dec = packMap(p.typ, key, elem), unpackMap(p.typ, key, elem)
	return nil
}

// checkKey refuses keys that are equal only to themselves, or not to what they arrive as.
func checkKey(typ reflect.Type, path string) error {
	switch typ.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Chan:
		return fmt.Errorf("%s has keys that hold a %v, which does not arrive as the same key; use a concrete type without pointers", path, typ)
	case reflect.Array:
		return checkKey(typ.Elem(), path)
	case reflect.Struct:
		if own, err := msgpackPair(typ); own != nil || err != nil {
			return nil // it knows itself, or is refused anyway
		}
		for i := range typ.NumField() {
			if f := typ.Field(i); f.IsExported() && typ != reflect.TypeFor[time.Time]() {
				if err := checkKey(f.Type, path); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// emptyBy returns what the tag option omitempty leaves out: what arrives as the zero
// value all the same, but for slices and maps without elements, which arrive as nil.
func emptyBy(typ reflect.Type) func(v reflect.Value) bool {
	if typ == reflect.TypeFor[time.Time]() {
		return func(v reflect.Value) bool { return timeIn(v).IsZero() }
	}
	switch typ.Kind() {
	case reflect.Slice, reflect.Map:
		return func(v reflect.Value) bool { return v.Len() == 0 }
	}
	return reflect.Value.IsZero
}

// packField is a field of a struct as it travels.
type packField struct {
	field
	plan *plan
}

func (pl *planner) buildStruct(p *plan, path string) error {
	list, asArray, err := fieldsOf(p.typ, path)
	if err != nil {
		return err
	}
	s := &packStruct{typ: p.typ, asArray: asArray, byName: map[string]*packField{}}
	for _, f := range list {
		to, err := pl.plan(f.typ, path+"."+f.goName)
		if err != nil {
			return err
		}
		s.fields = append(s.fields, &packField{f, to})
		s.sparse = s.sparse || f.omitEmpty || f.pointers
	}
	for _, f := range s.fields {
		s.byName[f.name] = f
	}
	for _, f := range s.fields {
		if s.byName[f.alias] == nil && f.alias != "" {
			s.byName[f.alias] = f
		}
	}
	p.enc, p.dec = s.pack, s.unpack
	if asArray {
		p.enc = s.packAsArray
	}
	return nil
}

// packStruct is how a struct travels: as a map of the names of its fields, or as an
// array of their values.
type packStruct struct {
	typ     reflect.Type
	fields  []*packField
	byName  map[string]*packField
	asArray bool
	sparse  bool // fields may be left out
}

// at returns the field; false when a pointer on the way to it is nil.
func (f *packField) at(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
	}
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// make is at, and makes the pointers on the way.
func (f *packField) make(v reflect.Value) reflect.Value {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

func (f *packField) leftOut(v reflect.Value) bool {
	v, ok := f.at(v)
	return !ok || f.omitEmpty && f.plan.empty(v)
}

func (s *packStruct) pack(w *packWriter, v reflect.Value) error {
	n := len(s.fields)
	if s.sparse {
		n = 0
		for _, f := range s.fields {
			if !f.leftOut(v) {
				n++
			}
		}
	}
	if err := w.enter(n); err != nil {
		return err
	}
	w.buf = appendMapLen(w.buf, n)
	for _, f := range s.fields {
		if s.sparse && f.leftOut(v) {
			continue
		}
		w.buf = append(w.buf, f.head...)
		value, _ := f.at(v)
		if err := f.plan.enc(w, value); err != nil {
			return within(f.goName, err)
		}
	}
	return w.leave(n)
}

func (s *packStruct) packAsArray(w *packWriter, v reflect.Value) error {
	if err := w.enter(len(s.fields)); err != nil {
		return err
	}
	w.buf = appendListLen(w.buf, len(s.fields))
	for _, f := range s.fields {
		value, _ := f.at(v)
		if err := f.plan.enc(w, value); err != nil {
			return within(f.goName, err)
		}
	}
	return w.leave(len(s.fields))
}

// unpack takes both forms, so that a struct may change from one to the other.
func (s *packStruct) unpack(r *packReader, v reflect.Value) error {
	if r.null() {
		return nil
	}
	if n, ok := r.listLen(); ok {
		if n != 0 && n != len(s.fields) {
			return fmt.Errorf("%d values for the %d fields of %v", n, len(s.fields), s.typ)
		}
		for i := range n {
			if err := s.fields[i].plan.dec(r, s.fields[i].make(v)); err != nil {
				return within(s.fields[i].goName, err)
			}
		}
		return nil
	}
	n, ok := r.mapLen()
	if !ok {
		return r.unexpected(s.typ)
	}
	for range n {
		name, ok := r.raw()
		if !ok {
			return r.unexpected(reflect.TypeFor[string]())
		}
		f := s.byName[string(name)]
		if f == nil {
			if err := r.skip(); err != nil {
				return err
			}
			continue
		}
		if err := f.plan.dec(r, f.make(v)); err != nil {
			return within(f.goName, err)
		}
	}
	return nil
}

// pathError says where in a value something is wrong.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

// within puts the name of a field before the path to what is wrong.
func within(name string, err error) error {
	if inner, ok := err.(*pathError); ok {
		return &pathError{name + "." + inner.path, inner.err}
	}
	return &pathError{name, err}
}
