package actor

import "time"

// ReceiveTimeout is received when no message has come for the time given to
// [Context.SetReceiveTimeout].
type ReceiveTimeout struct {
	// After is that time.
	After time.Duration
}

// Background is implemented by messages that are no sign of life: they neither
// put off a [ReceiveTimeout] nor prevent it.
type Background interface{ BackgroundMessage() }

// SetReceiveTimeout has the actor receive a [ReceiveTimeout] whenever d has
// passed since it last handled a message that isn't [Background]. It counts from
// now, and ends with a restart. Zero or less ends it; a ReceiveTimeout that waits in
// the mailbox is not received then.
func (c *Context) SetReceiveTimeout(d time.Duration) { c.cell.setIdle(d) }

// idle is the receive timeout of one actor. The pending call is not moved with
// every message: when it comes too early, it is set again for the rest.
type idle struct {
	after   time.Duration
	last    time.Time
	call    Timer
	current *idleTick
}

// idleTick tells the pending call from those that were given up. It takes its
// place in the mailbox, so that what came before it counts.
type idleTick struct{ _ byte }

func (c *cell) setIdle(d time.Duration) {
	i := &c.extras().idle
	i.cancel()
	if c.sys.observer != nil {
		c.sys.act(Act{Kind: ActReceiveTimeout, Actor: PID{p: &c.process}, After: max(d, 0)})
	}
	if d <= 0 {
		return
	}
	i.after, i.last = d, c.sys.clock.Now()
	i.arm(c, d)
}

func (i *idle) arm(c *cell, d time.Duration) {
	tick := &idleTick{}
	i.current = tick
	i.call = c.sys.clock.AfterFunc(d, func() {
		c.deliverSelf(envelope{msg: tick, from: &c.process})
	})
}

// tick is the pending call's turn.
func (t *idleTick) tick(c *cell) (envelope, bool) {
	i := &c.x.idle
	if i.current != t {
		return envelope{}, false
	}
	if rest := i.after - c.sys.clock.Now().Sub(i.last); rest > 0 {
		i.arm(c, rest)
		return envelope{}, false
	}
	i.arm(c, i.after)
	return envelope{msg: ReceiveTimeout{After: i.after}, from: &c.process}, true
}

// touch notes that msg was handled.
func (i *idle) touch(c *cell, msg any) {
	if i.after <= 0 {
		return
	}
	if _, background := msg.(Background); !background {
		i.last = c.sys.clock.Now()
	}
}

func (i *idle) cancel() {
	if i.call != nil {
		i.call.Stop()
	}
	*i = idle{}
}
