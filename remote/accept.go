package remote

import (
	"maps"
	"net"
	"slices"

	"github.com/rs/zerolog"
)

// accept takes a connection that another node dialed.
func (r *Remote) accept(conn Conn) {
	r.connsMu.Lock()
	if !r.ready {
		r.early = append(r.early, conn)
		r.connsMu.Unlock()
		return
	}
	host := hostOf(conn.Peer())
	if !r.gate.take(r.clock.Now(), host) {
		r.connsMu.Unlock()
		r.strangers().Str("from", host).Int("rate", r.cfg.acceptRate()).Msg("more connections a second than are taken; see AcceptRate")
		conn.Close()
		conn.Start(nobody{})
		return
	}
	r.lastConn++
	i := &inbound{remote: r, id: r.lastConn, conn: conn, host: host, frames: frames{max: frameMaxGreet}}
	r.conns[i.id] = i
	evicted := r.oldestUnknown(i.host)
	r.connsMu.Unlock()
	r.alive.begin()
	if evicted != nil {
		r.strangers().Str("from", evicted.conn.Peer()).Msg("too many connections that don't say who they are; closing the oldest")
		evicted.kill()
	}
	i.timer = r.clock.AfterFunc(r.cfg.handshakeTimeout(), func() {
		if !i.open.Load() {
			i.kill()
		}
	})
	conn.Start(i)
	if r.over.Load() {
		i.kill()
	} else if r.closing.Load() {
		i.refuse(r.stoppingNow())
	}
}

// nobody handles connections that are closed at once.
type nobody struct{}

func (nobody) Data([]byte)        {}
func (nobody) Outgoing() [][]byte { return nil }
func (nobody) Closed(error)       {}

// oldestUnknown returns the connection to give up when too many are not let in
// yet: in all, or from one host, so that one host can't crowd out the others.
func (r *Remote) oldestUnknown(host string) *inbound {
	if len(r.conns) <= unknownHost {
		return nil
	}
	var all, same unknowns
	for _, i := range r.conns { //det:ok the lowest id is the same in every order
		if i.open.Load() || i.dead.Load() {
			continue
		}
		all.add(i)
		if i.host == host {
			same.add(i)
		}
	}
	switch {
	case same.count > unknownHost:
		return same.oldest
	case all.count > unknownMax:
		return all.oldest
	}
	return nil
}

// unknowns counts connections that are not let in yet.
type unknowns struct {
	count  int
	oldest *inbound
}

func (u *unknowns) add(i *inbound) {
	u.count++
	if u.oldest == nil || i.id < u.oldest.id {
		u.oldest = i
	}
}

// open handles the connections that came before the system was attached.
func (r *Remote) open() {
	r.connsMu.Lock()
	r.ready = true
	early := r.early
	r.early = nil
	r.connsMu.Unlock()
	for _, conn := range early {
		r.accept(conn)
	}
}

// abandon ends the connections that came before Start failed.
func (r *Remote) abandon() {
	r.connsMu.Lock()
	early := r.early
	r.early, r.ready = nil, true
	r.connsMu.Unlock()
	r.over.Store(true)
	for _, conn := range early {
		r.accept(conn)
	}
}

func (r *Remote) inboundOf(id uint64) *inbound {
	r.connsMu.Lock()
	defer r.connsMu.Unlock()
	return r.conns[id]
}

// hostOf is the host of a connection's other end, for counting.
func hostOf(peer string) string {
	if host, _, err := net.SplitHostPort(peer); err == nil {
		return host
	}
	return peer
}

func (r *Remote) forget(i *inbound) {
	r.connsMu.Lock()
	defer r.connsMu.Unlock()
	delete(r.conns, i.id)
}

func (r *Remote) reply(conn uint64, frame []byte) {
	if i := r.inboundOf(conn); i != nil {
		i.reply(frame)
	}
}

// welcome lets a connection in, when the last bytes of those it replaces have been
// dealt with: the dialer has given them up, and what still comes on them must not
// mix with what it sends from now on.
func (r *Remote) welcome(conn uint64) {
	i := r.inboundOf(conn)
	if i == nil {
		return
	}
	if !i.peer.admit(i.who.UID, i.class) { // a better one was quicker
		_ = i.turnAway(i.who, r.otherClass()) // says only that nothing more is wanted
		return
	}
	for _, old := range r.sortedConns() {
		if old != i && old.open.Load() && old.lane == i.lane && old.who.Addr == i.who.Addr && old.who.UID == i.who.UID {
			if !old.replace(i) {
				return
			}
		}
	}
	i.welcome()
}

func (r *Remote) refuse(conn uint64, no refusal) {
	if i := r.inboundOf(conn); i != nil {
		i.refuse(no)
	}
}

// sortedConns is in the order of arrival.
func (r *Remote) sortedConns() []*inbound {
	r.connsMu.Lock()
	defer r.connsMu.Unlock()
	conns := make([]*inbound, 0, len(r.conns))
	for _, id := range slices.Sorted(maps.Keys(r.conns)) {
		conns = append(conns, r.conns[id])
	}
	return conns
}

// closeInbound ends the connections of an incarnation that is gone: at once, or
// after what waits for the way back.
func (r *Remote) closeInbound(addr string, uid uint64, gently bool) {
	for _, i := range r.sortedConns() {
		if !i.open.Load() || i.who.Addr != addr || i.who.UID != uid {
			continue
		}
		if gently {
			i.finish()
		} else {
			i.refuse(refusal{Code: refusedGone, UID: r.self.UID, Text: "this incarnation was declared dead here; restart it"})
		}
	}
}

// strangersRate is how many lines a second are logged of what strangers do.
const strangersRate = 5

// strangers begins a line about somebody who wasn't let in, or doesn't behave. There
// are only so many of them a second; those that were left out are counted in the
// next.
func (r *Remote) strangers() *zerolog.Event {
	now := r.clock.Now()
	r.warnMu.Lock()
	defer r.warnMu.Unlock()
	if !r.lines.take(now, strangersRate) {
		r.unsaid++
		return nil
	}
	e := r.log.Warn()
	if r.unsaid > 0 {
		e = e.Int("unsaid", r.unsaid)
		r.unsaid = 0
	}
	return e
}
