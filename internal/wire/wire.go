package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrMalformed is wrapped by every error of a [Reader].
var ErrMalformed = errors.New("malformed wire data")

// AppendUvarint appends v in base-128 varint form.
func AppendUvarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// AppendVarint appends v in zig-zag varint form.
func AppendVarint(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

// AppendUint64 appends v as eight bytes, big endian.
func AppendUint64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// AppendUint32 appends v as four bytes, big endian.
func AppendUint32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// AppendBool appends one byte, 0 or 1.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendFloat64 appends the IEEE 754 bits of v, big endian.
func AppendFloat64(b []byte, v float64) []byte { return AppendUint64(b, math.Float64bits(v)) }

// AppendString appends the length of s as a uvarint and then its bytes.
func AppendString(b []byte, s string) []byte {
	return append(AppendUvarint(b, uint64(len(s))), s...)
}

// AppendBytes appends the length of p as a uvarint and then its bytes.
func AppendBytes(b, p []byte) []byte {
	return append(AppendUvarint(b, uint64(len(p))), p...)
}

// AppendDuration appends d in nanoseconds as a zig-zag varint.
func AppendDuration(b []byte, d time.Duration) []byte { return AppendVarint(b, int64(d)) }

// AppendTime appends t as Unix nanoseconds; the zero time is kept.
func AppendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return AppendVarint(b, math.MinInt64)
	}
	return AppendVarint(b, t.UnixNano())
}

// Reader reads values from a byte slice. The zero value reads from nothing;
// make one with [NewReader]. It is not safe for concurrent use.
type Reader struct {
	buf []byte
	off int
	err error
}

// NewReader returns a reader of b. The reader keeps b and does not change it.
func NewReader(b []byte) *Reader { return &Reader{buf: b} }

// Err returns the first error, nil when everything read so far was well formed.
func (r *Reader) Err() error { return r.err }

// Done returns Err, or an error when bytes are left over.
func (r *Reader) Done() error {
	if r.err == nil && r.off != len(r.buf) {
		r.Fail("%d bytes left over", len(r.buf)-r.off)
	}
	return r.err
}

// Len returns the number of bytes not yet read.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Fail records an error at the present offset, unless there is one already.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w at offset %d: %s", ErrMalformed, r.off, fmt.Sprintf(format, args...))
	}
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.err != nil {
		return 0
	}
	if r.off >= len(r.buf) {
		r.Fail("truncated byte")
		return 0
	}
	v := r.buf[r.off]
	r.off++
	return v
}

// Bool reads one byte that must be 0 or 1.
func (r *Reader) Bool() bool {
	switch v := r.Byte(); v {
	case 0:
		return false
	case 1:
		return true
	default:
		r.Fail("bool byte %d", v)
		return false
	}
}

// Uvarint reads a base-128 varint.
func (r *Reader) Uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.buf[r.off:])
	if n <= 0 {
		r.Fail("bad uvarint")
		return 0
	}
	r.off += n
	return v
}

// Varint reads a zig-zag varint.
func (r *Reader) Varint() int64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Varint(r.buf[r.off:])
	if n <= 0 {
		r.Fail("bad varint")
		return 0
	}
	r.off += n
	return v
}

// Uint64 reads eight bytes, big endian.
func (r *Reader) Uint64() uint64 {
	p := r.take(8)
	if p == nil {
		return 0
	}
	return binary.BigEndian.Uint64(p)
}

// Uint32 reads four bytes, big endian.
func (r *Reader) Uint32() uint32 {
	p := r.take(4)
	if p == nil {
		return 0
	}
	return binary.BigEndian.Uint32(p)
}

// Float64 reads eight bytes as an IEEE 754 number.
func (r *Reader) Float64() float64 { return math.Float64frombits(r.Uint64()) }

// String reads a length and that many bytes.
func (r *Reader) String() string { return string(r.Bytes()) }

// Bytes reads a length and that many bytes. The result aliases the input.
func (r *Reader) Bytes() []byte {
	n := r.Uvarint()
	if r.err != nil {
		return nil
	}
	if n > uint64(r.Len()) {
		r.Fail("length %d of %d bytes left", n, r.Len())
		return nil
	}
	return r.take(int(n))
}

// Count reads the number of elements that follow. Each element takes at least
// elementMin bytes (1 when less is given), so a count that the rest of the
// input can't hold is refused before the caller allocates for it.
func (r *Reader) Count(elementMin int) int {
	n := r.Uvarint()
	if r.err != nil {
		return 0
	}
	if n > uint64(r.Len()/max(elementMin, 1)) {
		r.Fail("count %d in %d bytes", n, r.Len())
		return 0
	}
	return int(n)
}

// Duration reads what [AppendDuration] wrote.
func (r *Reader) Duration() time.Duration { return time.Duration(r.Varint()) }

// Time reads what [AppendTime] wrote, in UTC.
func (r *Reader) Time() time.Time {
	v := r.Varint()
	if r.err != nil || v == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, v).UTC()
}

// Rest returns everything not yet read and moves to the end.
func (r *Reader) Rest() []byte { return r.take(r.Len()) }

func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > r.Len() {
		r.Fail("%d bytes wanted, %d left", n, r.Len())
		return nil
	}
	p := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return p
}
