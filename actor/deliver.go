package actor

// deliver puts a user message into the mailbox and sees to it that a turn comes.
func (c *cell) deliver(env envelope) error {
	err := c.accept(env, nil)
	if err == nil {
		c.wake()
	}
	return err
}

// accept puts a user message into the mailbox, or drops it.
func (c *cell) accept(env envelope, w *worker) error {
	if c.sys.observer != nil {
		var err error
		if env, err = c.sys.observe(&c.process, env); err != nil {
			c.drop(env, DropEncode)
			return err
		}
	}
	err := c.mailbox.push(env)
	if err == ErrMailboxFull && c.mailbox.special != nil && c.mailbox.special.Overflow == BlockSender {
		err = c.deliverWaiting(env, w)
	}
	if err != nil {
		c.drop(env, reasonOf(err))
	}
	return err
}

// deliverSelf puts a message of the runtime behind the user messages that are
// there already, whatever the bound of the mailbox.
func (c *cell) deliverSelf(env envelope) {
	if c.mailbox.pushInternal(env) == nil {
		c.wake()
	}
}

// deliverFrom is deliver for a message that another cell sends in its turn:
// the worker that runs the turn takes the receiver on.
func (c *cell) deliverFrom(env envelope, w *worker) {
	if c.accept(env, w) == nil {
		c.wakeFrom(w)
	}
}

func (c *cell) wakeFrom(w *worker) {
	if w == nil || w.p != c.sys.own {
		c.wake()
		return
	}
	if !c.scheduled.Load() && c.scheduled.CompareAndSwap(false, true) {
		if c.spec.apart() {
			c.schedule()
		} else {
			w.push(c)
		}
	}
	w.sent()
}

func (c *cell) signal(s signal) {
	if c.signals.push(s) {
		c.wake()
		return
	}
	answerDead(s)
}

// signalFrom is signal in the turn of another cell, which w runs.
func (c *cell) signalFrom(s signal, w *worker) {
	if c.signals.push(s) {
		c.wakeFrom(w)
		return
	}
	answerDead(s)
}

// answerDead does what a signal asks for where there is no cell, or none any more.
func answerDead(s signal) {
	switch s.kind {
	case signalWatch:
		s.from.t.signal(signal{kind: signalTerminated, from: s.as})
	case signalInspect:
		s.then.msg.(*inspection).over.Open()
	}
}

// wakeAgain is wake at the end of a turn with work left: others come first.
func (c *cell) wakeAgain(w *worker) {
	if !c.scheduled.CompareAndSwap(false, true) {
		return
	}
	if w != nil && !c.spec.apart() {
		w.pushLast(c)
		return
	}
	c.schedule()
}

func (c *cell) wake() {
	if !c.scheduled.Load() && c.scheduled.CompareAndSwap(false, true) {
		c.schedule()
	}
}

// schedule makes c runnable where it belongs.
func (c *cell) schedule() {
	if c.spec.apart() && c.x.lane != nil {
		c.x.lane.push(c)
		return
	}
	c.sys.exec.Schedule(c)
}
