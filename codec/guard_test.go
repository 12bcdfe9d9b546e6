package codec

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe/internal/bound"
)

// recursive is the dumb twin of walk: it follows the structure by recursion.
func recursive(b []byte, depth int) (used int, ok bool) {
	if len(b) == 0 || depth > MaxDepth {
		return 0, false
	}
	skip, children, ok := header(b)
	if !ok || skip > uint64(len(b)) {
		return 0, false
	}
	if children > 0 && depth == MaxDepth {
		return 0, false
	}
	at := int(skip)
	for range children {
		n, ok := recursive(b[at:], depth+1)
		if !ok {
			return 0, false
		}
		at += n
	}
	return at, true
}

func twin(b []byte) bool {
	n, ok := recursive(b, 0)
	return ok && n == len(b)
}

// library reports whether msgpack itself can skip exactly the whole input.
func library(b []byte) bool {
	r := bytes.NewReader(b)
	return msgpack.NewDecoder(r).Skip() == nil && r.Len() == 0
}

func randomValue(rnd *rand.Rand, depth int) any {
	k := rnd.IntN(11)
	if depth > 5 {
		k = rnd.IntN(8)
	}
	switch k {
	case 0:
		return nil
	case 1:
		return rnd.IntN(2) == 0
	case 2:
		return int64(rnd.Uint64() >> rnd.IntN(64))
	case 3:
		return -int64(rnd.Uint64() >> (1 + rnd.IntN(63)))
	case 4:
		return rnd.Float64()
	case 5:
		return float32(rnd.Float64())
	case 6:
		return string(make([]byte, rnd.IntN(300)))
	case 7:
		return make([]byte, rnd.IntN(70000)>>rnd.IntN(16))
	case 8:
		m := map[string]any{}
		for range rnd.IntN(20) {
			m[string(rune('a'+rnd.IntN(26)))] = randomValue(rnd, depth+1)
		}
		return m
	default:
		list := make([]any, rnd.IntN(20))
		for i := range list {
			list[i] = randomValue(rnd, depth+1)
		}
		return list
	}
}

func TestGuardAgreesWithTwinAndLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		b, err := msgpack.Marshal(randomValue(rnd, 0))
		require.NoError(t, err)
		require.NoError(t, checkStructure(b), "what msgpack writes is accepted: %x", b)
		if len(b) > 4000 {
			continue
		}
		for cut := range b {
			if cut%7 == 0 || cut == len(b)-1 {
				require.Error(t, checkStructure(b[:cut]), "a truncation is refused: %x", b[:cut])
			}
		}
		require.Error(t, checkStructure(append(b, 0)), "trailing bytes are refused: %x", b)
		for range 20 {
			if len(b) == 0 {
				break
			}
			b[rnd.IntN(len(b))] = byte(rnd.IntN(256))
			want := twin(b)
			require.Equal(t, want, checkStructure(b) == nil, "%x", b)
			if want {
				require.True(t, library(b), "accepted, so the library finds the same end: %x", b)
			}
		}
	}
}

func TestGuardRefuses(t *testing.T) {
	deep := func(n int) string { return hex.EncodeToString(bytes.Repeat([]byte{0x91}, n)) + "c0" }
	for title, c := range map[string]struct {
		hex string
		ok  bool
	}{
		"nothing":                          {"", false},
		"16 million elements in 5 bytes":   {"dd00ffffff", false},
		"4 billion entries in 5 bytes":     {"dfffffffff", false},
		"a string longer than the rest":    {"db0000000561", false},
		"an unused code":                   {"c1", false},
		"two values":                       {"c0c0", false},
		"an array one short":               {"92c0", false},
		"an extension one short":           {"d50100", false},
		"an extension without its type":    {"c700", false},
		"64 levels":                        {deep(64), true},
		"65 levels":                        {deep(65), false},
		"two arrays that claim one byte":   {"9292c0c0", false},
		"an empty extension with its type": {"c70001", true},
		"an empty map":                     {"80", true},
		"empty map32":                      {"df00000000", true},
		"a half written length":            {"de00", false},
	} {
		t.Run(title, func(t *testing.T) {
			b, err := hex.DecodeString(c.hex)
			require.NoError(t, err)
			require.Equal(t, c.ok, checkStructure(b) == nil)
			require.Equal(t, twin(b), c.ok)
		})
	}
}

func FuzzGuard(f *testing.F) {
	for _, h := range []string{"c0", "92c0c0", "81a16101", "dd00ffffff", "c70001", "d6ff00000001"} {
		b, err := hex.DecodeString(h)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<12 {
			return
		}
		bound.Allocation(t, len(b), func() { _ = checkStructure(b) })
		require.Equal(t, twin(b), checkStructure(b) == nil)
		if checkStructure(b) == nil {
			require.True(t, library(b))
		}
	})
}

func FuzzDecode(f *testing.F) {
	reg := registry(f)
	s := Scope{Registry: reg, System: "sys"}
	for _, msg := range []any{plain{ID: 1, Name: "n"}, byHand{N: 1, Body: "x"}, withPlace{place{"x"}}, []any{"a", 1}, 7, "s"} {
		name, b, err := reg.Encode(s, nil, msg)
		require.NoError(f, err)
		f.Add(name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		var msg any
		var err error
		bound.Allocation(t, len(b), func() { msg, err = reg.Decode(s, name, b) })
		if err != nil || name == "bomb" {
			return
		}
		if _, again, err := reg.Encode(s, nil, msg); err == nil {
			_, err = reg.Decode(s, name, again)
			require.NoError(t, err, "what was decoded can be encoded and decoded: %#v", msg)
		}
	})
}
