package codec

import (
	"errors"
	"math"
	"math/big"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

// Types whose methods, or some of their fields, would be lost.
type (
	stamped     struct{ time.Time }
	stampedWith struct {
		time.Time
		Valid bool
	}
	derived struct {
		note
		Extra string
	}
	derivedByPointer struct{ *note }
	overridden       struct {
		note
		Extra string
	}
	onlyText       struct{ A int }
	onlyUntext     struct{ A int }
	onlyMsgpack    struct{ A int }
	onlyAppend     struct{ A int }
	lostInItsValue struct{ A int }
	twoValues      struct{ A, B int }
	shape          interface{ Area() float64 }
	embedsHidden   struct {
		*inner
		Name string
	}
	inner     struct{ ID int }
	numbered  int
	selfFirst struct {
		*selfFirst
		N int
	}
)

var _ = selfFirst{selfFirst: nil}

func (v overridden) AppendWire(s Scope, b []byte) ([]byte, error) {
	b, err := v.note.AppendWire(s, append(b, byte(len(v.Extra))))
	return append(b, v.Extra...), err
}

func (v *overridden) DecodeWire(s Scope, b []byte) error {
	n := len(b) - int(b[0])
	v.Extra = string(b[n:])
	return v.note.DecodeWire(s, b[1:n])
}
func (onlyText) MarshalText() ([]byte, error)                   { return nil, nil }
func (*onlyUntext) UnmarshalText([]byte) error                  { return nil }
func (onlyMsgpack) EncodeMsgpack(*msgpack.Encoder) error        { return nil }
func (onlyAppend) AppendBinary(b []byte) ([]byte, error)        { return b, nil }
func (lostInItsValue) AppendWire(Scope, []byte) ([]byte, error) { return nil, nil }
func (lostInItsValue) DecodeWire(Scope, []byte) error           { return nil }
func (v twoValues) EncodeMsgpack(enc *msgpack.Encoder) error    { return enc.EncodeMulti(v.A, v.B) }
func (v *twoValues) DecodeMsgpack(dec *msgpack.Decoder) error   { return dec.DecodeMulti(&v.A, &v.B) }

// TestWhatWouldBeLostIsRefused: at registration, with what is wrong and the cure.
func TestWhatWouldBeLostIsRefused(t *testing.T) {
	type beside struct {
		A int
		b int
	}
	type twice struct {
		A int `msgpack:"x"`
		B int `msgpack:"x"`
	}
	type holds[T any] struct{ V T }
	_ = beside{b: 1}
	reg := NewRegistry()
	for title, c := range map[string]struct {
		err  error
		want string
	}{
		"methods of an embedded type":           {Register[derived](reg, "x"), "promoted from the embedded codec.note and would lose the field Extra"},
		"the same in a field":                   {Register[holds[derived]](reg, "x"), ".V: its AppendWire is promoted"},
		"the same in the keys of a map":         {Register[map[derived]int](reg, "x"), "key: its AppendWire is promoted"},
		"methods of an embedded time":           {Register[stampedWith](reg, "x"), "time zone"},
		"an embedded time alone":                {Register[stamped](reg, "x"), "time zone"},
		"methods of an embedded pointer":        {Register[derivedByPointer](reg, "x"), "may be nil"},
		"text one way":                          {Register[onlyText](reg, "x"), "it has MarshalText but not UnmarshalText"},
		"text the other way":                    {Register[[]onlyUntext](reg, "x"), "it has UnmarshalText but not MarshalText"},
		"msgpack one way":                       {Register[holds[*onlyMsgpack]](reg, "x"), "it has EncodeMsgpack but not DecodeMsgpack"},
		"binary one way":                        {Register[onlyAppend](reg, "x"), "it has AppendBinary but not UnmarshalBinary"},
		"a decoding method on the value":        {Register[lostInItsValue](reg, "x"), "DecodeWire has a value receiver"},
		"an interface":                          {Register[holds[shape]](reg, "x"), "bytes don't say what was in it"},
		"an error":                              {Register[map[string]error](reg, "x"), "bytes don't say what was in it"},
		"an embedded pointer that can't be set": {Register[embedsHidden](reg, "x"), "pointer to the unexported struct"},
		"an unexported field beside others":     {Register[[]beside](reg, "x"), "unexported field b"},
		"an embedded type that isn't exported":  {Register[struct{ numbered }](reg, "x"), "unexported fields (numbered)"},
		"two fields of one name":                {Register[twice](reg, "x"), `A and B both travel as "x"`},
		"a pointer to a slice":                  {Register[holds[*[]int]](reg, "x"), "arrives as nil itself"},
		"a pointer to a pointer":                {Register[holds[**int]](reg, "x"), "arrives as nil itself"},
		"keys of type any":                      {Register[map[any]int](reg, "x"), "does not arrive as the same key"},
		"keys with pointers":                    {Register[map[holds[*int]]int](reg, "x"), "does not arrive as the same key"},
		"a pointer embedded in itself":          {Register[selfFirst](reg, "x"), "unexported struct"},
		"JSON: an unexported field":             {Register[beside](reg, "x", By(JSON{})), "unexported field b"},
		"JSON: a shadowed field":                {Register[jsonShadow](reg, "x", By(JSON{})), `both "ID" in JSON`},
		"JSON: an interface":                    {Register[holds[shape]](reg, "x", By(JSON{})), "doesn't say what was in it"},
		"JSON: text one way":                    {Register[holds[onlyText]](reg, "x", By(JSON{})), "it has MarshalText but not UnmarshalText"},
		"JSON: a method that isn't the value's": {Register[map[string]big.Int](reg, "x", By(JSON{})), "pointer receiver"},
		"JSON: an embedded pointer":             {Register[embedsHidden](reg, "x", By(JSON{})), "pointer to the unexported struct"},
		"JSON: keys that it doesn't have":       {Register[map[float64]int](reg, "x", By(JSON{})), "has keys of float64"},
	} {
		t.Run(title, func(t *testing.T) { require.ErrorContains(t, c.err, c.want) })
	}
}

type jsonShadow struct {
	inner
	ID string
}

func TestWhatIsSoundComesBack(t *testing.T) {
	type shadow struct {
		inner
		ID string
	}
	type held struct {
		URLs   map[string]url.URL
		Rat    big.Rat
		Over   overridden
		Ints   map[numbered][]*big.Int
		Times  map[time.Time]time.Time
		Bytes  [4]byte
		Floats []float32
		Nil    []string
		Empty  []string
		None   map[string]int
		Some   map[string]int
		Skip   chan int `msgpack:"-"`
		under  int      `msgpack:"-"`
	}
	reg := NewRegistry()
	require.NoError(t, Register[shadow](reg, "shadow"))
	require.NoError(t, Register[held](reg, "held"))
	require.NoError(t, Register[overridden](reg, "overridden"))
	require.NoError(t, Register[struct{ note }](reg, "alone"))
	at := time.Unix(1, 2).UTC()
	for _, msg := range []any{
		shadow{inner{1}, "s"}, overridden{note{"t", "x"}, "extra"}, struct{ note }{note{"t", "x"}},
		held{
			URLs: map[string]url.URL{"a": {Host: "h"}}, Rat: *big.NewRat(1, 3), Over: overridden{note{"t", "x"}, "extra"},
			Ints: map[numbered][]*big.Int{-1: {nil, big.NewInt(5)}}, Times: map[time.Time]time.Time{at: at, {}: {}}, Bytes: [4]byte{1, 2},
			Floats: []float32{math.MaxFloat32, float32(math.Inf(1))}, Empty: []string{}, Some: map[string]int{},
		},
	} {
		require.Equal(t, msg, roundTrip(t, reg, msg))
	}
	_ = held{under: 1}
}

func TestTimesArriveInUTC(t *testing.T) {
	type at struct {
		T time.Time
		P *time.Time
		A any
		M map[string]time.Time
		O time.Time `msgpack:",omitempty"`
	}
	old := time.Local
	defer func() { time.Local = old }()
	time.Local = time.FixedZone("elsewhere", 9*3600)
	now := time.Now() // with a monotonic reading, in the zone of the machine
	utc := now.Round(0).UTC()
	zero := time.Time{}.In(time.Local)
	for _, opts := range [][]Option{nil, {By(JSON{})}} {
		reg := NewRegistry()
		require.NoError(t, Register[at](reg, "at", opts...))
		msg := at{T: now, P: &now, M: map[string]time.Time{"k": now}, O: zero}
		require.Equal(t, at{T: utc, P: &utc, M: map[string]time.Time{"k": utc}}, roundTrip(t, reg, msg))
	}
	reg := NewRegistry()
	require.NoError(t, Register[at](reg, "at"))
	require.Equal(t, at{A: utc}, roundTrip(t, reg, at{A: now}))
}

func TestNumbersThatDontFitAreRefused(t *testing.T) {
	type of[T any] struct{ N T }
	refuses := func(from, to any, register func(*Registry) error, sender func(*Registry) error) {
		t.Helper()
		a, b := NewRegistry(), NewRegistry()
		require.NoError(t, sender(a))
		require.NoError(t, register(b))
		_, body, err := a.Encode(Scope{Registry: a}, nil, from)
		require.NoError(t, err)
		got, err := b.Decode(Scope{Registry: b}, "v", body)
		if to == nil {
			require.ErrorIs(t, err, ErrMalformed, "%+v came as %+v", from, got)
			require.ErrorContains(t, err, "does not fit")
			return
		}
		require.NoError(t, err)
		require.Equal(t, to, got)
	}
	ints := func(r *Registry) error { return Register[of[int64]](r, "v") }
	uints := func(r *Registry) error { return Register[of[uint64]](r, "v") }
	floats := func(r *Registry) error { return Register[of[float64]](r, "v") }
	i8 := func(r *Registry) error { return Register[of[int8]](r, "v") }
	u8 := func(r *Registry) error { return Register[of[uint8]](r, "v") }
	u32 := func(r *Registry) error { return Register[of[uint32]](r, "v") }
	f32 := func(r *Registry) error { return Register[of[float32]](r, "v") }
	dur := func(r *Registry) error { return Register[of[time.Duration]](r, "v") }
	refuses(of[int64]{300}, nil, i8, ints)
	refuses(of[int64]{-129}, nil, i8, ints)
	refuses(of[int64]{-128}, of[int8]{-128}, i8, ints)
	refuses(of[int64]{-1}, nil, u8, ints)
	refuses(of[int64]{256}, nil, u8, ints)
	refuses(of[int64]{math.MinInt64}, nil, uints, ints)
	refuses(of[int64]{math.MaxUint32 + 1}, nil, u32, ints)
	refuses(of[uint64]{math.MaxUint64}, nil, ints, uints)
	refuses(of[uint64]{math.MaxUint64}, nil, dur, uints)
	refuses(of[float64]{math.MaxFloat64}, nil, f32, floats)
	refuses(of[float64]{0.1}, nil, f32, floats)
	refuses(of[float64]{0.5}, of[float32]{0.5}, f32, floats)
	refuses(of[float64]{math.Inf(1)}, of[float32]{float32(math.Inf(1))}, f32, floats)
	refuses(of[int64]{1<<53 + 1}, nil, floats, ints)
	refuses(of[int64]{1 << 53}, of[float64]{1 << 53}, floats, ints)
	refuses(of[uint64]{math.MaxUint64}, nil, floats, uints)
}

func TestWhatArrivesInAny(t *testing.T) {
	type open struct {
		V any `msgpack:",omitempty"`
	}
	reg := NewRegistry()
	require.NoError(t, Register[open](reg, "open"))
	require.NoError(t, Register[note](reg, "note"))
	require.NoError(t, Register[numbered](reg, "numbered"))
	for _, c := range []struct{ sent, arrives any }{
		{nil, nil}, {true, true}, {int8(0), int64(0)}, {200, int64(200)}, {-200, int64(-200)}, {uint16(7), int64(7)},
		{uint64(math.MaxInt64), int64(math.MaxInt64)}, {uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{float32(1.5), 1.5}, {math.Inf(1), math.Inf(1)}, {"text", "text"}, {"\xff", "\xff"}, {[]byte{1}, []byte{1}}, {[]byte{}, []byte{}},
		{[]string{"a"}, []any{"a"}}, {[2]int{1, 2}, []any{int64(1), int64(2)}}, {[]any{}, []any{}}, {[]any(nil), nil}, {map[string]any(nil), nil},
		{map[string]int{"a": 1}, map[string]any{"a": int64(1)}}, {map[int]string{1: "a"}, map[int]string{1: "a"}},
		{map[bool][]int{true: {1}}, map[bool]any{true: []any{int64(1)}}},
		{time.Minute, time.Minute}, {numbered(3), numbered(3)}, {note{"t", "x"}, note{"t", "x"}},
		{[]any{note{"t", "x"}, map[int8]any{1: note{"u", "x"}}}, []any{note{"t", "x"}, map[int8]any{1: note{"u", "x"}}}},
	} {
		require.Equal(t, open{c.arrives}, roundTrip(t, reg, open{c.sent}), "%#v", c.sent)
	}
	for title, v := range map[string]any{
		"an error": errors.New("boom"), "a struct": inner{1}, "a pointer to one": &inner{1}, "a struct without a name": struct{ A int }{1},
		"a type with a name": reflect.Int, "a channel": make(chan int), "a func": func() {}, "complex": 1i, "within": []any{map[string]any{"k": inner{}}},
	} {
		_, _, err := reg.Encode(Scope{Registry: reg}, nil, open{v})
		require.ErrorIs(t, err, ErrUnregistered, title)
	}
	loop := map[string]any{}
	loop["again"] = loop
	_, _, err := reg.Encode(Scope{Registry: reg}, nil, open{loop})
	require.ErrorIs(t, err, ErrTooDeep)

	require.NoError(t, Register[pill](reg, "pill", RightStop))
	name, b, err := reg.Encode(Scope{Registry: reg}, nil, open{[]any{pill{1}}})
	require.NoError(t, err)
	_, err = reg.Decode(Scope{Registry: reg, Denied: RightStop}, name, b)
	require.ErrorIs(t, err, ErrDenied, "a right is demanded there too")
}

func TestAMethodWritesOneValue(t *testing.T) {
	type holds struct{ V twoValues }
	reg := NewRegistry()
	require.NoError(t, Register[holds](reg, "h"))
	_, _, err := reg.Encode(Scope{}, nil, holds{})
	require.ErrorContains(t, err, "more than one value")
}

func TestErrorsSayWhere(t *testing.T) {
	type part struct{ N any }
	type whole struct{ Parts map[string][]part }
	reg := NewRegistry()
	require.NoError(t, Register[whole](reg, "w"))
	_, _, err := reg.Encode(Scope{Registry: reg}, nil, whole{map[string][]part{"k": {{make(chan int)}}}})
	require.ErrorContains(t, err, `Parts."k".N: a value in a field of type any`)
}

func TestJSONLosesNothingSilently(t *testing.T) {
	type open struct {
		S string
		V any
	}
	reg := NewRegistry()
	require.NoError(t, Register[open](reg, "open", By(JSON{})))
	for _, c := range []struct{ sent, arrives any }{
		{1, 1.0}, {[]any{"a", nil, true}, []any{"a", nil, true}}, {int64(1 << 53), float64(1 << 53)}, {map[string]int{"a": 1}, map[string]any{"a": 1.0}},
		{"\ufffd \\ufffd", "\ufffd \\ufffd"},
	} {
		require.Equal(t, open{V: c.arrives}, roundTrip(t, reg, open{V: c.sent}))
	}
	for title, msg := range map[string]open{
		"no UTF-8": {S: "\xff"}, "a large integer": {V: int64(1<<53 + 1)}, "the largest": {V: uint64(math.MaxUint64)}, "an error": {V: errors.New("boom")},
		"not a number": {V: math.NaN()}, "unexported fields": {V: struct{ a int }{1}},
	} {
		_, _, err := reg.Encode(Scope{Registry: reg}, nil, msg)
		require.Error(t, err, title)
	}
	for _, body := range []string{`{"V":9007199254740993}`, `{"V":[{"a":1e999}]}`} {
		_, err := reg.Decode(Scope{Registry: reg}, "open", []byte(body))
		require.ErrorContains(t, err, "does not fit", body)
	}
}
