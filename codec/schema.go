package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Field is a field of a message as it travels, for schemas.
type Field struct {
	// Name leads to the field: "order.lines[].price" is in the elements of a
	// slice, "{}" stands for the values of a map.
	Name string
	// Kind is what it holds: a Go kind, "time", "bytes", "slice", "map",
	// "struct", "any", "encoded" for what encodes itself.
	Kind string
	// Optional: it is left out when it is zero or nil.
	Optional bool
}

// Describer is implemented by a [Serializer] that knows the fields of its types.
type Describer interface {
	// Fields returns them in an order that stays.
	Fields(typ reflect.Type) []Field
}

// schemaHead opens every schema.
const schemaHead = "troupe schema 1"

// Schema describes all registered types, apart from the simple ones, as text: a
// line for each with its encoding and options, and a line for each field behind
// it. It names no Go type and depends on nothing but the registrations, so it can
// be kept in a file and compared with [Changes]; testkit.Schema does both.
func (r *Registry) Schema() string {
	var b strings.Builder
	b.WriteString(schemaHead + "\n")
	for _, t := range r.types() {
		if t.id == IDBasic {
			continue
		}
		b.WriteString("\n" + t.name + " " + t.how)
		if t.control {
			b.WriteString(" control")
		}
		if t.demands != 0 {
			fmt.Fprintf(&b, " demands=%v", t.demands)
		}
		if t.sizeMax != sizeMaxDefault {
			fmt.Fprintf(&b, " max=%d", t.sizeMax)
		}
		for _, a := range slices.Sorted(slices.Values(t.aliases)) {
			b.WriteString(" alias=" + a)
		}
		b.WriteString("\n")
		for _, f := range t.Fields() {
			b.WriteString("\t" + f.Name + " " + f.Kind)
			if f.Optional {
				b.WriteString(" optional")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// Fields returns the fields of a type as they travel, the outer before the inner;
// none for types that encode themselves, whose bytes say nothing of fields.
func (t *Type) Fields() []Field {
	if d, ok := t.by.(Describer); ok {
		return d.Fields(t.goType)
	}
	switch t.id {
	case IDMsgpack:
		return describe(t.goType, "msgpack", msgpackPair)
	case IDJSON:
		return describe(t.goType, "json", jsonPair)
	}
	return nil
}

// description collects fields.
type description struct {
	tag    string
	pair   func(reflect.Type) (*pair, error)
	fields []Field
	busy   map[reflect.Type]string // and where it was begun
}

// own reports whether values of a type encode themselves.
func (d *description) own(typ reflect.Type) bool {
	own, _ := d.pair(typ)
	return own != nil || typ == reflect.TypeFor[time.Time]()
}

func describe(typ reflect.Type, tag string, pair func(reflect.Type) (*pair, error)) []Field {
	d := &description{tag: tag, pair: pair, busy: map[reflect.Type]string{}}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() == reflect.Struct && !d.own(typ) {
		d.structure("", typ)
	} else {
		d.value(".", typ, false)
	}
	return d.fields
}

// value adds what a field of a type holds.
func (d *description) value(name string, typ reflect.Type, optional bool) {
	for typ.Kind() == reflect.Pointer {
		typ, optional = typ.Elem(), true
	}
	add := func(kind string) { d.fields = append(d.fields, Field{name, kind, optional}) }
	switch {
	case typ == reflect.TypeFor[time.Time]():
		add("time")
	case d.own(typ):
		add("encoded")
	case d.busy[typ] != "":
		add("as " + d.busy[typ])
	default:
		d.compound(name, typ, add)
	}
}

func (d *description) compound(name string, typ reflect.Type, add func(kind string)) {
	switch typ.Kind() {
	case reflect.Interface:
		add("any")
	case reflect.Slice, reflect.Array:
		if typ.Elem().Kind() == reflect.Uint8 {
			add("bytes")
			return
		}
		add("slice")
		d.value(name+"[]", typ.Elem(), false)
	case reflect.Map:
		add("map of " + typ.Key().Kind().String())
		d.value(name+"{}", typ.Elem(), false)
	case reflect.Struct:
		add("struct")
		d.busy[typ] = name
		d.structure(name+".", typ)
		delete(d.busy, typ)
	default:
		add(typ.Kind().String())
	}
}

// structure adds the fields of a struct behind a prefix.
func (d *description) structure(prefix string, typ reflect.Type) {
	if prefix == "" {
		d.busy[typ] = "."
	}
	if d.tag == "msgpack" {
		d.packed(prefix, typ)
		return
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get(d.tag), ",")
		if name == "-" || f.Name == "_" || f.PkgPath != "" && !f.Anonymous {
			continue
		}
		if f.Anonymous && d.inlined(f.Type, name) {
			inner := f.Type
			for inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			d.structure(prefix, inner)
			continue
		}
		if name == "" {
			name = f.Name
		}
		d.value(prefix+name, f.Type, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"))
	}
}

// packed is structure for msgpack.
func (d *description) packed(prefix string, typ reflect.Type) {
	list, asArray, _ := fieldsOf(typ, "") // it is registered, so nothing is wrong with it
	for i, f := range list {
		name := f.name
		if asArray {
			name = fmt.Sprintf("%d:%s", i, name)
		}
		d.value(prefix+name, f.typ, f.omitEmpty || f.pointers)
	}
}

// inlined reports whether the fields of an embedded struct stand among those of
// the outer one.
func (d *description) inlined(typ reflect.Type, name string) bool {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	return typ.Kind() == reflect.Struct && !d.own(typ) && name == "" && d.busy[typ] == ""
}
