package remote

import (
	"encoding/binary"
	"sync"

	"github.com/troupe-go/troupe/actor"
)

// queue is what waits for one lane's stream. It outlives connections, so what has not
// been taken yet goes out on the next one. Its methods are safe for concurrent use.
type queue interface {
	// write appends a frame of the protocol's own; false: there is no room.
	write(frame []byte) bool
	// open lets what waits flow out on a stream to peer.
	open(o *outbound, peer identity)
	// close takes the stream away, and with it the protocol's own frames: they are
	// for that stream only. It reports whether messages wait.
	close() bool
	// retire takes the stream away if nothing was sent since it was last called.
	// What comes from then on waits for another stream.
	retire() bool
	// idle notes that the association doesn't want the lane any more. It reports
	// whether something has come meanwhile, and then it is wanted again.
	idle() bool
	wanted() bool
	// take hands over what is to be written next on stream o.
	take(o *outbound) []byte
	// drop removes the waiting messages for an incarnation and returns them,
	// behind their kind; uid 0 means all, also those for any incarnation.
	drop(uid uint64) [][]byte
	// position is how many messages were ever appended.
	position() uint64
}

// bufferKept is the largest buffer in bytes that an idle lane keeps.
const bufferKept = 256 << 10

// lane is the outbound queue of one stream to one address: senders append whole
// frames, the transport takes all there is at once.
type lane struct {
	kind laneKind
	max  int // bytes that may wait

	mu       sync.Mutex
	pending  []byte
	flight   []byte    // what the transport is writing
	asked    bool      // the association knows that the lane is wanted
	out      *outbound // the open stream, nil while there is none
	prefix   []byte    // goes first on a new stream
	appended uint64    // user messages ever appended
	queued   uint64    // user messages in pending
	puts     uint64    // frames ever appended
	quietAt  uint64    // puts when the lane was last looked at
	pings    uint64    // appended for the present stream
}

// put appends a frame. ok is false when the lane is full; demand is true when
// somebody must tell the association that the lane is wanted.
func (l *lane) put(frame []byte, user bool) (ok, demand bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending)+len(frame) > l.max && (user || l.kind == laneControl) {
		return false, false // elsewhere the protocol's own frames are few and small
	}
	l.pending = append(l.pending, frame...)
	l.puts++
	if user {
		l.appended++
		l.queued++
	} else if frameKind(frame[frameHeader]) == framePing {
		l.pings++
	}
	if l.out != nil {
		l.out.conn.Flush()
		return true, false
	}
	demand = !l.asked
	l.asked = true
	return true, demand
}

func (l *lane) write(frame []byte) bool {
	ok, _ := l.put(frame, false)
	return ok
}

func (l *lane) position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appended
}

func (l *lane) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) > 0
}

func (l *lane) open(o *outbound, _ identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.asked = o, true
	if l.kind != laneControl {
		l.prefix = appendNumber(nil, framePosition, l.appended-l.queued)
	}
	o.conn.Flush()
}

func (l *lane) close() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.prefix, l.flight, l.pings = nil, nil, nil, 0
	l.filter(func(kind frameKind, _ []byte) bool { return kind == frameUser })
	return len(l.pending) > 0
}

func (l *lane) retire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	quiet := l.puts == l.quietAt && len(l.pending) == 0
	l.quietAt = l.puts
	if quiet {
		l.out = nil
	}
	return quiet
}

func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = len(l.pending) > 0
	if !l.asked {
		l.pending = nil
	}
	return l.asked
}

func (l *lane) take(o *outbound) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out != o {
		return nil
	}
	if p := l.prefix; p != nil {
		l.prefix = nil
		return p
	}
	written := l.flight[:0]
	if len(l.pending) == 0 && cap(written) > bufferKept {
		written = nil
	}
	l.flight, l.pending, l.queued = l.pending, written, 0
	return l.flight
}

func (l *lane) drop(uid uint64) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	var dropped [][]byte
	l.filter(func(kind frameKind, body []byte) bool {
		if kind != frameUser || uid != 0 && targetUID(body) != uid {
			return true
		}
		dropped = append(dropped, append([]byte(nil), body...))
		return false
	})
	return dropped
}

// filter keeps the waiting frames that keep says yes to.
func (l *lane) filter(keep func(kind frameKind, body []byte) bool) {
	kept := l.pending[:0]
	l.queued = 0
	for b := l.pending; len(b) > 0; {
		n := frameHeader + int(binary.BigEndian.Uint32(b))
		kind := frameKind(b[frameHeader])
		if keep(kind, b[frameHeader+1:n]) {
			kept = append(kept, b[:n]...)
			if kind == frameUser {
				l.queued++
			}
		}
		b = b[n:]
	}
	l.pending = kept
}

// targetUID reads the incarnation that an envelope is for; 0 if any.
func targetUID(b []byte) uint64 {
	if e, err := readUser(b); err == nil {
		return e.TargetUID
	}
	return 0
}

// dropFrames makes dead letters of frames that never left.
func (p *peer) dropFrames(frames [][]byte, reason actor.DropReason) {
	for _, b := range frames {
		e, err := readUser(b)
		if err != nil {
			continue // we wrote it: can't happen
		}
		p.remote.deadLetter(actor.Location{Addr: p.addr, UID: e.TargetUID, Path: string(e.Path), ID: e.ID}, e, p.remote.self, reason)
	}
}
