package remote

import (
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/troupe-go/troupe/codec"
)

// opening is how the frames of messages of one type from one sender to one actor begin.
// Asks get one message each, and send one: the frames of those that are alike begin alike
// but for the ask.
type opening struct {
	form   *form
	typ    *codec.Type
	goType reflect.Type
	sender uint64 // its serial; 0: nobody, or any ask
	lane   *lane
	flags  byte   // of answers: what is added to those of the receiver
	head   []byte // up to the ask, if it is the sender; of answers: nothing
	tail   []byte // what is behind the ask, whether that is the sender or the receiver
}

// openings remembers how the last frame began, for messages that begin alike. The zero
// value is ready, and safe for concurrent use.
type openings struct {
	last   atomic.Pointer[opening]
	misses atomic.Uint32
}

// missesMax is how often the last opening may not fit before another takes its place.
const missesMax = 8

// find returns how a frame with msg of the sender with that serial begins, nil if that
// isn't known, or not any more.
func (o *openings) find(sender uint64, msg any) *opening {
	last := o.last.Load()
	if last == nil || last.sender != sender || last.goType != reflect.TypeOf(msg) || last.form != last.lane.form.Load() {
		return nil
	}
	return last
}

// isFrequent reports whether the present opening, which was not found, is to be
// remembered: not if it is the first, nor if others come as often.
func (o *openings) isFrequent() bool {
	n := o.misses.Add(1)
	return n > 1 && (n%missesMax == 0 || o.last.Load() == nil)
}

// alike returns the openings of messages to where the link leads, from asks or from others.
func (l *link) alike(ask bool) *openings {
	switch {
	case l.ask:
		return &l.peer.answers
	case ask:
		return &l.asks
	}
	return &l.openings
}

// begin appends a frame up to its body, and remembers how it began if it is worth it.
func (l *link) begin(b []byte, d *draft) []byte {
	start := len(b)
	switch o := d.known; {
	case o == nil:
	case l.ask:
		b = appendTargetKey(beginFrame(b, frameMessage), l.to)
		b[start+frameHeader+1] |= o.flags
		return append(b, o.tail...)
	case d.ask != 0:
		return append(appendAsk(append(b, o.head...), d.ask), o.tail...)
	default:
		return append(b, o.head...)
	}
	b = appendMessage(b, l.peer.remote.self, d.form, l.to, d.from, d.ask, d.typ.Name())
	if l.recurs(d) && l.alike(d.ask != 0).isFrequent() {
		l.alike(d.ask != 0).last.Store(l.openingOf(d, b[start:]))
	}
	return b
}

// recurs reports whether a message like this one may begin like it.
func (l *link) recurs(d *draft) bool {
	switch {
	case d.lane == nil:
		return false
	case d.ask != 0:
		return !l.ask && d.form.version >= 3
	case d.sender == 0 && d.from.Path != "":
		return false
	}
	return !l.ask || d.form.version >= 3
}

// openingOf is how messages like this one begin, of which b is the beginning.
func (l *link) openingOf(d *draft, b []byte) *opening {
	o := &opening{form: d.form, typ: d.typ, goType: d.typ.GoType(), sender: d.sender, lane: d.lane}
	name := d.typ.Name()
	switch {
	case l.ask:
		o.tail, o.flags = d.form.appendRest(nil, l.peer.remote.self, d.from, 0, name)
	case d.ask != 0:
		var target, form byte
		o.head, target = d.form.appendTarget(append(beginFrame(nil, frameMessage), 0), l.to)
		o.tail, form = d.form.appendName(nil, name)
		o.head[frameHeader+1] = target | senderHere | form
	default:
		o.head = slices.Clone(b)
	}
	return o
}
