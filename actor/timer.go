package actor

import "time"

// timers are the pending timers of one actor.
type timers struct {
	live  map[*timer]struct{}
	byKey map[any]*timer
}

// timer is a message of an actor to itself, later, once or again and again.
// Everything but the pending call belongs to the actor's turn.
type timer struct {
	cell   *cell
	key    any
	msg    any
	every  time.Duration
	call   Timer
	voided bool
}

// TimerHandle cancels a timer of [Context.After] or [Context.Every].
type TimerHandle struct{ t *timer }

// Cancel cancels the timer: its message is not received any more, even if it
// waits in the mailbox already. It reports whether there was something to
// cancel. Call it on the actor's own turn only; the zero handle cancels nothing.
func (h TimerHandle) Cancel() bool {
	if h.t == nil || h.t.voided {
		return false
	}
	h.t.cell.x.timers.cancel(h.t)
	return true
}

func (c *cell) startTimer(key any, d, every time.Duration, msg any) TimerHandle {
	ts := &c.extras().timers
	if key != nil {
		if old := ts.byKey[key]; old != nil {
			ts.cancel(old)
		}
	}
	if ts.live == nil {
		ts.live = map[*timer]struct{}{}
		ts.byKey = map[any]*timer{}
	}
	t := &timer{cell: c, key: key, msg: msg, every: every}
	ts.live[t] = struct{}{}
	if key != nil {
		ts.byKey[key] = t
	}
	t.arm(d)
	return TimerHandle{t}
}

func (t *timer) arm(d time.Duration) {
	t.call = t.cell.sys.clock.AfterFunc(d, func() {
		t.cell.deliverSelf(envelope{msg: t, from: &t.cell.process})
	})
}

// due is the timer's turn.
func (t *timer) due(c *cell) (envelope, bool) {
	if t.voided {
		return envelope{}, false
	}
	if t.every > 0 {
		t.arm(t.every)
	} else {
		c.x.timers.forget(t)
	}
	return envelope{msg: t.msg, from: &c.process}, true
}

func (ts *timers) cancel(t *timer) {
	ts.forget(t)
	t.call.Stop()
}

func (ts *timers) forget(t *timer) {
	t.voided = true
	delete(ts.live, t)
	if t.key != nil && ts.byKey[t.key] == t {
		delete(ts.byKey, t.key)
	}
}

func (ts *timers) cancelAll() {
	for t := range ts.live { //det:ok cancelling commutes
		ts.cancel(t)
	}
}

// ReceiveTimeout is received when no message has come for the time given to
// [Context.SetReceiveTimeout].
type ReceiveTimeout struct{}

// idle is the receive timeout of one actor. The pending call is not moved with
// every message: when it comes too early, it is set again for the rest.
type idle struct {
	after   time.Duration
	last    time.Time
	call    Timer
	current *idleTick
}

// idleTick tells the pending call from those that were given up.
type idleTick struct{ _ byte }

func (c *cell) setIdle(d time.Duration) {
	i := &c.extras().idle
	i.cancel()
	if d <= 0 {
		return
	}
	i.after, i.last = d, c.sys.clock.Now()
	i.arm(c, d)
}

func (i *idle) arm(c *cell, d time.Duration) {
	tick := &idleTick{}
	i.current = tick
	then := &continuation{incarnation: c.incarnation, fn: func() { c.idleDue(tick) }}
	i.call = c.sys.clock.AfterFunc(d, func() {
		c.signal(signal{kind: signalContinue, then: then})
	})
}

// idleDue is the pending call's turn.
func (c *cell) idleDue(tick *idleTick) {
	i := &c.x.idle
	if i.current != tick {
		return
	}
	rest := i.after - c.sys.clock.Now().Sub(i.last)
	if rest > 0 || c.mailbox.length() > 0 {
		i.arm(c, max(rest, time.Millisecond))
		return
	}
	i.last = c.sys.clock.Now()
	i.arm(c, i.after)
	c.ctx.msg, c.ctx.from = ReceiveTimeout{}, &c.process
	c.behave()
}

func (i *idle) touch(c *cell) {
	if i.after > 0 {
		i.last = c.sys.clock.Now()
	}
}

func (i *idle) cancel() {
	if i.call != nil {
		i.call.Stop()
	}
	*i = idle{}
}
