package main

var singleton = area{
	name:   "singleton",
	checks: []check{singletonTests, shardingTests, simulation},
	mutants: []mutant{{
		name: "starts-without-having-seen-as-far", file: "singleton/core.go",
		old:    `older = !c.roster.Knows(now, c.margin) || c.roster.UpTo() < c.upTo`,
		new:    `older = !c.roster.Knows(now, c.margin)`,
		breaks: "a node starts the instance though who handed over knew of members that it hasn't seen",
	}, {
		name: "starts-without-knowing-the-older", file: "singleton/core.go",
		old:    `older = !c.roster.Knows(now, c.margin) || c.roster.UpTo() < c.upTo`,
		new:    `older = c.roster.UpTo() < c.upTo`,
		breaks: "a node that has just joined starts the instance before it can know of older ones that died",
	}, {
		name: "no-margin-after-a-death", file: "singleton/core.go",
		old:    "\tfor _, g := range c.roster.Gone(now, c.margin) {\n\t\tolder = older ||",
		new:    "\tfor _, g := range c.roster.Gone(now, 0) {\n\t\tolder = older ||",
		breaks: "the next instance starts while a node that was declared dead may still run its own",
	}, {
		name: "stale-paused", file: "singleton/core.go",
		old: `		if m.Epoch == c.epoch {
			delete(c.pausing, m.From)
			c.settle(now)
		}
`,
		new: `		delete(c.pausing, m.From)
		c.settle(now)
`,
		breaks: "a late answer to the pause of an earlier instance ends the wait for this one",
	}, {
		name: "stale-pause", file: "singleton/core.go",
		old:    `if c.proxy.host == m.From && !m.Epoch.Older(c.proxy.epoch) {`,
		new:    `if c.proxy.host == m.From {`,
		breaks: "the pause of an earlier instance at the same host holds messages back from the present one",
	}, {
		name: "pause-of-another-host", file: "singleton/core.go",
		old:    `if c.proxy.host == m.From && !m.Epoch.Older(c.proxy.epoch) {`,
		new:    `if !m.Epoch.Older(c.proxy.epoch) {`,
		breaks: "a pause by one host makes a proxy forget another",
	}, {
		name: "stale-here", file: "singleton/core.go",
		old:    `(epoch.Older(c.proxy.epoch) || gone(c.roster.Status(host))) {`,
		new:    `gone(c.roster.Status(host)) {`,
		breaks: "the late word of an earlier host leads a proxy back to it",
	}, {
		name: "here-after-the-loss", file: "singleton/core.go",
		old:    "\tc.proxy.epoch.Count++\n",
		new:    "",
		breaks: "a word that was on its way leads a proxy back to an instance that has paused",
	}, {
		name: "forgets-how-far-the-others-saw", file: "singleton/core.go",
		old:    "\t\tc.upTo = max(c.upTo, m.UpTo)\n",
		new:    "\t\tc.upTo = max(c.upTo, c.roster.UpTo())\n",
		breaks: "who took over doesn't know of members that the one before it knew",
	}, {
		name: "promises-while-it-does-not-run", file: "singleton/core.go",
		old:    `if c.phase == phaseEnded && !c.roster.SelfEnded() {`,
		new:    `if c.running == notRunning && !c.roster.SelfEnded() {`,
		breaks: "a node promises never to run the instance and does later",
	}, {
		name: "declared-dead-and-promises", file: "singleton/core.go",
		old:    `if !c.roster.SelfEnded() && c.hostable() {`,
		new:    `if c.hostable() {`,
		breaks: "a node that was declared dead tells the living that it has handed over",
	}, {
		name: "two-instances-of-one-epoch", file: "singleton/core.go",
		old:    "\tc.starts++\n\tc.epoch",
		new:    "\tc.starts = max(c.starts, 1)\n\tc.epoch",
		breaks: "an instance that is started again has the epoch of the one before it",
	}, {
		name: "waits-for-a-proxy-for-ever", file: "singleton/core.go",
		old:    `(len(c.pausing) == 0 || !now.Before(c.pauseBy)) {`,
		new:    `len(c.pausing) == 0 {`,
		breaks: "a proxy that doesn't answer stops the hand-over",
	}, {
		name: "reverted-goes-on", file: "singleton/core.go",
		old:    `case c.running != notRunning && (older || c.phase == phaseReverted):`,
		new:    `case c.running != notRunning && older:`,
		breaks: "an instance that has begun to stop since an older host is back counts as the oldest's again",
	}, {
		name: "sent-before-the-pause", file: "singleton/agent.go",
		old:    `case !a.instance.IsZero() && (a.core.running == isRunning || a.core.running == isPausing):`,
		new:    `case !a.instance.IsZero() && a.core.running == isRunning:`,
		breaks: "what proxies sent before they paused is dropped",
	}, {
		name: "overtakes-the-buffer", file: "singleton/agent.go",
		old:    `if a.core.proxy.host != (membership.Node{}) && len(a.buffer) == 0 {`,
		new:    `if a.core.proxy.host != (membership.Node{}) {`,
		breaks: "a message is sent before those that wait",
		equivalent: "the buffer is sent as soon as a host is known, in the same turn: there is never a host " +
			"and a buffer when a message comes; the condition keeps the order should that change",
	}},
}
