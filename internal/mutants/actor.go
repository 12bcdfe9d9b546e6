package main

var actor = area{
	name:   "actor",
	checks: []check{actorTests, remoteTests, simulation},
	mutants: []mutant{{
		name: "watch-after-the-end-is-not-answered", file: "actor/watch.go",
		old: `	if c.phase == stopped { // the watch came in the same batch as the stop
		w.who.t.signal(signal{kind: signalTerminated, from: w.as})
		return
	}
`,
		new:    ``,
		breaks: "a watch that comes with the stop is never answered",
	}, {
		name: "watch-by-address-outlives-the-node", file: "actor/watch.go",
		old:    `r.takeAll(true, nodeKey{addr, uid}, nodeKey{addr, 0})`,
		new:    `r.takeAll(true, nodeKey{addr, uid})`,
		breaks: "who watches an actor by its address alone never hears that its node died",
	}, {
		name: "watchers-of-a-dead-node-stay", file: "actor/watch.go",
		old: `	for _, p := range r.takeAll(false, nodeKey{addr, uid}) {
		p.watched.t.signal(signal{kind: signalUnwatch, from: p.watcher, as: p.watched})
	}
`,
		new:    ``,
		breaks: "actors keep the watchers of nodes that are gone",
	}, {
		name: "name-is-taken-when-the-parent-hears", file: "actor/cell.go",
		old: `	c.leaveFamily() // before the parent receives Terminated: then the name is free
	c.tellWatchers()
`,
		new: `	c.tellWatchers()
	c.leaveFamily() // before the parent receives Terminated: then the name is free
`,
		breaks: "a parent that starts a child again under its name when it hears of the end may find the name taken",
	}, {
		name: "restart-in-a-restart", file: "actor/cell.go",
		old:    `if c.phase == stopping || c.phase == stopped || c.phase == restarting {`,
		new:    `if c.phase == stopping || c.phase == stopped {`,
		breaks: "two orders to restart count twice and run the hooks on nothing",
	}, {
		name: "result-for-the-former-incarnation", file: "actor/cell.go",
		old:    "\tc.incarnation++\n",
		new:    "",
		breaks: "what an actor ordered before its restart runs after it",
	}, {
		name: "restarted-actor-waits-for-ever", file: "actor/cell.go",
		old:    "\tc.awaiting = 0\n",
		new:    "",
		breaks: "an actor that failed while it awaited a result takes no message any more",
	}, {
		name: "resumed-parent-of-sleeping-children", file: "actor/cell.go",
		old:    "\tc.tellChildren(signal{kind: signalRelease})\n\tc.flushPostponed()\n",
		new:    "\tc.flushPostponed()\n",
		breaks: "the children of an actor that was resumed stay suspended",
	}, {
		name: "released-child-keeps-its-results", file: "actor/cell.go",
		old:    "\t\tc.suspends--\n\t\tc.tellChildren(s)\n\t\tc.flushPostponed()\n",
		new:    "\t\tc.suspends--\n\t\tc.tellChildren(s)\n",
		breaks: "what came for an actor while its parent had failed never runs",
	}, {
		name: "children-of-an-actor-that-stops", file: "actor/cell.go",
		old:    "\tc.children().close()\n",
		new:    "",
		breaks: "an actor that is stopping can spawn a child that nobody stops",
	}, {
		name: "signal-at-the-end-of-a-turn", file: "actor/turn.go",
		old: `	case c.signals.waiting() && c.mailbox.makeDue(0): // came before the turn was over
		c.scheduleLast(w)
`,
		new:    ``,
		breaks: "a signal that comes while a turn ends waits until the next message",
	}, {
		name: "one-more-than-the-bound", file: "actor/mailbox.go",
		old:    `if most > 0 && m.users() >= most {`,
		new:    `if most > 0 && m.users() > most {`,
		breaks: "a bounded mailbox takes one message too many",
	}, {
		name: "stash-behind-what-waits", file: "actor/cell.go",
		old:    "\t\tc.mailbox.prepend(c.x.stash)\n\t\tc.x.stash = nil\n",
		new:    "\t\tc.x.stash = nil\n",
		breaks: "a restart loses the stash",
	}, {
		name: "ask-keeps-its-name", file: "actor/ask.go",
		old:    "\tr := s.newReply(wait)\n\tdefer s.temps.remove(r)\n",
		new:    "\tr := s.newReply(wait)\n",
		breaks: "each ask of another node leaves a name behind",
	}, {
		name: "ask-still-counts-as-waiting", file: "actor/ask.go",
		old:    "\t\tdefer c.asking.Store(nil)\n",
		new:    "",
		breaks: "an actor that once asked another is refused as part of a circle later",
	}, {
		name: "answered-ask-keeps-its-timer", file: "actor/ask.go",
		old:    "\t\ttimer.Stop()\n\t\tc.sys.temps.remove(r)\n",
		new:    "\t\tif r.err != nil {\n\t\t\ttimer.Stop()\n\t\t}\n\t\tc.sys.temps.remove(r)\n",
		breaks: "each ask leaves a timer behind until its time is up",
	}, {
		name: "answer-reaches-the-next-of-the-slot", file: "actor/temps.go",
		old:    `if s := t.slot(n); s.n == n {`,
		new:    `if s := t.slot(n); s.n != 0 {`,
		breaks: "a late answer reaches another ask",
	}, {
		name: "one-restart-too-many", file: "actor/supervise.go",
		old:    `len(h.restarts) >= s.MaxRestarts {`,
		new:    `len(h.restarts) > s.MaxRestarts {`,
		breaks: "an actor is restarted once more than it may be",
	}, {
		name: "backoff-starts-over-too-soon", file: "actor/supervise.go",
		old:    `now.Sub(h.last) > max(s.Backoff.Max, s.Backoff.Min) {`,
		new:    `now.Sub(h.last) > s.Within {`,
		breaks: "an actor that fails again and again is restarted each time as if it were the first",
	}, {
		name: "breaker-hears-an-earlier-round", file: "actor/breaker.go",
		old:    `if round != b.round || b.state == BreakerOpen {`,
		new:    `if b.state == BreakerOpen {`,
		breaks: "a call of long ago closes a breaker that is trying",
	}, {
		name: "cancelled-timer-in-the-mailbox", file: "actor/timer.go",
		old: `	if t.voided {
		return envelope{}, false
	}
	switch {
`,
		new: `	switch {
`,
		breaks: "a timer that was cancelled when its message was in the mailbox already still fires",
	}, {
		name: "stashed-tick-of-the-former-incarnation", file: "actor/timer.go",
		old: `	if s.incarnation != c.incarnation {
		return envelope{}, false
	}
`,
		new:    ``,
		breaks: "a timer's message in the stash outlives a restart",
	}, {
		name: "task-of-a-past-phase", file: "actor/shutdown.go",
		old:    "\td.past[p] = true\n",
		new:    "",
		breaks: "a task is added to a phase that is over, and never runs",
	}, {
		name: "shutdown-goes-on-after-a-strict-failure", file: "actor/shutdown.go",
		old:    "\t\t\t\td.fail(err)\n\t\t\t\tbreak\n",
		new:    "\t\t\t\td.fail(err)\n",
		breaks: "a strict phase that failed doesn't end the shutdown's phases",
	}, {
		name: "phase-does-not-wait-for-the-users", file: "actor/shutdown.go",
		old:    `before[p] = append(before[p], all[i-1])`,
		new:    `before[p] = []Phase{all[i-1]}`,
		breaks: "a phase that was told to come after one of the user's doesn't",
	}},
}
