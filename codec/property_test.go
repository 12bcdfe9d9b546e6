package codec

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

var propertyCases = flag.Int("property-cases", 400, "how many types TestWhatIsRegisteredComesBack makes up")

// Types with methods, or with a shape that reflection can't make up.
type (
	embedded struct {
		E int
		F string `msgpack:",omitempty"`
	}
	Embedded struct{ G, H *int }
	outer    struct {
		embedded
		*Embedded
		Z string
	}
	shadowing struct {
		Embedded
		G string
	}
	tree struct {
		Kids  []tree
		Named map[string]*tree
		Value any
	}
	pairs struct {
		_msgpack struct{} `msgpack:",as_array"`
		A        int8
		B        []byte
	}
	generic[T any] struct{ V T }
	wrapped        struct{ std }
)

var _ = pairs{_msgpack: struct{}{}} // read by reflection

var seedTypes = []reflect.Type{
	reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[url.URL](),
	reflect.TypeFor[pointerCoded](), reflect.TypeFor[std](), reflect.TypeFor[note](), reflect.TypeFor[outer](), reflect.TypeFor[shadowing](),
	reflect.TypeFor[tree](), reflect.TypeFor[pairs](), reflect.TypeFor[generic[uint16]](), reflect.TypeFor[wrapped](), reflect.TypeFor[any](),
	reflect.TypeFor[error](), reflect.TypeFor[chan int](), reflect.TypeFor[func()](), reflect.TypeFor[complex128](),
}

// madeUp makes up types and values.
type madeUp struct{ *rand.Rand }

func (g madeUp) typ(depth int) reflect.Type {
	if depth == 0 || g.IntN(3) == 0 {
		kinds := []reflect.Type{
			reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](),
			reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](),
			reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[[]byte](),
		}
		if g.IntN(3) == 0 {
			return seedTypes[g.IntN(len(seedTypes))]
		}
		return kinds[g.IntN(len(kinds))]
	}
	switch g.IntN(5) {
	case 0:
		return reflect.PointerTo(g.typ(depth - 1))
	case 1:
		return reflect.SliceOf(g.typ(depth - 1))
	case 2:
		return reflect.ArrayOf(g.IntN(4), g.typ(depth-1))
	case 3:
		if key := g.typ(1); key.Comparable() {
			return reflect.MapOf(key, g.typ(depth-1))
		}
		return reflect.MapOf(reflect.TypeFor[string](), g.typ(depth-1))
	}
	tags := []reflect.StructTag{"", "", `msgpack:",omitempty"`, `msgpack:"short"`, `msgpack:"-"`}
	fields := make([]reflect.StructField, g.IntN(5))
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: g.typ(depth - 1), Tag: tags[g.IntN(len(tags))]}
	}
	return reflect.StructOf(fields)
}

// fill sets v to something that is expected to come back: what is left out by a tag, or
// documented to change, stays away.
func (g madeUp) fill(v reflect.Value, depth int) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf([]time.Time{{}, time.Unix(g.Int64N(1<<33), g.Int64N(1e9)).UTC(), time.Unix(-g.Int64N(1<<40), 0).UTC()}[g.IntN(3)]))
		return
	case reflect.TypeFor[netip.Addr]():
		v.Set(reflect.ValueOf([]netip.Addr{{}, netip.MustParseAddr("::1"), netip.MustParseAddr("1.2.3.4")}[g.IntN(3)]))
		return
	case reflect.TypeFor[url.URL]():
		v.Set(reflect.ValueOf(url.URL{Scheme: "http", Host: "h", Path: "/p"}))
		return
	case reflect.TypeFor[pointerCoded]():
		v.Set(reflect.ValueOf(pointerCoded{g.Int()}))
		return
	case reflect.TypeFor[std](), reflect.TypeFor[wrapped]():
		return
	case reflect.TypeFor[note]():
		v.Set(reflect.ValueOf(note{"text", "x"}))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.String:
		v.SetString([]string{"", "a", "\xff\xfe", strings.Repeat("ü", 200)}[g.IntN(4)])
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt([]int64{0, 1, -1, -33, math.MinInt64, math.MaxInt64, int64(g.Uint64())}[g.IntN(7)])
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint([]uint64{0, 127, 128, math.MaxUint64, g.Uint64()}[g.IntN(5)])
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, math.Inf(-1), math.MaxFloat64, 1e-40, g.NormFloat64()}[g.IntN(5)])
	case reflect.Interface:
		if v.NumMethod() == 0 {
			g.fillAny(v, depth)
		}
	case reflect.Pointer:
		if depth > 0 && g.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(v.Elem(), depth-1)
		}
	case reflect.Slice, reflect.Array:
		g.fillList(v, depth)
	case reflect.Map:
		g.fillMap(v, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag := f.Tag.Get("msgpack")
			if tag == "-" || f.Name == "_msgpack" || !f.IsExported() && !f.Anonymous {
				continue
			}
			g.fill(v.Field(i), depth-1)
			if field := v.Field(i); strings.HasSuffix(tag, ",omitempty") && (field.Kind() == reflect.Slice || field.Kind() == reflect.Map) && field.Len() == 0 {
				field.SetZero()
			}
		}
	}
}

func (g madeUp) fillAny(v reflect.Value, depth int) {
	list := []any{nil, true, int64(-5), uint64(math.MaxUint64), 1.5, "s", []byte{1}, time.Unix(5, 0).UTC(), []any{int64(1), nil}, map[string]any{"k": "v"}, time.Minute,
		map[int8]string{-1: "a", 2: "b"}, map[string]any{"deep": map[float64]any{1.5: []any{}}}}
	if x := list[g.IntN(len(list))]; x != nil && depth > 0 {
		v.Set(reflect.ValueOf(x))
	}
}

func (g madeUp) fillList(v reflect.Value, depth int) {
	if v.Kind() == reflect.Slice {
		n := g.IntN(4) - 1
		if n < 0 || depth <= 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
	}
	for i := range v.Len() {
		g.fill(v.Index(i), depth-1)
	}
}

func (g madeUp) fillMap(v reflect.Value, depth int) {
	n := g.IntN(4) - 1
	if n < 0 || depth <= 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range n {
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		g.fill(k, depth-1)
		g.fill(e, depth-1)
		v.SetMapIndex(k, e)
	}
}

// comesBack registers a type that is made up, and holds that a value of it comes back.
func comesBack(t testing.TB, g madeUp) (accepted bool) {
	typ := g.typ(4)
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem() // Register takes one off
	}
	reg := NewRegistry()
	p, _, err := planFor(reg, typ)
	if err != nil {
		return false
	}
	v := reflect.New(typ).Elem()
	g.fill(v, 5)
	s := Scope{Registry: reg}
	w := reg.msgpack.writer(s, nil, sizeMaxDefault)
	require.NoError(t, p.enc(w, v), "%v %#v", typ, v)
	body := reg.msgpack.done(w)
	back := reflect.New(typ).Elem()
	require.NoError(t, reg.msgpack.unpack(s, body, p, back), "%v %#v %x", typ, v, body)
	require.True(t, reflect.DeepEqual(v.Interface(), back.Interface()), "%v: %#v came back as %#v by %x", typ, v, back, body)
	return true
}

func TestWhatIsRegisteredComesBack(t *testing.T) {
	accepted := 0
	for seed := range *propertyCases {
		g := madeUp{rand.New(rand.NewPCG(uint64(seed), 1))}
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			if comesBack(t, g) {
				accepted++
			}
		})
	}
	require.Greater(t, accepted, *propertyCases/4, "the property holds for more than nothing")
}

func FuzzWhatIsRegisteredComesBack(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { comesBack(t, madeUp{rand.New(rand.NewPCG(a, b))}) })
}

// TestMsgpackIsMsgpack compares the bytes with those of the library, as far as it is sound.
func TestMsgpackIsMsgpack(t *testing.T) {
	type plainest struct {
		A int8
		B uint64
		C float32
		D []string
		E map[string]string
		F *string
		G [3]uint16
		H []byte
		I map[string]any
		J time.Time
		K bool
		embedded
	}
	reg := NewRegistry()
	require.NoError(t, Register[plainest](reg, "p"))
	for seed := range uint64(300) {
		g := madeUp{rand.New(rand.NewPCG(seed, 2))}
		var v plainest
		g.fill(reflect.ValueOf(&v).Elem(), 4)
		v.I = map[string]any{"n": int64(seed), "s": []any{"x", 1.5, nil}}
		_, got, err := reg.Encode(Scope{Registry: reg}, nil, v)
		require.NoError(t, err)
		var want bytes.Buffer
		enc := msgpack.NewEncoder(&want)
		enc.SetSortMapKeys(true)
		enc.UseCompactInts(true)
		require.NoError(t, enc.Encode(v))
		require.Equal(t, want.Bytes(), got, "%#v", v)
		back, err := reg.Decode(Scope{Registry: reg}, "p", want.Bytes())
		require.NoError(t, err)
		require.Equal(t, v, back)
	}
}
