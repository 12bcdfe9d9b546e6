package remote

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

// link is the way to one actor of a peer.
type link struct {
	peer  *peer
	to    actor.Location
	apart bool // it travels on the connection for large messages
	ask   bool // answers to other asks begin alike and go the same way

	openings openings
	asks     openings // of messages that asks send
}

// draft is a message on its way into a lane.
type draft struct {
	typ    *codec.Type
	sender uint64 // serial; 0: none
	ask    uint64 // the sender is the ask of this number; 0: it is none
	from   actor.Location
	kind   laneKind
	lane   *lane
	form   *form
	known  *opening // how the frame begins; nil: not known
	trace  actor.Trace
}

// Send encodes the message into the buffer of its stream.
func (l *link) Send(msg any, from actor.PID, patient bool) error {
	p := l.peer
	r := p.remote
	msg, trace := actor.TraceOf(msg)
	known := p.known.Load()
	if l.to.UID != 0 && known.isGone(l.to.UID) {
		return p.drop(l.to, msg, from, actor.DropQuarantined, nil)
	}
	if r.closing.Load() {
		return p.drop(l.to, msg, from, actor.DropUnreachable, errClosing)
	}
	d := draft{trace: trace}
	if err := l.draft(&d, msg, from); err != nil {
		return l.peer.refuseToEncode(l.to, msg, from, err)
	}
	s := r.scratch()
	defer r.release(s)
	for {
		if err := l.encode(s, &d, msg); err != nil {
			return l.peer.refuseToEncode(l.to, msg, from, err)
		}
		if size := len(s.buf) - frameHeader; size > r.frameMaxOf(known) || d.lane == nil {
			return l.sendLarge(s, &d, msg, from, patient, known)
		}
		result := d.lane.put(s.buf, d.form, patient && d.kind != laneControl)
		if result.kept {
			s.buf = result.other
		}
		if result.stale {
			d.form, d.known = d.lane.form.Load(), nil
			d.nameSender(from)
			known = p.known.Load() // who is there now may take smaller frames
			continue
		}
		return l.sent(&result, &d, msg, from, known)
	}
}

// draft finds out how the message is to be sent. It fills d in: copying it costs as much
// as finding out.
func (l *link) draft(d *draft, msg any, from actor.PID) error {
	r := l.peer.remote
	d.sender = r.port.Serial(from)
	if d.sender == 0 && r.limits.lanes == 1 { // otherwise the lane depends on the path
		d.ask = r.port.AskNumber(from)
	}
	if d.sender != 0 || d.ask != 0 || from.IsZero() { // others are many, and soon gone
		if o := l.alike(d.ask != 0).find(d.sender, msg); o != nil && (d.ask == 0 || !l.ask) {
			d.typ, d.kind, d.lane, d.form, d.known = o.typ, o.lane.kind, o.lane, o.form, o
			return nil
		}
	}
	t, err := r.sys.Registry().Of(msg)
	if err != nil {
		return err
	}
	d.typ = t
	d.nameSender(from)
	switch {
	case t.Control():
		d.kind = laneControl
	case l.apart && r.largeMaxOf(l.peer.known.Load()) > 0:
		d.kind, d.form = laneLarge, r.largeForm(l.peer.known.Load())
		return nil
	default:
		d.kind = r.ordinaryLane(l.to, d.from)
	}
	d.lane = l.peer.lanes[d.kind].(*lane)
	d.form = d.lane.form.Load()
	return nil
}

// nameSender finds out how the sender is to be named.
func (d *draft) nameSender(from actor.PID) {
	if d.ask == 0 {
		d.from = from.Location()
	}
}

// encode writes the frame into the scratch buffer.
func (l *link) encode(s *scratchBuffer, d *draft, msg any) error {
	b := l.begin(s.buf[:0], d)
	if d.trace != "" && d.form.traces {
		b = appendTrace(b, d.trace)
	}
	at := len(b)
	b, err := l.peer.append(s, d.typ, b, msg)
	if err != nil {
		return err
	}
	b, s.packed = d.form.compress(b, at, s.packed)
	s.buf = endFrame(b, 0)
	return nil
}

// append appends the body, and now and then says how long that took.
func (p *peer) append(s *scratchBuffer, t *codec.Type, b []byte, msg any) ([]byte, error) {
	r := p.remote
	if !s.sampling.due() {
		return t.Append(r.scope, b, msg)
	}
	from := r.clock.Now()
	b, err := t.Append(r.scope, b, msg)
	p.instruments.encoding.add(r.clock.Now().Sub(from))
	return b, err
}

// sendLarge sends what is too large for a frame, or declared to go apart.
func (l *link) sendLarge(s *scratchBuffer, d *draft, msg any, from actor.PID, patient bool, known *incarnations) error {
	r := l.peer.remote
	if err := r.fitsLarge(d, l.to, len(s.buf)-frameHeader, known); err != nil {
		return l.peer.drop(l.to, msg, from, actor.DropTooLarge, err)
	}
	if d.lane != nil { // it was written for an ordinary stream
		d.kind, d.lane, d.form, d.known = laneLarge, nil, r.largeForm(known), nil
		d.nameSender(from)
		if err := l.encode(s, d, msg); err != nil {
			return l.peer.refuseToEncode(l.to, msg, from, err)
		}
	}
	frame := s.buf
	s.buf = nil // the lane keeps it
	result := l.peer.lanes[laneLarge].(*largeLane).put(frame, patient)
	return l.sent(&result, d, msg, from, known)
}

// sent ends a sending.
func (l *link) sent(result *put, d *draft, msg any, from actor.PID, known *incarnations) error {
	p := l.peer
	if result.over {
		return p.drop(l.to, msg, from, actor.DropUnreachable, errClosing)
	}
	if !result.ok {
		if result.room != nil {
			return &actor.NoRoom{Room: result.room}
		}
		_ = p.drop(l.to, msg, from, actor.DropBackpressure, nil)
		return actor.ErrBackpressure
	}
	if result.prompt != nil {
		result.prompt.FlushNow()
	}
	if kind := d.kind; result.demand {
		p.post(func(a *association, now time.Time) { a.demand(now, kind) })
	}
	if l.to.UID != 0 && known.present.UID != 0 && l.to.UID != known.present.UID {
		p.post(func(a *association, now time.Time) { a.named(now, l.to.UID) })
	}
	return nil
}

// SendSystem queues the message for acknowledged delivery.
func (l *link) SendSystem(m actor.SystemMessage) {
	to, from := m.To.Location(), m.From.Location()
	f := systemFrame{
		Kind: m.Kind, ToUID: to.UID, ToPath: to.Path, ToID: to.ID,
		FromAnyUID: from.UID == 0, FromPath: from.Path, FromID: from.ID,
	}
	if m.Kind == actor.SystemTerminated {
		lane := l.peer.remote.ordinaryLane(to, from)
		f.Lane, f.After = uint8(lane.index()), l.peer.lanes[lane].position()
		f.AfterLarge = l.peer.lanes[laneLarge].position()
	}
	l.peer.post(func(a *association, now time.Time) { a.sendSystem(now, f) })
}

// errClosing is why nothing is sent any more.
var errClosing = errors.New("remoting of this node is closed, or about to be")

// deadLink leads to an incarnation that can't be there: an earlier one of this
// very address, or one node too many.
type deadLink struct {
	remote *Remote
	to     actor.Location
	reason actor.DropReason
	cause  error
}

// Send makes a dead letter of the message.
func (d *deadLink) Send(msg any, from actor.PID, _ bool) error {
	d.remote.stats.nobody.drop(d.reason)
	return d.remote.drop(d.to, msg, from, d.reason, d.cause)
}

// SendSystem answers a watch.
func (d *deadLink) SendSystem(m actor.SystemMessage) {
	if m.Kind == actor.SystemWatch {
		d.remote.port.NodeGone(d.to.Addr, d.to.UID)
	}
}

// drop makes a dead letter and returns the error that says so.
func (r *Remote) drop(to actor.Location, msg any, from actor.PID, reason actor.DropReason, cause error) error {
	r.port.Drop(to, msg, from, reason, cause)
	return &actor.DeadLetterError{Reason: reason, Cause: cause}
}

// drop counts a dead letter of the peer's.
func (p *peer) drop(to actor.Location, msg any, from actor.PID, reason actor.DropReason, cause error) error {
	p.instruments.drop(reason)
	p.post(func(*association, time.Time) {}) // so that it is remembered, and seen
	return p.remote.drop(to, msg, from, reason, cause)
}

func (p *peer) refuseToEncode(to actor.Location, msg any, from actor.PID, err error) error {
	r := p.remote
	r.warnOnce(fmt.Sprintf("encode %T", msg), func() {
		r.log.Warn().Stringer("to", to).Err(err).Msg("message can't be sent to another node")
	})
	return p.drop(to, msg, from, actor.DropEncode, err)
}

// Undecodable stands in a dead letter for a message that can't be decoded where
// it was dropped, or is not, to spare the memory.
type Undecodable struct {
	// Name is the name of its type, Size the length of its body in bytes, as far as it
	// has come.
	Name string
	Size int
}

// deadLetter makes a dead letter of an envelope that author wrote.
func (r *Remote) deadLetter(to actor.Location, e envelope, author identity, reason actor.DropReason, cause error) {
	if to.System == "" {
		to.System = r.self.System
	}
	var msg any = Undecodable{Name: string(e.Name), Size: len(e.Body)}
	if reason != actor.DropDecode && reason != actor.DropOverloaded {
		if m, err := r.sys.Registry().Decode(r.scope, string(e.Name), e.Body); err == nil {
			msg = m
		}
	}
	r.port.Drop(to, msg, r.sys.RefOf(e.From.location(author)), reason, cause)
}
