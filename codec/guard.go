package codec

import (
	"encoding/binary"
	"fmt"
)

// checkStructure walks one msgpack value without decoding it and reports what
// would make a decoder read past the end, allocate for elements that aren't
// there, recurse without end, or leave bytes over. It allocates only for errors.
//
// Every value takes at least one byte, so the number of values still owed at all
// levels together may never exceed the bytes that are left.
func checkStructure(b []byte) error {
	at, deepest, err := walk(b)
	switch {
	case err != nil:
		return err
	case deepest > MaxDepth:
		return fmt.Errorf("%w: more than %d levels", ErrTooDeep, MaxDepth)
	case at != len(b):
		return fmt.Errorf("%w: %d bytes left over after the value", ErrMalformed, len(b)-at)
	}
	return nil
}

// walk returns the offset behind the first value of b and how deep it nests. It
// gives up as soon as the value is deeper than MaxDepth.
func walk(b []byte) (at, deepest int, err error) {
	var open [MaxDepth + 1]uint64 // values owed at each open level
	depth := 0
	open[0] = 1
	owed := uint64(1)
	for {
		for open[depth] == 0 {
			if depth == 0 {
				return at, deepest, nil
			}
			depth--
		}
		if at >= len(b) {
			return at, deepest, fmt.Errorf("%w: truncated at byte %d", ErrMalformed, at)
		}
		skip, children, ok := header(b[at:])
		if !ok {
			return at, deepest, fmt.Errorf("%w: bad or truncated value at byte %d", ErrMalformed, at)
		}
		left := uint64(len(b) - at)
		if skip > left {
			return at, deepest, fmt.Errorf("%w: a value of %d bytes at byte %d, %d are left", ErrMalformed, skip, at, left)
		}
		at += int(skip)
		open[depth]--
		owed += children - 1
		if owed > left-skip {
			return at, deepest, fmt.Errorf("%w: %d elements announced by byte %d, %d bytes are left", ErrMalformed, owed, at, left-skip)
		}
		if children == 0 {
			continue
		}
		depth++
		deepest = max(deepest, depth)
		if depth > MaxDepth {
			return at, deepest, nil
		}
		open[depth] = children
	}
}

// header reads the first bytes of a value: how many bytes belong to the value
// itself and how many values follow as its elements.
func header(b []byte) (skip, children uint64, ok bool) {
	c := b[0]
	switch {
	case c < 0x80 || c >= 0xe0: // fixint
		return 1, 0, true
	case c < 0x90: // fixmap
		return 1, 2 * uint64(c&0x0f), true
	case c < 0xa0: // fixarray
		return 1, uint64(c & 0x0f), true
	case c < 0xc0: // fixstr
		return 1 + uint64(c&0x1f), 0, true
	}
	switch c {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		return 1, 0, true
	case 0xcc, 0xd0:
		return 2, 0, true
	case 0xcd, 0xd1:
		return 3, 0, true
	case 0xca, 0xce, 0xd2:
		return 5, 0, true
	case 0xcb, 0xcf, 0xd3:
		return 9, 0, true
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // fixext 1, 2, 4, 8, 16
		return 2 + 1<<(c-0xd4), 0, true
	case 0xc4, 0xd9: // bin8, str8
		n, ok := length(b, 1)
		return 2 + n, 0, ok
	case 0xc5, 0xda:
		n, ok := length(b, 2)
		return 3 + n, 0, ok
	case 0xc6, 0xdb:
		n, ok := length(b, 4)
		return 5 + n, 0, ok
	case 0xc7, 0xc8, 0xc9: // ext8, ext16, ext32: a type byte after the length
		w := 1 << (c - 0xc7)
		n, ok := length(b, w)
		return 2 + uint64(w) + n, 0, ok
	case 0xdc, 0xdd: // array16, array32
		w := 2 << (c - 0xdc)
		n, ok := length(b, w)
		return 1 + uint64(w), n, ok
	case 0xde, 0xdf: // map16, map32
		w := 2 << (c - 0xde)
		n, ok := length(b, w)
		return 1 + uint64(w), 2 * n, ok
	}
	return 0, 0, false // 0xc1 means nothing
}

// length reads a length of w bytes behind the first byte.
func length(b []byte, w int) (uint64, bool) {
	if len(b) < 1+w {
		return 0, false
	}
	switch w {
	case 1:
		return uint64(b[1]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(b[1:])), true
	default:
		return uint64(binary.BigEndian.Uint32(b[1:])), true
	}
}
