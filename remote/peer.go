package remote

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// peer carries out what the association with one address decides. Inputs are
// queued and applied one after the other by whoever finds nobody at it: so they
// have an order, no goroutine waits, and no lock is held while effects call out.
type peer struct {
	remote *Remote
	addr   string
	lanes  []queue // by laneKind; nil for the probe

	ordinary []*lane // of the lanes, the ordinary ones

	instruments instruments
	sentBefore  atomic.Uint64 // messages that are counted elsewhere already

	lone atomic.Bool // see lane.lone

	answers openings // to asks

	reading atomic.Int32 // see lane.reading

	// known is what senders look at without a lock.
	known atomic.Pointer[incarnations]

	// What show has found.
	unacknowledged atomic.Int64
	phi            atomic.Uint64 // bits of a float64

	conducts conducts

	// admitted is of which class the last one was that was let in.
	admitted atomic.Pointer[admitted]

	inputMu sync.Mutex
	inputs  []func(*association, time.Time)
	running bool

	// dialedConns are the streams with a connection.
	dialedMu    sync.Mutex
	dialedConns [laneMax]*outbound

	// The rest belongs to the runner.
	assoc      *association
	remembered bool          // by the node
	streams    []*outbound   // by laneKind
	leaving    []*outbound   // streams that end when everything on them has been read
	renewing   [laneMax]bool // a stream is being replaced
	probes     int           // how often the address was asked who is there
	answered   uint64        // who has answered there last, when this node dialed
	complaint  string        // why it can't be talked to, as was logged
	vain       error         // why it was last dialed in vain; nil: it wasn't
	lossSaid   time.Time     // when the log last told of a lost connection
	timer      actor.Timer
	timerAt    time.Time

	// reached is how far the incoming streams of messages have got.
	reachedMu sync.Mutex
	reached   position
	holding   atomic.Bool
}

// incarnations is who is at an address and who will never be again.
type incarnations struct {
	present identity
	gone    []uint64
}

func (i *incarnations) isGone(uid uint64) bool { return uid != 0 && slices.Contains(i.gone, uid) }

func newPeer(r *Remote, addr string) *peer {
	p := &peer{remote: r, addr: addr, assoc: newAssociation(r.self, addr, r.limits, r.sys.Rand("remote/"+addr))}
	p.lanes = make([]queue, len(p.assoc.lanes))
	p.streams = make([]*outbound, len(p.assoc.lanes))
	for k := range p.lanes {
		switch kind := laneKind(k); kind {
		case laneControl:
			p.lanes[k] = newLane(kind, r.cfg.controlBufferMax(), nil)
		case laneLarge:
			p.lanes[k] = &largeLane{max: r.cfg.largeBufferMax(), room: room{patience: r.patience}}
		case laneProbe:
		default:
			l := newLane(kind, r.cfg.bufferMax()/r.limits.lanes, r.patience)
			l.reading = &p.reading
			l.lone = &p.lone
			p.lanes[k] = l
			p.ordinary = append(p.ordinary, l)
		}
	}
	p.known.Store(&incarnations{})
	return p
}

// post applies an input soon: now, unless somebody is at it.
func (p *peer) post(input func(*association, time.Time)) {
	p.inputMu.Lock()
	p.inputs = append(p.inputs, input)
	if p.running {
		p.inputMu.Unlock()
		return
	}
	p.running = true
	p.inputMu.Unlock()
	p.run()
}

func (p *peer) run() {
	for {
		p.inputMu.Lock()
		inputs := p.inputs
		p.inputs = nil
		p.inputMu.Unlock()
		now := p.remote.clock.Now()
		for _, input := range inputs {
			p.remember(now)
			input(p.assoc, now)
			p.perform(now)
		}
		p.assoc.flush()
		p.perform(now)
		p.checkHeld(now)
		p.arm(now)
		p.show(now)
		p.inputMu.Lock()
		if len(p.inputs) == 0 {
			p.running = false
			p.inputMu.Unlock()
			return
		}
		p.inputMu.Unlock()
	}
}

// show lets others see what only the runner may look at.
func (p *peer) show(now time.Time) {
	p.unacknowledged.Store(int64(len(p.assoc.out.kept) + len(p.assoc.unsent)))
	level := 0.0
	if w := &p.assoc.watch; w.on {
		level = w.phi.Phi(now)
	}
	p.phi.Store(math.Float64bits(level))
}

// checkHeld closes the gap between looking at the position of the incoming streams
// and telling their readers that somebody waits for it.
func (p *peer) checkHeld(now time.Time) {
	held := len(p.assoc.held) > 0
	p.holding.Store(held)
	if held {
		p.assoc.progress(now, p.assoc.peer.UID, p.reachedBy(p.assoc.peer.UID))
		p.perform(now)
		p.holding.Store(len(p.assoc.held) > 0)
	}
}

// arm sees to it that tick is called when something is due.
func (p *peer) arm(now time.Time) {
	at, ok := p.assoc.next()
	if !ok || p.remote.isOver() {
		if p.timer != nil {
			p.timer.Stop()
			p.timer = nil
		}
		return
	}
	if p.timer != nil && !at.Before(p.timerAt) {
		return // it comes early enough, and will be set anew then
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timerAt = at
	p.timer = p.remote.clock.AfterFunc(max(at.Sub(now), 0), p.tick)
}

func (p *peer) tick() {
	p.post(func(a *association, now time.Time) {
		p.timer = nil
		o := p.outside()
		for k, l := range p.lanes {
			o.unused[k] = l != nil && a.lookDue(now, laneKind(k)) && l.retire()
		}
		o.vouched = a.disuseDue(now) && p.vouched()
		a.tick(now, o)
	})
}

func (p *peer) outside() outside {
	o := outside{watched: p.assoc.watch.on && p.remote.port.Watched(p.addr, p.assoc.watch.uid)}
	for k, l := range p.lanes {
		if l != nil {
			o.wanted[k], o.sent[k] = l.wanted(), l.position()
		}
	}
	return o
}

// laneUp, laneDown and laneRefused are the ends of dialed streams; those of a
// stream that was given up no longer count.
func (p *peer) laneUp(o *outbound, who identity) {
	p.post(func(a *association, now time.Time) {
		switch {
		case p.streams[o.kind] != o:
		case p.disproved(o, who.UID):
			p.dialAgain(a, now, o)
		default:
			p.answered = who.UID
			a.laneUp(now, o.kind, who)
		}
	})
}

// dialAgain ends a stream that has been answered, before anything was sent on it, and has
// another one dialed by what is known now.
func (p *peer) dialAgain(a *association, now time.Time, o *outbound) {
	p.instruments.failed.Add(1)
	p.streams[o.kind] = nil
	a.laneDown(now, o.kind, p.closeLane(o.kind))
	o.close()
}

func (p *peer) laneDown(o *outbound, err error) {
	p.post(func(a *association, now time.Time) {
		if p.streams[o.kind] != o {
			return
		}
		p.streams[o.kind] = nil
		wanted := false
		if o.kind != laneProbe {
			wanted = p.closeLane(o.kind)
		}
		if a.lanes[o.kind].phase == laneOpen && o.kind != laneProbe {
			p.lost(o.kind, a.lanes[o.kind].uid, o, err)
		} else {
			p.instruments.failed.Add(1)
			if errors.Is(err, errTLS) {
				p.remote.warnOnce("tls to "+p.addr, func() {
					p.remote.log.Warn().Str("peer", p.addr).Err(err).Msg("no connection; said once for each peer")
				})
			}
			p.remote.log.Debug().Str("peer", p.addr).Stringer("lane", o.kind).Err(err).Msg("no connection")
			cause, text := causeOf(err)
			p.notConnected(0, cause, text)
		}
		a.laneDown(now, o.kind, wanted)
	})
}

// sameLoss is within what time the connections to a node that are lost are one piece of
// news.
const sameLoss = time.Second

// lost says that an open stream is no more.
func (p *peer) lost(lane laneKind, uid uint64, o *outbound, err error) {
	if o != nil {
		o.account.broken = true // which is published when it is known what has arrived
	}
	p.instruments.lost.Add(1)
	level, now := zerolog.InfoLevel, p.remote.clock.Now()
	if p.remote.closing.Load() || !p.lossSaid.IsZero() && now.Sub(p.lossSaid) < sameLoss {
		level = zerolog.DebugLevel
	} else {
		p.lossSaid = now
	}
	p.remote.log.WithLevel(level).Str("peer", p.addr).Stringer("lane", lane).Err(err).Msg("connection lost; messages on their way may be lost")
}

func (p *peer) laneRefused(o *outbound, r refusal) {
	p.post(func(a *association, now time.Time) {
		if p.streams[o.kind] != o {
			return
		}
		if (r.Code == refusedName || r.Code == refusedSecret) && p.disproved(o, 0) {
			p.dialAgain(a, now, o)
			return
		}
		p.instruments.failed.Add(1)
		p.closeStream(o.kind)
		cause, text := r.cause(p.remote.self, p.addr)
		p.notConnected(r.UID, cause, text)
		if r.Code != refusedGone {
			r.Text = text
		}
		a.laneRefused(now, o.kind, r)
	})
}

// closeLane takes the stream away from a lane, and reports whether messages wait.
func (p *peer) closeLane(kind laneKind) bool {
	waiting, dropped := p.lanes[kind].close()
	p.dropFrames(dropped, actor.DropBackpressure, nil)
	return waiting
}

func (p *peer) closeStream(kind laneKind) {
	if o := p.streams[kind]; o != nil {
		p.streams[kind] = nil
		if kind != laneProbe {
			p.closeLane(kind)
		}
		o.close()
	}
}

// perform carries out the effects so far, in order.
func (p *peer) perform(now time.Time) {
	for len(p.assoc.effects) > 0 {
		effects := p.assoc.effects
		p.assoc.effects = nil
		for _, e := range effects {
			p.carryOut(now, e)
		}
	}
}

func (p *peer) carryOut(now time.Time, e effect) {
	r := p.remote
	switch e.kind {
	case effectDial:
		p.streams[e.lane] = p.dial(e.lane)
	case effectCloseLane:
		if e.text != "" {
			cause, text := causeOf(errUnanswered)
			p.notConnected(0, cause, text)
		}
		if e.gentle {
			p.leaveStream(e.lane)
		} else {
			p.closeStream(e.lane)
		}
		if e.lane != laneProbe && p.assoc.lanes[e.lane].phase == laneIdle && p.lanes[e.lane].idle() {
			p.assoc.demand(now, e.lane)
		}
	case effectLost:
		p.lost(e.lane, e.uid, p.streams[e.lane], errSilent)
	case effectOpenLane:
		if e.again {
			p.instruments.reconnects.Add(1)
		}
		p.opened(e.lane)
		p.streams[e.lane].account.uid = e.uid
		dropped, outsize := p.lanes[e.lane].open(p.streams[e.lane], p.assoc.peer, r.formFor(p.assoc.peer))
		p.dropFrames(dropped, actor.DropBackpressure, nil)
		p.sendApart(now, e.lane, outsize)
	case effectDropPending:
		if e.lane != laneProbe {
			p.dropFrames(p.lanes[e.lane].drop(0), e.reason, p.vain)
		}
	case effectWrite:
		if !p.lanes[e.lane].write(e.frame) {
			r.stats.controlFull.Add(1) // it is kept, and sent again when there is room
		}
	case effectReply:
		r.reply(e.conn, e.frame)
	case effectWelcome:
		r.welcome(e.conn)
	case effectRefuse:
		r.refuse(e.conn, refusal{Code: e.code, UID: r.self.UID, Text: e.text})
	case effectDeliver:
		p.deliverSystem(e)
	case effectLeft:
		r.left()
	case effectForget:
		p.forget()
	default:
		p.announce(e)
	}
}

// announce tells the system of a change in who is there.
func (p *peer) announce(e effect) {
	r := p.remote
	switch e.kind {
	case effectPeer:
		p.publishKnown(e.peer)
		p.complaint, p.vain = "", nil
		r.log.Debug().Str("peer", p.addr).Uint64("uid", e.uid).Msg("connected")
		r.sys.Publish(Connected{Addr: p.addr, UID: e.uid})
		if e.peer.otherTypes(r.self) {
			r.log.Info().Str("peer", p.addr).Msg("other message types are registered there than here: as it should be during an upgrade, or where nodes have different tasks; those that can't be decoded are named as they come")
			r.sys.Publish(TypesDiffer{Addr: p.addr, UID: e.uid})
		}
	case effectGone:
		p.publishKnown(p.assoc.peer)
		if e.uid != 0 {
			r.closeInbound(p.addr, e.uid, e.gone == goneGoodbye)
			for _, l := range p.lanes {
				if l != nil {
					p.dropFrames(l.drop(e.uid), actor.DropQuarantined, nil)
				}
			}
		}
		r.port.NodeGone(p.addr, e.uid)
		if !e.again && e.uid != 0 {
			p.instruments.ended.Add(1)
			if e.gone.verdict() {
				p.instruments.quarantined.Add(1)
			}
			r.log.WithLevel(e.gone.level()).Str("peer", p.addr).Uint64("uid", e.uid).Stringer("reason", e.gone).Msg("peer is gone")
			r.sys.Publish(Gone{Addr: p.addr, UID: e.uid, Reason: e.gone.String()})
		}
	case effectRefusedByPeer:
		r.log.Warn().Str("peer", p.addr).Uint64("uid", e.uid).Msg("that node has declared this one dead: " + e.text)
		r.sys.Publish(DeclaredDead{By: p.addr, UID: e.uid})
	case effectMisfit:
		p.misfit(e.text)
	}
}

func (p *peer) publishKnown(present identity) {
	p.known.Store(&incarnations{present: present, gone: slices.Clone(p.assoc.gone)})
}

func (p *peer) deliverSystem(e effect) {
	r, m := p.remote, e.system
	op, ok := operationOf(m.Kind)
	if !ok {
		return // of a newer version
	}
	if class := p.classOf(e.uid); !r.cfg.Access.permits(class, op, m.ToPath) {
		r.denySystem(e, class, op)
		return
	}
	from := actor.Location{System: e.peer.System, Addr: p.addr, UID: e.uid, Path: m.FromPath, ID: m.FromID}
	if m.FromAnyUID {
		from.UID = 0
	}
	to := actor.Location{System: r.self.System, Addr: r.self.Addr, UID: m.ToUID, Path: m.ToPath, ID: m.ToID}
	r.port.DeliverSystem(actor.SystemMessage{Kind: m.Kind, To: r.sys.RefOf(to), From: r.sys.RefOf(from)})
}

// arrived notes how far an incoming stream of an incarnation has got.
func (p *peer) arrived(uid uint64, lane laneKind, n uint64) {
	p.reachedMu.Lock()
	p.reached.advance(uid, lane, n)
	p.reachedMu.Unlock()
	if p.holding.Load() {
		p.post(func(a *association, now time.Time) { a.progress(now, uid, p.reachedBy(uid)) })
	}
}

func (p *peer) reachedBy(uid uint64) position {
	p.reachedMu.Lock()
	defer p.reachedMu.Unlock()
	if p.reached.uid != uid {
		return position{}
	}
	return p.reached
}
