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
	backMax  = 64 << 10 // bytes that may wait on the way back
	cacheMax = 4096     // names and senders that a connection remembers
)

// inbound is a connection that another node dialed: one stream of that node. Who
// is at the other end is settled by the handshake and holds for everything on it.
type inbound struct {
	remote *Remote
	id     uint64
	conn   Conn
	timer  actor.Timer // until the handshake is done

	open atomic.Bool // the welcome was said
	dead atomic.Bool // whatever comes is no longer wanted

	mu      sync.Mutex
	back    []byte // waits for the way back
	flight  []byte
	closing bool // close when everything is written

	// The rest is touched by Data only, and who and lane are read by others
	// after the hello only.
	frames    frames
	unlimited bool
	who       identity
	lane      laneKind
	peer      *peer
	got       uint64 // position on the ordinary stream
	paths     map[string]string
	types     map[string]*codec.Type
	senders   map[string]actor.PID
}

// Data reads what the other node sends.
func (i *inbound) Data(b []byte) {
	if i.dead.Load() {
		return
	}
	if !i.unlimited && i.open.Load() {
		i.unlimited = true
		i.frames.max = i.remote.cfg.frameMax()
	}
	err := i.frames.feed(b, i.frame)
	if i.lane == laneOrdinary && i.got > 0 {
		i.peer.arrived(i.who.UID, i.got)
	}
	if err == nil || errors.Is(err, errNoMore) {
		return
	}
	i.remote.stats.badInput.Add(1)
	i.remote.log.Warn().Str("from", i.conn.Peer()).Str("peer", i.who.Addr).Err(err).Msg("connection closed: bad input")
	i.kill()
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
	if i.peer == nil {
		return i.hello(kind, body)
	}
	if !i.open.Load() {
		return fmt.Errorf("%w: kind %d before the handshake is done", errFrame, kind)
	}
	switch kind {
	case frameUser:
		return i.user(body)
	case frameSystem:
		return i.system(body)
	case framePing, framePosition:
		n, err := readNumber(body)
		if err != nil {
			return err
		}
		if kind == framePosition {
			i.got = n
		} else if n == i.remote.self.UID {
			i.reply(appendNumber(nil, framePong, n))
		}
	case frameGoodbye:
		i.flushPosition()
		i.peer.post(func(a *association, now time.Time) { a.goodbye(now, i.id, i.who.UID, i.lane) })
	}
	return nil // a kind of a newer version is skipped
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
	if no, ok := judge(i.remote.self, h); !ok {
		i.remote.log.Warn().Str("from", i.conn.Peer()).Str("peer", h.From.Addr).Msg("connection refused: " + no.Text)
		i.refuse(no)
		return errNoMore
	}
	p, ok := i.remote.peer(h.From.Addr)
	if !ok {
		i.refuse(refusal{Code: refusedBusy, UID: i.remote.self.UID, Text: "too many peers"})
		return errNoMore
	}
	i.who, i.lane, i.peer = h.From, h.Lane, p
	p.post(func(a *association, now time.Time) { a.knock(now, i.id, h.From) })
	return nil
}

// welcome lets messages in.
func (i *inbound) welcome() {
	i.timer.Stop()
	i.open.Store(true)
	i.reply(appendWelcome(nil, welcome{Version: protocolVersion, From: i.remote.self}))
}

// refuse says why not, and ends the connection when that is written.
func (i *inbound) refuse(r refusal) {
	b := appendRefusalFrame(nil, r)
	if !i.open.Load() {
		b = appendRefusal(nil, r)
	}
	i.reply(b)
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

// reply puts frames on the way back. They are of a kind whose loss is harmless.
func (i *inbound) reply(frame []byte) {
	i.mu.Lock()
	if len(i.back)+len(frame) <= backMax {
		i.back = append(i.back, frame...)
	}
	i.mu.Unlock()
	i.conn.Flush()
}

// Outgoing hands the way back to the transport.
func (i *inbound) Outgoing() []byte {
	i.mu.Lock()
	i.flight, i.back = i.back, i.flight[:0]
	out, over := i.flight, i.closing && len(i.flight) == 0
	i.mu.Unlock()
	if over {
		i.conn.Close()
	}
	return out
}

// Closed ends the connection.
func (i *inbound) Closed(error) {
	i.dead.Store(true)
	i.timer.Stop()
	i.remote.forget(i)
	i.remote.alive.end()
}

func (i *inbound) flushPosition() {
	if i.lane == laneOrdinary && i.got > 0 {
		i.peer.arrived(i.who.UID, i.got)
	}
}

func (i *inbound) system(body []byte) error {
	if i.lane != laneControl {
		return fmt.Errorf("%w: system message on the %v stream", errFrame, i.lane)
	}
	m, err := readSystem(body)
	if err != nil {
		return err
	}
	p, uid := i.peer, i.who.UID
	p.post(func(a *association, now time.Time) { a.system(now, i.id, uid, m, p.ordinaryOf(uid)) })
	return nil
}

// user delivers a message.
func (i *inbound) user(body []byte) error {
	e, err := readUser(body)
	if err != nil {
		return err
	}
	if i.lane == laneOrdinary {
		i.got++
	}
	r := i.remote
	if e.TargetUID != 0 && e.TargetUID != r.self.UID {
		r.deadLetter(actor.Location{System: r.self.System, Addr: r.self.Addr, UID: e.TargetUID, Path: string(e.Path), ID: e.ID}, e, i.who, actor.DropRefused)
		return nil
	}
	msg, err := i.decode(e)
	if err != nil {
		r.stats.undecodable.Add(1)
		r.warnOnce("decode "+string(e.Name), func() {
			r.log.Warn().Str("peer", i.who.Addr).Str("to", string(e.Path)).Err(err).Msg("message can't be decoded")
		})
		r.deadLetter(actor.Location{System: r.self.System, Addr: r.self.Addr, UID: r.self.UID, Path: string(e.Path), ID: e.ID}, e, i.who, actor.DropDecode)
		return nil
	}
	r.stats.received.Add(1)
	r.port.Deliver(i.path(e.Path), e.ID, msg, i.sender(e.From))
	return nil
}

func (i *inbound) decode(e envelope) (any, error) {
	t, ok := i.types[string(e.Name)]
	if !ok {
		var err error
		if t, err = i.remote.sys.Registry().Named(string(e.Name)); err != nil {
			return nil, err
		}
		i.types = remember(i.types, string(e.Name), t)
	}
	return t.Decode(i.remote.scope, e.Body)
}

// path is the string of a path, made once per connection.
func (i *inbound) path(b []byte) string {
	if s, ok := i.paths[string(b)]; ok {
		return s
	}
	s := string(b)
	i.paths = remember(i.paths, s, s)
	return s
}

// sender is the ref of a sender, made once per connection.
func (i *inbound) sender(s sender) actor.PID {
	const plain = flagSenderHere
	if s.Flags == plain {
		if pid, ok := i.senders[string(s.Raw)]; ok {
			return pid
		}
	}
	pid := i.remote.sys.RefOf(s.location(i.who))
	if s.Flags == plain {
		i.senders = remember(i.senders, string(s.Raw), pid)
	}
	return pid
}

// remember adds to a cache, which starts anew when it is full.
func remember[V any](m map[string]V, k string, v V) map[string]V {
	if m == nil || len(m) >= cacheMax {
		m = map[string]V{}
	}
	m[k] = v
	return m
}
