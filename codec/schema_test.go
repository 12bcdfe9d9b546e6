package codec

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type base struct {
	Tenant string `msgpack:"tenant,omitempty"`
}

type item struct {
	SKU   string
	Price *float64
	Parts []item
}

type order struct {
	base
	ID    int64 `msgpack:"id"`
	Items []item
	Notes map[string][]byte
	At    time.Time
	Where place
	Any   any
	Skip  chan int `msgpack:"-"`
	small int      `msgpack:"-"`
}

type pairList struct {
	_msgpack struct{} `msgpack:",as_array"`
	A        int
	B        string
}

func TestSchema(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[order](reg, "order.v1", MaxSize(4096), Alias("bestellung"), RightMember))
	require.NoError(t, Register[pairList](reg, "pair", Control))
	require.NoError(t, Register[byHand](reg, "hand"))
	require.NoError(t, Register[[]string](reg, "list"))
	require.NoError(t, Register[document](reg, "doc", By(JSON{})))
	_ = order{small: 1} // fields that don't travel are none of the schema
	_ = pairList{_msgpack: struct{}{}}
	require.Equal(t, `troupe schema 1

doc json
	id int
	tags slice optional
	tags[] string
	more map of string optional
	more{} any
	at time
	sub as . optional

hand wire

list msgpack
	. slice
	.[] string

order.v1 msgpack demands=member max=4096 alias=bestellung
	tenant string optional
	id int64
	Items slice
	Items[] struct
	Items[].SKU string
	Items[].Price float64 optional
	Items[].Parts slice
	Items[].Parts[] as Items[]
	Notes map of string
	Notes{} bytes
	At time
	Where encoded
	Any any

pair msgpack control
	0:A int
	1:B string
`, reg.Schema())
	same, err := Changes(reg.Schema(), reg.Schema())
	require.NoError(t, err)
	require.Empty(t, same)
}

// TestSchemaTellsTheTruth compares the schema's names with those on the wire.
func TestSchemaTellsTheTruth(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[order](reg, "o"))
	require.NoError(t, Register[map[string]any](reg, "m"))
	_, b, err := reg.Encode(Scope{Registry: reg, System: "sys"}, nil, order{base: base{"t"}, ID: 1, Where: place{"x"}})
	require.NoError(t, err)
	m, err := reg.Decode(Scope{Registry: reg, System: "sys"}, "m", b)
	require.NoError(t, err)
	typ, err := reg.Named("o")
	require.NoError(t, err)
	var names []string
	for _, f := range typ.Fields() {
		if !strings.ContainsAny(f.Name, ".[{") {
			names = append(names, f.Name)
		}
	}
	for name := range m.(map[string]any) {
		require.Contains(t, names, name)
	}
	require.Len(t, m, len(names))
}

func TestChanges(t *testing.T) {
	const head = "troupe schema 1\n"
	for _, c := range []struct{ title, before, after, want string }{
		{"a new type", "", "a msgpack\n", "+ a: new: nodes of before drop it; let all nodes know it before one sends it"},
		{"a type that is gone", "a msgpack\n", "", "! a: gone: what was sent or stored under this name no longer decodes; keep it, or give its successor codec.Alias"},
		{"a type with a new name and the old one as its alias", "a msgpack\n", "b msgpack alias=a\n", "~ a: sent as b from now on; nodes of before don't know that name|+ b: new: nodes of before drop it; let all nodes know it before one sends it"},
		{"another encoding", "a msgpack\n", "a json\n", "! a: encoded as json, was msgpack; give it a new name"},
		{"a new field", "a msgpack\n\tX int\n", "a msgpack\n\tX int\n\tY string\n", "+ a: Y: new, string: zero in messages of before"},
		{"a field that is gone", "a msgpack\n\tX int\n", "a msgpack\n", "- a: X: gone: what comes in it (int) is passed over"},
		{"a field of another kind", "a msgpack\n\tX int\n", "a msgpack\n\tX map of string\n", "! a: X: map of string, was int; give the field, or the type, a new name"},
		{"a field that may be left out", "a msgpack\n\tX int\n", "a msgpack\n\tX int optional\n", "~ a: X: optional true, was false"},
		{"a new field where places count", "a msgpack\n\t0:X int\n", "a msgpack\n\t0:X int\n\t1:Y int\n", "! a: 1:Y: new, int: zero in messages of before"},
		{"a smaller bound", "a msgpack\n", "a msgpack max=10\n", "! a: option max is 10, was not set"},
		{"a larger bound", "a msgpack max=10\n", "a msgpack max=11\n", "~ a: option max is 11, was 10"},
		{"another lane", "a msgpack\n", "a msgpack control\n", "~ a: option control is set, was not set"},
		{"an alias that is gone", "a msgpack alias=b\n", "a msgpack\n", "! a: alias b is gone: what was stored under it no longer decodes"},
		{"a new alias", "a msgpack\n", "a msgpack alias=b\n", "+ a: new alias b"},
		{"nothing, with other line ends", "a msgpack\r\n\tX int\r\n", "a msgpack\n\tX int\n", ""},
	} {
		t.Run(c.title, func(t *testing.T) {
			changes, err := Changes(head+c.before, head+c.after)
			require.NoError(t, err)
			var lines []string
			for _, ch := range changes {
				lines = append(lines, ch.String())
			}
			require.Equal(t, c.want, strings.Join(lines, "|"))
		})
	}
	for _, bad := range []string{"", "x", head + "\tX int\n", head + "lonely\n"} {
		_, err := Changes(bad, head)
		require.Error(t, err)
		_, err = Changes(head, bad)
		require.Error(t, err)
	}
}
