package remote

import "slices"

const (
	chunkMax   = 64 << 10  // bytes of a chunk of several frames
	chunkFirst = 512       // room in the first one
	chunkKept  = 256 << 10 // bytes of written chunks that are kept for what comes next, whatever is needed
	ownMin     = 16 << 10  // a frame from this length on need not be copied
	highFades  = 64        // how slowly it is forgotten how much has waited
)

// backlog is a queue of frames that wait to be written. It is made of chunks of whole
// frames, so that it grows without copying what waits. The zero value is empty.
type backlog struct {
	chunks   [][]byte // oldest first; the last may grow
	bytes    int
	messages uint64   // of users, among the frames
	high     int      // the most that was taken lately, in bytes
	spare    [][]byte // what was written, for what comes next: bursts find the buffers of the last ones
	kept     int      // bytes of it
}

// add appends a frame.
func (q *backlog) add(frame []byte) {
	c := q.room(len(frame))
	*c = append(*c, frame...)
	q.count(frame)
}

// own appends a frame whose buffer it keeps, if that is worth it, and returns another
// for it, which may be nil.
func (q *backlog) own(frame []byte) (other []byte, owned bool) {
	if len(frame) < ownMin || cap(frame) > 2*len(frame) {
		q.add(frame)
		return nil, false
	}
	q.chunks = append(q.chunks, frame)
	q.count(frame)
	return q.find(len(frame)), true
}

// count notes a frame that was appended.
func (q *backlog) count(frame []byte) {
	q.bytes += len(frame)
	if isMessage(frameKind(frame[frameHeader])) {
		q.messages++
	}
}

// room returns the chunk to which n bytes are appended next.
func (q *backlog) room(n int) *[]byte {
	first := chunkFirst
	if last := len(q.chunks) - 1; last >= 0 {
		if c := &q.chunks[last]; len(*c)+n <= chunkMax {
			return c
		}
		first = chunkMax // there is much to send
	}
	b := q.find(n)
	if b == nil {
		b = make([]byte, 0, max(n, first))
	}
	q.chunks = append(q.chunks, b)
	return &q.chunks[len(q.chunks)-1]
}

// take removes all frames; the chunks of them are put into flight, and then those of
// what was in flight before are spare.
func (q *backlog) take(flight [][]byte) [][]byte {
	q.high = max(q.bytes, q.high-q.high/highFades)
	for _, b := range flight {
		q.written(b)
	}
	clear(flight)
	flight, q.chunks = q.chunks, flight[:0]
	q.bytes, q.messages = 0, 0
	return flight
}

// written makes a buffer a spare one.
func (q *backlog) written(b []byte) {
	q.spare = append(q.spare, b[:0])
	q.kept += cap(b)
	for most := max(q.high+q.high/4, chunkKept); q.kept > most; { // buffers have some room left
		q.kept -= cap(q.spare[0])
		q.spare = slices.Delete(q.spare, 0, 1)
	}
}

// find takes a spare buffer of at least n bytes, the one that was used last; nil if there
// is none.
func (q *backlog) find(n int) []byte {
	for i := len(q.spare) - 1; i >= 0; i-- {
		if b := q.spare[i]; cap(b) >= n {
			last := len(q.spare) - 1
			q.spare[i], q.spare[last] = q.spare[last], nil
			q.spare = q.spare[:last]
			q.kept -= cap(b)
			return b
		}
	}
	return nil
}

// each calls f for every frame, oldest first, each with its length.
func (q *backlog) each(f func(kind frameKind, frame []byte)) {
	for _, c := range q.chunks {
		eachFrame(c, f)
	}
}

// replace makes what f returns of every frame the backlog; nil: nothing.
func (q *backlog) replace(f func(kind frameKind, frame []byte) []byte) {
	var next backlog
	for _, c := range q.chunks {
		eachFrame(c, func(kind frameKind, frame []byte) {
			if b := f(kind, frame); b != nil {
				next.add(b)
			}
		})
		next.written(c)
	}
	*q = next
}
