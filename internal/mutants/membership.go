package main

var membership = area{
	name:   "membership",
	checks: []check{membershipTests, chaos, clusterTests, simulation},
	mutants: []mutant{{
		name: "promotes-who-has-not-seen", file: "cluster/membership/leader.go",
		old:    `if !admit || !v.Seen(m.Node) {`,
		new:    `if !admit {`,
		breaks: "the leader promotes a member that may have another number from another leader already",
	}, {
		name: "doubtful-number-is-given", file: "cluster/membership/numbers.go",
		old:    `out = claimDoubtful`,
		new:    `out = claimGood`,
		breaks: "a number is given that a leader which is gone may have given to somebody else",
	}, {
		name: "given-number-is-no-better-claim", file: "cluster/membership/numbers.go",
		old:    `append(out, o), taken || given`,
		new:    `append(out, o), taken || given && o.Status == Down`,
		breaks: "a promise of a number that a member has already is kept",
	}, {
		name: "number-of-the-removed-is-free", file: "cluster/membership/numbers.go",
		old:    `promised: t.number}), taken || t.given`,
		new:    `promised: t.number}), taken`,
		breaks: "the number of a member that was removed is given again",
	}, {
		name: "vouched-by-one-who-does-not-work", file: "cluster/membership/numbers.go",
		old:    `ok && by.works() {`,
		new:    `ok && by.Status != Down {`,
		breaks: "the word of a member that doesn't count for convergence keeps a number from its owner",
	}, {
		name: "promises-on-what-others-have-not-seen", file: "cluster/membership/numbers.go",
		old:    `ok && self.works() && v.Converged() {`,
		new:    `ok && self.works() {`,
		breaks: "a member promises a number in a view that hasn't converged",
	}, {
		name: "leader-up-while-closing-never-prepares", file: "cluster/membership/leader.go",
		old:    `if v.Closing { // it became Up`,
		new:    `if v.Closing && m.Node != v.Self { // it became Up`,
		breaks: "a leader that became Up while the word of a shutdown spread never prepares for it",
	}, {
		name: "weakly-up-below-the-minimum", file: "cluster/membership/leader.go",
		old:    `|| v.Converged() || v.Closing || !quorum.met(v) {`,
		new:    `|| v.Converged() || v.Closing {`,
		breaks: "members begin to work before the minimum of members is there",
	}, {
		name: "weakly-up-though-unreachable", file: "cluster/membership/leader.go",
		old:    `if m.Status == Joining && (m.Node == v.Self || reach.Worst(m.Node) == Reachable) {`,
		new:    `if m.Status == Joining && (m.Node != v.Self || reach.Worst(m.Node) == Reachable) {`,
		breaks: "a member that can't be reached becomes weakly up",
	}, {
		name: "newcomer-with-the-same-horizon-is-unknown", file: "cluster/membership/gossip.go",
		old:    `theirs.Horizon >= c.state.Horizon {`,
		new:    `theirs.Horizon > c.state.Horizon {`,
		breaks: "the word of a member that joined elsewhere is refused although nothing was removed",
	}, {
		name: "removed-member-comes-back-past-the-horizon", file: "cluster/membership/gossip.go",
		old:    `if theirs.has(from) && theirs.Horizon >= c.state.Horizon {`,
		new:    `if theirs.has(from) {`,
		breaks: "a member that was removed, and whose tombstone is cleared away, is taken in again by its own word",
	}, {
		name: "hears-nobody-whom-others-accuse", file: "cluster/membership/gossip.go",
		old:    `return c.state.reach.Status(c.me.Node, from) == Reachable`,
		new:    `return c.state.reach.Worst(from) == Reachable`,
		breaks: "two members that can talk don't listen to each other since a third holds one for unreachable",
	}, {
		name: "late-farewell-of-one-who-is-down", file: "cluster/membership/gossip.go",
		old:    `ok && from.Status != Down {`,
		new:    `ok && from.Status != Removed {`,
		breaks: "the losing side of a partition sends members of the winning side away",
	}, {
		name: "message-for-the-former-incarnation", file: "cluster/membership/gossip.go",
		old:    `if !c.joined() || to != c.me.Node || from == c.me.Node {`,
		new:    `if !c.joined() || to.Addr != c.me.Addr || from == c.me.Node {`,
		breaks: "messages for a dead process are taken by the next one at its address",
	}, {
		name: "older-cluster-of-the-same-name", file: "cluster/membership/gossip.go",
		old:    `if created != c.state.Created {`,
		new:    `if created > c.state.Created {`,
		breaks: "messages of an older cluster of the same name are taken",
	}, {
		name: "early-word-counts-for-any-value", file: "cluster/membership/gossip.go",
		old:    `if c.early.value == 0 || c.early.value != c.valueHash() {`,
		new:    `if c.early.value == 0 {`,
		breaks: "who said early that it has seen one value counts as having seen another",
	}, {
		name: "early-word-of-two-values-in-one-pot", file: "cluster/membership/gossip.go",
		old:    `if c.early.value != m.Value {`,
		new:    `if c.early.value == 0 {`,
		breaks: "early words about different values are counted together",
	}, {
		name: "leader-is-told-once-and-never-again", file: "cluster/membership/gossip.go",
		old:    `c.acked == leader.Node && c.ackHash == c.valueHash() {`,
		new:    `c.acked == leader.Node {`,
		breaks: "the leader hears that the first value was seen, and waits for rounds of gossip after that",
	}, {
		name: "change-keeps-who-has-seen-the-old", file: "cluster/membership/state.go",
		old:    `s.seen = []Node{self}`,
		new:    `s = s.seenBy(self)`,
		breaks: "whoever had seen the state before a change counts as having seen the change",
	}, {
		name: "merge-adds-who-has-seen-the-older", file: "cluster/membership/state.go",
		old:    `out.seen = mergeSorted(seen, a.seen, compareNodes, keepFirst)`,
		new:    `out.seen = mergeSorted(mergeSorted(seen, b.seen, compareNodes, keepFirst), a.seen, compareNodes, keepFirst)`,
		breaks: "who has seen an older state counts as having seen the newer one after a merge",
	}, {
		name: "tombstone-at-the-horizon", file: "cluster/membership/state.go",
		old:    "at = max(at, s.Horizon+1)",
		new:    "at = max(at, s.Horizon)",
		breaks: "a tombstone stamped by a slow clock is cleared away at once, and the member comes back",
	}, {
		name: "merge-keeps-the-clock-of-the-removed", file: "cluster/membership/state.go",
		old:    `out.clock = a.clock.Merge(b.clock).Keep(out.has)`,
		new:    `out.clock = a.clock.Merge(b.clock)`,
		breaks: "the vector clock grows with everybody who ever was a member",
	}, {
		name: "first-of-an-address-though-it-is-down", file: "cluster/membership/state.go",
		old:    `(found.IsZero() || found.Status == Down) {`,
		new:    `found.IsZero() {`,
		breaks: "an order for an address reaches the dead incarnation and not the one that runs",
	}, {
		name: "later-up-number-wins", file: "cluster/membership/member.go",
		old:    `(b.UpNumber != 0 && b.UpNumber < a.UpNumber) {`,
		new:    `b.UpNumber > a.UpNumber {`,
		breaks: "a member's number changes when a second leader gave it another",
	}, {
		name: "promise-of-the-other-side", file: "cluster/membership/member.go",
		old:    `case a.promised < b.promised:`,
		new:    `case a.promised != b.promised:`,
		breaks: "a promised number is lost when a state that doesn't know it is merged",
	}, {
		name: "without-a-number-is-oldest", file: "cluster/membership/member.go",
		old:    `cmp.Compare(a.UpNumber-1, b.UpNumber-1)`,
		new:    `cmp.Compare(a.UpNumber, b.UpNumber)`,
		breaks: "members that were never Up come before the oldest",
	}, {
		name: "terminated-may-be-reachable-again", file: "cluster/membership/reach.go",
		old:    `if ok && (r.records[i].Status == s || r.records[i].Status == Terminated) ||`,
		new:    `if ok && r.records[i].Status == s ||`,
		breaks: "a heartbeat that comes late makes a terminated incarnation reachable",
	}, {
		name: "record-of-an-observer-that-is-gone", file: "cluster/membership/reach.go",
		old:    `if observer(rec.Observer) && subject(rec.Subject) {`,
		new:    `if subject(rec.Subject) {`,
		breaks: "the accusations of those who are removed or down live on",
	}, {
		name: "older-reachability-wins-a-tie", file: "cluster/membership/reach.go",
		old:    `if r.Version(rec.Observer) >= o.Version(rec.Observer) {`,
		new:    `if r.Version(rec.Observer)+1 >= o.Version(rec.Observer) {`,
		breaks: "a record that its observer took back one version ago comes back in a merge",
	}, {
		name: "second-change-of-a-node-does-not-count", file: "cluster/membership/vclock.go",
		old:    `entries[i].count++`,
		new:    `entries[i].count = max(entries[i].count, 1)`,
		breaks: "the vector clock says the same before and after a change",
	}, {
		name: "exiting-and-unreachable-blocks", file: "cluster/membership/view.go",
		old:    `if m.Status != Down && m.Status != Exiting && !v.done(m.Node) {`,
		new:    `if m.Status != Down && !v.done(m.Node) {`,
		breaks: "a member that exits and is cut off keeps everybody else from changing",
	}, {
		name: "first-members-act-before-all-have-seen", file: "cluster/membership/view.go",
		old:    `must := m.works() || nobodyWorks && m.Status != Down && (m.Node == v.Self || reach.Worst(m.Node) == Reachable)`,
		new:    `must := m.works() || nobodyWorks && m.Node == v.Self && reach.Worst(m.Node) == Reachable`,
		breaks: "while nobody works yet, the leader acts on what only it has seen",
	}, {
		name: "accused-leader-stands-back", file: "cluster/membership/view.go",
		old:    `case m.Node != v.Self && reach.Worst(m.Node) != Reachable:`,
		new:    `case reach.Worst(m.Node) != Reachable:`,
		breaks: "a node that others accuse doesn't lead its own side",
	}, {
		name: "silence-about-strangers", file: "cluster/membership/core.go",
		old:    `if n != c.me.Node && c.state.has(n) {`,
		new:    `if n != c.me.Node {`,
		breaks: "the failure detector's late word about a removed member stays in the state",
	}, {
		name: "verdict-of-one-who-is-down", file: "cluster/membership/core.go",
		old:    `if m, ok := c.state.Member(n); ok && m.Status != Down {`,
		new:    `if _, ok := c.state.Member(n); ok {`,
		breaks: "a member ends itself on the word of one that was declared dead here",
	}, {
		name: "tombstones-cleared-while-some-are-cut-off", file: "cluster/membership/core.go",
		old:    `v.Converged() && len(v.Unreachable()) == 0 && len(c.state.seen) == len(c.state.members) {`,
		new:    `v.Converged() && len(c.state.seen) == len(c.state.members) {`,
		breaks: "a tombstone is cleared away before a member that is cut off has heard of the removal",
	}, {
		name: "tombstones-cleared-before-all-have-seen", file: "cluster/membership/core.go",
		old:    `v.Converged() && len(v.Unreachable()) == 0 && len(c.state.seen) == len(c.state.members) {`,
		new:    `v.Converged() && len(v.Unreachable()) == 0 {`,
		breaks: "a tombstone is cleared away before members that join have heard of the removal",
	}, {
		name: "exit-starts-again", file: "cluster/membership/core.go",
		old:    `case self.Status == Exiting && c.exit == exitNone:`,
		new:    `case self.Status == Exiting:`,
		breaks: "each change while a node exits begins its exit once more",
	}, {
		name: "joining-member-promises", file: "cluster/membership/numbers.go",
		old:    `ok && self.works() && v.Converged() {`,
		new:    `ok && self.Status != Down && v.Converged() {`,
		breaks: "members that aren't Up themselves promise numbers",
	}, {
		name: "old-incarnation-is-only-unreachable", file: "cluster/membership/state.go",
		old:    `s.reach.Change(by, n, Terminated)`,
		new:    `s.reach.Change(by, n, Unreachable)`,
		breaks: "an incarnation that was replaced may be reachable again",
	}, {
		name: "admits-who-gave-up", file: "cluster/membership/join.go",
		old:    `case c.now.After(p.until) || c.ended ||`,
		new:    `case c.ended ||`,
		breaks: "a node that asked long ago, and may be dead, is let in when its address is free",
	}, {
		name: "admits-the-removed", file: "cluster/membership/join.go",
		old:    `c.ended || c.state.Closing || c.state.Buried(p.join.From):`,
		new:    `c.ended || c.state.Closing:`,
		breaks: "a pending join of an incarnation that was removed meanwhile is granted",
	}, {
		name: "confirmation-of-one-who-does-not-exit", file: "cluster/membership/join.go",
		old:    `if member, _ := c.state.Member(m.From); member.Status == Exiting {`,
		new:    `if c.state.has(m.From) {`,
		breaks: "the leader stops waiting for a member that it doesn't know to be exiting",
	}, {
		name: "waiting-node-says-it-is-in-no-cluster", file: "cluster/membership/seed.go",
		old:    `if m.Cluster == c.cfg.Cluster && c.seeding.phase != joinWaiting {`,
		new:    `if m.Cluster == c.cfg.Cluster {`,
		breaks: "a seed that a cluster is about to let in tells the first seed to form another",
	}, {
		name: "old-word-of-idle-seeds-counts", file: "cluster/membership/seed.go",
		old:    `> 3*c.cfg.AskEvery {`,
		new:    `> 3*c.cfg.SeedTimeout {`,
		breaks: "a cluster is formed on what seeds said long ago",
	}},
}
