//go:build !race

package codec

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

// The race detector makes pools forget, so allocations are counted without it.
func TestAppendAllocatesNothing(t *testing.T) {
	reg := registry(t)
	s := Scope{Registry: reg}
	buf := make([]byte, 0, 4096)
	var hand, flat any = byHand{N: 1, Body: "x"}, plain{ID: 1, Name: "n", Tags: []string{"a"}}
	type solid struct {
		ID   int64
		Name string
		Tags []string
	}
	require.NoError(t, Register[solid](reg, "solid"))
	for title, msg := range map[string]any{"by hand": hand, "msgpack": solid{1, "n", []string{"a"}}, "omitempty": flat, "basic": "text"} {
		want := 0.0
		if title == "omitempty" {
			want = 1 // msgpack lists the fields that are not empty
		}
		got := testing.AllocsPerRun(200, func() {
			if _, err := reg.Append(s, buf[:0], msg); err != nil {
				t.Fatal(err)
			}
		})
		require.LessOrEqual(t, got, want, title)
	}
	body, err := msgpack.Marshal(map[string]any{"a": 1, "b": []int{1, 2, 3}})
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(200, func() { _ = checkStructure(body) }), "guard")
}

func TestDecodingIsDecodeWithLessAround(t *testing.T) {
	reg := NewRegistry()
	require.NoError(t, Register[note](reg, "note", RightStop))
	typ, err := reg.Named("note")
	require.NoError(t, err)
	d := typ.Decoding()
	require.Same(t, typ, d.Type())
	for _, text := range []string{"one", "panic", "two", "bad", "three"} {
		want, wantErr := typ.Decode(Scope{}, []byte(text))
		got, err := d.Decode(Scope{}, []byte(text))
		require.Equal(t, want, got, text)
		require.Equal(t, wantErr, err, text)
		if err == nil {
			require.Equal(t, note{text, "x"}, got, "nothing is left of the one before")
		}
	}
	_, err = d.Decode(Scope{Denied: RightStop}, []byte("one"))
	require.ErrorIs(t, err, ErrDenied)
	body := []byte("0123456789abcdef")
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		if _, err := d.Decode(Scope{}, body); err != nil {
			t.Fatal(err)
		}
	}), 3.0, "two strings and the message")
	basic, err := reg.Of("text")
	require.NoError(t, err)
	v, err := basic.Decoding().Decode(Scope{}, []byte("text"))
	require.NoError(t, err)
	require.Equal(t, "text", v)
}
