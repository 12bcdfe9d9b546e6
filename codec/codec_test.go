package codec

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe/internal/wire"
)

type plain struct {
	ID    int64          `msgpack:"id"`
	Name  string         `msgpack:"name"`
	Tags  []string       `msgpack:"tags,omitempty"`
	Attrs map[string]any `msgpack:"attrs,omitempty"`
	At    time.Time      `msgpack:"at"`
}

// byHand encodes itself.
type byHand struct {
	N    uint64
	Body any
}

func (h byHand) AppendWire(s Scope, b []byte) ([]byte, error) {
	b = wire.AppendUvarint(b, h.N)
	return s.Registry.Append(s, b, h.Body)
}

func (h *byHand) DecodeWire(s Scope, b []byte) error {
	r := wire.NewReader(b)
	h.N = r.Uvarint()
	body, err := s.Registry.Read(s, r)
	h.Body = body
	return errors.Join(err, r.Err())
}

// place resolves through the scope, as references do.
type place struct{ name string }

func (p place) EncodeMsgpack(enc *msgpack.Encoder) error {
	s, ok := ScopeOfEncoder(enc)
	if !ok {
		return errors.New("no scope")
	}
	return enc.EncodeString(s.System.(string) + "/" + p.name)
}

func (p *place) DecodeMsgpack(dec *msgpack.Decoder) error {
	s, ok := ScopeOfDecoder(dec)
	if !ok {
		return errors.New("no scope")
	}
	v, err := dec.DecodeString()
	p.name = v + "@" + s.System.(string)
	return err
}

type withPlace struct{ Where place }

// pointerCoded has its encoding method on the pointer.
type pointerCoded struct{ n int }

func (p *pointerCoded) EncodeMsgpack(enc *msgpack.Encoder) error { return enc.EncodeInt(int64(p.n)) }
func (p *pointerCoded) DecodeMsgpack(dec *msgpack.Decoder) (err error) {
	p.n, err = dec.DecodeInt()
	return err
}

type withPointerCoded struct{ P pointerCoded }

// std encodes itself by the standard interfaces.
type std struct{ s string }

func (v std) AppendBinary(b []byte) ([]byte, error) { return append(b, v.s...), nil }
func (v *std) UnmarshalBinary(b []byte) error       { v.s = string(b); return nil }

type onlyHalf struct{ N int }

func (onlyHalf) AppendWire(Scope, []byte) ([]byte, error) { return nil, nil }

type wrongReceiver struct{ N int }

func (*wrongReceiver) AppendWire(Scope, []byte) ([]byte, error) { return nil, nil }
func (*wrongReceiver) DecodeWire(Scope, []byte) error           { return nil }

type hidden struct{ n int }

type chain struct {
	N *chain `msgpack:"n"`
}

type bomb struct{ N int }

func (bomb) AppendWire(Scope, []byte) ([]byte, error) { panic("boom") }
func (*bomb) DecodeWire(Scope, []byte) error          { panic("boom") }

// note decodes itself, unless it is told not to.
type note struct {
	Text string
	Left string
}

func (n note) AppendWire(_ Scope, b []byte) ([]byte, error) { return append(b, n.Text...), nil }

func (n *note) DecodeWire(_ Scope, b []byte) error {
	if n.Text, n.Left = string(b), n.Left+"x"; n.Text == "panic" {
		panic(n.Text)
	}
	if n.Text == "bad" {
		return errors.New("bad")
	}
	return nil
}

func registry(t testing.TB) *Registry {
	reg := NewRegistry()
	require.NoError(t, Register[plain](reg, "plain"))
	require.NoError(t, Register[*plain](reg, "plain.pointer"))
	require.NoError(t, Register[byHand](reg, "hand", Control))
	require.NoError(t, Register[*byHand](reg, "hand.pointer"))
	require.NoError(t, Register[withPlace](reg, "place"))
	require.NoError(t, Register[withPointerCoded](reg, "pointerCoded"))
	require.NoError(t, Register[std](reg, "std", Upkeep))
	require.NoError(t, Register[chain](reg, "chain"))
	require.NoError(t, Register[[]any](reg, "list"))
	require.NoError(t, Register[bomb](reg, "bomb"))
	_ = hidden{n: 1}
	return reg
}

func TestRoundTrip(t *testing.T) {
	at := time.Unix(1700000000, 5).UTC()
	full := plain{ID: -7, Name: "ada", Tags: []string{"a"}, Attrs: map[string]any{"k": "v", "n": int64(3)}, At: at}
	for _, msg := range []any{
		"", "text", true, false, struct{}{}, []byte{}, []byte{1, 2}, 5, int8(-128), int16(-1), int32(math.MinInt32), int64(math.MaxInt64),
		uint(1), uint8(255), uint16(1), uint32(1), uint64(math.MaxUint64), float32(1.5), math.Inf(1), 3 * time.Second,
		time.Time{}, at, time.Date(9999, 1, 2, 3, 4, 5, 6, time.UTC),
		byHand{N: 1}, byHand{N: 2, Body: "x"}, byHand{N: 3, Body: byHand{Body: strings.Repeat("long", 100)}}, &byHand{N: 4, Body: 7},
		withPointerCoded{P: pointerCoded{n: 9}}, std{s: "std"}, chain{N: &chain{}}, []any{"a", int64(1), nil, []any{true}},
	} {
		t.Run(fmt.Sprintf("%T %v => the same", msg, msg), func(t *testing.T) {
			reg := registry(t)
			s := Scope{Registry: reg}
			name, body, err := reg.Encode(s, nil, msg)
			require.NoError(t, err)
			got, err := reg.Decode(s, name, body)
			require.NoError(t, err)
			require.Equal(t, msg, got)

			b, err := reg.Append(s, []byte("before"), msg)
			require.NoError(t, err)
			r := wire.NewReader(append(b, "after"...)[len("before"):])
			got, err = reg.Read(s, r)
			require.NoError(t, err)
			require.Equal(t, msg, got)
			require.Equal(t, "after", string(r.Rest()))
		})
	}
	t.Run("a struct with a time => the same instant", func(t *testing.T) {
		reg := registry(t)
		for _, msg := range []any{full, &full} {
			name, body, err := reg.Encode(Scope{}, nil, msg)
			require.NoError(t, err)
			got, err := reg.Decode(Scope{}, name, body)
			require.NoError(t, err)
			p, ok := got.(plain)
			if !ok {
				p = *got.(*plain)
			}
			require.True(t, p.At.Equal(at))
			p.At = at
			require.Equal(t, full, p)
		}
	})
	t.Run("nil nested => nil", func(t *testing.T) {
		reg := registry(t)
		b, err := reg.Append(Scope{}, nil, nil)
		require.NoError(t, err)
		got, err := reg.Read(Scope{}, wire.NewReader(b))
		require.NoError(t, err)
		require.Nil(t, got)
	})
}

func TestScopeReachesMsgpackTypes(t *testing.T) {
	reg := registry(t)
	name, body, err := reg.Encode(Scope{Registry: reg, System: "here"}, nil, withPlace{place{"x"}})
	require.NoError(t, err)
	got, err := reg.Decode(Scope{Registry: reg, System: "there"}, name, body)
	require.NoError(t, err)
	require.Equal(t, withPlace{place{"here/x@there"}}, got)

	_, ok := ScopeOfEncoder(msgpack.NewEncoder(nil))
	require.False(t, ok)
	_, ok = ScopeOfDecoder(msgpack.NewDecoder(strings.NewReader("")))
	require.False(t, ok)
}

func TestRegisterRefuses(t *testing.T) {
	type fn struct{ F func() }
	type deepFn struct{ M map[string][]fn }
	type tagged struct {
		N int `msgpack:"n,intern"`
	}
	reg := registry(t)
	for title, c := range map[string]struct {
		err  error
		want string
	}{
		"an interface":             {Register[error](reg, "e"), "interfaces can't be registered"},
		"an empty name":            {Register[fn](reg, ""), "the name is empty"},
		"a space in the name":      {Register[fn](reg, "a b"), "contains ' '"},
		"a long name":              {Register[fn](reg, strings.Repeat("n", 256)), "256 bytes long"},
		"bytes as name":            {Register[fn](reg, "\xff"), "not UTF-8"},
		"no registry":              {Register[fn](nil, "x"), "registry is nil"},
		"a func inside":            {Register[deepFn](reg, "fn"), "codec.deepFn.M.F is a func()"},
		"a channel":                {Register[chan int](reg, "chan"), "can't be encoded"},
		"only unexported fields":   {Register[hidden](reg, "hidden"), "only unexported fields (n)"},
		"half a method pair":       {Register[onlyHalf](reg, "half"), "not DecodeWire"},
		"a pointer receiver":       {Register[wrongReceiver](reg, "recv"), "pointer receiver"},
		"a tag msgpack panics on":  {Register[tagged](reg, "tag"), "intern is not supported"},
		"a size of nothing":        {Register[uintptr](reg, "s", MaxSize(0)), "must be positive"},
		"a lane nobody knows":      {Register[uintptr](reg, "s", Lane(9)), "lane 9"},
		"a weight nobody knows":    {Register[uintptr](reg, "s", Weight(9)), "weight 9"},
		"lighter than before":      {Register[std](reg, "std"), "other options"},
		"an alias with a space":    {Register[uintptr](reg, "s", Alias("a b")), "contains ' '"},
		"a name taken":             {Register[map[string]int](reg, "plain"), `the name "plain" belongs to codec.plain`},
		"a second name for a type": {Register[plain](reg, "plain.v2"), `the type is registered as "plain"`},
		"the name of a basic type": {Register[map[string]int](reg, "string"), "belongs to string"},
		"other options":            {Register[byHand](reg, "hand"), "other options"},
	} {
		t.Run(title+" => says why", func(t *testing.T) {
			require.ErrorContains(t, c.err, c.want)
		})
	}
	require.ErrorIs(t, Register[plain](reg, "plain.v2"), ErrClash)
	require.NoError(t, Register[plain](reg, "plain"), "the same again is allowed")
	require.NoError(t, Register[byHand](reg, "hand", Control))
}

func TestUnregisteredNamesTypeAndCure(t *testing.T) {
	reg := NewRegistry()
	_, _, err := reg.Encode(Scope{}, nil, plain{})
	require.ErrorIs(t, err, ErrUnregistered)
	require.ErrorContains(t, err, "codec.Register[codec.plain](reg,")
	_, _, err = reg.Encode(Scope{}, nil, &plain{})
	require.ErrorContains(t, err, "send a codec.plain instead of a pointer")
	_, err = reg.Decode(Scope{}, "who.v1", nil)
	require.ErrorIs(t, err, ErrUnregistered)
	require.ErrorContains(t, err, `"who.v1"`)
	_, err = reg.Of(nil)
	require.ErrorIs(t, err, ErrUnregistered)
	_, err = reg.Append(Scope{}, []byte("b"), plain{})
	require.ErrorIs(t, err, ErrUnregistered)
	_, err = reg.Read(Scope{}, wire.NewReader(wire.AppendBytes(wire.AppendString(nil, "who"), nil)))
	require.ErrorIs(t, err, ErrUnregistered)
	_, err = reg.OfType(reflect.TypeFor[plain]())
	require.ErrorIs(t, err, ErrUnregistered)
}

func TestBoundsOfEncoding(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[plain](reg, "plain", MaxSize(100)))
	require.NoError(t, Register[chain](reg, "chain"))
	require.NoError(t, Register[[]any](reg, "list"))
	require.NoError(t, Register[bomb](reg, "bomb"))
	require.NoError(t, Register[byHand](reg, "hand"))
	s := Scope{Registry: reg}

	t.Run("larger than its type allows => refused both ways", func(t *testing.T) {
		_, out, err := reg.Encode(s, []byte("keep"), plain{Name: strings.Repeat("x", 200)})
		require.ErrorIs(t, err, ErrTooLarge)
		require.Equal(t, "keep", string(out))
		_, err = reg.Decode(s, "plain", make([]byte, 101))
		require.ErrorIs(t, err, ErrTooLarge)
	})
	t.Run("a list that contains itself => an error, not the end of the process", func(t *testing.T) {
		loop := make([]any, 1)
		loop[0] = loop
		_, _, err := reg.Encode(s, nil, loop)
		require.ErrorIs(t, err, ErrTooDeep)
		ring := &chain{}
		ring.N = ring
		_, _, err = reg.Encode(s, nil, *ring)
		require.ErrorIs(t, err, ErrTooDeep)
	})
	t.Run("65 levels around a value => refused by the sender, 64 => accepted", func(t *testing.T) {
		nest := func(n int) any {
			var v any = []any{}
			for range n - 1 {
				v = []any{v}
			}
			return v
		}
		_, _, err := reg.Encode(s, nil, nest(66))
		require.ErrorIs(t, err, ErrTooDeep)
		_, b, err := reg.Encode(s, nil, nest(65))
		require.NoError(t, err)
		_, err = reg.Decode(s, "list", b)
		require.NoError(t, err)
	})
	t.Run("messages within messages without end => refused both ways", func(t *testing.T) {
		var m any = byHand{}
		for range MaxDepth + 1 {
			m = byHand{Body: m}
		}
		_, err := reg.Append(s, nil, m)
		require.ErrorIs(t, err, ErrTooDeep)
		body := []byte{0, 0}
		for range MaxDepth + 1 {
			body = wire.AppendBytes(wire.AppendString([]byte{0}, "hand"), body)
		}
		_, err = reg.Decode(s, "hand", body)
		require.ErrorIs(t, err, ErrTooDeep)
	})
	t.Run("a panic in a method => an error", func(t *testing.T) {
		_, out, err := reg.Encode(s, []byte("keep"), bomb{})
		require.ErrorContains(t, err, "boom")
		require.Equal(t, "keep", string(out))
		_, err = reg.Decode(s, "bomb", nil)
		require.ErrorContains(t, err, "boom")
	})
	t.Run("a nil pointer => an error", func(t *testing.T) {
		require.NoError(t, Register[*byHand](reg, "hand.pointer"))
		_, _, err := reg.Encode(s, nil, (*byHand)(nil))
		require.ErrorContains(t, err, "nil")
	})
}

func TestAliasDecodesOldName(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[std](reg, "std.v2", Alias("std.v1")))
	got, err := reg.Decode(Scope{}, "std.v1", []byte("x"))
	require.NoError(t, err)
	require.Equal(t, std{"x"}, got)
	typ, err := reg.Of(std{})
	require.NoError(t, err)
	require.Equal(t, "std.v2", typ.Name())
	require.NotContains(t, reg.Names(), "std.v1")
}

func TestFieldsMayComeAndGo(t *testing.T) {
	type v1 struct{ A int }
	type v2 struct {
		A int
		B string
	}
	old, young := NewRegistry(), NewRegistry()
	require.NoError(t, Register[v1](old, "v"))
	require.NoError(t, Register[v2](young, "v"))
	_, b, err := old.Encode(Scope{}, nil, v1{1})
	require.NoError(t, err)
	got, err := young.Decode(Scope{}, "v", b)
	require.NoError(t, err)
	require.Equal(t, v2{A: 1}, got)
	_, b, err = young.Encode(Scope{}, nil, v2{2, "b"})
	require.NoError(t, err)
	got, err = old.Decode(Scope{}, "v", b)
	require.NoError(t, err)
	require.Equal(t, v1{2}, got)
}

func TestFingerprintIsOfTheNames(t *testing.T) {
	a, b := registry(t), registry(t)
	require.Equal(t, a.Fingerprint(), b.Fingerprint())
	require.NotEqual(t, a.Fingerprint(), NewRegistry().Fingerprint())
	require.NoError(t, Register[map[string]int](a, "more"))
	require.NotEqual(t, a.Fingerprint(), b.Fingerprint())
}

func TestTypeTellsItsProperties(t *testing.T) {
	reg := registry(t)
	for name, how := range map[string]string{"plain": "msgpack", "hand": "wire", "std": "binary", "string": "basic"} {
		typ, err := reg.Named(name)
		require.NoError(t, err)
		require.Equal(t, how, typ.Encoding())
		require.Equal(t, name == "hand", typ.Control())
		require.Equal(t, name == "std", typ.Upkeep())
		require.Equal(t, 1<<20, typ.SizeMax())
		again, err := reg.OfType(typ.GoType())
		require.NoError(t, err)
		require.Same(t, typ, again)
	}
}

func TestConcurrentUse(t *testing.T) {
	reg := registry(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				name, b, err := reg.Encode(Scope{Registry: reg}, nil, plain{ID: int64(i), Name: "n"})
				if err != nil || name != "plain" {
					t.Error(name, err)
				}
				got, err := reg.Decode(Scope{Registry: reg}, name, b)
				if p, ok := got.(plain); err != nil || !ok || p.ID != int64(i) {
					t.Error(got, err)
				}
			}
		})
		wg.Go(func() { _ = Register[map[string]int](reg, "map") })
	}
	wg.Wait()
	_, err := reg.Named("map")
	require.NoError(t, err)
}

// TestGolden holds the bytes of every encoding still: they are in journals.
func TestGolden(t *testing.T) {
	reg := registry(t)
	s := Scope{Registry: reg, System: "sys"}
	for _, c := range []struct {
		msg  any
		want string
	}{
		{"héllo", "06737472696e670668c3a96c6c6f"},
		{-3, "03696e740105"},
		{time.Unix(1700000000, 9).UTC(), "0474696d650680c49fd50c09"},
		{3 * time.Second, "086475726174696f6e0580f882ad16"},
		{1.5, "07666c6f61743634083ff8000000000000"},
		{[]byte{1, 2}, "056279746573020102"},
		{struct{}{}, "04756e697400"},
		{byHand{N: 300, Body: "x"}, "0468616e640bac0206737472696e670178"},
		{plain{ID: 7, Name: "n", Tags: []string{"t"}, At: time.Unix(1, 0)}, "05706c61696e1d84a2696407a46e616d65a16ea47461677391a174a26174d6ff00000001"},
		{withPlace{place{"x"}}, "05706c6163650d81a55768657265a57379732f78"},
	} {
		t.Run(fmt.Sprintf("%T", c.msg), func(t *testing.T) {
			b, err := reg.Append(s, nil, c.msg)
			require.NoError(t, err)
			require.Equal(t, c.want, hex.EncodeToString(b))
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	reg := registry(b)
	s := Scope{Registry: reg}
	buf := make([]byte, 0, 4096)
	for title, msg := range map[string]any{"hand": byHand{N: 1, Body: "x"}, "msgpack": plain{ID: 1, Name: "n"}} {
		b.Run(title, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = reg.Append(s, buf[:0], msg)
			}
		})
	}
}
