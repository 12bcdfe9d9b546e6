package remote

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// link is the way to one incarnation of a peer, or to any (uid 0).
type link struct {
	peer *peer
	uid  uint64
}

// Send encodes the message into the buffer of its stream.
func (l *link) Send(to actor.Location, msg any, from actor.PID) error {
	p := l.peer
	r := p.remote
	known := p.known.Load()
	if known.isGone(l.uid) {
		return r.drop(to, msg, from, actor.DropQuarantined)
	}
	if r.closing.Load() {
		return r.drop(to, msg, from, actor.DropUnreachable)
	}
	t, err := r.sys.Registry().Of(msg)
	if err != nil {
		return r.refuseToEncode(to, msg, from, err)
	}
	s := r.scratch()
	defer r.release(s)
	b := appendUser(s.buf[:0], r.self, to, from.Location(), t.Name())
	if b, err = t.Append(r.scope, b, msg); err != nil {
		return r.refuseToEncode(to, msg, from, err)
	}
	s.buf = endFrame(b, 0)
	kind, ok := r.route(t, to, from.Location(), len(s.buf)-frameHeader, known)
	if !ok {
		return r.drop(to, msg, from, actor.DropTooLarge)
	}
	demand := false
	switch l := p.lanes[kind].(type) {
	case *lane:
		ok, demand = l.put(s.buf, true)
	case *largeLane:
		ok, demand = l.put(s.buf)
		s.buf = nil
	}
	if !ok {
		_ = r.drop(to, msg, from, actor.DropBackpressure)
		return actor.ErrBackpressure
	}
	r.stats.sent.Add(1)
	if demand {
		p.post(func(a *association, now time.Time) { a.demand(now, kind) })
	}
	if l.uid != 0 && known.present.UID != 0 && l.uid != known.present.UID {
		p.post(func(a *association, now time.Time) { a.named(now, l.uid) })
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

// deadLink leads to an incarnation that can't be there: an earlier one of this
// very address, or one node too many.
type deadLink struct {
	remote *Remote
	addr   string
	uid    uint64
	reason actor.DropReason
}

// Send makes a dead letter of the message.
func (d *deadLink) Send(to actor.Location, msg any, from actor.PID) error {
	return d.remote.drop(to, msg, from, d.reason)
}

// SendSystem answers a watch.
func (d *deadLink) SendSystem(m actor.SystemMessage) {
	if m.Kind == actor.SystemWatch {
		d.remote.port.NodeGone(d.addr, d.uid)
	}
}

// drop makes a dead letter and returns the error that says so.
func (r *Remote) drop(to actor.Location, msg any, from actor.PID, reason actor.DropReason) error {
	r.port.Drop(to, msg, from, reason)
	return &actor.DeadLetterError{Reason: reason}
}

func (r *Remote) refuseToEncode(to actor.Location, msg any, from actor.PID, err error) error {
	r.warnOnce(fmt.Sprintf("encode %T", msg), func() {
		r.log.Warn().Stringer("to", to).Err(err).Msg("message can't be sent to another node")
	})
	r.port.Drop(to, msg, from, actor.DropEncode)
	return err
}

// Undecodable stands in a dead letter for a message that can't be decoded where
// it was dropped.
type Undecodable struct {
	// Name is the name of its type, Size the length of its body in bytes.
	Name string
	Size int
}

// deadLetter makes a dead letter of an envelope that author wrote.
func (r *Remote) deadLetter(to actor.Location, e envelope, author identity, reason actor.DropReason) {
	if to.System == "" {
		to.System = r.self.System
	}
	var msg any = Undecodable{Name: string(e.Name), Size: len(e.Body)}
	if reason != actor.DropDecode {
		if m, err := r.sys.Registry().Decode(r.scope, string(e.Name), e.Body); err == nil {
			msg = m
		}
	}
	r.port.Drop(to, msg, r.sys.RefOf(e.From.location(author)), reason)
}
