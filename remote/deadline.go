package remote

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/phi"
)

// outside is what an association must be told of the shell when time passes.
type outside struct {
	wanted  [laneMax]bool   // bytes wait on the lane
	unused  [laneMax]bool   // nothing was sent since the lane was last looked at, and its stream is taken away
	sent    [laneMax]uint64 // messages ever appended to the lane
	vouched bool            // somebody answers for the present incarnation though it isn't used
	watched bool            // somebody here watches an actor of the present incarnation
}

// needed says whether a lane has a reason to be open.
func (a *association) needed(lane laneKind, wanted bool) bool {
	switch lane {
	case laneProbe:
		return len(a.waiting) > 0 || a.suspect != 0 || a.doubted
	case laneControl:
		return wanted || len(a.out.kept) > 0 || len(a.unsent) > 0 && a.peer.UID == 0
	}
	return wanted
}

// tick carries out everything that is due. It may be called at any time.
func (a *association) tick(now time.Time, o outside) {
	for k := range a.lanes {
		a.tickLane(now, laneKind(k), o)
	}
	a.tickDoor(now)
	a.progress(now, a.peer.UID, position{})
	a.tickDetection(now, o.watched)
	if a.lanes[laneControl].phase == laneOpen {
		a.resend(a.out.due(now, a.lim.window))
	}
	if len(a.out.kept) > 0 && !now.Before(a.out.movedAt.Add(a.lim.giveUp)) {
		a.endIncarnation(now, a.peer.UID, goneGaveUp)
	}
	if at, ok := a.unsentDeadline(); ok && !now.Before(at) {
		a.giveUpUnsent(now)
	}
	a.tickDisuse(now, o.vouched)
}

func (a *association) tickLane(now time.Time, lane laneKind, o outside) {
	l, wanted := &a.lanes[lane], o.wanted[lane]
	if a.lookDue(now, lane) {
		l.until = now.Add(a.lim.idle)
		if o.unused[lane] {
			a.toIdle(now, lane, true)
			return
		}
	}
	switch {
	case l.phase == laneDialing && !now.Before(l.until):
		a.emit(effect{kind: effectCloseLane, lane: lane, text: "unanswered"})
		a.laneDown(now, lane, wanted)
	case l.phase == laneWaiting && !now.Before(l.until):
		if a.needed(lane, wanted) {
			a.dial(now, lane)
		} else {
			a.toIdle(now, lane, false)
		}
	case l.phase == laneOpen && lane == laneControl:
		if at, ok := a.stuckAt(); ok && !now.Before(at) {
			a.lose(now, lane, true)
		}
	case l.phase == laneOpen && lane.carriesUser() && !now.Before(l.checkAt):
		a.check(now, lane, o)
	}
	if a.overdue(now, l) {
		l.failing = now
		a.emit(effect{kind: effectDropPending, lane: lane, reason: actor.DropUnreachable})
		if lane == laneProbe {
			a.unanswered(now)
		}
		if l.phase == laneWaiting && !a.needed(lane, false) {
			a.toIdle(now, lane, false)
		}
	}
}

// check asks for a sign of life on a lane on which messages were sent, and ends a
// stream on which none has come since it was last asked for.
func (a *association) check(now time.Time, lane laneKind, o outside) {
	l := &a.lanes[lane]
	l.checkAt = now.Add(a.lim.silence)
	if l.asking {
		a.lose(now, lane, o.wanted[lane])
	} else if o.sent[lane] != l.checked {
		l.asking, l.checked = true, o.sent[lane]
		a.emit(effect{kind: effectWrite, lane: lane, frame: appendNumber(nil, framePing, l.uid)})
	}
}

// lose ends a stream that seems to stand and from which nothing comes back: half of
// it is gone.
func (a *association) lose(now time.Time, lane laneKind, wanted bool) {
	a.emit(effect{kind: effectLost, lane: lane, uid: a.lanes[lane].uid})
	a.emit(effect{kind: effectCloseLane, lane: lane})
	a.laneDown(now, lane, wanted)
}

// lookDue says that it is time to see whether an open stream is still used.
func (a *association) lookDue(now time.Time, lane laneKind) bool {
	l := &a.lanes[lane]
	return l.phase == laneOpen && !now.Before(l.until) && (lane != laneControl || len(a.out.kept) == 0)
}

func (a *association) overdue(now time.Time, l *laneState) bool {
	return !l.failing.IsZero() && l.phase != laneOpen && l.phase != laneIdle && !now.Before(l.failing.Add(a.lim.deliverBy))
}

func (a *association) stuckAt() (time.Time, bool) {
	if len(a.out.kept) == 0 {
		return time.Time{}, false
	}
	from := a.out.movedAt
	if since := a.lanes[laneControl].since; since.After(from) {
		from = since
	}
	return from.Add(a.lim.stuck), true
}

// tickDoor turns those away who waited too long for the address to answer.
func (a *association) tickDoor(now time.Time) {
	a.waiting = slices.DeleteFunc(a.waiting, func(w waitingHello) bool {
		if now.Before(w.until) {
			return false
		}
		a.emit(effect{kind: effectRefuse, conn: w.conn, code: refusedStale, text: "the address did not confirm that this incarnation lives there"})
		return true
	})
}

// unsentDeadline is when messages for an incarnation that never answered are
// given up. Where somebody else detects failures and the incarnation has a name,
// that somebody is waited for much longer.
func (a *association) unsentDeadline() (time.Time, bool) {
	if len(a.unsent) == 0 {
		return time.Time{}, false
	}
	wait := a.lim.giveUpNew
	if a.lim.probeEvery == 0 && a.unsent[0].ToUID != 0 {
		wait = a.lim.giveUp
	}
	return a.unsentAt.Add(wait), true
}

func (a *association) giveUpUnsent(now time.Time) {
	for len(a.unsent) > 0 {
		uid := a.unsent[0].ToUID
		a.unsent = slices.DeleteFunc(a.unsent, func(m systemFrame) bool { return m.ToUID == uid })
		a.unsentAt = now
		a.endIncarnation(now, uid, goneGaveUp)
	}
}

// startDetection begins to watch the present incarnation's heartbeat.
func (a *association) startDetection(now time.Time) {
	if a.watch.on {
		return
	}
	a.watch = detection{on: true, uid: a.peer.UID, next: now, phi: phi.New(a.lim.phi)}
	a.watch.phi.Heartbeat(now) // the handshake was its first sign of life
}

func (a *association) tickDetection(now time.Time, watched bool) {
	w := &a.watch
	if !w.on || now.Before(w.next) {
		return
	}
	if !watched {
		a.watch = detection{}
		return
	}
	w.next = now.Add(a.lim.probeEvery)
	if !w.phi.Available(now) {
		a.endIncarnation(now, w.uid, goneUnreachable)
		return
	}
	if a.lanes[laneControl].phase == laneOpen {
		a.emit(effect{kind: effectWrite, frame: appendNumber(nil, framePing, w.uid)})
	}
	a.demand(now, laneControl)
}

// pong is a sign of life of the incarnation uid on a lane: on that of control it is
// a heartbeat.
func (a *association) pong(now time.Time, uid uint64, lane laneKind) {
	if lane != laneControl {
		a.lanes[lane].asking = false
		return
	}
	if a.watch.on && uid == a.watch.uid {
		a.watch.phi.Heartbeat(now)
	}
}

// next returns when tick has something to do, if ever.
func (a *association) next() (time.Time, bool) {
	var at time.Time
	add := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for k := range a.lanes {
		l := &a.lanes[k]
		if l.phase == laneDialing || l.phase == laneWaiting {
			add(l.until)
			if !l.failing.IsZero() {
				add(l.failing.Add(a.lim.deliverBy))
			}
		}
		if l.phase == laneOpen && (laneKind(k) != laneControl || len(a.out.kept) == 0) {
			add(l.until)
		}
		if l.phase == laneOpen && laneKind(k).carriesUser() {
			add(l.checkAt)
		}
	}
	for _, w := range a.waiting {
		add(w.until)
	}
	if len(a.held) > 0 {
		add(a.held[0].until)
	}
	if a.watch.on {
		add(a.watch.next)
	}
	if len(a.out.kept) > 0 {
		add(a.out.movedAt.Add(a.lim.giveUp))
		if a.lanes[laneControl].phase == laneOpen {
			add(a.out.dueAt)
			stuck, _ := a.stuckAt()
			add(stuck)
		}
	}
	if t, ok := a.unsentDeadline(); ok {
		add(t)
	}
	if t, ok := a.disusedAt(); ok {
		add(t)
	}
	return at, !at.IsZero()
}

// leaveStep is how far the goodbye has come.
type leaveStep uint8

const (
	leaveNot      leaveStep = iota
	leaveOrdinary           // the lanes of users' messages say goodbye
	leaveControl            // then the control lane
	leaveDone
)

// leave says goodbye: first on the lanes of users' messages, so that what was sent
// before arrives, then on the control lane, which ends this incarnation for the peer.
func (a *association) leave(now time.Time, o outside) {
	if a.leaving != leaveNot {
		return
	}
	a.leaving = leaveOrdinary
	for k := range a.lanes {
		lane := laneKind(k)
		if lane.carriesUser() && (a.lanes[k].phase == laneOpen || o.wanted[k]) {
			a.lanes[k].parting = true
			a.emit(effect{kind: effectWrite, lane: lane, frame: appendBare(nil, frameGoodbye)})
		}
	}
	a.partedOrdinary(now)
}

// partedOrdinary goes on with the control lane when all others have said goodbye.
func (a *association) partedOrdinary(now time.Time) {
	parting := func(l laneState) bool { return l.parting }
	if a.leaving == leaveOrdinary && !slices.ContainsFunc(a.lanes, parting) {
		a.leaveNext(now)
	}
}

func (a *association) leaveNext(now time.Time) {
	switch a.leaving {
	case leaveOrdinary:
		a.leaving = leaveControl
		if a.peer.UID != 0 {
			// Also when nothing was sent there yet: the peer may watch somebody here.
			a.emit(effect{kind: effectWrite, lane: laneControl, frame: appendBare(nil, frameGoodbye)})
			a.demand(now, laneControl)
			return
		}
		a.leaveNext(now)
	case leaveControl:
		a.leaving = leaveDone
		a.emit(effect{kind: effectLeft})
	}
}

// goodbyeAcked says that the peer has everything that was sent on the lane.
func (a *association) goodbyeAcked(now time.Time, lane laneKind) {
	switch {
	case lane == laneControl && a.leaving == leaveControl:
		a.leaveNext(now)
	case a.lanes[lane].parting:
		a.lanes[lane].parting = false
		a.partedOrdinary(now)
	}
}

// leftLane goes on with the goodbye when the lane that was saying it is no more.
func (a *association) leftLane(now time.Time, lane laneKind) { a.goodbyeAcked(now, lane) }

// goodbye is the peer's: its system has stopped. On the other lanes it only asks whether everything has arrived.
func (a *association) goodbye(now time.Time, conn, uid uint64, lane laneKind) {
	a.flush()
	a.emit(effect{kind: effectReply, conn: conn, frame: appendBare(nil, frameGoodbyeAck)})
	if lane == laneControl && uid == a.peer.UID {
		a.deliverHeld(len(a.held))
		a.endIncarnation(now, uid, goneGoodbye)
	}
}
