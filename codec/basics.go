package codec

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// basics returns the table every registry begins with: simple types under short
// names.
func basics() *table {
	tab := &table{byType: map[reflect.Type]*Type{}, byName: map[string]*Type{}}
	basic(tab, "string", func(b []byte, v string) []byte { return append(b, v...) },
		func(r *wire.Reader) string { return string(r.Rest()) })
	basic(tab, "bytes", func(b []byte, v []byte) []byte { return append(b, v...) },
		func(r *wire.Reader) []byte { return append([]byte{}, r.Rest()...) })
	basic(tab, "bool", wire.AppendBool, (*wire.Reader).Bool)
	basic(tab, "unit", func(b []byte, _ struct{}) []byte { return b },
		func(*wire.Reader) struct{} { return struct{}{} })
	signed[int](tab, "int")
	signed[int8](tab, "int8")
	signed[int16](tab, "int16")
	signed[int32](tab, "int32")
	signed[int64](tab, "int64")
	signed[time.Duration](tab, "duration")
	unsigned[uint](tab, "uint")
	unsigned[uint8](tab, "uint8")
	unsigned[uint16](tab, "uint16")
	unsigned[uint32](tab, "uint32")
	unsigned[uint64](tab, "uint64")
	basic(tab, "float32", func(b []byte, v float32) []byte { return wire.AppendUint32(b, math.Float32bits(v)) },
		func(r *wire.Reader) float32 { return math.Float32frombits(r.Uint32()) })
	basic(tab, "float64", wire.AppendFloat64, (*wire.Reader).Float64)
	basic(tab, "time", appendTime, readTime)
	return tab
}

func basic[T any](tab *table, name string, enc func([]byte, T) []byte, dec func(*wire.Reader) T) {
	t := &Type{name: name, goType: reflect.TypeFor[T](), sizeMax: sizeMaxDefault, how: "basic", id: IDBasic}
	t.enc = func(_ Scope, b []byte, msg any) ([]byte, error) {
		v, ok := msg.(T)
		if !ok {
			return b, fmt.Errorf("got a %T", msg)
		}
		return enc(b, v), nil
	}
	t.dec = func(_ Scope, body []byte) (any, error) {
		r := wire.NewReader(body)
		v := dec(r)
		if err := r.Done(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return v, nil
	}
	tab.byType[t.goType] = t
	tab.byName[name] = t
}

func signed[T ~int | ~int8 | ~int16 | ~int32 | ~int64](tab *table, name string) {
	basic(tab, name, func(b []byte, v T) []byte { return wire.AppendVarint(b, int64(v)) },
		func(r *wire.Reader) T {
			v := r.Varint()
			if int64(T(v)) != v {
				r.Fail("%d does not fit into %s", v, name)
				return 0
			}
			return T(v)
		})
}

func unsigned[T ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64](tab *table, name string) {
	basic(tab, name, func(b []byte, v T) []byte { return wire.AppendUvarint(b, uint64(v)) },
		func(r *wire.Reader) T {
			v := r.Uvarint()
			if uint64(T(v)) != v {
				r.Fail("%d does not fit into %s", v, name)
				return 0
			}
			return T(v)
		})
}

// appendTime keeps every instant that time.Time can hold, which Unix nanoseconds
// would not; the location is not kept.
func appendTime(b []byte, t time.Time) []byte {
	b = wire.AppendVarint(b, t.Unix())
	return wire.AppendUvarint(b, uint64(t.Nanosecond()))
}

func readTime(r *wire.Reader) time.Time {
	sec, nsec := r.Varint(), r.Uvarint()
	if nsec >= 1e9 {
		r.Fail("%d nanoseconds", nsec)
	}
	if r.Err() != nil {
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}
