package actor

import (
	"cmp"
	"slices"
	"time"
)

// Schedule says when a timer of [Context.Schedule] ticks. The short forms are
// [Context.After] and [Context.Every].
type Schedule struct {
	// Key names the timer: starting another with an equal key cancels it. nil:
	// it has no name.
	Key any
	// First is the time until the first tick. Default for a timer that repeats:
	// Every.
	First time.Duration
	// Every is the time between ticks, at least a millisecond; 0 means that
	// there is only one.
	Every time.Duration
	// FixedRate keeps the ticks to the multiples of Every after the first: what
	// was missed comes at once, one after another. Without it Every passes
	// from the end of the handling of a tick, when Receive has returned, to the next,
	// and nothing is made up for.
	FixedRate bool
}

// Schedule sends msg to the actor itself at the times that s gives. The timer
// ends with [TimerHandle.Cancel], with the actor and with a restart; no tick of
// it is received after that, whether it waits in the mailbox or in the stash.
//
// A single tick has the trace of the message being handled now; see [Trace]. Those
// that repeat have none, unless msg is one of [WithTrace].
func (c *Context) Schedule(s Schedule, msg any) TimerHandle {
	if s.Every > 0 {
		s.Every = max(s.Every, time.Millisecond)
		if s.First <= 0 {
			s.First = s.Every
		}
	}
	return c.cell.startTimer(s, msg)
}

// After sends msg to the actor itself, d from now; see [Context.Schedule].
func (c *Context) After(d time.Duration, msg any) TimerHandle {
	return c.cell.startTimer(Schedule{First: d}, msg)
}

// Every sends msg to the actor itself, d from now and then d after the end of each
// handling of it: a fixed delay, so that a slow actor has a pause; see [Context.Schedule].
// What keeps a rate is [Context.AtRate].
func (c *Context) Every(d time.Duration, msg any) TimerHandle {
	return c.Schedule(Schedule{Every: max(d, time.Millisecond)}, msg)
}

// AtRate sends msg to the actor itself, d from now and then at every multiple of d,
// however long handling it takes: a fixed rate. What was missed comes at once, one after
// another; see [Context.Schedule].
func (c *Context) AtRate(d time.Duration, msg any) TimerHandle {
	return c.Schedule(Schedule{Every: max(d, time.Millisecond), FixedRate: true}, msg)
}

// AtRateKey is AtRate with a name for the timer.
func (c *Context) AtRateKey(key any, d time.Duration, msg any) TimerHandle {
	return c.Schedule(Schedule{Key: key, Every: max(d, time.Millisecond), FixedRate: true}, msg)
}

// AfterKey is After with a name for the timer: starting another with the same
// key cancels this one.
func (c *Context) AfterKey(key any, d time.Duration, msg any) TimerHandle {
	return c.cell.startTimer(Schedule{Key: key, First: d}, msg)
}

// EveryKey is Every with a name for the timer.
func (c *Context) EveryKey(key any, d time.Duration, msg any) TimerHandle {
	return c.Schedule(Schedule{Key: key, Every: max(d, time.Millisecond)}, msg)
}

// CancelKey cancels the timer with the key and reports whether there was one.
func (c *Context) CancelKey(key any) bool {
	if c.cell.x == nil {
		return false
	}
	t := c.cell.x.timers.byKey[key]
	return t != nil && TimerHandle{t}.Cancel()
}

// HasTimer reports whether a timer with the key is pending.
func (c *Context) HasTimer(key any) bool {
	return c.cell.x != nil && c.cell.x.timers.byKey[key] != nil
}

// CancelTimers cancels all timers of the actor.
func (c *Context) CancelTimers() {
	if c.cell.x != nil {
		c.cell.x.timers.cancelAll()
	}
}

// timers are the pending timers of one actor.
type timers struct {
	live    map[*timer]struct{}
	byKey   map[any]*timer
	started uint64
	handled *timer // whose tick is being handled, if it counts from the end of that
}

// rearm starts the time to the next tick of the timer whose tick has been handled.
func (ts *timers) rearm() {
	t := ts.handled
	ts.handled = nil
	if t != nil && !t.voided {
		t.arm(t.every)
	}
}

// timer is a message of an actor to itself, later, once or again and again.
// Everything but the pending call belongs to the actor's turn.
type timer struct {
	cell   *cell
	number uint64 // in the order in which they were started
	key    any
	msg    any
	trace  Trace
	every  time.Duration
	due    time.Time // of the next tick, at a fixed rate
	call   Timer
	voided bool
}

// TimerHandle cancels a timer of [Context.Schedule] and its short forms.
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

func (c *cell) startTimer(s Schedule, msg any) TimerHandle {
	ts := &c.extras().timers
	if s.Key != nil {
		if old := ts.byKey[s.Key]; old != nil {
			ts.cancel(old)
		}
	}
	if ts.live == nil {
		ts.live = map[*timer]struct{}{}
		ts.byKey = map[any]*timer{}
	}
	ts.started++
	msg, trace := TraceOf(msg)
	if trace == "" && s.Every == 0 { // what comes again and again is no part of one operation
		trace = c.x.trace
	}
	t := &timer{cell: c, number: ts.started, key: s.Key, msg: msg, trace: trace, every: s.Every}
	if s.FixedRate {
		t.due = c.sys.clock.Now().Add(s.First)
	}
	ts.live[t] = struct{}{}
	if s.Key != nil {
		ts.byKey[s.Key] = t
	}
	t.arm(s.First)
	if c.sys.observer != nil {
		c.sys.act(Act{Kind: ActTimerSet, Actor: PID{p: &c.process}, Message: msg, Schedule: s})
	}
	return TimerHandle{t}
}

func (t *timer) arm(d time.Duration) {
	t.call = t.cell.sys.clock.AfterFunc(d, func() {
		t.cell.deliverSelf(envelope{msg: t, from: &t.cell.process})
	})
}

// tick is the timer's turn.
func (t *timer) tick(c *cell) (envelope, bool) {
	if t.voided {
		return envelope{}, false
	}
	switch {
	case t.every <= 0:
		c.x.timers.forget(t)
	case t.due.IsZero():
		c.x.timers.handled = t // armed again when that is over
	default:
		t.due = t.due.Add(t.every)
		t.arm(max(t.due.Sub(c.sys.clock.Now()), 0))
	}
	c.x.ticking, c.x.trace = true, t.trace
	return envelope{msg: t.msg, from: &c.process}, true
}

// stashedTick is the message of a timer in the stash: void after a restart.
type stashedTick struct {
	incarnation uint32
	msg         any
	trace       Trace
}

// unstashed is a message of the stash as the actor knows it.
func unstashed(msg any) any {
	msg = untraced(msg)
	if s, tick := msg.(*stashedTick); tick {
		return s.msg
	}
	return msg
}

func (s *stashedTick) tick(c *cell) (envelope, bool) {
	if s.incarnation != c.incarnation {
		return envelope{}, false
	}
	c.x.ticking, c.x.trace = true, s.trace
	return envelope{msg: s.msg, from: &c.process}, true
}

func (ts *timers) cancel(t *timer) {
	ts.forget(t)
	if c := t.cell; c.sys.observer != nil {
		s := Schedule{Key: t.key, Every: t.every, FixedRate: !t.due.IsZero()}
		c.sys.act(Act{Kind: ActTimerCancelled, Actor: PID{p: &c.process}, Message: t.msg, Schedule: s})
	}
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
	all := make([]*timer, 0, len(ts.live))
	for t := range ts.live { //det:ok sorted below
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *timer) int { return cmp.Compare(a.number, b.number) })
	for _, t := range all {
		ts.cancel(t)
	}
}
