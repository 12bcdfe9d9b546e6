package codec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
)

// packMap writes a map in the order of its keys, so that equal maps are equal bytes.
func packMap(typ reflect.Type, key, elem *plan) func(w *packWriter, v reflect.Value) error {
	if typ.Key().Kind() == reflect.String && key.isPlain() {
		switch {
		case typ.ConvertibleTo(reflect.TypeFor[map[string]string]()):
			return packMapOf(func(w *packWriter, v string) error { return w.string(v) })
		case typ.ConvertibleTo(reflect.TypeFor[map[string]any]()):
			return packMapOf(func(w *packWriter, v any) error { return w.anyOf(elem.reg, v) })
		}
		return packStringMap(typ, elem)
	}
	return func(w *packWriter, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, packedNil)
			return nil
		}
		if err := w.enter(v.Len()); err != nil {
			return err
		}
		w.buf = appendMapLen(w.buf, v.Len())
		begin := len(w.buf)
		entries := make([][]byte, 0, v.Len())
		keys := make([]int, 0, v.Len()) // lengths
		for it := v.MapRange(); it.Next(); {
			at := len(w.buf)
			if err := key.enc(w, it.Key()); err != nil {
				return err
			}
			keys = append(keys, len(w.buf)-at)
			if err := elem.enc(w, it.Value()); err != nil {
				return err
			}
			if err := w.fits(0); err != nil {
				return err
			}
			entries = append(entries, slices.Clone(w.buf[at:]))
		}
		return w.sortEntries(v, begin, entries, keys)
	}
}

// sortEntries puts the entries of a map, which were written behind begin, in order.
func (w *packWriter) sortEntries(v reflect.Value, begin int, entries [][]byte, keys []int) error {
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	keyOf := func(i int) []byte { return entries[i][:keys[i]] }
	slices.SortFunc(order, func(a, b int) int { return slices.Compare(keyOf(a), keyOf(b)) })
	w.buf = w.buf[:begin]
	for n, i := range order {
		if n > 0 && slices.Equal(keyOf(i), keyOf(order[n-1])) {
			return fmt.Errorf("two keys of a %v are the same in bytes, so that one would be lost", v.Type())
		}
		w.buf = append(w.buf, entries[i]...)
	}
	return w.leave(len(entries))
}

// packMapOf is packMap for maps that Go can range over without reflection; it allocates
// nothing.
func packMapOf[V any](value func(w *packWriter, v V) error) func(w *packWriter, v reflect.Value) error {
	typ := reflect.TypeFor[map[string]V]()
	return func(w *packWriter, v reflect.Value) error {
		m, _ := v.Convert(typ).Interface().(map[string]V)
		if m == nil {
			w.buf = append(w.buf, packedNil)
			return nil
		}
		if err := w.enter(len(m)); err != nil {
			return err
		}
		w.buf = appendMapLen(w.buf, len(m))
		begin := len(w.keys) // those of the maps around this one stand before
		for k := range m {   //det:ok sorted below
			w.keys = append(w.keys, k)
		}
		end := len(w.keys)
		slices.Sort(w.keys[begin:end])
		for i := begin; i < end; i++ {
			k := w.keys[i]
			if err := w.string(k); err != nil {
				return err
			}
			if err := value(w, m[k]); err != nil {
				return within(fmt.Sprintf("%.40q", k), err)
			}
		}
		clear(w.keys[begin:end])
		w.keys = w.keys[:begin]
		return w.leave(len(m))
	}
}

// packStringMap is packMap for keys that are strings.
func packStringMap(typ reflect.Type, elem *plan) func(w *packWriter, v reflect.Value) error {
	type entry struct {
		key   string
		value reflect.Value
	}
	many := reflect.SliceOf(typ.Elem())
	return func(w *packWriter, v reflect.Value) error {
		if v.IsNil() {
			w.buf = append(w.buf, packedNil)
			return nil
		}
		n := v.Len()
		if err := w.enter(n); err != nil {
			return err
		}
		w.buf = appendMapLen(w.buf, n)
		if n == 0 {
			return nil
		}
		values := reflect.MakeSlice(many, n, n) // one allocation for all
		entries := make([]entry, 0, n)
		k := reflect.New(typ.Key()).Elem()
		for it := v.MapRange(); it.Next() && len(entries) < n; {
			k.SetIterKey(it)
			value := values.Index(len(entries))
			value.SetIterValue(it)
			entries = append(entries, entry{k.String(), value})
		}
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
		for _, e := range entries {
			if err := w.string(e.key); err != nil {
				return err
			}
			if err := elem.enc(w, e.value); err != nil {
				return within(fmt.Sprintf("%.40q", e.key), err)
			}
			if err := w.fits(0); err != nil {
				return err
			}
		}
		return w.leave(n)
	}
}

// unpackMapOf is unpackMap for maps that Go can fill without reflection.
func unpackMapOf[V any](value func(r *packReader) (V, error)) func(r *packReader, v reflect.Value) error {
	return func(r *packReader, v reflect.Value) error {
		if r.null() {
			return nil
		}
		n, ok := r.mapLen()
		if !ok {
			return r.unexpected(v.Type())
		}
		m := make(map[string]V, n)
		for range n {
			k, ok := r.raw()
			if !ok {
				return r.unexpected(reflect.TypeFor[string]())
			}
			e, err := value(r)
			if err != nil {
				return within(fmt.Sprintf("%.40q", k), err)
			}
			m[string(k)] = e
		}
		if len(m) != n {
			return fmt.Errorf("a key of the %v comes twice", v.Type())
		}
		v.Set(reflect.ValueOf(m).Convert(v.Type()))
		return nil
	}
}

func unpackMap(typ reflect.Type, key, elem *plan) func(r *packReader, v reflect.Value) error {
	if typ.Key().Kind() == reflect.String && key.isPlain() {
		switch {
		case typ.ConvertibleTo(reflect.TypeFor[map[string]string]()):
			return unpackMapOf((*packReader).text)
		case typ.ConvertibleTo(reflect.TypeFor[map[string]any]()):
			return unpackMapOf(func(r *packReader) (any, error) { return r.any(elem.reg) })
		}
	}
	return func(r *packReader, v reflect.Value) error {
		if r.null() {
			return nil
		}
		n, ok := r.mapLen()
		if !ok {
			return r.unexpected(typ)
		}
		m := reflect.MakeMapWithSize(typ, n)
		v.Set(m)
		k, e := reflect.New(typ.Key()).Elem(), reflect.New(typ.Elem()).Elem()
		for range n {
			k.SetZero()
			e.SetZero()
			if err := key.dec(r, k); err != nil {
				return err
			}
			if err := elem.dec(r, e); err != nil {
				return err
			}
			m.SetMapIndex(k, e)
		}
		if m.Len() != n {
			return fmt.Errorf("a key of the %v comes twice", typ)
		}
		return nil
	}
}
