package main

var sharding = area{
	name:   "sharding",
	checks: []check{shardingCore, shardingTests, simulation},
	mutants: []mutant{{
		name: "reordered-word-of-a-region", file: "sharding/internal/core/coordinator.go",
		old: `		if h.Seq <= p.seq {
			return
		}
`,
		new:    ``,
		breaks: "a region's older message undoes its newer one",
	}, {
		name: "repeated-registration", file: "sharding/internal/core/coordinator.go",
		old:    `s == membership.Down || p != nil && h.Seq <= p.seq {`,
		new:    `s == membership.Down {`,
		breaks: "a registration that was on its way for long takes back what a region has hosted since",
	}, {
		name: "goes-on-beside-a-newer-term", file: "sharding/internal/core/coordinator.go",
		old:    "\t\tc.retired = true\n\t\tc.note",
		new:    "\t\tc.note",
		breaks: "a coordinator that was replaced goes on granting",
	}, {
		name: "started-under-an-older-grant", file: "sharding/internal/core/coordinator.go",
		old:    `h != nil && h.node == m.From && h.epoch == m.Grant.Epoch {`,
		new:    `h != nil && h.node == m.From {`,
		breaks: "the late word about an older grant confirms the present one",
	}, {
		name: "held-for-an-older-hand-off", file: "sharding/internal/core/coordinator.go",
		old:    `mv != nil && mv.epoch == m.Grant.Epoch && mv.owner == m.From {`,
		new:    `mv != nil && mv.owner == m.From {`,
		breaks: "a region counts as holding back that did so for an earlier hand-off",
	}, {
		name: "no-margin-for-the-shards-of-the-dead", file: "sharding/internal/core/coordinator.go",
		old:    "\tfor _, g := range c.roster.Gone(now, c.Margin) {\n\t\tif g.Node == n {",
		new:    "\tfor _, g := range c.roster.Gone(now, 0) {\n\t\tif g.Node == n {",
		breaks: "a shard is granted again while a node that was declared dead may still host it",
	}, {
		name: "grants-before-it-can-know-the-dead", file: "sharding/internal/core/coordinator.go",
		old:    `if len(missing) == 0 && c.roster.Knows(now, c.Margin) {`,
		new:    `if len(missing) == 0 {`,
		breaks: "a coordinator on a new member grants shards of a host that died before it joined",
	}, {
		name: "does-not-wait-for-the-dead", file: "sharding/internal/core/coordinator.go",
		old:    `if c.peers[g.Node] == nil && !c.quit[g.Node] && !c.hostsKnown(g.Node) {`,
		new:    `if c.peers[g.Node] == nil && !c.quit[g.Node] && c.hostsKnown(g.Node) {`,
		breaks: "a new coordinator grants at once what a host that just died may still run",
	}, {
		name: "two-grants-of-one-epoch", file: "sharding/internal/core/coordinator.go",
		old:    "\tc.Count++\n\th := &home",
		new:    "\tc.Count = max(c.Count, 1)\n\th := &home",
		breaks: "two grants have the same epoch",
	}, {
		name: "home-is-told-during-a-hand-off", file: "sharding/internal/core/coordinator.go",
		old:    `if h == nil || !h.started || c.moves[s] != nil || c.peers[h.node] == nil {`,
		new:    `if h == nil || !h.started || c.peers[h.node] == nil {`,
		breaks: "a region that asks during a hand-off is led to the owner that stops",
	}, {
		name: "newcomer-hears-of-moving-shards", file: "sharding/internal/core/coordinator.go",
		old:    `h.started && c.moves[s] == nil && c.peers[h.node] != nil {`,
		new:    `h.started && c.peers[h.node] != nil {`,
		breaks: "a region that registers during a hand-off sends to the owner that stops",
	}, {
		name: "grants-to-who-leaves", file: "sharding/internal/core/coordinator.go",
		old:    `if p.proxy || p.leaving || !host || !m.Status.IsUp() {`,
		new:    `if p.proxy || !host || !m.Status.IsUp() {`,
		breaks: "a shard is moved to a region that is about to leave",
	}, {
		name: "homes-undo-the-hold", file: "sharding/internal/core/move.go",
		old:    "\tc.flush() // homes gathered before must not undo the hold\n",
		new:    "",
		breaks: "a region begins to hold and is told the home afterwards",
	}, {
		name: "moves-on-without-the-unreachable", file: "sharding/internal/core/move.go",
		old:    `return c.peers[n] == nil || m.must && c.unreachable[n]`,
		new:    `return c.peers[n] == nil || c.unreachable[n]`,
		breaks: "a shard is moved for balance though a region that can't be reached still sends to its owner",
	}, {
		name: "released-before-it-knows-the-homes", file: "sharding/internal/core/move.go",
		old:    "\t\t\tc.flush() // where its shards are now comes first: it may hold messages for them\n",
		new:    "",
		breaks: "a region that leaves drops what it holds since it isn't told where to send it",
	}, {
		name: "stopped-under-an-older-grant", file: "sharding/internal/core/claim.go",
		old:    `if h == nil || h.node != n || h.epoch != g.Epoch {`,
		new:    `if h == nil || h.node != n {`,
		breaks: "the late word of an older grant's end takes the present one away",
	}, {
		name: "grant-on-its-way-is-lost", file: "sharding/internal/core/claim.go",
		old:    `if h.node == m.From && h.started && (!ok || epoch != h.epoch) {`,
		new:    `if h.node == m.From && (!ok || epoch != h.epoch) {`,
		breaks: "a registration that crosses a grant has the shard granted to somebody else as well",
	}, {
		name: "older-claim-wins", file: "sharding/internal/core/claim.go",
		old:    `case h.epoch.Older(e):`,
		new:    `case h.epoch.Older(e) || h.node != n:`,
		breaks: "of two claims the later to arrive wins, not the newer grant",
	}, {
		name: "order-of-an-older-term", file: "sharding/internal/core/region.go",
		old:    `case r.ended || c < 0:`,
		new:    `case r.ended:`,
		breaks: "a region obeys a coordinator that was replaced",
	}, {
		name: "reordered-order", file: "sharding/internal/core/region.go",
		old: `	if h.Seq <= r.termSeq {
		return false
	}
`,
		new:    ``,
		breaks: "an older order of the coordinator undoes a newer one",
	}, {
		name: "registered-with-the-former-coordinator", file: "sharding/internal/core/region.go",
		old:    `r.term, r.termSeq, r.registered = h.Term, 0, false`,
		new:    `r.term, r.termSeq = h.Term, 0`,
		breaks: "a region thinks that a new coordinator knows it",
	}, {
		name: "late-grant-is-hosted", file: "sharding/internal/core/region.go",
		old:    `if r.leaving || r.proxy() || !r.places[g.Shard].void.Older(g.Epoch) {`,
		new:    `if r.leaving || r.proxy() {`,
		breaks: "a grant that was given up arrives late and makes a second instance",
	}, {
		name: "hosts-before-others-know-it-is-up", file: "sharding/internal/core/region.go",
		old:    `if r.roster.Self().UpNumber == 0 {`,
		new:    `if r.roster.Self().Status == membership.Removed {`,
		breaks: "a node hosts a shard of which a successor of the coordinator wouldn't know if both died",
	}, {
		name: "older-grant-replaces-a-newer", file: "sharding/internal/core/region.go",
		old:    `case h != nil && g.Epoch.Older(h.epoch):`,
		new:    `case h != nil && g.Epoch.Older(h.epoch) && h.stopping:`,
		breaks: "a region stops what it hosts for the sake of an older grant",
	}, {
		name: "older-home-is-believed", file: "sharding/internal/core/region.go",
		old:    `if h.epoch.Older(home.Epoch) {`,
		new:    `if h.epoch != home.Epoch {`,
		breaks: "a region stops a shard since an older home lay elsewhere",
	}, {
		name: "opens-what-stops", file: "sharding/internal/core/region.go",
		old:    `if h.epoch == home.Epoch && !h.stopping {`,
		new:    `if h.epoch == home.Epoch {`,
		breaks: "a region sends messages to a shard that it is handing off",
	}, {
		name: "late-hand-off", file: "sharding/internal/core/region.go",
		old:    `if h == nil || h.epoch != g.Epoch {`,
		new:    `if h == nil {`,
		breaks: "an order to hand an older grant off stops the present one",
	}, {
		name: "last-sent-of-an-older-term", file: "sharding/internal/core/region.go",
		old:    `if m.Term == r.term && !r.ended {`,
		new:    `if !r.ended {`,
		breaks: "a region answers for a hand-off of a coordinator that was replaced",
	}, {
		name: "says-last-before-it-holds", file: "sharding/internal/core/region.go",
		old:    "\tr.hold(m.Grant.Shard, held)\n\tif m.Owner",
		new:    "\tdefer r.hold(m.Grant.Shard, held)\n\tif m.Owner",
		breaks: "messages follow the word that says that none will",
	}, {
		name: "leaves-with-messages-in-hand", file: "sharding/internal/core/region.go",
		old:    `if !r.withdrawn && slices.ContainsFunc(r.places, func(p place) bool { return p.wanted }) {`,
		new:    `if r.withdrawn && slices.ContainsFunc(r.places, func(p place) bool { return p.wanted }) {`,
		breaks: "a node leaves while messages for entities wait in it",
	}, {
		name: "remote-message-overtakes-the-waiting", file: "sharding/table.go",
		checks: []check{shardingTests, simulation},
		old:    `(s.open || h.hops > 0 && s.local.admitted):`,
		new:    `(s.open || h.hops > 0):`,
		breaks: "a message from another node is delivered before those that waited for the shard",
	}, {
		name: "delivers-to-a-shard-that-stops", file: "sharding/table.go",
		checks: []check{shardingTests, simulation},
		old:    `case s.local != nil && !s.local.stopping && (s.open`,
		new:    `case s.local != nil && (s.open`,
		breaks: "messages reach a shard that is being handed off, and start entities in it",
	}, {
		name: "leftovers-behind-what-came-later", file: "sharding/table.go",
		checks: []check{shardingTests, simulation},
		old:    `s.held = append(waiting, s.held...)`,
		new:    `s.held = append(s.held, waiting...)`,
		breaks: "what waited for an entity comes after what came during the hand-off",
	}, {
		name: "message-in-a-circle", file: "sharding/table.go",
		checks: []check{shardingTests, simulation},
		old:    `Hops: h.hops + 1,`,
		new:    `Hops: max(h.hops, 1),`,
		breaks: "two regions that are wrong about each other send a message to and fro for ever",
	}, {
		name: "room-for-a-shard-is-not-returned", file: "sharding/table.go",
		checks: []check{shardingTests, simulation},
		old:    "\ts.held = nil\n\tt.waiting.Add(-int64(len(waiting)))\n\tfor",
		new:    "\ts.held = nil\n\tfor",
		breaks: "messages that have waited for a shard count as waiting for ever",
	}, {
		name: "room-for-an-entity-is-not-returned", file: "sharding/shard.go",
		checks: []check{shardingTests, simulation},
		old:    "\t\tsh.engine.table.waiting.Add(-int64(len(r.held)))\n",
		new:    "",
		breaks: "messages that have waited for an entity count as waiting for ever",
	}, {
		name: "message-to-an-entity-that-passivates", file: "sharding/shard.go",
		checks: []check{shardingTests, simulation},
		old:    `if r != nil && r.state == active {`,
		new:    `if r != nil && (r.state == active || r.state == passivating) {`,
		breaks: "a message that comes while an entity passivates is lost",
	}, {
		name: "moves-too-many", file: "sharding/internal/core/allocate.go",
		old:    `limit = min(limit, below)`,
		new:    `limit = max(limit, below)`,
		breaks: "shards move though nobody has too few",
	}},
}
