package remote

import (
	"sync/atomic"

	"github.com/troupe-go/troupe/actor"
)

// receivedEvery is how many messages are read on a stream before its sender is told.
const receivedEvery = 4096

// account is what became of the messages on one outgoing stream. They are counted from
// the first that the lane ever had.
type account struct {
	sent     atomic.Uint64 // what the transport has taken, once the lane has left the stream
	received atomic.Uint64 // what the other end has said to have read
	final    atomic.Bool   // and that it won't read more
	broken   bool          // it ended while it was in use; belongs to the runner
	uid      uint64        // whom it led to; the same
}

// open begins the account with the number of messages before the stream.
func (a *account) open(before uint64) {
	a.sent.Store(before)
	a.received.Store(before)
}

// confirm notes how far the other end has read.
func (a *account) confirm(n uint64) { a.received.Store(max(n, a.received.Load())) }

// missing is how many messages were taken that the other end has not said to have read.
func (a *account) missing() uint64 {
	sent, received := a.sent.Load(), a.received.Load()
	return sent - min(sent, received)
}

// settle closes the account of a stream that has ended: what the other end has not read
// is counted as lost; where it could not say how far it has read, as in doubt.
func (p *peer) settle(o *outbound) {
	a := &o.account
	missing := a.missing()
	if missing == 0 && !a.broken {
		return
	}
	lost := ConnectionLost{Addr: p.addr, UID: a.uid, Control: o.kind == laneControl}
	if a.final.Load() {
		lost.Lost = missing
		p.instruments.dropMany(actor.DropConnectionLost, missing)
		p.remote.port.Lost(missing)
	} else {
		lost.InDoubt = missing
		p.instruments.inDoubt.Add(missing)
	}
	p.remote.sys.Publish(lost)
}

// leaveStream has a stream end once everything on it has been read: nothing more goes out on it
// but a ping, whose answer says so. The lane may have another stream meanwhile.
func (p *peer) leaveStream(kind laneKind) {
	o := p.streams[kind]
	if o == nil || kind == laneProbe {
		p.closeStream(kind)
		return
	}
	p.streams[kind] = nil
	pings := p.lanes[kind].pinged()
	p.closeLane(kind)
	o.lastWords(o.account.uid, pings+1)
	p.leaving = append(p.leaving, o)
	p.remote.every(p.remote.cfg.handshakeTimeout(), o.close)
}

// lastWords writes a ping behind everything that the transport has taken. The answer is
// the pong of that number.
func (o *outbound) lastWords(uid, pong uint64) {
	o.mu.Lock()
	o.greet, o.lastPong = appendNumber(nil, framePing, uid), pong
	o.mu.Unlock()
	o.conn.Flush()
}

// leftStream forgets a stream that was to end by itself.
func (p *peer) leftStream(o *outbound) {
	for k, l := range p.leaving {
		if l == o {
			p.leaving = append(p.leaving[:k], p.leaving[k+1:]...)
			return
		}
	}
}

// sayReceived tells the sender how far the stream has been read. It is called by Data.
func (i *inbound) sayReceived() {
	if i.open.Load() && i.got != i.said && i.who.Can.Version >= 3 && i.reply(appendNumber(nil, frameReceived, i.got)) {
		i.said = i.got
	}
}

// stop ends the reading for good, and tells the sender how far it has come, and why by
// last, a refusal. That one ends the connection: if this end did, what is under way to it
// could keep the sender from reading that.
func (i *inbound) stop(last []byte) {
	i.mu.Lock()
	again := i.stopping
	i.dead.Store(true)
	i.stopping, i.last = true, last
	busy := i.busy
	i.mu.Unlock()
	if !busy && !again {
		i.stopped()
	}
}

// stopped says the last of the connection. Nothing is read any more.
func (i *inbound) stopped() {
	if i.peer != nil && i.open.Load() && i.who.Can.Version >= 3 {
		i.reply(appendNumber(nil, frameStopped, i.got))
	}
	i.mu.Lock()
	last := i.last
	i.mu.Unlock()
	i.reply(last)
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.over {
		i.linger = i.remote.clock.AfterFunc(closeLateBy, i.conn.Close)
	}
}

// unread reports whether a stream of another node may still bring messages.
func (r *Remote) unread() bool {
	r.connsMu.Lock()
	defer r.connsMu.Unlock()
	for _, i := range r.conns { //det:ok whether there is one is the same in every order
		if i.open.Load() && !i.dead.Load() {
			return true
		}
	}
	return false
}

// finishSoon closes everything when all goodbyes are said and the others have ended their
// streams, so that what they had sent before they knew has been read.
func (r *Remote) finishSoon() {
	r.leavingMu.Lock()
	said := r.flushTimer != nil && r.leaving == 0
	r.leavingMu.Unlock()
	if said && !r.unread() {
		r.finish()
	}
}

// abandonLanes makes dead letters of what still waits, and of what comes later.
func (p *peer) abandonLanes() {
	for _, l := range p.lanes {
		if l != nil {
			p.dropFrames(l.end(), actor.DropUnreachable, errClosing)
		}
	}
}
