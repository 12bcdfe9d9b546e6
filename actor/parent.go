package actor

import "fmt"

// childFailed asks the user about a failed child, and goes by the answer: also about
// one that has stopped itself meanwhile, since the user is to know why it ended.
func (c *cell) childFailed(p *process, err error) {
	child, ok := p.t.(*cell)
	if !ok || child.parent != c || c.phase == stopping || c.phase == stopped {
		return
	}
	s := child.spec.supervise
	if s.Decide == nil {
		c.supervise(child, s, err)
		return
	}
	verdict := Stop
	defer func() { // also when Decide ends the goroutine
		s.Decide = func(error) Directive { return verdict }
		c.supervise(child, s, err)
	}()
	d, broken := contained(func() (Directive, error) { return s.Decide(err), nil })
	if broken != nil {
		err = fmt.Errorf("%w; deciding about it failed: %w", err, broken)
		return
	}
	if d > Escalate {
		err = fmt.Errorf("%w; Supervise.Decide answered with %d, which is no directive", err, d)
		return
	}
	verdict = d
}

// supervise decides about a failed child and carries the decision out.
func (c *cell) supervise(child *cell, s Supervise, err error) {
	directive, delay, h := decide(s, child.past(), c.sys.clock.Now(), err, c.sys.random)
	if directive == Stop || directive == Escalate {
		h.cause = err
	}
	child.history = &h
	c.sys.logDecision(child, err, directive, delay)
	switch directive {
	case Escalate:
		child.signal(signal{kind: signalStop})
		if c == c.sys.user || c == c.sys.system { // a guardian has nobody to ask
			c.sys.BeginStop(fmt.Sprintf("failure of %s was escalated: %v", child.path(), err))
			return
		}
		c.failed(fmt.Errorf("child %s: %w", child.label(), err))
	case Resume:
		child.signal(signal{kind: signalResume})
	case Stop:
		c.eachAffected(child, func(m *cell) { m.signal(signal{kind: signalStop}) })
	case Restart:
		restart := func() {
			c.eachAffected(child, func(m *cell) { m.signal(signal{kind: signalRestart, err: err}) })
		}
		if delay <= 0 {
			restart()
			return
		}
		c.sys.clock.AfterFunc(delay, restart)
	}
}

// eachAffected calls f for the failed child and all who share its fate.
func (c *cell) eachAffected(child *cell, f func(*cell)) {
	g := child.spec.group
	if g == nil || g.supervise.Scope != AllForOne {
		f(child)
		return
	}
	for _, m := range c.children().all() {
		if m.spec.group == g {
			f(m)
		}
	}
}

// leaveFamily takes a stopped cell out of its family. The parent is told only if it
// has to do something about that, since most actors end while nobody waits for it.
func (c *cell) leaveFamily() {
	if c.parent == nil {
		return
	}
	if c.parent.children().leave(c) || c.guards() {
		c.parent.signalFrom(signal{kind: signalChildGone, from: &c.process}, c.worker)
	}
}

// childGone goes on with what waited for the last child, which has left the family.
// There may be other children by now: when the wait before this one had ended
// before its signal came.
func (c *cell) childGone(p *process) {
	if g, ok := c.actor.(guardian); ok {
		g.childGone(p.t.(*cell))
	}
	if !c.children().empty() {
		return
	}
	switch c.phase {
	case restarting:
		c.start()
	case stopping:
		c.finishStop()
	}
}

// stopChildren asks all children to stop and returns how many there are; childGone
// comes when they have.
func (c *cell) stopChildren() int {
	children := c.children().await()
	for _, child := range children {
		child.signalFrom(signal{kind: signalStop}, c.worker)
	}
	return len(children)
}
