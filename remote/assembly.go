package remote

import (
	"fmt"

	"github.com/troupe-go/troupe/internal/wire"
)

// assembly is the receiving half of the stream for large messages: it joins parts,
// counts credit, and never holds more than what has arrived of one message.
type assembly struct {
	max int // bytes of one message

	buf      []byte
	have     int // bytes of the message under way that have come
	total    int // all of them; 0: none is
	reserved bool
	discards bool   // the rest of it is not kept
	got      uint64 // bytes of parts on this stream
	granted  uint64 // how many the sender may send
}

func newAssembly(max int) *assembly { return &assembly{max: max, granted: largeFirst} }

// part takes the next part. It returns the message when that was its last: a frame
// without its length, valid until the next part; of one to discard, its beginning.
func (a *assembly) part(b []byte) (message []byte, err error) {
	r := wire.NewReader(b)
	flags := r.Byte()
	if first := flags&partFirst != 0; first != (a.total == 0) {
		return nil, fmt.Errorf("%w: part with flags %d while %d bytes of a message are missing", errFrame, flags, a.total-a.have)
	}
	if a.total == 0 {
		total := r.Uvarint()
		if r.Err() == nil && (total == 0 || total > uint64(a.max)) {
			return nil, fmt.Errorf("%w: a message of %d bytes in parts, at most %d", errFrameSize, total, a.max)
		}
		a.total = int(total)
	}
	data := r.Rest()
	if err := r.Err(); err != nil {
		return nil, err
	}
	a.got += uint64(len(data))
	whole := a.have + len(data)
	switch {
	case len(data) == 0:
		return nil, fmt.Errorf("%w: an empty part", errFrame)
	case a.got > a.granted:
		return nil, fmt.Errorf("%w: %d bytes of parts, granted %d", errFrame, a.got, a.granted)
	case whole > a.total || (flags&partLast != 0) != (whole == a.total):
		return nil, fmt.Errorf("%w: %d bytes of a message of %d in parts with flags %d", errFrame, whole, a.total, flags)
	}
	if !a.discards {
		a.buf = append(a.buf, data...)
	}
	if a.have = whole; whole < a.total {
		return nil, nil
	}
	message = a.buf
	a.buf, a.have, a.total, a.reserved, a.discards = nil, 0, 0, false, false
	return message, nil
}

// discard keeps no more of the message under way than has come: that is what part
// returns in the end. It needs no room.
func (a *assembly) discard() { a.discards, a.reserved = true, true }

// grant returns how many bytes the sender may send in all, and whether it should be
// told: it gets far ahead only with a message that there is room for.
func (a *assembly) grant() (uint64, bool) {
	upTo := a.got + largeFirst
	if a.total > 0 {
		if !a.reserved {
			return a.granted, false
		}
		upTo = a.got + largeWindow
	}
	if upTo < a.granted+largeFirst/2 {
		return a.granted, false
	}
	a.granted = upTo
	return upTo, true
}
