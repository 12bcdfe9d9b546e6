package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// field is a field of a struct as it travels in msgpack.
type field struct {
	name, alias string
	head        []byte // the name, encoded
	goName      string
	typ         reflect.Type
	index       []int // from the outermost struct
	omitEmpty   bool
	pointers    bool // the way leads through embedded pointers, which may be nil
}

// fieldsOf lists the fields of a struct as they travel, those of embedded structs among
// them, and refuses a struct of which something would be lost.
func fieldsOf(typ reflect.Type, path string) (list []field, asArray bool, err error) {
	c := &fieldCollector{path: path, taken: map[string]string{}}
	list, err = c.collect(typ, []reflect.Type{typ})
	if err != nil {
		return nil, false, err
	}
	if len(list) == 0 && c.hidden != "" {
		return nil, false, fmt.Errorf("%s has only unexported fields (%s), which would be lost on the way; export them, or give the type AppendWire and DecodeWire", path, c.hidden)
	}
	if c.hidden != "" {
		return nil, false, fmt.Errorf("%s has the unexported field %s, which would be lost on the way; export it, say with the tag `msgpack:\"-\"` "+
			"that it stays behind, or give the type AppendWire and DecodeWire", path, c.hidden)
	}
	for i := range list {
		if c.asArray && list[i].pointers {
			return nil, false, fmt.Errorf("%s travels as an array and embeds a pointer, which may be nil; embed the struct itself", path)
		}
		list[i].head = appendString(nil, list[i].name)
	}
	return list, c.asArray, nil
}

type fieldCollector struct {
	path    string
	taken   map[string]string // names on the wire, and which fields they are
	hidden  string            // an unexported field
	asArray bool
	omit    bool // all that is empty
}

// tagged is a field with what its tag says.
type tagged struct {
	reflect.StructField
	name    string
	options []string
}

func (t *tagged) has(option string) bool { return slices.Contains(t.options, option) }

// tags returns the fields of a struct that are to travel.
func (c *fieldCollector) tags(typ reflect.Type, outermost bool) ([]tagged, error) {
	var all []tagged
	for i := range typ.NumField() {
		f := typ.Field(i)
		words := strings.Split(f.Tag.Get("msgpack"), ",")
		t := tagged{f, words[0], words[1:]}
		switch {
		case f.Name == "_msgpack":
			if outermost {
				c.asArray, c.omit = t.has("as_array") || t.has("asArray"), t.has("omitempty")
			}
			continue
		case t.name == "-" || f.Name == "_":
			continue
		case t.has("intern"):
			return nil, fmt.Errorf("%s.%s: the tag option intern is not supported; names that come often are short on the wire anyway", c.path, f.Name)
		case t.has("inline") && (!f.Anonymous || structBehind(f.Type) == nil):
			return nil, fmt.Errorf("%s.%s: the tag option inline is for embedded structs only", c.path, f.Name)
		}
		all = append(all, t)
	}
	return all, nil
}

// structBehind returns the struct that an embedded field is or leads to; nil if it
// isn't one whose fields are written one by one.
func structBehind(typ reflect.Type) reflect.Type {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return nil
	}
	if own, err := msgpackPair(typ); own != nil || err != nil {
		return nil
	}
	return typ
}

// collect lists the fields of a struct; those of an embedded struct as if they were its
// own, unless they have the names of others: then it is a field by its own name.
func (c *fieldCollector) collect(typ reflect.Type, around []reflect.Type) ([]field, error) {
	all, err := c.tags(typ, len(around) == 1)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if t := &all[i]; !t.Anonymous {
			if !t.IsExported() {
				c.hidden = t.Name
				continue
			}
			if err := c.take(t, t.nameOnWire()); err != nil {
				return nil, err
			}
		}
	}
	var list []field
	for i := range all {
		t := &all[i]
		f := field{name: t.nameOnWire(), goName: t.Name, typ: t.Type, index: t.Index, omitEmpty: c.omit || t.has("omitempty")}
		for _, o := range t.options {
			if alias, ok := strings.CutPrefix(o, "alias:"); ok {
				f.alias = alias
			}
		}
		switch {
		case !t.Anonymous && t.IsExported():
			list = append(list, f)
		case t.Anonymous:
			inner, err := c.embedded(t, f, around)
			if err != nil {
				return nil, err
			}
			list = append(list, inner...)
		}
	}
	return list, nil
}

func (t *tagged) nameOnWire() string {
	if t.name == "" {
		return t.Name
	}
	return t.name
}

func (c *fieldCollector) take(t *tagged, name string) error {
	if other, ok := c.taken[name]; ok {
		return fmt.Errorf("%s: the fields %s and %s both travel as %q; give one of them another name with a tag", c.path, other, t.Name, name)
	}
	c.taken[name] = t.Name
	return nil
}

// embedded returns the fields that an embedded one stands for.
func (c *fieldCollector) embedded(t *tagged, f field, around []reflect.Type) ([]field, error) {
	inner, pointer := structBehind(t.Type), t.Type.Kind() == reflect.Pointer
	switch {
	case pointer && !t.IsExported():
		return nil, fmt.Errorf("%s embeds a pointer to the unexported struct %v, which no decoder can set; embed the struct itself, or name the field", c.path, t.Type.Elem())
	case inner == nil && !t.IsExported():
		if _, err := msgpackPair(t.Type); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", c.path, t.Name, err)
		}
		c.hidden = t.Name
		return nil, nil
	}
	if inner != nil && !t.has("noinline") && !slices.Contains(around, inner) {
		if list, ok, err := c.inlined(inner, around); err != nil || ok {
			for i := range list {
				list[i].index = slices.Concat(f.index, list[i].index)
				list[i].goName = t.Name + "." + list[i].goName
				list[i].pointers = list[i].pointers || pointer
				if list[i].pointers {
					list[i].omitEmpty = false // one at least says that the pointer is not nil
				}
			}
			return list, err
		}
	}
	return []field{f}, c.take(t, f.name)
}

// inlined returns the fields of an embedded struct, if all of their names are free.
func (c *fieldCollector) inlined(inner reflect.Type, around []reflect.Type) (list []field, ok bool, err error) {
	in := &fieldCollector{path: c.path + "." + inner.Name(), taken: map[string]string{}}
	if list, err = in.collect(inner, append(slices.Clone(around), inner)); err != nil {
		return nil, false, err
	}
	if in.hidden != "" {
		c.hidden = inner.Name() + "." + in.hidden
	}
	for i := range list {
		if _, ok := c.taken[list[i].name]; ok {
			return nil, false, nil
		}
	}
	for i := range list {
		c.taken[list[i].name] = list[i].goName
	}
	return list, len(list) > 0 || in.hidden != "", nil
}
