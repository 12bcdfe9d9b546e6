package actor

// deliver puts a user message into the mailbox and sees to it that a turn comes.
func (c *cell) deliver(env envelope) error {
	if c.mailbox.rouse(env) {
		c.schedule()
		return nil
	}
	err := c.accept(env, nil)
	if err == nil {
		c.wake(held, nil)
	}
	return err
}

// deliverAgain is deliver, of several messages, for an actor that was found some time
// ago. It returns how many it took: fewer, or none, when it isn't as simple as that,
// because the actor has stopped, its mailbox is full or a special one.
func (c *cell) deliverAgain(envs []envelope) int {
	if c.sys.observer != nil || c.mailbox.special != nil {
		return 0
	}
	if len(envs) == 1 && c.mailbox.rouse(envs[0]) {
		c.schedule()
		return 1
	}
	taken := c.mailbox.appendAll(envs, c.spec.mailboxMax)
	if taken > 0 {
		c.wake(held, nil)
	}
	return taken
}

// deliverSegment is deliverAgain of a full-sized segment; see mailbox.appendSegment.
func (c *cell) deliverSegment(segment []envelope) (taken int, other []envelope) {
	if c.sys.observer != nil || c.mailbox.special != nil {
		return 0, nil
	}
	if taken, other = c.mailbox.appendSegment(segment, c.spec.mailboxMax); taken > 0 {
		c.wake(held, nil)
	}
	return taken, other
}

// deliverFrom is deliver for a message that another cell sends in its turn:
// the worker that runs the turn takes the receiver on.
func (c *cell) deliverFrom(env envelope, w *worker) {
	if c.mailbox.rouse(env) {
		c.scheduleBy(w)
	} else if c.accept(env, w) == nil {
		c.wake(held, w)
	}
	w.sent()
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
	if (c.spec.mailboxMax > 0 || c.mailbox.special != nil) && endsActor(env.msg) {
		if err := c.mailbox.pushOwn(env); err != nil {
			c.drop(env, reasonOf(err))
			return err
		}
		return nil
	}
	err := c.mailbox.push(env, c.spec.mailboxMax)
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
	if c.mailbox.pushOwn(env) == nil {
		c.wake(held, nil)
	}
}

func (c *cell) signal(s signal) { c.signalFrom(s, nil) }

// signalFrom is signal in the turn of another cell, which w runs.
func (c *cell) signalFrom(s signal, w *worker) {
	if s.kind == signalStop && !c.heedsStopper() {
		s.from = nil
	}
	if !c.signals.push(s) {
		answerDead(s)
		return
	}
	c.wake(0, w)
	w.sent()
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

func answerAllDead(all *waitingSignal) {
	for ; all != nil; all = all.next {
		answerDead(all.signal)
	}
}

// wake makes c runnable, unless it is, or one of the flags says that it need not be.
// It is w that runs the turn of the sender, if anybody.
func (c *cell) wake(not uint64, w *worker) {
	if c.mailbox.makeDue(not) {
		c.scheduleBy(w)
	}
}

// scheduleBy makes c runnable, which it wasn't: by w, if c belongs to its system.
func (c *cell) scheduleBy(w *worker) {
	if w == nil || w.p != c.sys.own || c.spec.apart() {
		c.schedule()
		return
	}
	w.push(c)
}

// scheduleLast makes c runnable again, behind others.
func (c *cell) scheduleLast(w *worker) {
	if w == nil || c.spec.apart() {
		c.schedule()
		return
	}
	w.pushLast(c)
}

// schedule makes c runnable where it belongs.
func (c *cell) schedule() {
	if c.spec.apart() && c.x.lane != nil {
		c.x.lane.push(c)
		return
	}
	c.sys.exec.Schedule(c)
}
