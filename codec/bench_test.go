package codec

import (
	"testing"
	"time"
)

// BenchmarkMsgpack writes and reads a message of middling size.
func BenchmarkMsgpack(b *testing.B) {
	type line struct {
		SKU   string
		Count int
		Price float64
	}
	type order struct {
		ID    int64 `msgpack:"id"`
		Who   string
		At    time.Time
		Lines []line
		Notes map[string]string
		More  *line
		Tags  []string `msgpack:"tags,omitempty"`
		Data  []byte
	}
	reg := NewRegistry()
	if err := Register[order](reg, "order"); err != nil {
		b.Fatal(err)
	}
	msg := any(order{
		ID: 1 << 40, Who: "somebody", At: time.Unix(1700000000, 5).UTC(), Lines: []line{{"a", 1, 2}, {"b", 300, 4}, {"c", 70000, 6}},
		Notes: map[string]string{"k": "v", "l": "w"}, More: &line{SKU: "z"}, Tags: []string{"x", "y"}, Data: make([]byte, 100),
	})
	s := Scope{Registry: reg}
	_, body, err := reg.Encode(s, nil, msg)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = reg.Encode(s, body[:0], msg)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = reg.Decode(s, "order", body)
		}
	})
}
