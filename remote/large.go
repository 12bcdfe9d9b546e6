package remote

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/wire"
)

const (
	largeMaxDefault = 64 << 20
	largeMaxMax     = 1 << 30
	largeCountMax   = 256      // messages that may wait for one peer
	largeFirst      = 64 << 10 // bytes of parts that may be sent ahead of any credit
	largeWindow     = 1 << 20  // bytes ahead of what has arrived, of a message there is room for
	partMax         = 64 << 10
	partHeaderMax   = 1 + binary.MaxVarintLen64
)

// Flags of a part.
const (
	partFirst = 1 << 0 // the length of the whole message follows
	partLast  = 1 << 1
)

// largeLane is the queue of the stream for large messages. They go out one after
// the other, in parts, and no further than the receiver has given credit: so that
// it never holds more of them than it has room for.
type largeLane struct {
	max int // bytes that may wait

	mu       sync.Mutex
	waiting  [][]byte // whole frames
	own      []byte   // frames of the protocol's own, behind all messages
	bytes    int      // of waiting
	at       int      // how much of the first has been handed over
	flight   []byte
	asked    bool
	out      *outbound
	partMax  int
	prefix   []byte
	sent     uint64 // bytes of parts handed over on this stream
	granted  uint64 // how many may be
	appended uint64
	puts     uint64
	quietAt  uint64
	pings    uint64 // that the stream has taken
	room     room
	over     bool
}

// put appends a message, which it keeps, as lane.put does.
func (l *largeLane) put(frame []byte, patient bool) put {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return put{over: true}
	}
	if len(l.waiting) >= largeCountMax || l.bytes+len(frame) > l.max {
		return put{room: l.room.wait(&l.mu, patient)}
	}
	l.waiting = append(l.waiting, frame)
	l.bytes += len(frame)
	l.appended++
	return put{ok: true, demand: l.rouse()}
}

// rouse lets go what was appended, and says whether the association must be told.
func (l *largeLane) rouse() (demand bool) {
	l.puts++
	if l.out != nil {
		l.out.conn.Flush()
		return false
	}
	demand = !l.asked
	l.asked = true
	return demand
}

func (l *largeLane) write(frame []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.own)+len(frame) > frameMaxGreet {
		return false
	}
	l.own = append(l.own, frame...)
	l.rouse()
	return true
}

func (l *largeLane) open(o *outbound, peer identity, _ *form) (dropped, outsize [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	outsize = l.convert(peer.Can)
	l.out, l.asked, l.at, l.sent, l.granted = o, true, 0, 0, largeFirst
	l.partMax = min(partMax, peer.FrameMax-partHeaderMax-1)
	before := l.appended - uint64(len(l.waiting))
	l.prefix = appendNumber(nil, framePosition, before)
	o.account.open(before)
	l.pings = 0
	o.conn.Flush()
	return nil, outsize
}

// sendApart has messages that waited for a lane and are too large for the frames that the
// peer takes there travel in parts, if it takes them at all.
func (p *peer) sendApart(now time.Time, lane laneKind, outsize [][]byte) {
	large, _ := p.lanes[laneLarge].(*largeLane)
	for _, b := range outsize {
		reason, cause := actor.DropTooLarge, error(tooLarge{size: len(b), most: p.assoc.peer.FrameMax, node: p.addr})
		if lane.stream() == streamOrdinary && frameKind(b[0]) == frameMessage && len(b) <= p.assoc.peer.Can.LargeMax {
			result := large.put(endFrame(append(make([]byte, frameHeader, frameHeader+len(b)), b...), 0), false)
			if result.demand {
				p.assoc.demand(now, laneLarge)
			}
			if result.ok {
				p.sentBefore.Add(1)
				continue
			}
			reason, cause = actor.DropBackpressure, nil
		}
		p.dropFrames([][]byte{b}, reason, cause)
	}
}

// convert writes what waits in a form that an end with such abilities understands. It
// returns the messages that are too large in it.
func (l *largeLane) convert(can abilities) (outsize [][]byte) {
	kept := l.waiting[:0]
	l.bytes = 0
	for _, frame := range l.waiting {
		again, ok := frame, true
		if !can.readAll() && frame[frameHeader+1]&(bodyS2|withExtras) != 0 {
			again, ok = rewritten(frame, nil, can)
		}
		if !ok || outgrown(again, can.LargeMax) {
			outsize = append(outsize, frame[frameHeader:])
			continue
		}
		frame = again
		kept = append(kept, frame)
		l.bytes += len(frame)
	}
	clear(l.waiting[len(kept):])
	l.waiting = kept
	return outsize
}

// credit notes how many bytes of parts the receiver takes in all on stream o.
func (l *largeLane) credit(o *outbound, n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == o && n > l.granted {
		l.granted = n
		o.conn.Flush()
	}
}

// close begins a message that was cut off anew on the next stream: its receiver
// can't have got it without its last part.
func (l *largeLane) close() (waiting bool, dropped [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave()
	l.prefix, l.flight, l.own, l.at = nil, nil, nil, 0
	return len(l.waiting) > 0, nil
}

func (l *largeLane) load() (messages, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting), l.bytes
}

func (l *largeLane) retire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	quiet := l.puts == l.quietAt && !l.pending()
	l.quietAt = l.puts
	if quiet {
		l.leave()
	}
	return quiet
}

// leave is that of lane.
func (l *largeLane) leave() {
	if l.out != nil {
		l.out.account.sent.Store(l.appended - uint64(len(l.waiting)))
		l.out = nil
	}
}

func (l *largeLane) pinged() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pings
}

func (l *largeLane) end() [][]byte {
	l.mu.Lock()
	l.over = true
	room := l.room.found()
	l.mu.Unlock()
	if room != nil {
		room.Open()
	}
	return l.drop(0)
}

func (l *largeLane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = l.pending()
	if !l.asked {
		l.waiting, l.flight = nil, nil
	}
	return l.asked
}

func (l *largeLane) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending()
}

func (l *largeLane) pending() bool { return len(l.waiting) > 0 || len(l.own) > 0 }

func (l *largeLane) position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appended
}

func (l *largeLane) take(o *outbound) [][]byte {
	l.mu.Lock()
	if l.out != o {
		l.mu.Unlock()
		return nil
	}
	was := len(l.waiting)
	b := l.next()
	var room *actor.Gate
	if len(l.waiting) < was {
		room = l.room.found()
	}
	l.mu.Unlock()
	if room != nil {
		room.Open()
	}
	if len(b) == 0 {
		return nil
	}
	return [][]byte{b}
}

// next is what is to be written next.
func (l *largeLane) next() []byte {
	if p := l.prefix; p != nil {
		l.prefix = nil
		return p
	}
	if len(l.waiting) == 0 {
		b := l.own
		eachFrame(b, func(kind frameKind, _ []byte) {
			if kind == framePing {
				l.pings++
			}
		})
		l.own, l.flight = nil, nil
		return b
	}
	return l.part()
}

// part makes the next part, as far as the credit goes.
func (l *largeLane) part() []byte {
	message := l.waiting[0][frameHeader:]
	n := min(l.partMax, len(message)-l.at, int(min(l.granted-l.sent, partMax)))
	if n == 0 {
		return nil
	}
	flags := byte(0)
	if l.at == 0 {
		flags |= partFirst
	}
	if l.at+n == len(message) {
		flags |= partLast
	}
	b := append(beginFrame(l.flight[:0], framePart), flags)
	if l.at == 0 {
		b = wire.AppendUvarint(b, uint64(len(message)))
	}
	l.flight = endFrame(append(b, message[l.at:l.at+n]...), 0)
	l.at += n
	l.sent += uint64(n)
	if flags&partLast != 0 {
		l.bytes -= len(l.waiting[0])
		l.waiting[0] = nil
		l.waiting, l.at = l.waiting[1:], 0
	}
	return l.flight
}

// drop keeps a message of which the receiver has a part: the stream must go on
// where it is.
func (l *largeLane) drop(uid uint64) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	var dropped, kept [][]byte
	for k, frame := range l.waiting {
		if k == 0 && l.at > 0 || uid != 0 && targetUID(frameMessage, frame[frameHeader+1:]) != uid {
			kept = append(kept, frame)
			continue
		}
		l.bytes -= len(frame)
		dropped = append(dropped, frame[frameHeader:])
	}
	l.waiting = kept
	return dropped
}
