package remote

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/actor"
)

// queue is what waits for one lane's stream. It outlives connections, so what has not
// been taken yet goes out on the next one. Its methods are safe for concurrent use.
type queue interface {
	// write appends a frame of the protocol's own; false: there is no room.
	write(frame []byte) bool
	// open lets what waits flow out on a stream to peer, in form f. It returns the
	// frames that found no room in that form, and those that are larger in it than the
	// peer takes on this stream, both without their length.
	open(o *outbound, peer identity, f *form) (dropped, outsize [][]byte)
	// close takes the stream away, and with it the protocol's own frames: they are
	// for that stream only. It reports whether messages wait, and returns those
	// that found no room without the stream's table.
	close() (waiting bool, dropped [][]byte)
	// retire takes the stream away if nothing was sent since it was last called.
	// What comes from then on waits for another stream.
	retire() bool
	// idle notes that the association doesn't want the lane any more. It reports
	// whether something has come meanwhile, and then it is wanted again.
	idle() bool
	wanted() bool
	// take hands over what is to be written next on stream o, in pieces, none of
	// them empty.
	take(o *outbound) [][]byte
	// drop removes the waiting messages for an incarnation and returns their
	// frames without their length; uid 0 means all, also those for any incarnation.
	drop(uid uint64) [][]byte
	// pinged is how many pings the stream has taken.
	pinged() uint64
	// end is drop of everything, and of what comes later.
	end() [][]byte
	// position is how many messages were ever appended.
	position() uint64
	// load is how much waits: messages and bytes.
	load() (messages, bytes int)
}

// corkMax is how much may wait for the next pause of reading, in bytes.
const corkMax = 8 << 10

// lane is the outbound queue of one stream to one address: senders append whole
// frames, the transport takes all there is at once.
type lane struct {
	kind laneKind
	max  int // bytes that may wait

	// lone: the last that came from the node was a single message, and nothing has been
	// sent since. The answer is best written at once: nobody is about to send more, and
	// to wake the goroutine that writes takes longer than the writing. nil: never.
	lone *atomic.Bool

	// reading is how many streams of the node are being read just now, nil: doesn't
	// matter. What comes may make many send at once, so the first waits for the others:
	// most of what they cost is in the writing.
	reading *atomic.Int32
	corked  atomic.Bool // something waits for the next pause of reading

	// form is how messages are to be written. Senders write without the lock and
	// write anew when it has changed meanwhile.
	form atomic.Pointer[form]

	mu       sync.Mutex
	pending  backlog
	flight   [][]byte  // what the transport is writing
	pieces   [][]byte  // the same, for the transport to work off
	asked    bool      // the association knows that the lane is wanted
	out      *outbound // the open stream, nil while there is none
	prefix   []byte    // goes first on a new stream
	appended uint64    // user messages ever appended
	puts     uint64    // frames ever appended
	quietAt  uint64    // puts when the lane was last looked at
	pings    uint64    // appended for the present stream
	base     *sendTable
	adopted  []*sendTable // tables that pending changes to, one after the other
	room     room
	over     bool // nothing is taken any more
}

func newLane(kind laneKind, max int, patience func(func()) actor.Timer) *lane {
	l := &lane{kind: kind, max: max, room: room{patience: patience}}
	l.form.Store(bareForm)
	return l
}

// put is what became of a frame.
type put struct {
	ok     bool
	stale  bool        // the form has changed: write it anew
	demand bool        // somebody must tell the association that the lane is wanted
	room   *actor.Gate // there is none: opens when it is worth trying again
	prompt PromptConn  // whoever put it writes it, too
	kept   bool        // the frame's buffer; other is one in its place, nil if there is none
	other  []byte
	over   bool // nothing is taken any more
}

// put appends a frame that was written in form f; nil: any will do. It may keep the
// frame's buffer.
func (l *lane) put(frame []byte, f *form, patient bool) put {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f != nil && f != l.form.Load() {
		return put{stale: true}
	}
	if l.over {
		return put{over: true}
	}
	if l.pending.bytes+len(frame) > l.max && (f != nil || l.kind == laneControl) { // elsewhere the protocol's own frames are few and small
		return put{room: l.room.wait(&l.mu, patient)}
	}
	done := put{ok: true}
	first := l.pending.bytes == 0
	l.puts++
	if f != nil {
		done.other, done.kept = l.pending.own(frame)
		l.appended++
	} else {
		l.pending.add(frame)
		if frameKind(frame[frameHeader]) == framePing {
			l.pings++
		}
	}
	switch {
	case l.out == nil:
		done.demand = !l.asked
		l.asked = true
	case !first: // it is known already
		if l.pending.bytes >= corkMax && l.uncorks() {
			l.out.conn.Flush()
		}
	default:
		if f != nil && l.lone != nil && l.lone.Load() && l.lone.Swap(false) {
			if prompt, ok := l.out.conn.(PromptConn); ok {
				done.prompt = prompt
				return done
			}
		}
		if f != nil && l.reading != nil && l.reading.Load() > 0 {
			l.corked.Store(true)
			if l.reading.Load() > 0 || !l.uncorks() { // it may have ended in between
				return done
			}
		}
		l.out.conn.Flush()
	}
	return done
}

// uncorks reports whether the caller is the one who has to have written what waited.
func (l *lane) uncorks() bool { return l.corked.Load() && l.corked.CompareAndSwap(true, false) }

// uncork writes what waited for a pause of reading.
func (l *lane) uncork() {
	if !l.uncorks() {
		return
	}
	l.mu.Lock()
	o := l.out
	l.mu.Unlock()
	if o == nil {
		return
	}
	if prompt, ok := o.conn.(PromptConn); ok {
		prompt.FlushNow()
	} else {
		o.conn.Flush()
	}
}

func (l *lane) write(frame []byte) bool { return l.put(frame, nil, false).ok }

func (l *lane) position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appended
}

func (l *lane) load() (messages, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.pending.messages), l.pending.bytes
}

func (l *lane) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending.bytes > 0
}

func (l *lane) open(o *outbound, peer identity, f *form) (dropped, outsize [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.asked, l.base, l.adopted = o, true, nil, nil
	l.form.Store(f)
	dropped, outsize = l.convert(abilities{Version: f.version, Features: peer.Can.Features}, peer.FrameMax)
	before := l.appended - l.pending.messages
	l.prefix = appendNumber(nil, framePosition, before)
	o.account.open(before)
	o.conn.Flush()
	return dropped, outsize
}

// adopt writes by a table from now on, and says so to the other end. A full lane
// ignores it.
func (l *lane) adopt(o *outbound, table *sendTable) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out != o || l.pending.bytes > l.max {
		return
	}
	next := *l.form.Load()
	next.table = table
	l.form.Store(&next)
	l.adopted = append(l.adopted, table)
	l.pending.add(appendNumber(nil, frameTaken, table.version))
	o.conn.Flush()
}

func (l *lane) close() (waiting bool, dropped [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave()
	l.prefix, l.flight, l.pieces, l.pings = nil, nil, nil, 0 // the transport may still be writing
	l.form.Store(bareForm)
	dropped, _ = l.convert(abilities{Version: protocolVersion, Features: featuresAll}, 0)
	l.base, l.adopted = nil, nil
	l.filter(func(kind frameKind, _ []byte) bool { return isMessage(kind) })
	return l.pending.bytes > 0, dropped
}

// leave takes the stream away: what it has taken by now is what was sent on it. The lock
// is held.
func (l *lane) leave() {
	if l.out != nil {
		l.out.account.sent.Store(l.appended - l.pending.messages)
		l.out = nil
	}
}

func (l *lane) pinged() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	pings := l.pings
	l.pending.each(func(kind frameKind, _ []byte) {
		if kind == framePing {
			pings--
		}
	})
	return pings
}

func (l *lane) end() [][]byte {
	l.mu.Lock()
	l.over = true
	room := l.room.found()
	l.mu.Unlock()
	if room != nil {
		room.Open()
	}
	return l.drop(0)
}

func (l *lane) retire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	quiet := l.puts == l.quietAt && l.pending.bytes == 0
	l.quietAt = l.puts
	if quiet {
		l.leave()
		l.pending, l.flight, l.pieces = backlog{}, nil, nil
		l.form.Store(bareForm)
	}
	return quiet
}

func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = l.pending.bytes > 0
	if !l.asked {
		l.pending = backlog{}
	}
	return l.asked
}

func (l *lane) take(o *outbound) [][]byte {
	l.mu.Lock()
	if l.out != o {
		l.mu.Unlock()
		return nil
	}
	if p := l.prefix; p != nil {
		l.prefix = nil
		l.mu.Unlock()
		return [][]byte{p}
	}
	l.flight = l.pending.take(l.flight)
	l.pieces = append(l.pieces[:0], l.flight...)
	l.base, l.adopted = l.form.Load().table, nil
	pieces := l.pieces
	room := l.room.found()
	l.mu.Unlock()
	if room != nil {
		room.Open()
	}
	return pieces
}

func (l *lane) drop(uid uint64) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	var dropped [][]byte
	l.filter(func(kind frameKind, body []byte) bool {
		if !isMessage(kind) || uid != 0 && targetUID(kind, body) != uid {
			return true
		}
		dropped = append(dropped, append([]byte{byte(kind)}, body...))
		return false
	})
	return dropped
}

// filter keeps the waiting frames that keep says yes to.
func (l *lane) filter(keep func(kind frameKind, body []byte) bool) {
	l.pending.replace(func(kind frameKind, frame []byte) []byte {
		if !keep(kind, frame[frameHeader+1:]) {
			return nil
		}
		return frame
	})
}

// convert writes what waits without tables, and in a form that an end with such abilities
// understands. It returns the messages that have no room so, and those that are longer
// than most bytes, if that isn't 0.
func (l *lane) convert(can abilities, most int) (dropped, outsize [][]byte) {
	literal := l.base == nil && len(l.adopted) == 0 && can.readAll()
	if literal && !l.exceeds(most) || l.pending.bytes == 0 {
		return nil, nil
	}
	table, adopted := l.base, l.adopted
	size := 0
	l.pending.replace(func(kind frameKind, frame []byte) []byte {
		switch {
		case kind == frameTaken:
			table, adopted = adopted[0], adopted[1:]
			return nil
		case kind == frameMessage && !literal:
			var ok bool
			if frame, ok = rewritten(frame, table, can); !ok {
				return nil // we wrote it: can't happen
			}
		}
		switch {
		case !isMessage(kind):
		case outgrown(frame, most):
			outsize = append(outsize, bytes.Clone(frame[frameHeader:]))
			return nil
		case size+len(frame) > 2*l.max:
			dropped = append(dropped, bytes.Clone(frame[frameHeader:]))
			return nil
		}
		size += len(frame)
		return frame
	})
	return dropped, outsize
}

// exceeds reports whether a message waits that is longer than most bytes.
func (l *lane) exceeds(most int) (found bool) {
	l.pending.each(func(kind frameKind, frame []byte) { found = found || isMessage(kind) && outgrown(frame, most) })
	return found
}

// outgrown reports whether a frame is longer than most bytes; 0 is no bound.
func outgrown(frame []byte, most int) bool { return most > 0 && len(frame)-frameHeader > most }

// readAll reports whether messages in literal form are understood as they are.
func (own abilities) readAll() bool {
	const all = featureS2 | featureExtras
	return own.Version >= 3 && own.Features&all == all
}

// rewritten is a message in literal form, or in that of an older version, with nothing
// that an end with such abilities doesn't understand.
func rewritten(frame []byte, table *sendTable, can abilities) ([]byte, bool) {
	m, err := readMessage(frame[frameHeader+1:])
	if err == nil {
		err = table.literal(&m)
	}
	if err == nil && m.Flags&bodyS2 != 0 && can.Features&featureS2 == 0 {
		m.Body, err = unpack(m.Body, largeMaxMax)
		m.Flags &^= bodyS2
	}
	if err != nil {
		return nil, false
	}
	if can.Features&featureExtras == 0 {
		m.Flags &^= withExtras
	}
	if can.Version >= 3 {
		return m.append(nil), true
	}
	e, err := m.envelope()
	return e.append(nil), err == nil
}

func isMessage(kind frameKind) bool { return kind == frameUser || kind == frameMessage }

// eachFrame calls f for every frame of a buffer, each with its length.
func eachFrame(b []byte, f func(kind frameKind, frame []byte)) {
	for len(b) > 0 {
		n := frameHeader + int(binary.BigEndian.Uint32(b))
		f(frameKind(b[frameHeader]), b[:n])
		b = b[n:]
	}
}

// envelopeOf takes a message apart that has no indexes, whatever its layout.
func envelopeOf(kind frameKind, body []byte) (envelope, error) {
	if kind == frameUser {
		return readUser(body)
	}
	m, err := readMessage(body)
	if err == nil && m.Flags&bodyS2 != 0 {
		m.Body, err = unpack(m.Body, largeMaxMax)
	}
	if err != nil {
		return envelope{}, err
	}
	return m.envelope()
}

// targetUID reads the incarnation that a message is for; 0 if any.
func targetUID(kind frameKind, body []byte) uint64 {
	switch {
	case kind == frameMessage && len(body) > 8 && body[0]&targetForm == targetOne:
		return binary.BigEndian.Uint64(body[1:])
	case kind == frameUser:
		if e, err := readUser(body); err == nil {
			return e.TargetUID
		}
	}
	return 0
}

// dropFrames makes dead letters of frames that never left.
func (p *peer) dropFrames(frames [][]byte, reason actor.DropReason, cause error) {
	for _, b := range frames {
		e, err := envelopeOf(frameKind(b[0]), b[1:])
		if err != nil {
			continue // we wrote it: can't happen
		}
		p.instruments.drop(reason)
		p.remote.deadLetter(actor.Location{Addr: p.addr, UID: e.TargetUID, Path: string(e.Path), ID: e.ID}, e, p.remote.self, reason, cause)
	}
}
