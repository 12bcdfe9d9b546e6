package remote

import (
	"errors"
	"math/rand/v2"
	"time"
)

var (
	errRenewal = errors.New("the peer did not confirm in time what had been sent before the connection was to be renewed")
	errRevoked = errors.New("it is revoked")
	errRecheck = errors.New("the certificate of the other end does not hold any more")
)

// Renew replaces the connections that this node has dialed by new ones, so that
// certificates and secrets that have changed count for them too: evenly spread over
// a time, one after the other. What was sent on the old one has arrived before it
// ends, and what comes meanwhile waits for the new one: nothing is lost. The
// connection for large messages stays until it is idle. It returns at once.
func (r *Remote) Renew(over time.Duration) {
	type stream struct {
		p    *peer
		kind laneKind
	}
	var all []stream
	for _, p := range r.sortedPeers() {
		for k, l := range p.lanes {
			if _, ok := l.(*lane); ok {
				all = append(all, stream{p, laneKind(k)})
			}
		}
	}
	for n, s := range all {
		r.every(over*time.Duration(n)/time.Duration(len(all)), func() {
			s.p.post(func(*association, time.Time) { s.p.drain(s.kind) })
		})
	}
}

// renewShare is the part of a time within which connections are renewed that it takes to
// renew them one after the other.
const renewShare = 24

// renewWithin renews connections and looks at certificates again, time and again. When it
// begins is up to chance, so that not all nodes do it at once.
func (r *Remote) renewWithin(d time.Duration, chance *rand.Rand) {
	rest := d - d/renewShare
	r.every(rest-time.Duration(chance.Int64N(int64(rest/2)+1)), func() {
		r.sys.Executor().Go(func() { // it may have to wait for handshakes that are under way
			r.Recheck()
			r.Renew(d / renewShare)
			r.renewWithin(d, chance)
		})
	})
}

// drain begins to replace a stream: nothing more goes out on it but a ping, whose
// answer says that everything before has been read.
func (p *peer) drain(kind laneKind) {
	o, l := p.streams[kind], p.lanes[kind].(*lane)
	if o == nil || p.assoc.lanes[kind].phase != laneOpen || p.remote.closing.Load() {
		return
	}
	pings, ok := l.detach(o)
	if !ok {
		return
	}
	o.lastWords(p.assoc.lanes[kind].uid, pings+1)
	p.remote.every(p.remote.cfg.handshakeTimeout(), func() {
		p.post(func(*association, time.Time) {
			if p.streams[kind] == o {
				p.laneDown(o, errRenewal)
				o.close()
			}
		})
	})
}

// drained goes on with a new stream.
func (p *peer) drained(a *association, now time.Time, o *outbound) {
	switch {
	case p.streams[o.kind] != o:
		p.leftStream(o)
		o.close()
	case p.remote.closing.Load():
		p.lanes[o.kind].(*lane).attach(o) // a goodbye may wait there
	default:
		p.renewing[o.kind] = true
		a.renew(now, o.kind)
	}
}

// opened says that a stream was replaced, if it was.
func (p *peer) opened(kind laneKind) {
	if p.renewing[kind] {
		p.renewing[kind] = false
		p.remote.sys.Publish(Renewed{Addr: p.addr, Control: kind == laneControl})
	}
}

// renew dials an open stream anew.
func (a *association) renew(now time.Time, lane laneKind) {
	if a.lanes[lane].phase != laneOpen {
		return
	}
	a.emit(effect{kind: effectCloseLane, lane: lane})
	a.dial(now, lane)
}

// detach keeps what waits from flowing out on stream o. It returns how many pings
// have gone out on it.
func (l *lane) detach(o *outbound) (pings uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out != o {
		return 0, false
	}
	l.leave()
	pings = l.pings
	l.pending.each(func(kind frameKind, _ []byte) {
		if kind == framePing {
			pings--
		}
	})
	return pings, true
}

// attach lets it flow out on o again.
func (l *lane) attach(o *outbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = o
	o.conn.Flush()
}

// Recheck looks at the certificates behind all connections again. It ends those of
// nodes that would be refused now: whose certificate was revoked, has expired, is of
// an authority that isn't believed any more, or has no name that is allowed. A
// connection that this node has dialed is renewed instead, as [Remote.Renew] does,
// unless the certificate is revoked: the other end may have a new one by now. It
// returns how many have ended. Config.Keys has it called when files have changed.
func (r *Remote) Recheck() int {
	ended := 0
	for _, i := range r.sortedConns() {
		if !i.open.Load() {
			continue // its handshake is under way, and asking would wait for it
		}
		if err := recheck(i.conn); err != nil {
			ended++
			r.log.Warn().Str("from", i.conn.Peer()).Str("peer", printable(i.who.Addr)).Str("error", printable(err.Error())).Msg("connection closed: " + errRecheck.Error())
			i.kill()
		}
	}
	for _, p := range r.sortedPeers() {
		for _, o := range p.dialedStreams() {
			if p.recheck(o) {
				ended++
			}
		}
	}
	return ended
}

// recheck reports whether it has ended a stream.
func (p *peer) recheck(o *outbound) bool {
	err := recheck(o.conn)
	if err == nil {
		return false
	}
	if _, drains := p.lanes[o.kind].(*lane); drains && !errors.Is(err, errRevoked) {
		p.post(func(*association, time.Time) {
			if p.streams[o.kind] == o {
				p.drain(o.kind)
			}
		})
		return false
	}
	p.remote.log.Warn().Str("peer", p.addr).Str("error", printable(err.Error())).Msg("connection closed: " + errRecheck.Error())
	p.laneDown(o, errRecheck)
	o.close()
	return true
}

func recheck(c Conn) error {
	if s, ok := c.(CertifiedConn); ok && s.Certificate() != nil {
		return s.Recheck()
	}
	return nil
}

// dialedStreams are those with a connection.
func (p *peer) dialedStreams() []*outbound {
	p.dialedMu.Lock()
	defer p.dialedMu.Unlock()
	var all []*outbound
	for _, o := range p.dialedConns {
		if o != nil {
			all = append(all, o)
		}
	}
	return all
}
