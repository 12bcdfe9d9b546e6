package codec

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shout is somebody's own format: upper case.
type shout struct{ id uint32 }

type shouted struct{ Text string }

func (s shout) ID() uint32 { return s.id }
func (shout) Check(typ reflect.Type) error {
	if typ != reflect.TypeFor[shouted]() && typ != reflect.TypeFor[*shouted]() {
		return fmt.Errorf("can't shout a %v", typ)
	}
	return nil
}

func (shout) Append(_ Scope, b []byte, msg any) ([]byte, error) {
	m, ok := msg.(shouted)
	if !ok {
		m = *msg.(*shouted)
	}
	if m.Text == "panic" {
		panic("loud")
	}
	return append(b, strings.ToUpper(m.Text)...), nil
}

func (shout) Decode(_ Scope, typ reflect.Type, body []byte) (any, error) {
	switch string(body) {
	case "BAD":
		return nil, errors.New("bad")
	case "PANIC":
		panic("loud")
	case "OTHER":
		return 7, nil
	}
	if m := (shouted{string(body)}); typ.Kind() != reflect.Pointer {
		return m, nil
	} else {
		return &m, nil
	}
}

func roundTrip(t *testing.T, reg *Registry, msg any) any {
	t.Helper()
	s := Scope{Registry: reg}
	name, b, err := reg.Encode(s, nil, msg)
	require.NoError(t, err)
	got, err := reg.Decode(s, name, b)
	require.NoError(t, err)
	return got
}

func TestSerializerOfOnesOwn(t *testing.T) { // A310, A311
	t.Run("by option, for one type", func(t *testing.T) {
		reg := NewRegistry()
		require.NoError(t, Register[shouted](reg, "s", By(shout{1000})))
		require.NoError(t, Register[shouted](reg, "s", By(shout{1000})), "the same again")
		require.ErrorIs(t, Register[shouted](reg, "s", By(JSON{})), ErrClash, "another encoding")
		require.Equal(t, shouted{"HI"}, roundTrip(t, reg, shouted{"hi"}))
		typ, err := reg.Named("s")
		require.NoError(t, err)
		require.Equal(t, "serializer-1000", typ.Encoding())
		require.EqualValues(t, 1000, typ.EncodingID())
	})
	t.Run("by detection, for those it can encode and none that encode themselves", func(t *testing.T) {
		reg := NewRegistry()
		require.NoError(t, reg.Use(shout{1000}))
		require.NoError(t, reg.Use(shout{1000}), "the same again")
		require.NoError(t, Register[*shouted](reg, "s"))
		require.NoError(t, Register[plain](reg, "p"))
		require.NoError(t, Register[byHand](reg, "h"))
		for name, how := range map[string]string{"s": "serializer-1000", "p": "msgpack", "h": "wire"} {
			typ, err := reg.Named(name)
			require.NoError(t, err)
			require.Equal(t, how, typ.Encoding(), name)
		}
		require.Equal(t, &shouted{"HI"}, roundTrip(t, reg, &shouted{"hi"}))
		_, _, err := reg.Encode(Scope{}, nil, (*shouted)(nil))
		require.ErrorContains(t, err, "nil")
	})
	t.Run("the first that was used is taken", func(t *testing.T) {
		reg := NewRegistry()
		require.NoError(t, reg.Use(shout{1000}))
		require.NoError(t, reg.Use(JSON{}))
		require.NoError(t, Register[shouted](reg, "s"))
		require.NoError(t, Register[plain](reg, "p"))
		typ, err := reg.Named("s")
		require.NoError(t, err)
		require.EqualValues(t, 1000, typ.EncodingID())
		typ, err = reg.Named("p")
		require.NoError(t, err)
		require.Equal(t, "json", typ.Encoding())
	})
	t.Run("ids clash", func(t *testing.T) {
		reg := NewRegistry()
		require.NoError(t, reg.Use(shout{1000}))
		require.ErrorIs(t, reg.Use(&shout{1000}), ErrClash, "another with the id")
		require.ErrorIs(t, reg.Use(shout{999}), ErrClash, "reserved")
		require.ErrorIs(t, Register[shouted](reg, "s", By(shout{6})), ErrClash, "reserved")
		require.NoError(t, reg.Use(shout{IDProtobuf}), "another implementation of a format")
		require.Error(t, reg.Use(nil))
		require.Error(t, Register[shouted](reg, "s", By(nil)))
	})
	t.Run("what it can't encode is refused at registration", func(t *testing.T) {
		require.ErrorContains(t, Register[plain](NewRegistry(), "p", By(shout{1000})), "can't shout")
	})
	t.Run("failures and panics are errors of that message only", func(t *testing.T) { // R046
		reg := NewRegistry()
		require.NoError(t, Register[shouted](reg, "s", By(shout{1000})))
		_, _, err := reg.Encode(Scope{}, nil, shouted{"panic"})
		require.ErrorContains(t, err, "panic")
		for _, body := range []string{"BAD", "PANIC", "OTHER"} {
			_, err := reg.Decode(Scope{}, "s", []byte(body))
			require.ErrorIs(t, err, ErrMalformed, body)
		}
		require.Equal(t, shouted{"HI"}, roundTrip(t, reg, shouted{"hi"}))
	})
	t.Run("it is part of the fingerprint", func(t *testing.T) {
		a, b := NewRegistry(), NewRegistry()
		require.NoError(t, Register[shouted](a, "s"))
		require.NoError(t, Register[shouted](b, "s", By(JSON{})))
		require.NotEqual(t, a.Fingerprint(), b.Fingerprint())
	})
}

type looksLikeProtobuf struct{ A int }

func (*looksLikeProtobuf) ProtoReflect() {}

func TestProtobufNeedsItsSerializer(t *testing.T) {
	require.ErrorContains(t, Register[*looksLikeProtobuf](NewRegistry(), "p"), "protobuf.Serializer")
}

type document struct {
	ID   int            `json:"id"`
	Tags []string       `json:"tags,omitempty"`
	More map[string]any `json:"more,omitempty"`
	At   time.Time      `json:"at"`
	Sub  *document      `json:"sub,omitempty"`
}

func TestJSON(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[document](reg, "doc", By(JSON{})))
	require.NoError(t, Register[*document](reg, "doc.pointer", By(JSON{})))
	msg := document{ID: 7, Tags: []string{"a"}, At: time.Unix(1, 0).UTC(), Sub: &document{ID: 8, At: time.Unix(2, 0).UTC()}}
	require.Equal(t, msg, roundTrip(t, reg, msg))
	require.Equal(t, &msg, roundTrip(t, reg, &msg))

	decode := func(name, body string) (any, error) { return reg.Decode(Scope{}, name, []byte(body)) }
	got, err := decode("doc", `{"id":3,"unknown":[1,{"x":"]"}]}`)
	require.NoError(t, err, "unknown fields are passed over, missing ones zero")
	require.Equal(t, document{ID: 3}, got)
	for title, body := range map[string]string{
		"not JSON": "x", "more behind it": `{} {}`, "another type": `{"id":"a"}`, "nothing": "",
	} {
		_, err := decode("doc", body)
		require.ErrorIs(t, err, ErrMalformed, title)
	}
	_, err = decode("doc.pointer", "null")
	require.ErrorIs(t, err, ErrMalformed)
	_, err = decode("doc", `{"more":{"a":`+strings.Repeat("[", MaxDepth)+strings.Repeat("]", MaxDepth)+`}}`)
	require.ErrorIs(t, err, ErrTooDeep)
	_, err = decode("doc", `{"more":{"a\"[[[":"`+strings.Repeat("[", 1000)+`"}}`)
	require.NoError(t, err, "brackets in strings are no levels")

	ring := &document{}
	ring.Sub = ring
	_, _, err = reg.Encode(Scope{}, nil, ring)
	require.Error(t, err)
	require.ErrorContains(t, Register[chan int](NewRegistry(), "c", By(JSON{})), "can't be encoded")
}

type (
	blob []byte
	line string
)

func TestRaw(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[blob](reg, "blob", By(Raw{})))
	require.NoError(t, Register[line](reg, "line", By(Raw{})))
	require.Equal(t, blob{0, 1, 255}, roundTrip(t, reg, blob{0, 1, 255}))
	require.Equal(t, line("a\x00b"), roundTrip(t, reg, line("a\x00b")))
	_, b, err := reg.Encode(Scope{}, nil, blob{1, 2})
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2}, b, "nothing but what it holds")
	got, err := reg.Decode(Scope{}, "blob", b)
	require.NoError(t, err)
	b[0] = 9
	require.Equal(t, blob{1, 2}, got, "the body isn't kept")
	require.Error(t, Register[int64](NewRegistry(), "n", By(Raw{})))
	require.Error(t, Register[[]int](NewRegistry(), "n", By(Raw{})))
}

func TestSimpleTypesAtTheirExtremes(t *testing.T) { // A313
	reg := NewRegistry()
	for _, v := range []any{
		math.MinInt, math.MaxInt, 0, int8(math.MinInt8), int16(math.MaxInt16), int32(math.MinInt32), int64(math.MaxInt64), int64(math.MinInt64),
		uint(math.MaxUint), uint8(255), uint16(65535), uint32(math.MaxUint32), uint64(math.MaxUint64),
		true, false, "", strings.Repeat("ü", 100_000), []byte{}, []byte{0}, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1), float32(math.MaxFloat32),
		time.Duration(math.MinInt64), time.Time{}, time.Unix(1<<40, 999_999_999).UTC(), struct{}{},
	} {
		require.Equal(t, v, roundTrip(t, reg, v))
	}
	for name, id := range map[string]uint32{"int": 4, "string": 4, "bytes": 4, "bool": 4} {
		typ, err := reg.Named(name)
		require.NoError(t, err)
		require.Equal(t, id, typ.EncodingID())
	}
	require.Equal(t, []uint32{1, 2, 3, 4, 5, 6, 7}, []uint32{IDWire, IDBinary, IDMsgpack, IDBasic, IDProtobuf, IDJSON, IDRaw}, "ids never change")
}

type pill struct{ A int }

func TestRightsAreDemandedWhereverATypeIsNested(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[pill](reg, "pill", RightStop))
	require.NoError(t, Register[byHand](reg, "hand"))
	require.NoError(t, Register[plain](reg, "plain"))
	all := Scope{Registry: reg}
	for title, msg := range map[string]any{"alone": pill{1}, "nested": byHand{Body: pill{1}}, "twice": byHand{Body: byHand{Body: pill{1}}}} {
		name, b, err := reg.Encode(Scope{Registry: reg, Denied: RightStop}, nil, msg)
		require.NoError(t, err, "%s: sending is not receiving", title)
		_, err = reg.Decode(Scope{Registry: reg, Denied: RightStop | RightSpawn}, name, b)
		require.ErrorIs(t, err, ErrDenied, title)
		require.ErrorContains(t, err, "stop", title)
		_, err = reg.Decode(Scope{Registry: reg, Denied: RightMember | RightSelect | RightSpawn}, name, b)
		require.NoError(t, err, title)
		_, err = reg.Decode(all, name, b)
		require.NoError(t, err, title)
	}
	require.ErrorIs(t, Register[pill](reg, "pill"), ErrClash, "the same type without its demand")
	require.Error(t, Register[plain](NewRegistry(), "p", Right(0)))
	require.Error(t, Register[plain](NewRegistry(), "p", Right(128)))
	require.Equal(t, "member+spawn", (RightMember | RightSpawn).String())
	require.Equal(t, "none", Right(0).String())
}
