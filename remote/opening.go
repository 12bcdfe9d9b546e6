package remote

import (
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/troupe-go/troupe/codec"
)

// opening is how the frames of messages of one type from one sender begin: to one actor,
// or, to asks, behind the receiver, since each gets one message.
type opening struct {
	form   *form
	typ    *codec.Type
	goType reflect.Type
	sender uint64 // its serial
	lane   *lane
	flags  byte // for asks
	bytes  []byte
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

// alike returns the openings of messages to where the link leads.
func (l *link) alike() *openings {
	if l.ask {
		return &l.peer.answers
	}
	return &l.openings
}

// begin appends a frame up to its body, and remembers how it began if it is worth it.
func (l *link) begin(b []byte, d *draft) []byte {
	if o := d.known; o != nil {
		if !l.ask {
			return append(b, o.bytes...)
		}
		at := len(b) + frameHeader + 1
		b = appendTargetKey(beginFrame(b, frameMessage), l.to)
		b[at] |= o.flags
		return append(b, o.bytes...)
	}
	self := l.peer.remote.self
	start := len(b)
	b = appendMessage(b, self, d.form, l.to, d.from, d.ask, d.typ.Name())
	if d.lane == nil || d.sender == 0 && (d.ask != 0 || d.from.Path != "") || l.ask && d.form.version < 3 || !l.alike().isFrequent() {
		return b
	}
	o := &opening{form: d.form, typ: d.typ, goType: d.typ.GoType(), sender: d.sender, lane: d.lane}
	if l.ask {
		o.bytes, o.flags = d.form.appendRest(nil, self, d.from, 0, d.typ.Name())
	} else {
		o.bytes = slices.Clone(b[start:])
	}
	l.alike().last.Store(o)
	return b
}
