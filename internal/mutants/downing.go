package main

var downing = area{
	name:   "downing",
	checks: []check{downingTests, chaos, clusterTests, simulation},
	mutants: []mutant{{
		name: "removal-counts-as-mended", file: "cluster/downing/sight.go",
		old:    `if !hasPair(now, p) && g.has(p[0]) && g.has(p[1]) {`,
		new:    `if !hasPair(now, p) {`,
		breaks: "a broken link whose member was removed counts as one that came and went, and all go down",
	}, {
		name: "decides-again-at-once", file: "cluster/downing/resolver.go",
		old:    "\tr.restart(now, len(r.seen.counted))\n\tif d.Verdict",
		new:    "\tif d.Verdict",
		breaks: "a decision is repeated at every step until it shows",
	}, {
		name: "joining-node-decides", file: "cluster/downing/resolver.go",
		old:    `return ok && leader.Node == v.Self && leader.Status != membership.Joining`,
		new:    `return ok && leader.Node == v.Self`,
		breaks: "a node that was never Up declares others dead",
	}, {
		name: "flapping-forgotten-when-quiet", file: "cluster/downing/resolver.go",
		old:    `r.flapped = r.flapped || timing.UnstableFor >= 0 && len(g.mended(before)) > 0`,
		new:    `r.flapped = timing.UnstableFor >= 0 && len(g.mended(before)) > 0`,
		breaks: "links that come and go are put up with for ever",
	}, {
		name: "losing-member-waits-for-its-leader", file: "cluster/downing/resolver.go",
		old:    `case !leads && !(slices.Contains(d.Down, v.Self) && slices.Contains(r.seen.counted, v.Self)):`,
		new:    `case !leads:`,
		breaks: "a member of the losing side goes on when its leader is gone",
	}, {
		name: "hopeless-side-begins-its-wait-again", file: "cluster/downing/resolver.go",
		old:    `case r.doomed.IsZero():`,
		new:    `case r.doomed.Before(now):`,
		breaks: "a side that can't win any more goes on past its time",
	}, {
		name: "newcomer-delays-the-losing-side", file: "cluster/downing/sight.go",
		old:    `if !s.loses || !before.loses {`,
		new:    `if !s.loses || before.loses {`,
		breaks: "every change on the losing side has it wait from the beginning again",
	}, {
		name: "both-halves-go-on", file: "cluster/downing/strategy.go",
		old:    `return own > others || own == others && lowest`,
		new:    `return own >= others || lowest`,
		breaks: "of two equal halves both survive",
	}, {
		name: "leaving-member-counts-when-worse", file: "cluster/downing/strategy.go",
		old:    `case set[i] && g.counts[i] && m.Status != membership.Leaving:`,
		new:    `case set[i] && g.counts[i]:`,
		breaks: "a majority is one only if a member that leaves isn't gone yet on the other side",
	}, {
		name: "joiner-of-the-other-side-does-not-count", file: "cluster/downing/strategy.go",
		old:    `case !set[i] && counted:`,
		new:    `case !set[i] && counted && g.counts[i]:`,
		breaks: "a member that may be Up on the other side has no say there",
	}, {
		name: "the-downed-never-have-the-lowest-address", file: "cluster/downing/strategy.go",
		old:    `first = first && g.members[lowest].Compare(m.Node) < 0`,
		new:    `first = first && g.members[lowest].Node != m.Node`,
		breaks: "the other half may have the lowest address, with a member that only this side holds for dead",
	}, {
		name: "quorum-of-one-too-many", file: "cluster/downing/strategy.go",
		old:    `if g.total() > 2*quorum-1 {`,
		new:    `if g.total() > 2*quorum {`,
		breaks: "with twice as many members as the quorum both halves survive",
	}, {
		name: "oldest-of-two-is-alone", file: "cluster/downing/strategy.go",
		old:    `own == 1 && g.total()-own >= 2 {`,
		new:    `own == 1 && g.total()-own >= 1 {`,
		breaks: "of two members the younger survives a partition, and so may the oldest",
	}, {
		name: "older-than-the-oldest-is-only-down", file: "cluster/downing/strategy.go",
		old:    `if oldest < 0 || slices.ContainsFunc(g.downed, func(m membership.Member) bool { return m.Older(g.members[oldest]) }) {`,
		new:    `if oldest < 0 || s.EvenIfAlone && slices.ContainsFunc(g.downed, func(m membership.Member) bool { return m.Older(g.members[oldest]) }) {`,
		breaks: "two sides may have an oldest each when one holds the other's for dead",
	}, {
		name: "downed-of-another-role-have-a-say", file: "cluster/downing/graph.go",
		old:    `if m.Status == membership.Down && m.HasRole(role) {`,
		new:    `if m.Status == membership.Down {`,
		breaks: "members without the role count against a side",
	}, {
		name: "link-broken-one-way", file: "cluster/downing/graph.go",
		old:    "\t\t\tg.broken[j] = append(g.broken[j], i)\n",
		new:    "",
		breaks: "a link that only one end holds for broken joins two sides",
	}, {
		name: "search-drops-ties", file: "cluster/downing/graph.go",
		old:    `weight+s.rest(at, barred) < s.weight {`,
		new:    `weight+s.rest(at, barred) <= s.weight {`,
		breaks: "of two largest sides the one that is found first wins, not the better",
	}, {
		name: "who-has-no-say-breaks-the-tie", file: "cluster/downing/graph.go",
		old:    `if a[i] != b[i] && g.counts[i] {`,
		new:    `if a[i] != b[i] {`,
		breaks: "a member without a say decides which half survives",
	}, {
		name: "minority-asks-at-once", file: "cluster/downing/lease.go",
		old:    `later := first != nil || !leads`,
		new:    `later := first != nil && !leads`,
		breaks: "the smaller side asks for the lease as early as the larger",
	}, {
		name: "lease-back-before-the-dead-are-gone", file: "cluster/downing/lease.go",
		old:    `if len(l.awaited) == 0 && l.at.IsZero() {`,
		new:    `if l.at.IsZero() {`,
		breaks: "the lease is given back while those declared dead may still ask for it",
	}, {
		name: "earlier-dead-are-not-awaited", file: "cluster/downing/lease.go",
		old:    `r.lease.awaited = append(awaited, d.Down...)`,
		new:    `r.lease.awaited = append(awaited[:0], d.Down...)`,
		breaks: "a second decision forgets whom the lease still waits for",
	}, {
		name: "answer-that-nobody-asked-for", file: "cluster/downing/lease.go",
		old: `	if r.lease.phase != leaseAsked {
		return Decision{}
	}
`,
		new:    ``,
		breaks: "a late answer about the lease decides once more",
	}},
}
