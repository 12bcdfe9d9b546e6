package actor

// Run is one turn: signals first, then messages, then signals again. It is
// called by the executor only.
func (c *cell) Run() {
	if c.sys.labels {
		defer c.profiled()()
	}
	defer c.endTurn()
	if c.phase == starting {
		c.start()
	}
	for budget := c.sys.turnMax; ; {
		c.handleSignals()
		if !c.receptive() || budget <= 0 || !c.mailbox.any() {
			return
		}
		budget -= c.batch(budget)
		if c.worker.exhausted() {
			return
		}
	}
}

// handleSignals handles the signals that are there. Those behind one whose hook
// ends the goroutine wait for the next turn.
func (c *cell) handleSignals() {
	var left *waitingSignal
	if c.x != nil && c.x.unhandled != nil {
		left, c.x.unhandled = c.x.unhandled, nil
	} else if left = c.signals.take(); left == nil {
		return
	}
	defer func() {
		switch {
		case left == nil:
		case c.phase == stopped:
			answerAllDead(left)
		default:
			c.extras().unhandled = left
		}
	}()
	for left != nil {
		s := left.signal
		left = left.next
		c.handle(s)
	}
}

// active reports whether the actor may do anything at all.
func (c *cell) active() bool { return c.phase == running && c.suspends == 0 }

// receptive reports whether the actor may handle messages.
func (c *cell) receptive() bool { return c.active() && c.awaiting == 0 }

// endTurn gives the cell free, or sees to it that it gets another turn.
func (c *cell) endTurn() {
	w, handled := c.worker, c.handled
	c.handled = 0
	switch {
	case c.phase == stopped: // there is never another turn
		c.mailbox.count(handled)
	case c.x != nil && c.x.unhandled != nil:
		c.mailbox.count(handled)
		c.scheduleLast(w)
	case !c.mailbox.settle(c.receptive(), handled):
		c.scheduleLast(w)
	case c.signals.waiting() && c.mailbox.makeDue(0): // came before the turn was over
		c.scheduleLast(w)
	}
}

// batch handles messages until budget is used up, the mailbox is empty, a
// signal has come or a handler has failed. One deferred call contains them all.
func (c *cell) batch(budget int) (handled int) {
	done := false
	defer func() {
		c.detached = false
		if !done {
			err := recovered(recover())
			if c.x != nil {
				c.x.timers.rearm()
			}
			c.failed(err)
		}
		c.ctx.msg, c.ctx.from = c.arrive(nil), nil
		c.handled += uint32(handled)
	}()
	for handled < budget && c.receptive() && !c.signals.waiting() {
		env, ok := c.mailbox.pop()
		if !ok {
			break
		}
		handled++
		c.one(env)
		if c.worker.exhausted() {
			break
		}
	}
	done = true
	return handled
}

// one handles one message.
func (c *cell) one(env envelope) {
	if c.x != nil {
		var ok bool
		if env, ok = c.unwrap(env); !ok {
			return
		}
	}
	switch env.msg.(type) {
	case PoisonPill:
		if !c.guards() {
			c.beginStop()
			return
		}
	case Kill:
		if !c.guards() {
			if c.spec.mailboxMax > 0 {
				c.mailbox.ownGone()
			}
			c.failed(ErrKilled)
			return
		}
	case Identify:
		c.identify(env)
		return
	case *traced: // the first of its kind
		c.extras()
		c.one(env)
		return
	}
	c.ctx.msg, c.ctx.from = env.msg, env.from
	c.behave()
	c.detached = false
	if c.x != nil {
		c.x.idle.touch(c, env.msg)
		c.x.timers.rearm()
	}
}

// behave lets the present behaviour handle the present message.
func (c *cell) behave() {
	if c.become != nil {
		c.become(&c.ctx)
	} else {
		c.actor.Receive(&c.ctx)
	}
	if c.failing() {
		c.failed(c.x.failure)
	}
}

// failing reports whether the present handler has failed, and not by a panic.
func (c *cell) failing() bool { return c.x != nil && c.x.failure != nil }

// takeFailure returns what the present handler failed with, and forgets it.
func (c *cell) takeFailure() (err error) {
	if c.x != nil {
		err, c.x.failure = c.x.failure, nil
	}
	return err
}

// unwrap turns what the runtime put into the mailbox into what the actor is to
// see; false means that it has become void meanwhile.
func (c *cell) unwrap(env envelope) (envelope, bool) {
	c.x.ticking, c.x.aside = false, false
	env.msg = c.arrive(env.msg)
	switch m := env.msg.(type) {
	case *timer:
		c.mailbox.ownGone()
		return c.unwrapOwn(m.tick(c))
	case *stashedTick:
		return c.unwrapOwn(m.tick(c))
	case *idleTick:
		c.mailbox.ownGone()
		return c.unwrapOwn(m.tick(c))
	case *terminatedNote:
		c.mailbox.ownGone()
		return c.unwrapOwn(c.terminatedDue(m))
	case *adapted:
		return m.due(c, env)
	}
	c.observeHandling(env, false)
	return env, true
}

// unwrapOwn is unwrap for what the runtime put into the mailbox.
func (c *cell) unwrapOwn(env envelope, ok bool) (envelope, bool) {
	if ok {
		c.observeHandling(env, true)
	}
	return env, ok
}
