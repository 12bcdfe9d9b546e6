package main

var remote = area{
	name:   "remote",
	checks: []check{remoteTests, chaos, simulation},
	mutants: []mutant{{
		name: "system-message-of-the-former-incarnation", file: "remote/association.go",
		old:    `if uid != a.peer.UID || m.ToUID != 0 && m.ToUID != a.self.UID {`,
		new:    `if m.ToUID != 0 && m.ToUID != a.self.UID {`,
		breaks: "what a dead process sent moves the window of the one that runs",
	}, {
		name: "system-message-for-the-former-incarnation", file: "remote/association.go",
		old:    `if uid != a.peer.UID || m.ToUID != 0 && m.ToUID != a.self.UID {`,
		new:    `if uid != a.peer.UID {`,
		breaks: "a watch that was meant for the process before this one is taken",
	}, {
		name: "acknowledgement-of-the-former-incarnation", file: "remote/association.go",
		old: `	if uid != a.peer.UID {
		return
	}
	if !missing {
`,
		new: `	if !missing {
`,
		breaks: "an acknowledgement of a dead process removes what the next one hasn't got",
	}, {
		name: "window-outlives-the-incarnation", file: "remote/association.go",
		old:    `a.out, a.in, a.held, a.ackConn = outWindow{}, inWindow{}, nil, 0`,
		new:    `a.out, a.held, a.ackConn = outWindow{}, nil, 0`,
		breaks: "the first messages of a new process are taken for repeats",
	}, {
		name: "quarantined-may-knock", file: "remote/association.go",
		old:    `case a.peer.UID == 0 || a.peer.UID == from.UID:`,
		new:    `case a.peer.UID == 0 || a.peer.UID >= from.UID:`,
		breaks: "a hello of another incarnation is welcomed without the address being asked",
	}, {
		name: "door-is-not-settled", file: "remote/association.go",
		old:    "\ta.learn(now, peer)\n\ta.settle(now, peer.UID)\n\tagain",
		new:    "\ta.learn(now, peer)\n\tagain",
		breaks: "who waits at the door gets no answer when the address has spoken",
	}, {
		name: "reconnects-without-a-pause", file: "remote/association.go",
		old:    "\tl.attempts++\n",
		new:    "",
		breaks: "a peer that is away is dialed at the shortest interval for ever",
	}, {
		name: "backoff-outlives-a-good-stream", file: "remote/association.go",
		old:    "\t\tl.attempts = 0\n",
		new:    "",
		breaks: "a stream that stood for days and broke is dialed again only after the longest pause",
	}, {
		name: "terminated-overtakes-the-last-message", file: "remote/association.go",
		old:    `(at.covers(&a.held[n].msg) || !now.Before(a.held[n].until)) {`,
		new:    `(at.covers(&a.held[0].msg) || !now.Before(a.held[n].until)) {`,
		breaks: "the news of an actor's end comes before its last messages",
	}, {
		name: "echo-of-its-own-verdict", file: "remote/association.go",
		old: `		if a.isGone(r.UID) {
			a.coolDown(now, lane, actor.DropQuarantined) // it only answers our own verdict
			return
		}
`,
		new:    ``,
		breaks: "the other end's answer to this node's own verdict is reported as a verdict of its own",
	}, {
		name: "last-one-again", file: "remote/reliable.go",
		old:    `case seq <= w.got:`,
		new:    `case seq < w.got:`,
		breaks: "a repeated system message is delivered twice",
	}, {
		name: "gap-is-skipped", file: "remote/reliable.go",
		old:    `case seq > w.got+1:`,
		new:    `case seq > w.got+2:`,
		breaks: "a lost system message is passed over when the next comes",
	}, {
		name: "acknowledgement-from-the-future", file: "remote/reliable.go",
		old: `	if seq >= w.next {
		return
	}
`,
		new:    ``,
		breaks: "an acknowledgement of what was never sent empties the window",
	}, {
		name: "half-of-the-window-after-a-reconnect", file: "remote/reliable.go",
		old:    `return w.first(lim.bytes)`,
		new:    `return w.first(lim.resendSize)`,
		breaks: "only the first of many kept messages are sent on a new stream",
	}, {
		name: "bytes-of-the-window-are-not-returned", file: "remote/reliable.go",
		old:    "\t\tw.bytes -= len(w.kept[n].frame)\n",
		new:    "",
		breaks: "after enough system messages the window counts as full and the peer is given up",
	}, {
		name: "resends-at-one-pace", file: "remote/reliable.go",
		old:    `w.wait = min(2*w.wait, lim.resendMax)`,
		new:    `w.wait = min(w.wait, lim.resendMax)`,
		breaks: "what isn't acknowledged is repeated at the shortest interval",
	}, {
		name: "gives-up-from-the-first-message-on", file: "remote/reliable.go",
		old:    "\tw.wait, w.dueAt, w.movedAt = lim.resendMin, now.Add(lim.resendMin), now\n}\n\n",
		new:    "\tw.wait, w.dueAt = lim.resendMin, now.Add(lim.resendMin)\n}\n\n",
		breaks: "a peer that acknowledges is given up when the window hasn't been empty for long",
	}, {
		name: "message-for-the-former-incarnation", file: "remote/delivery.go",
		old:    `if e.TargetUID != 0 && e.TargetUID != r.self.UID {`,
		new:    `if e.TargetUID != 0 && r.self.UID == 0 {`,
		breaks: "a message for an actor of a dead process reaches the one of the same name",
	}, {
		name: "table-of-another-version", file: "remote/delivery.go",
		old:    `if t == nil || t.send.version != version {`,
		new:    `if t == nil {`,
		breaks: "a table is adopted that the other end hasn't taken",
	}, {
		name: "sends-to-the-quarantined", file: "remote/link.go",
		old:    `if l.to.UID != 0 && known.isGone(l.to.UID) {`,
		new:    `if l.to.UID != 0 && l.to.UID != known.present.UID && known.isGone(l.to.UID) && known.present.UID != 0 {`,
		breaks: "messages to a quarantined incarnation wait instead of becoming dead letters",
	}, {
		name: "credit-of-the-former-stream", file: "remote/large.go",
		old:    `if l.out == o && n > l.granted {`,
		new:    `if l.out != nil && n > l.granted {`,
		breaks: "a late credit of a closed stream lets parts go for which there is no room",
	}, {
		name: "watched-peer-is-forgotten", file: "remote/disuse.go",
		old:    `a.suspect != 0 || a.watch.on || a.doubted || a.leaving != leaveNot {`,
		new:    `a.suspect != 0 || a.doubted || a.leaving != leaveNot {`,
		breaks: "a peer that is watched and otherwise silent is forgotten",
	}, {
		name: "hello-for-another-address", file: "remote/handshake.go",
		old:    `case h.To != self.Addr:`,
		new:    `case h.To == "":`,
		breaks: "a node answers for an address that isn't its own",
	}, {
		name: "welcome-from-another-address", file: "remote/handshake.go",
		old:    `case w.From.Addr != addr:`,
		new:    `case w.From.Addr == "":`,
		breaks: "who was dialed under one address and has another is taken for the first",
	}, {
		name: "features-of-either-end", file: "remote/handshake.go",
		old:    `Features: own.Features & theirs.Features,`,
		new:    `Features: own.Features,`,
		breaks: "a node uses what the other end doesn't understand",
	}, {
		name: "old-connection-stays", file: "remote/accept.go",
		old:    `old.lane == i.lane && old.who.Addr == i.who.Addr && old.who.UID == i.who.UID {`,
		new:    `old.lane == i.lane && old.who.Addr == i.who.Addr && old.who.UID != i.who.UID {`,
		breaks: "two connections of one lane are read at once, and messages overtake each other",
	}},
}
