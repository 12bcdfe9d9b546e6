package remote

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/phi"
)

// association is everything this node knows of one address, as a value that
// reacts to inputs: which incarnation is there, which ones are gone for good,
// how the streams to it stand, and the acknowledged system messages. Its methods
// are the inputs; they append to effects what the shell has to do, in order.
//
// An incarnation that is gone never comes back: quarantine is per uid.
type association struct {
	self identity
	addr string
	lim  limits

	peer     identity    // the present incarnation; UID 0: not known
	gone     []uint64    // newest last
	lanes    []laneState // by laneKind: the fixed ones and those of lim.lanes
	waiting  []waitingHello
	out      outWindow
	in       inWindow
	suspect  uint64        // an incarnation somebody names that is not the known one; 0: none
	unsent   []systemFrame // for an incarnation not known yet
	unsentAt time.Time     // when the first of them came
	held     []heldSystem  // arrived in order, waiting for other messages before them
	ackConn  uint64        // where the acknowledgement goes, 0: none is due
	watch    detection
	usedAt   time.Time  // when the address was last of use; zero: never, or it is forgotten
	doubted  bool       // the present incarnation is asked whether it is still there
	chance   *rand.Rand // of waits; nil: none
	leaving  leaveStep
	effects  []effect
}

// limits are the times and sizes of an association.
type limits struct {
	window     windowLimits
	greet      time.Duration // connect and handshake
	backoffMin time.Duration
	backoffMax time.Duration
	deliverBy  time.Duration // how long messages wait for a connection
	giveUp     time.Duration // how long a known incarnation may leave system messages unacknowledged
	giveUpNew  time.Duration // the same for an address that never answered
	stuck      time.Duration // how long an open stream may leave them so before it is dialed anew
	forget     time.Duration // how long an address that isn't used is left alone, and then remembered
	silence    time.Duration // how long a sign of life asked for on a lane of users' messages may take
	idle       time.Duration // how often an open stream is looked at, whether it is used
	cool       time.Duration // how long a peer that turned us away is left alone
	holdMax    time.Duration // how long a system message waits for others before it
	probeEvery time.Duration // heartbeats of watched nodes; 0: somebody else detects
	lanes      int           // ordinary ones
	phi        phi.Settings
}

type lanePhase uint8

const (
	laneIdle    lanePhase = iota // no connection, none wanted
	laneDialing                  // connecting or shaking hands
	laneOpen                     // the peer has answered
	laneWaiting                  // will dial again
)

type laneState struct {
	phase    lanePhase
	uid      uint64    // whom the open stream leads to
	until    time.Time // dialing: give up; waiting: dial, if there is still reason to; open: see whether it is used
	since    time.Time // open: since when
	attempts int
	failing  time.Time // since when it fails; zero: it doesn't
	parting  bool      // the goodbye on it is not answered yet
	checkAt  time.Time // open: see whether anything comes back
	checked  uint64    // messages sent on it when a sign of life was last asked for
	asking   bool      // and none has come yet
}

// waitingHello is somebody who knocks as another incarnation than the one known:
// the answer is given when the address itself has been asked.
type waitingHello struct {
	conn  uint64
	from  identity
	until time.Time
}

type heldSystem struct {
	msg   systemFrame
	until time.Time
}

// detection watches the peer's heartbeat while somebody here watches its actors.
type detection struct {
	on   bool
	uid  uint64
	next time.Time
	phi  *phi.Detector
}

const (
	goneMax    = 64
	waitingMax = 16
)

func newAssociation(self identity, addr string, lim limits, chance *rand.Rand) *association {
	return &association{self: self, addr: addr, lim: lim, chance: chance, lanes: make([]laneState, laneFixed+lim.lanes-1)}
}

func (a *association) emit(e effect) { a.effects = append(a.effects, e) }

func (a *association) isGone(uid uint64) bool { return slices.Contains(a.gone, uid) }

// demand says that there is something to send on an idle lane.
func (a *association) demand(now time.Time, lane laneKind) {
	if a.lanes[lane].phase == laneIdle {
		a.dial(now, lane)
	}
}

func (a *association) dial(now time.Time, lane laneKind) {
	l := &a.lanes[lane]
	if lane == laneLarge && a.peer.Can.LargeMax == 0 {
		a.withoutLarge(now)
		return
	}
	if lane != laneProbe {
		a.used(now)
	}
	l.phase, l.uid, l.until = laneDialing, 0, now.Add(a.lim.greet)
	a.emit(effect{kind: effectDial, lane: lane})
}

// withoutLarge puts off the stream for large messages until it is known whether the
// peer takes any, and drops them when it doesn't.
func (a *association) withoutLarge(now time.Time) {
	if a.peer.UID != 0 {
		a.coolDown(now, laneLarge, actor.DropTooLarge)
		return
	}
	l := &a.lanes[laneLarge]
	if l.failing.IsZero() {
		l.failing = now
	}
	l.phase, l.until = laneWaiting, now.Add(a.lim.backoffMax)
	a.demand(now, laneControl)
}

// laneUp says that a dialed stream was answered, and by whom.
func (a *association) laneUp(now time.Time, lane laneKind, peer identity) {
	l := &a.lanes[lane]
	if l.phase != laneDialing {
		a.emit(effect{kind: effectCloseLane, lane: lane})
		return
	}
	a.used(now)
	if a.isGone(peer.UID) {
		a.coolDown(now, lane, actor.DropQuarantined)
		a.settle(now, peer.UID)
		return
	}
	a.learn(now, peer)
	a.settle(now, peer.UID)
	again := !l.failing.IsZero()
	*l = laneState{phase: laneOpen, uid: peer.UID, since: now, until: now.Add(a.lim.idle), checkAt: now.Add(a.lim.silence), parting: l.parting}
	if lane == laneProbe {
		a.toIdle(now, lane, false)
		return
	}
	a.emit(effect{kind: effectOpenLane, lane: lane, uid: peer.UID, again: again})
	if lane == laneControl {
		a.pong(now, peer.UID, lane) // whoever shakes hands lives; the next heartbeat may come too late to say so
		for _, frame := range a.out.reopened(now, a.lim.window) {
			a.emit(effect{kind: effectWrite, frame: frame})
		}
	}
}

// toIdle ends a lane's stream; a gentle end waits until everything on it has been read.
// The shell looks whether something came meanwhile.
func (a *association) toIdle(now time.Time, lane laneKind, gentle bool) {
	a.leftLane(now, lane)
	if lane != laneProbe {
		a.used(now)
	}
	a.lanes[lane] = laneState{}
	a.emit(effect{kind: effectCloseLane, lane: lane, gentle: gentle})
}

// coolDown ends a stream to somebody who must not or will not talk, and leaves
// the address alone for a while.
func (a *association) coolDown(now time.Time, lane laneKind, reason actor.DropReason) {
	a.leftLane(now, lane)
	a.emit(effect{kind: effectCloseLane, lane: lane})
	a.emit(effect{kind: effectDropPending, lane: lane, reason: reason})
	a.lanes[lane] = laneState{phase: laneWaiting, until: now.Add(a.lim.cool)}
}

// laneDown says that a stream ended or could not be had.
func (a *association) laneDown(now time.Time, lane laneKind, wanted bool) {
	l := &a.lanes[lane]
	if l.phase == laneIdle || l.phase == laneWaiting {
		return
	}
	a.leftLane(now, lane)
	if l.phase == laneOpen {
		l.attempts = 0
		if !a.needed(lane, wanted) {
			a.toIdle(now, lane, false)
			return
		}
	}
	if l.failing.IsZero() {
		l.failing = now
	}
	wait := a.lim.backoffMax
	if l.attempts < 16 {
		wait = min(wait, a.lim.backoffMin<<l.attempts)
	}
	l.attempts++
	l.phase, l.uid, l.until = laneWaiting, 0, now.Add(a.jittered(wait))
}

// laneRefused says that the other end turned this node away.
func (a *association) laneRefused(now time.Time, lane laneKind, r refusal) {
	if lane == laneProbe {
		a.doubted = false // somebody has answered
	}
	switch r.Code {
	case refusedGone:
		if a.isGone(r.UID) {
			a.coolDown(now, lane, actor.DropQuarantined) // it only answers our own verdict
			return
		}
		a.emit(effect{kind: effectRefusedByPeer, uid: r.UID, text: r.Text})
		if a.peer.UID == 0 || a.peer.UID == r.UID {
			a.endIncarnation(now, r.UID, goneRefused)
		}
		a.coolDown(now, lane, actor.DropRefused)
	case refusedVersion, refusedAddress, refusedCluster, refusedSelf, refusedSecret, refusedName:
		a.emit(effect{kind: effectMisfit, lane: lane, text: r.Text})
		a.coolDown(now, lane, actor.DropRefused)
	default:
		a.laneDown(now, lane, true)
	}
}

// knock is a hello that came in on a connection and is acceptable in general.
func (a *association) knock(now time.Time, conn uint64, from identity) {
	a.used(now)
	switch {
	case a.isGone(from.UID):
		a.emit(effect{kind: effectRefuse, conn: conn, code: refusedGone,
			text: fmt.Sprintf("incarnation %d of %s was declared dead here; restart it", from.UID, a.addr)})
	case a.peer.UID == 0 || a.peer.UID == from.UID:
		a.emit(effect{kind: effectWelcome, conn: conn, uid: from.UID})
		a.learn(now, from)
		if len(a.unsent) > 0 {
			a.named(now, a.unsent[0].ToUID)
		}
	case len(a.waiting) >= waitingMax:
		a.emit(effect{kind: effectRefuse, conn: conn, code: refusedBusy, text: "too many connections that claim this address"})
	default:
		// A hello of a dead process may arrive late. Who is really there is
		// what the address itself answers.
		a.waiting = append(a.waiting, waitingHello{conn: conn, from: from, until: now.Add(a.lim.greet)})
		a.probe(now)
	}
}

// probe asks the address who is there.
func (a *association) probe(now time.Time) {
	if p := a.lanes[laneProbe].phase; p == laneIdle || p == laneWaiting {
		a.dial(now, laneProbe)
	}
}

// named says that somebody sends to an incarnation by its uid. When that is not
// the known one, one of the two is out of date.
func (a *association) named(now time.Time, uid uint64) {
	if uid == 0 || a.peer.UID == 0 || uid == a.peer.UID || a.isGone(uid) || a.suspect != 0 {
		return
	}
	a.suspect = uid
	a.probe(now)
}

// settle draws the conclusions when the address has said who is there: those who
// wait at the door are answered, and incarnations that were named are either
// that one or gone.
func (a *association) settle(now time.Time, there uint64) {
	if a.suspect != 0 && a.suspect != there && there == a.peer.UID {
		a.endIncarnation(now, a.suspect, goneReplaced)
	}
	for there == a.peer.UID && len(a.unsent) > 0 {
		a.endIncarnation(now, a.unsent[0].ToUID, goneReplaced)
	}
	for _, w := range a.waiting {
		switch {
		case a.isGone(w.from.UID):
			a.emit(effect{kind: effectRefuse, conn: w.conn, code: refusedGone, text: "this incarnation was declared dead here; restart it"})
		case w.from.UID == there:
			a.emit(effect{kind: effectWelcome, conn: w.conn, uid: there})
		default:
			a.emit(effect{kind: effectRefuse, conn: w.conn, code: refusedStale, text: "another incarnation answers at this address"})
		}
	}
	a.waiting, a.suspect, a.doubted = nil, 0, false
}

// learn notes which incarnation is there.
func (a *association) learn(now time.Time, peer identity) {
	if a.peer.UID == peer.UID {
		return
	}
	if a.peer.UID != 0 {
		a.endIncarnation(now, a.peer.UID, goneReplaced)
	}
	a.peer = peer
	a.emit(effect{kind: effectPeer, uid: peer.UID, peer: peer})
	for k := range a.lanes {
		if l := &a.lanes[k]; l.phase == laneWaiting {
			l.until = now // somebody is there: no reason to wait longer
		}
	}
	unsent := a.unsent
	a.unsent = nil
	for _, m := range unsent {
		if m.ToUID == 0 || m.ToUID == peer.UID {
			a.sendSystem(now, m)
		} else {
			a.unsent = append(a.unsent, m) // settled when the address itself has spoken
		}
	}
	if a.suspect == peer.UID {
		a.suspect = 0
	}
}

// endIncarnation ends everything with an incarnation, for good.
func (a *association) endIncarnation(now time.Time, uid uint64, why goneReason) {
	a.used(now)
	again := a.isGone(uid)
	if uid != 0 && !again {
		a.gone = append(a.gone, uid)
		if len(a.gone) > goneMax {
			a.gone = a.gone[1:]
		}
	}
	if uid == a.peer.UID {
		if a.leaving == leaveOrdinary || a.leaving == leaveControl {
			a.leaving = leaveDone
			a.emit(effect{kind: effectLeft})
		}
		a.peer = identity{}
		a.out, a.in, a.held, a.ackConn = outWindow{}, inWindow{}, nil, 0
		a.watch, a.doubted = detection{}, false
		for k := range a.lanes {
			if l := &a.lanes[k]; l.phase == laneOpen && l.uid == uid {
				a.toIdle(now, laneKind(k), why == goneGoodbye)
			}
		}
	}
	a.unsent = slices.DeleteFunc(a.unsent, func(m systemFrame) bool { return m.ToUID == 0 || m.ToUID == uid })
	if a.suspect == uid {
		a.suspect = 0
	}
	a.emit(effect{kind: effectGone, uid: uid, gone: why, again: again})
}

// quarantine ends an incarnation on somebody's word. uid 0 means the present one.
func (a *association) quarantine(now time.Time, uid uint64, why goneReason) {
	if uid == 0 {
		uid = a.peer.UID
	}
	if uid == 0 || a.isGone(uid) {
		return
	}
	a.endIncarnation(now, uid, why)
}

// sendSystem sends a system message, exactly once and in order, or ends the
// incarnation.
func (a *association) sendSystem(now time.Time, m systemFrame) {
	switch {
	case m.ToUID != 0 && a.isGone(m.ToUID):
		a.endIncarnation(now, m.ToUID, goneReplaced) // whoever watches it is to know
		return
	case a.peer.UID == 0 || m.ToUID != 0 && m.ToUID != a.peer.UID:
		a.keepUnsent(now, m)
		return
	}
	frame, ok := a.out.push(now, a.lim.window, func(seq uint64) []byte {
		m.Seq = seq
		return appendSystem(nil, m, a.peer.Can.Version)
	})
	if !ok {
		a.endIncarnation(now, a.peer.UID, goneOverflow)
		return
	}
	if a.lanes[laneControl].phase == laneOpen {
		a.emit(effect{kind: effectWrite, frame: frame})
	}
	a.demand(now, laneControl)
	if m.Kind == actor.SystemWatch && a.lim.probeEvery > 0 {
		a.startDetection(now)
	}
}

// keepUnsent keeps a message until the address has said who is there.
func (a *association) keepUnsent(now time.Time, m systemFrame) {
	if len(a.unsent) == 0 {
		a.unsentAt = now
	}
	if len(a.unsent) >= a.lim.window.count {
		a.endIncarnation(now, m.ToUID, goneOverflow)
		return
	}
	a.unsent = append(a.unsent, m)
	if a.peer.UID == 0 {
		a.demand(now, laneControl)
		return
	}
	a.named(now, m.ToUID)
}

// system is a system message that arrived from the incarnation uid; at is how many
// others of it have arrived.
func (a *association) system(now time.Time, conn, uid uint64, m systemFrame, at position) {
	if uid != a.peer.UID || m.ToUID != 0 && m.ToUID != a.self.UID {
		return
	}
	switch a.in.take(m.Seq) {
	case verdictDeliver:
		a.ackConn = conn
		a.held = append(a.held, heldSystem{msg: m, until: now.Add(a.lim.holdMax)})
		a.progress(now, uid, at)
	case verdictDuplicate:
		a.ackConn = conn
	case verdictGap:
		a.emit(effect{kind: effectReply, conn: conn, frame: appendNumber(nil, frameNack, a.in.got)})
	}
}

// progress releases system messages that waited for others.
func (a *association) progress(now time.Time, uid uint64, at position) {
	if uid != a.peer.UID {
		return
	}
	n := 0
	for n < len(a.held) && (at.covers(&a.held[n].msg) || !now.Before(a.held[n].until)) {
		n++
	}
	a.deliverHeld(n)
}

// deliverHeld hands over the first n of the system messages that waited.
func (a *association) deliverHeld(n int) {
	for _, h := range a.held[:n] {
		a.emit(effect{kind: effectDeliver, uid: a.peer.UID, peer: a.peer, system: h.msg})
	}
	if a.held = a.held[n:]; len(a.held) == 0 {
		a.held = nil
	}
}

// flush ends a batch of inputs: one acknowledgement for all that came in.
func (a *association) flush() {
	if a.ackConn != 0 {
		a.emit(effect{kind: effectReply, conn: a.ackConn, frame: appendNumber(nil, frameAck, a.in.got)})
		a.ackConn = 0
	}
}

// acked is an acknowledgement from the incarnation uid.
func (a *association) acked(now time.Time, uid, seq uint64, missing bool) {
	if uid != a.peer.UID {
		return
	}
	if !missing {
		a.out.ack(now, a.lim.window, seq)
		return
	}
	a.resend(a.out.nack(now, a.lim.window, seq))
}

func (a *association) resend(frames [][]byte) {
	if a.lanes[laneControl].phase != laneOpen {
		return // it begins with everything kept
	}
	for _, frame := range frames {
		a.emit(effect{kind: effectWrite, frame: frame})
	}
}
