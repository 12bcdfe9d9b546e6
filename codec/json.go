package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"strings"
	"time"
)

// JSON is a [Serializer] that writes what package encoding/json does. A message in
// it is longer and slower to read than in msgpack, but anybody can read it.
// Unknown fields are passed over, missing ones are zero; nesting ends at
// [MaxDepth]. Text that isn't UTF-8 is an error, and times arrive in UTC. In a field of
// type any arrives what JSON has: nil, bool, float64, string, []any, map[string]any; a
// number that isn't the same as a float64, or an error, is refused.
type JSON struct{}

// ID returns [IDJSON].
func (JSON) ID() uint32 { return IDJSON }

// String returns "json".
func (JSON) String() string { return "json" }

// Check refuses types of which something would be lost in JSON.
func (JSON) Check(typ reflect.Type) error { return checkJSONType(typ) }

// Append appends msg as JSON.
func (JSON) Append(s Scope, b []byte, msg any) ([]byte, error) {
	return JSON{}.of(reflect.TypeOf(msg)).Append(s, b, msg)
}

// Decode reads JSON.
func (JSON) Decode(s Scope, typ reflect.Type, body []byte) (any, error) {
	return JSON{}.of(typ).Decode(s, typ, body)
}

// jsonOf is JSON for one type.
type jsonOf struct {
	JSON
	walked bool // there are times, or fields of type any
}

func (JSON) of(typ reflect.Type) Serializer {
	return jsonOf{walked: typ != nil && jsonWalked(typ, map[reflect.Type]bool{})}
}

// jsonWalked reports whether values of a type have times in them, or anything.
func jsonWalked(typ reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[typ] {
		return false
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return jsonWalked(typ.Elem(), seen)
	case reflect.Struct:
		if typ == reflect.TypeFor[time.Time]() {
			return true
		}
		for i := range typ.NumField() {
			if jsonWalked(typ.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// Append appends msg as JSON.
func (j jsonOf) Append(_ Scope, b []byte, msg any) ([]byte, error) {
	if j.walked {
		if err := checkJSONValue(reflect.ValueOf(msg), 0); err != nil {
			return b, err
		}
	}
	body, err := json.Marshal(msg)
	if err != nil {
		return b, err
	}
	if err := checkJSON(body, true); err != nil {
		return b, err
	}
	return append(b, body...), nil
}

// Decode reads JSON.
func (j jsonOf) Decode(_ Scope, typ reflect.Type, body []byte) (any, error) {
	if err := checkJSON(body, false); err != nil {
		return nil, err
	}
	v := reflect.New(typ)
	var err error
	if j.walked {
		err = readJSON(body, v)
	} else {
		err = json.Unmarshal(body, v.Interface())
	}
	if err == nil && typ.Kind() == reflect.Pointer && v.Elem().IsNil() {
		err = errors.New("null where a value is needed")
	}
	return v.Elem().Interface(), err
}

// readJSON reads a value with numbers as they are written, and puts times and numbers
// into the one form in which they arrive.
func readJSON(body []byte, v reflect.Value) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(v.Interface()); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the value")
	}
	return settleJSON(v.Elem())
}

// simple reports whether values of a kind have nothing inside.
func simple(kind reflect.Kind) bool {
	return kind <= reflect.Float64 || kind == reflect.String
}

func settleJSON(v reflect.Value) error {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(timeIn(v).UTC()))
		return nil
	}
	if own, _ := jsonPair(v.Type()); own != nil {
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		value, err := plainJSON(v.Elem().Interface())
		if err == nil {
			v.Set(reflect.ValueOf(value))
		}
		return err
	case reflect.Pointer:
		if !v.IsNil() {
			return settleJSON(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && !simple(v.Type().Elem().Kind()); i++ {
			if err := settleJSON(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); !simple(v.Type().Elem().Kind()) && it.Next(); {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(it.Value())
			if err := settleJSON(e); err != nil {
				return err
			}
			v.SetMapIndex(it.Key(), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" && !simple(f.Type.Kind()) {
				if err := settleJSON(v.Field(i)); err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
			}
		}
	}
	return nil
}

// plainJSON makes float64 of the numbers in what was read into an any.
func plainJSON(value any) (_ any, err error) {
	switch v := value.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("%.40s does not fit into a float64", v)
		}
		if whole, ok := new(big.Int).SetString(v.String(), 10); ok {
			if exact, _ := big.NewFloat(f).Int(nil); exact.Cmp(whole) != 0 {
				return nil, fmt.Errorf("%s does not fit into a float64 without loss", v)
			}
		}
		return f, nil
	case []any:
		for i := range v {
			if v[i], err = plainJSON(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v { //det:ok a map again
			if v[k], err = plainJSON(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// checkJSONValue refuses what is in fields of type any and would arrive as something else
// than JSON says of itself.
func checkJSONValue(v reflect.Value, depth int) error {
	if depth > 4*MaxDepth {
		return fmt.Errorf("%w: more than %d levels, or a value that contains itself", ErrTooDeep, MaxDepth)
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if err := checkJSONAny(v.Elem()); err != nil {
			return err
		}
		return checkJSONValue(v.Elem(), depth+1)
	case reflect.Pointer:
		if !v.IsNil() {
			return checkJSONValue(v.Elem(), depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && !simple(v.Type().Elem().Kind()); i++ {
			if err := checkJSONValue(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); !simple(v.Type().Elem().Kind()) && it.Next(); {
			if err := checkJSONValue(it.Value(), depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" && !simple(f.Type.Kind()) {
				if err := checkJSONValue(v.Field(i), depth+1); err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
			}
		}
	}
	return nil
}

func checkJSONAny(v reflect.Value) error {
	lossy := false
	switch kind := v.Kind(); {
	case v.Type().Implements(reflect.TypeFor[error]()):
		return fmt.Errorf("a %v in a field of type any would arrive without what it says; send its text", v.Type())
	case kind >= reflect.Int && kind <= reflect.Int64:
		lossy = int64(float64(v.Int())) != v.Int()
	case kind >= reflect.Uint && kind <= reflect.Uint64:
		lossy = v.Uint() > 1<<53 && (float64(v.Uint()) >= 1<<64 || uint64(float64(v.Uint())) != v.Uint())
	case !simple(kind):
		return checkJSONType(v.Type())
	}
	if lossy {
		return fmt.Errorf("%v in a field of type any does not fit into a float64 without loss, and JSON has no other numbers; send it as text", v)
	}
	return nil
}

// checkJSON looks at brackets outside of strings only; the rest is checked by the
// decoder. In what was written here, an escaped U+FFFD stands for bytes that are no text:
// the character itself is not escaped.
func checkJSON(b []byte, written bool) error {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			if written && strings.HasPrefix(string(b[i+1:min(i+6, len(b))]), "ufffd") {
				return errors.New("text that is not UTF-8 can't be JSON; use []byte")
			}
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return fmt.Errorf("%w: more than %d levels", ErrTooDeep, MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
