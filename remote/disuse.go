package remote

import (
	"runtime"
	"time"
	"weak"
)

// used notes that something was wanted of the address, or came from it.
func (a *association) used(now time.Time) { a.usedAt = now }

// quiet reports whether nothing is going on with the address.
func (a *association) quiet() bool {
	if len(a.waiting)+len(a.unsent)+len(a.held)+len(a.out.kept) > 0 || a.suspect != 0 || a.watch.on || a.doubted || a.leaving != leaveNot {
		return false
	}
	for k := range a.lanes {
		if a.lanes[k].phase != laneIdle {
			return false
		}
	}
	return true
}

// disusedAt is when an address with which nothing is going on is looked at.
func (a *association) disusedAt() (time.Time, bool) {
	if a.usedAt.IsZero() || !a.quiet() {
		return time.Time{}, false
	}
	if a.peer.UID == 0 && len(a.gone) > 0 {
		return a.usedAt.Add(2 * a.lim.forget), true // those that don't know it yet come and ask before
	}
	return a.usedAt.Add(a.lim.forget), true
}

func (a *association) disuseDue(now time.Time) bool {
	at, ok := a.disusedAt()
	return ok && !now.Before(at)
}

// tickDisuse looks at an address of which nothing was wanted for long. An incarnation
// that may be there is asked, unless somebody vouches for it; where none is, those of the
// past are forgotten with everything else.
func (a *association) tickDisuse(now time.Time, vouched bool) {
	if !a.disuseDue(now) {
		return
	}
	a.used(now)
	switch {
	case a.peer.UID == 0:
		a.gone, a.usedAt = nil, time.Time{}
		a.emit(effect{kind: effectForget})
	case !vouched:
		a.doubted = true
		a.probe(now)
	}
}

// crowded says that there are too many addresses: those of which nothing was wanted for
// a while are looked at now.
func (a *association) crowded(now time.Time, vouched bool) {
	if a.quiet() && !a.usedAt.IsZero() && !now.Before(a.usedAt.Add(2*a.lim.idle)) {
		a.usedAt = now.Add(-2 * a.lim.forget)
		a.tickDisuse(now, vouched)
	}
}

// unanswered ends a probe in vain.
func (a *association) unanswered(now time.Time) {
	a.suspect = 0
	if a.doubted {
		a.doubted = false
		a.endIncarnation(now, a.peer.UID, goneUnused)
	}
}

// jittered is a wait of its half at least, so that those who wait for the same don't all
// come back at the same moment.
func (a *association) jittered(wait time.Duration) time.Duration {
	if a.chance == nil || wait < 2 {
		return wait
	}
	return wait - time.Duration(a.chance.Int64N(int64(wait/2)))
}

// place is where a node keeps a peer: for good while there is something to remember,
// otherwise as long as somebody refers to it, so that there is one for each address.
type place struct {
	kept *peer
	ref  weak.Pointer[peer]
}

// newPlace makes a peer. The lock is held.
func (r *Remote) newPlace(addr string) *peer {
	p := newPeer(r, addr)
	r.peers[addr] = place{ref: weak.Make(p)}
	// What a cleanup is given lives as long as what it waits for, so it must not lead to
	// the peer.
	runtime.AddCleanup(p, clearPlace, vacated{weak.Make(r), addr})
	return p
}

// vacated is a peer to which nobody refers any more.
type vacated struct {
	remote weak.Pointer[Remote]
	addr   string
}

func clearPlace(v vacated) {
	r := v.remote.Value()
	if r == nil {
		return
	}
	r.peersMu.Lock()
	defer r.peersMu.Unlock()
	if at := r.peers[v.addr]; at.kept == nil && at.ref.Value() == nil {
		delete(r.peers, v.addr)
	}
}

// remember keeps the peer, which something is wanted of. It belongs to the runner.
func (p *peer) remember(now time.Time) {
	if p.remembered {
		return
	}
	p.remembered = true
	p.assoc.used(now)
	r := p.remote
	r.peersMu.Lock()
	defer r.peersMu.Unlock()
	r.peers[p.addr] = place{kept: p, ref: weak.Make(p)}
}

// forget lets go of the peer. What it counted stays in the total.
func (p *peer) forget() {
	p.remembered = false
	r := p.remote
	r.peersMu.Lock()
	defer r.peersMu.Unlock()
	r.peers[p.addr] = place{ref: weak.Make(p)}
	r.past.add(p.takeTraffic())
	p.publishKnown(identity{})
}

// vouched reports whether somebody answers for the present incarnation although nothing
// was wanted of it: it is connected, or the cluster judges its members.
func (p *peer) vouched() bool {
	r, uid := p.remote, p.assoc.peer.UID
	member := true
	if a := p.admitted.Load(); a != nil && a.uid == uid {
		member = a.class == Member
	}
	if r.cfg.IgnoreFailures && member {
		return true
	}
	for _, i := range r.sortedConns() {
		if i.open.Load() && !i.dead.Load() && i.who.Addr == p.addr && i.who.UID == uid {
			return true
		}
	}
	return false
}

// crowdedEvery is how often the peers are asked whether they can make room.
const crowdedEvery = time.Minute

// makeRoom has peers that aren't used looked at early. It is called with the lock and
// returns before anything has been done.
func (r *Remote) makeRoom() {
	now := r.clock.Now()
	if now.Before(r.roomAt) {
		return
	}
	r.roomAt = now.Add(crowdedEvery)
	r.every(0, func() {
		peers := r.sortedPeers()
		r.log.Warn().Int("peers", len(peers)).Msg("too many nodes are known; looking for those that aren't used")
		for _, p := range peers {
			p.post(func(a *association, now time.Time) { a.crowded(now, p.vouched()) })
		}
	})
}
