package wire

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// value is one primitive: how it is written, and how it is read back.
type value struct {
	title  string
	append func([]byte) []byte
	read   func(*Reader) any
	want   any
}

func values() []value {
	at := time.Date(2031, 2, 3, 4, 5, 6, 7, time.UTC)
	return []value{
		{"uvarint 0", func(b []byte) []byte { return AppendUvarint(b, 0) }, func(r *Reader) any { return r.Uvarint() }, uint64(0)},
		{"uvarint max", func(b []byte) []byte { return AppendUvarint(b, math.MaxUint64) }, func(r *Reader) any { return r.Uvarint() }, uint64(math.MaxUint64)},
		{"varint min", func(b []byte) []byte { return AppendVarint(b, math.MinInt64) }, func(r *Reader) any { return r.Varint() }, int64(math.MinInt64)},
		{"varint -1", func(b []byte) []byte { return AppendVarint(b, -1) }, func(r *Reader) any { return r.Varint() }, int64(-1)},
		{"uint64", func(b []byte) []byte { return AppendUint64(b, 1<<63|5) }, func(r *Reader) any { return r.Uint64() }, uint64(1<<63 | 5)},
		{"uint32", func(b []byte) []byte { return AppendUint32(b, 1<<31|5) }, func(r *Reader) any { return r.Uint32() }, uint32(1<<31 | 5)},
		{"true", func(b []byte) []byte { return AppendBool(b, true) }, func(r *Reader) any { return r.Bool() }, true},
		{"false", func(b []byte) []byte { return AppendBool(b, false) }, func(r *Reader) any { return r.Bool() }, false},
		{"float", func(b []byte) []byte { return AppendFloat64(b, -0.5) }, func(r *Reader) any { return r.Float64() }, -0.5},
		{"string", func(b []byte) []byte { return AppendString(b, "zwölf\x00") }, func(r *Reader) any { return r.String() }, "zwölf\x00"},
		{"empty string", func(b []byte) []byte { return AppendString(b, "") }, func(r *Reader) any { return r.String() }, ""},
		{"bytes", func(b []byte) []byte { return AppendBytes(b, []byte{0, 255}) }, func(r *Reader) any { return r.Bytes() }, []byte{0, 255}},
		{"duration", func(b []byte) []byte { return AppendDuration(b, -3*time.Hour) }, func(r *Reader) any { return r.Duration() }, -3 * time.Hour},
		{"time", func(b []byte) []byte { return AppendTime(b, at) }, func(r *Reader) any { return r.Time() }, at},
		{"zero time", func(b []byte) []byte { return AppendTime(b, time.Time{}) }, func(r *Reader) any { return r.Time() }, time.Time{}},
		{"count", func(b []byte) []byte { return AppendUvarint(b, 0) }, func(r *Reader) any { return r.Count(1) }, 0},
	}
}

func TestEachValueComesBack(t *testing.T) {
	for _, v := range values() {
		t.Run(v.title, func(t *testing.T) {
			prefix := []byte("before")
			b := v.append(bytes.Clone(prefix))
			require.True(t, bytes.HasPrefix(b, prefix), "appending keeps what is there")
			r := NewReader(b[len(prefix):])
			require.Equal(t, v.want, v.read(r))
			require.NoError(t, r.Done())
		})
	}
}

// The bytes themselves are a promise: nodes of other versions read them.
func TestBytesOnTheWire(t *testing.T) {
	golden := map[string]string{
		"uvarint 0": "00", "uvarint max": "ffffffffffffffffff01", "varint min": "ffffffffffffffffff01", "varint -1": "01",
		"uint64": "8000000000000005", "uint32": "80000005", "true": "01", "false": "00", "float": "bfe0000000000000",
		"string": "077a77c3b66c6600", "empty string": "00", "bytes": "0200ff",
		"duration": "ffffcea2d2f404", "time": "8ed0f788a4a390c135", "zero time": "ffffffffffffffffff01", "count": "00",
	}
	for _, v := range values() {
		require.Equal(t, golden[v.title], hex.EncodeToString(v.append(nil)), v.title)
	}
}

func TestEachValueCutShortIsAnError(t *testing.T) {
	for _, v := range values() {
		t.Run(v.title, func(t *testing.T) {
			whole := v.append(nil)
			for n := range whole {
				r := NewReader(whole[:n])
				got := v.read(r)
				require.ErrorIs(t, r.Err(), ErrMalformed, "%d of %d bytes", n, len(whole))
				require.Zero(t, got, "%d of %d bytes", n, len(whole))
			}
		})
	}
}

// Random values in a row come back in their order.
func TestSequences(t *testing.T) {
	all := values()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		var b []byte
		var row []value
		for range r.IntN(20) {
			v := all[r.IntN(len(all))]
			b, row = v.append(b), append(row, v)
		}
		in := NewReader(b)
		for _, v := range row {
			// The number of elements is checked against what follows, and 0 always fits.
			require.Equal(t, v.want, v.read(in), "seed %d: %s", seed, v.title)
		}
		require.NoError(t, in.Done(), "seed %d", seed)
	}
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct {
		title string
		in    []byte
		read  func(*Reader)
		want  string
	}{
		{"bool of 2", []byte{2}, func(r *Reader) { r.Bool() }, "bool byte 2"},
		{"endless varint", bytes.Repeat([]byte{0x80}, 20), func(r *Reader) { r.Uvarint() }, "bad uvarint"},
		{"varint past 64 bits", append(bytes.Repeat([]byte{0xff}, 9), 2), func(r *Reader) { r.Uvarint() }, "bad uvarint"},
		{"endless signed varint", bytes.Repeat([]byte{0x80}, 20), func(r *Reader) { r.Varint() }, "bad varint"},
		{"string longer than its input", AppendUvarint(nil, 5), func(r *Reader) { _ = r.String() }, "length 5 of 0 bytes left"},
		{"string longer than memory", AppendUvarint(nil, math.MaxUint64), func(r *Reader) { _ = r.String() }, "of 0 bytes left"},
		{"more elements than bytes", AppendUvarint(nil, 3), func(r *Reader) { r.Count(1) }, "count 3 in 0 bytes"},
		{"elements of a known size", append(AppendUvarint(nil, 2), 1, 2, 3), func(r *Reader) { r.Count(2) }, "count 2 in 3 bytes"},
		{"elements of no size", append(AppendUvarint(nil, 9), 1, 2, 3), func(r *Reader) { r.Count(0) }, "count 9 in 3 bytes"},
		{"left over", []byte{1, 2, 3}, func(r *Reader) { r.Byte(); _ = r.Done() }, "at offset 1: 2 bytes left over"},
	} {
		t.Run(c.title, func(t *testing.T) {
			r := NewReader(c.in)
			c.read(r)
			require.ErrorIs(t, r.Err(), ErrMalformed)
			require.ErrorContains(t, r.Err(), c.want)
		})
	}
}

func TestFirstErrorSticks(t *testing.T) {
	r := NewReader([]byte{2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	r.Bool()
	first := r.Err()
	require.Error(t, first)
	for _, v := range values() {
		require.Zero(t, v.read(r), v.title)
	}
	require.Zero(t, r.Byte())
	require.Empty(t, r.Rest())
	r.Fail("another")
	require.Same(t, first, r.Err())
	require.Same(t, first, r.Done())
}

func TestCountFits(t *testing.T) {
	r := NewReader(append(AppendUvarint(nil, 2), 1, 2, 3, 4))
	require.Equal(t, 2, r.Count(2))
	require.Equal(t, 4, r.Len())
	require.Equal(t, []byte{1, 2, 3, 4}, r.Rest())
	require.NoError(t, r.Done())
}

func TestBytesAliasButDontReachPastTheirEnd(t *testing.T) {
	in := runAndTail()
	r := NewReader(in)
	p := r.Bytes()
	_ = append(p, 99)
	require.Equal(t, byte(7), r.Byte(), "an append to the run must not overwrite what follows")
	in[1] = 42
	require.Equal(t, byte(42), p[0], "the run aliases the input")
}

// runAndTail is a run of two bytes and a 7 behind it.
func runAndTail() []byte { return append(AppendBytes(nil, []byte{1, 2}), 7) }

func TestZeroReaderReadsNothing(t *testing.T) {
	var r Reader
	require.NoError(t, r.Done())
	r.Byte()
	require.ErrorIs(t, r.Err(), ErrMalformed)
}

// No input makes the reader panic, read past the end or go back, whatever the
// decoder asks for; ops chooses what it asks for.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2}, []byte{1, 2, 3})
	f.Add([]byte(strings.Repeat("\x07", 8)), []byte(strings.Repeat("\xff", 32)))
	for _, v := range values() {
		f.Add([]byte{6}, v.append(nil))
	}
	reads := []func(*Reader) int{
		func(r *Reader) int { r.Byte(); return 0 },
		func(r *Reader) int { r.Bool(); return 0 },
		func(r *Reader) int { r.Uvarint(); return 0 },
		func(r *Reader) int { r.Varint(); return 0 },
		func(r *Reader) int { r.Uint64(); return 0 },
		func(r *Reader) int { r.Uint32(); return 0 },
		func(r *Reader) int { return len(r.String()) },
		func(r *Reader) int { return len(r.Bytes()) },
		func(r *Reader) int { return 3 * r.Count(3) },
		func(r *Reader) int { r.Time(); return 0 },
		func(r *Reader) int { r.Float64(); return 0 },
		func(r *Reader) int { return len(r.Rest()) },
	}
	f.Fuzz(func(t *testing.T, ops, in []byte) {
		r := NewReader(in)
		for _, op := range ops {
			left, failed := r.Len(), r.Err() != nil
			made := reads[int(op)%len(reads)](r)
			if r.Len() < 0 || r.Len() > left {
				t.Fatalf("%d bytes left after %d", r.Len(), left)
			}
			if made > left {
				t.Fatalf("made %d out of %d bytes", made, left)
			}
			if failed && (made != 0 || r.Len() != left || r.Err() == nil) {
				t.Fatal("a failed reader went on")
			}
		}
	})
}
