package remote

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

const (
	backMax = 64 << 10 // bytes that may wait on the way back
)

// inbound is a connection that another node dialed: one stream of that node. Who
// is at the other end is settled by the handshake and holds for everything on it.
type inbound struct {
	remote *Remote
	id     uint64
	conn   Conn
	host   string      // of the other end, for counting
	timer  actor.Timer // until the handshake is done

	open atomic.Bool // the welcome was said
	dead atomic.Bool // whatever comes is no longer wanted

	mu      sync.Mutex
	back    []byte // waits for the way back
	flight  []byte
	pieces  [1][]byte  // flight, for the transport to work off
	greeted bool       // the magic is said
	closing bool       // close when everything is written
	busy    bool       // Data runs
	heirs   []*inbound // connections that wait for Data to end

	stopping bool   // nothing more is read, and the sender is to be told
	last     []byte // what it is told besides
	linger   actor.Timer
	over     bool

	session atomic.Pointer[session] // the dialer has proved itself by it

	// The rest is touched by Data only, and who and lane are read by others
	// after the hello only.
	frames    frames
	unlimited bool
	asked     *asked // a proof is awaited
	who       identity
	class     Class
	denied    codec.Right
	lane      laneKind
	peer      *peer
	got       uint64 // messages that have arrived on this lane, and before it
	said      uint64 // how many the sender was told of
	parts     inParts
	delivery
	pacing
	refusing bool // new work is not taken at present
	skipped  int  // frames of unknown kinds
	begun    begun
}

// Data reads what the other node sends.
func (i *inbound) Data(b []byte) {
	if !i.enter() {
		return
	}
	defer i.leave()
	if !i.unlimited && i.open.Load() {
		i.unlimited = true
		i.frames.max = i.remote.cfg.frameMax()
	}
	i.refusing = i.lane.carriesUser() && i.remote.overload.refusing.Load()
	var err error
	if i.peer != nil && i.lane.stream() == streamOrdinary {
		err = i.feedOrdinary(b)
	} else {
		err = i.frames.feed(b, i.frame)
	}
	i.handOver()
	i.flushPosition()
	i.count(len(b))
	if i.got-i.said >= receivedEvery {
		i.sayReceived()
	}
	switch {
	case err == nil && i.unlimited:
		i.begun.note(i.remote.clock, i.frames.incomplete(), i.remote.cfg.frameTimeout(), i.late)
	case err != nil && !errors.Is(err, errNoMore):
		i.bad(err, printable(i.who.Addr))
	}
}

// feedOrdinary reads a piece of a stream of messages.
func (i *inbound) feedOrdinary(b []byte) error {
	p, came := i.peer, i.got
	i.look(p)
	p.reading.Add(1)
	err := i.frames.feed(b, i.frame)
	if lone := i.got == came+1; p.lone.Load() != lone {
		p.lone.Store(lone)
	}
	i.pause()
	if p.reading.Add(-1) == 0 {
		p.uncork()
	}
	return err
}

// count tells the peer's instruments of what has been read.
func (i *inbound) count(bytes int) {
	if i.peer == nil {
		return // a stranger
	}
	i.peer.instruments.receivedBytes.Add(uint64(bytes))
	if i.delivered > 0 {
		i.peer.instruments.received.Add(i.delivered)
		i.delivered = 0
	}
}

// late ends a connection on which a frame was begun and not completed.
func (i *inbound) late() { i.bad(errFrameLate, "") }

// bad ends the connection for what came in on it, or did not.
func (i *inbound) bad(err error, peer string) {
	if i.dead.Load() {
		return
	}
	i.remote.stats.badInput.Add(1)
	i.remote.strangers().Str("from", i.conn.Peer()).Str("peer", peer).Err(err).Msg("connection closed: bad input")
	i.kill()
}

// enter begins a call of Data, unless nothing is wanted any more.
func (i *inbound) enter() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.busy = !i.dead.Load()
	return i.busy
}

// leave ends it, and lets those in who waited for that.
func (i *inbound) leave() {
	i.mu.Lock()
	heirs, stopping := i.heirs, i.stopping
	i.busy, i.heirs = false, nil
	i.mu.Unlock()
	if stopping {
		i.stopped()
	}
	for _, heir := range heirs {
		i.remote.welcome(heir.id)
	}
}

// replace ends the connection in favour of another one. It reports whether nothing
// more comes of it; if not, the other is welcomed when that is so.
func (i *inbound) replace(by *inbound) bool {
	i.mu.Lock()
	i.dead.Store(true)
	done := !i.busy
	if !done {
		i.heirs = append(i.heirs, by)
	}
	i.mu.Unlock()
	i.conn.Close()
	return done
}

func (i *inbound) kill() {
	i.dead.Store(true)
	i.conn.Close()
}

func (i *inbound) frame(b []byte) error {
	if i.dead.Load() {
		return errNoMore
	}
	kind, body := frameKind(b[0]), b[1:]
	switch {
	case i.asked != nil:
		return i.proof(kind, body)
	case i.peer == nil:
		return i.hello(kind, body)
	}
	if !i.open.Load() {
		return fmt.Errorf("%w: kind %d before the handshake is done", errFrame, kind)
	}
	if kind == frameMessage {
		return i.message(body)
	}
	i.handOver()
	switch kind {
	case frameUser:
		return i.user(body)
	case frameSystem:
		return i.system(body)
	case framePart:
		return i.part(body)
	case framePing, framePosition, frameTaken:
		n, err := readNumber(body)
		if err != nil {
			return err
		}
		return i.number(kind, n)
	case frameGoodbye:
		i.flushPosition()
		i.sayReceived()
		i.peer.post(func(a *association, now time.Time) { a.goodbye(now, i.id, i.who.UID, i.lane) })
	default:
		return i.skip(kind)
	}
	return nil
}

// skippedMax is how many frames of unknown kinds are put up with on a connection.
const skippedMax = 1000

// skip passes over a frame of a kind that a newer version may have. A node speaks
// the version that was agreed on, so there are few of them, unless it is no node.
func (i *inbound) skip(kind frameKind) error {
	i.remote.stats.skipped.Add(1)
	if i.skipped++; i.skipped > skippedMax {
		return fmt.Errorf("%w: more than %d of unknown kinds, the last of kind %d", errFrame, skippedMax, kind)
	}
	return nil
}

// number handles a frame that is one.
func (i *inbound) number(kind frameKind, n uint64) error {
	switch {
	case kind == framePosition:
		i.got, i.said = n, n
	case kind == frameTaken:
		return i.taken(n)
	case n == i.remote.self.UID:
		i.sayReceived()
		i.reply(appendNumber(nil, framePong, n))
	}
	return nil
}

// hello is the first frame.
func (i *inbound) hello(kind frameKind, body []byte) error {
	if kind != frameHello {
		return fmt.Errorf("%w: kind %d instead of a hello", errFrame, kind)
	}
	h, err := readHello(body)
	if err != nil {
		return err
	}
	no, ok := judge(i.remote.self, h)
	if ok {
		no, ok = i.entitled(h)
	}
	if !ok {
		return i.turnAway(h.From, no)
	}
	h.From.Can = i.remote.self.Can.common(h.abilities())
	if len(i.remote.currentSecrets()) == 0 {
		return i.knock(h)
	}
	if h.Features&featureSecret == 0 {
		return i.turnAway(h.From, refusal{Code: refusedSecret, Text: "this node demands a shared secret; give that one a Config.Secrets"})
	}
	c := appendChallenge(nil, challenge{Version: h.From.Can.Version, Nonce: newNonce()})
	i.asked = &asked{hello: h, said: transcriptOf(body, c[frameHeader+1:], bindingOf(i.conn))}
	i.reply(c)
	return nil
}

// asked is a hello that is yet to be proved.
type asked struct {
	hello hello
	said  transcript
}

// proof is the dialer's answer to the challenge: the one and only.
func (i *inbound) proof(kind frameKind, body []byte) error {
	if kind != frameProof {
		return fmt.Errorf("%w: kind %d instead of a proof", errFrame, kind)
	}
	a := i.asked
	i.asked = nil
	s, class := i.remote.secrets.Load().prove(a.said, body)
	if s == nil {
		return i.turnAway(a.hello.From, refusal{Code: refusedSecret, Text: "the proof of the shared secret is wrong; give both nodes the same secret"})
	}
	i.session.Store(s)
	i.class = class
	return i.knock(a.hello)
}

// entitled says whether the connection's certificate lets the dialer call itself
// what it does.
func (i *inbound) entitled(h hello) (refusal, bool) {
	if s, ok := i.conn.(SecureConn); ok {
		if err := s.Entitled(h.From.Addr); err != nil {
			return refusal{Code: refusedName, UID: i.remote.self.UID, Text: printable(err.Error())}, false
		}
	}
	return refusal{}, true
}

// otherClass is the refusal of whoever says to be one that is here as a better class.
func (r *Remote) otherClass() refusal {
	return refusal{Code: refusedName, UID: r.self.UID, Text: "this address belongs to a node of another class"}
}

// turnAway refuses somebody before it is known who that is.
func (i *inbound) turnAway(from identity, no refusal) error {
	i.remote.stats.refused.Add(1)
	i.remote.strangers().Str("from", i.conn.Peer()).Str("peer", printable(from.Addr)).Msg("connection refused: " + no.Text)
	if len(i.remote.currentSecrets()) > 0 {
		no = no.private()
	}
	i.refuse(no)
	return errNoMore
}

// knock asks the association to let the dialer in.
func (i *inbound) knock(h hello) error {
	access := i.remote.cfg.Access
	i.class = access.classOf(certificateOf(i.conn), i.session.Load() != nil, i.class)
	p, ok := i.remote.peer(h.From.Addr, i.class)
	if !ok {
		i.refuse(refusal{Code: refusedBusy, UID: i.remote.self.UID, Text: "too many peers"})
		return errNoMore
	}
	i.denied = access.denied(i.class)
	if p.admitted.Load().bars(h.From.UID, i.class) {
		return i.turnAway(h.From, i.remote.otherClass())
	}
	if p.conducts.barred(i.remote.clock.Now(), h.From.UID, h.Lane) {
		i.refuse(refusal{Code: refusedBusy, UID: i.remote.self.UID, Text: errGarbled.Error()})
		return errNoMore
	}
	i.who, i.lane, i.peer = h.From, h.Lane, p
	if i.lane.stream() == streamOrdinary && h.From.Can.Features&featureTables != 0 {
		i.tally = newTally(tableMax)
	}
	p.post(func(a *association, now time.Time) { a.knock(now, i.id, h.From) })
	return nil
}

// welcome lets messages in.
func (i *inbound) welcome() {
	i.timer.Stop()
	i.open.Store(true)
	i.reply(sealed(appendWelcome(nil, welcome{
		Version: i.who.Can.Version, From: i.remote.self, Features: i.who.Can.Features, LargeMax: i.remote.self.Can.LargeMax,
	}), i.session.Load()))
}

// refuse says why not, and ends the connection when that is written.
func (i *inbound) refuse(r refusal) {
	b := appendRefusal(nil, r)
	if i.open.Load() {
		i.stop(b)
		return
	}
	i.reply(sealed(b, i.session.Load()))
	i.finish()
}

// finish ends the connection when what waits for the way back is written.
func (i *inbound) finish() {
	i.dead.Store(true)
	i.mu.Lock()
	i.closing = true
	i.mu.Unlock()
	i.conn.Flush()
}

// reply puts frames on the way back, unless it is full. They are of a kind whose loss
// is harmless.
func (i *inbound) reply(frame []byte) bool {
	i.mu.Lock()
	if !i.greeted {
		i.greeted = true
		i.back = append(i.back, magic...)
	}
	room := len(i.back)+len(frame) <= backMax
	if room {
		i.back = append(i.back, frame...)
	}
	i.mu.Unlock()
	i.conn.Flush()
	return room
}

// Outgoing hands the way back to the transport.
func (i *inbound) Outgoing() [][]byte {
	i.mu.Lock()
	i.flight, i.back = i.back, i.flight[:0]
	i.pieces[0] = i.flight
	none, over := len(i.flight) == 0, i.closing && len(i.flight) == 0
	i.mu.Unlock()
	if over {
		i.conn.Close()
	}
	if none {
		return nil
	}
	return i.pieces[:]
}

// Closed ends the connection.
func (i *inbound) Closed(err error) {
	if errors.Is(err, errTLS) {
		i.remote.stats.refused.Add(1)
		host := hostOf(i.conn.Peer())
		i.remote.warnOnce("tls "+host, func() {
			i.remote.log.Warn().Str("from", host).Err(err).Msg("connection refused; said once for each host")
		})
	}
	i.dead.Store(true)
	i.timer.Stop()
	i.mu.Lock()
	i.over = true
	if i.linger != nil {
		i.linger.Stop()
	}
	i.mu.Unlock()
	i.begun.end()
	i.endParts(true)
	i.remote.forget(i)
	i.remote.alive.end()
	i.remote.finishSoon()
}

func (i *inbound) flushPosition() {
	if i.lane.carriesUser() && i.got > 0 {
		i.peer.arrived(i.who.UID, i.lane, i.got)
	}
}

func (i *inbound) system(body []byte) error {
	if i.lane != laneControl {
		return fmt.Errorf("%w: system message on the %v stream", errFrame, i.lane)
	}
	m, err := readSystem(body, i.who.Can.Version)
	if err != nil {
		return err
	}
	p, uid := i.peer, i.who.UID
	p.post(func(a *association, now time.Time) { a.system(now, i.id, uid, m, p.reachedBy(uid)) })
	return nil
}
