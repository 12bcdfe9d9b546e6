package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// jsonCheck refuses types of which package encoding/json would lose something, or what
// it could not read again.
type jsonCheck struct {
	busy map[reflect.Type]bool
}

func checkJSONType(typ reflect.Type) error {
	c := &jsonCheck{busy: map[reflect.Type]bool{}}
	if typ.Kind() == reflect.Pointer {
		return c.visit(typ.Elem(), typ.Elem().String(), true)
	}
	return c.visit(typ, typ.String(), false)
}

// visit looks at a type; addressable: package json finds the methods of its pointer.
func (c *jsonCheck) visit(typ reflect.Type, path string, addressable bool) error {
	if c.busy[typ] || typ == reflect.TypeFor[time.Time]() {
		return nil
	}
	own, err := jsonPair(typ)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case own != nil && own.pointer && !addressable:
		return fmt.Errorf("%s: %s has a pointer receiver, and package json has only the value here; give it a value receiver, or use a pointer", path, own.enc)
	case own != nil:
		return nil
	}
	c.busy[typ] = true
	defer delete(c.busy, typ)
	switch typ.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		return fmt.Errorf("%s is a %v and can't be encoded; leave it out with the tag `json:\"-\"`", path, typ)
	case reflect.Interface:
		if typ.NumMethod() > 0 {
			return fmt.Errorf("%s is the interface %v, and JSON doesn't say what was in it; use a concrete type", path, typ)
		}
	case reflect.Pointer:
		switch elem := typ.Elem(); elem.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
			return fmt.Errorf("%s is a %v: a pointer to something that may be nil arrives as nil itself; use a %v", path, typ, elem)
		}
		return c.visit(typ.Elem(), path, true)
	case reflect.Slice:
		return c.visit(typ.Elem(), path, true)
	case reflect.Array:
		return c.visit(typ.Elem(), path, addressable)
	case reflect.Map:
		if err := c.key(typ.Key(), path); err != nil {
			return err
		}
		return c.visit(typ.Elem(), path, false)
	case reflect.Struct:
		return c.structure(typ, path, addressable)
	}
	return nil
}

// key takes the keys that arrive as they were.
func (c *jsonCheck) key(typ reflect.Type, path string) error {
	own, err := pairOf(typ, true, &jsonTextFormat)
	switch {
	case err != nil:
		return fmt.Errorf("%s key: %w", path, err)
	case own != nil && !own.pointer && typ.Kind() != reflect.String && typ != reflect.TypeFor[time.Time]():
		return nil
	case own == nil && (typ.Kind() == reflect.String || typ.Kind() >= reflect.Int && typ.Kind() <= reflect.Uint64):
		return nil
	}
	return fmt.Errorf("%s has keys of %v; JSON has strings, integers and types with MarshalText and UnmarshalText", path, typ)
}

func (c *jsonCheck) structure(typ reflect.Type, path string, addressable bool) error {
	fields := map[string]string{}
	hidden, err := c.fields(typ, path, addressable, fields)
	switch {
	case err != nil:
		return err
	case hidden != "" && len(fields) == 0:
		return fmt.Errorf("%s has only unexported fields (%s), which would be lost on the way; export them, or give the type MarshalJSON and UnmarshalJSON", path, hidden)
	case hidden != "":
		return fmt.Errorf("%s has the unexported field %s, which would be lost on the way; export it, say with the tag `json:\"-\"` "+
			"that it stays behind, or give the type MarshalJSON and UnmarshalJSON", path, hidden)
	}
	return nil
}

// fields looks at the fields of a struct and of those embedded in it, and returns one that
// does not travel.
func (c *jsonCheck) fields(typ reflect.Type, path string, addressable bool, taken map[string]string) (hidden string, err error) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		words := strings.Split(f.Tag.Get("json"), ",")
		name := words[0]
		if f.Tag.Get("json") == "-" || f.Name == "_" {
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		embedded := f.Anonymous && name == "" && inner.Kind() == reflect.Struct
		switch {
		case !f.IsExported() && !(f.Anonymous && inner.Kind() == reflect.Struct):
			hidden = f.Name
			continue
		case !f.IsExported() && f.Type.Kind() == reflect.Pointer:
			return "", fmt.Errorf("%s embeds a pointer to the unexported struct %v, which no decoder can set; embed the struct itself, or name the field", path, inner)
		case !f.IsExported() && name != "":
			hidden = f.Name
			continue
		}
		if embedded {
			if err := c.embedded(f, inner, path); err != nil {
				return "", err
			}
			below, err := c.fields(inner, path+"."+f.Name, addressable || f.Type.Kind() == reflect.Pointer, taken)
			if err != nil {
				return "", err
			}
			if below != "" {
				hidden = f.Name + "." + below
			}
			delete(c.busy, inner)
			continue
		}
		if name == "" {
			name = f.Name
		}
		if other, ok := taken[name]; ok {
			return "", fmt.Errorf("%s: the fields %s and %s are both %q in JSON, so that one is lost; give one of them another name with a tag", path, other, f.Name, name)
		}
		taken[name] = f.Name
		if err := c.visit(f.Type, path+"."+f.Name, addressable); err != nil {
			return "", err
		}
	}
	return hidden, nil
}

// embedded refuses structs whose fields package json would take for those of the outer
// one although they encode themselves, contain themselves, or might all be left out.
func (c *jsonCheck) embedded(f reflect.StructField, inner reflect.Type, path string) error {
	own, err := jsonPair(inner)
	if own != nil || err != nil || inner == reflect.TypeFor[time.Time]() {
		return fmt.Errorf("%s.%s has encoding methods, which are not called where it is embedded; give the field a name", path, f.Name)
	}
	if c.busy[inner] {
		return fmt.Errorf("%s.%s is embedded in itself; give the field a name", path, f.Name)
	}
	c.busy[inner] = true
	if f.Type.Kind() != reflect.Pointer {
		return nil
	}
	for i := range inner.NumField() {
		if options := strings.Split(inner.Field(i).Tag.Get("json"), ",")[1:]; !slices.Contains(options, "omitempty") && !slices.Contains(options, "omitzero") {
			return nil
		}
	}
	return fmt.Errorf("%s.%s is an embedded pointer, which arrives as nil where all of its fields are left out; give the field a name", path, f.Name)
}
