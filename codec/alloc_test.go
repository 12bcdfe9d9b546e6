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
