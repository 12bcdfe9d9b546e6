package main

var lease = area{
	name:   "lease",
	checks: []check{leaseTests, clusterTests, simulation},
	mutants: []mutant{{
		name: "believed-from-the-answer-on", file: "cluster/lease/renew.go",
		old:    `l.until = start.Add(l.validFor())`,
		new:    `l.until = clock.Now().Add(l.validFor())`,
		breaks: "the holder's belief outlives the lease by as long as the store took to answer",
	}, {
		name: "believed-for-the-whole-time", file: "cluster/lease/lease.go",
		old:    `return s.TTL - s.TTL/10`,
		new:    `return s.TTL`,
		breaks: "nothing is left for clocks that run at different speeds",
	}, {
		name: "taken-from-one-who-renews", file: "cluster/lease/lease.go",
		old:    `if l.seen != found {`,
		new:    `if l.seen.Owner != found.Owner {`,
		breaks: "a holder that gives signs of life loses its lease after one time to live",
	}, {
		name: "token-stays", file: "cluster/lease/lease.go",
		old:    `Owner: l.Owner, Token: found.Token + 1, TTL: l.TTL}`,
		new:    `Owner: l.Owner, Token: found.Token, TTL: l.TTL}`,
		breaks: "two holders have the same fencing token",
	}, {
		name: "late-renewal-holds-again", file: "cluster/lease/renew.go",
		old:    "\tcase !l.held: // its time was over before the answer came\n",
		new:    "",
		breaks: "a renewal that is answered too late starts the timers of a lease that was lost",
	}, {
		name: "newer-version-is-no-conflict", file: "cluster/lease/file.go",
		old:    `if newest != next.Version {`,
		new:    `if newest < next.Version {`,
		breaks: "a swap succeeds although somebody has written a newer version meanwhile",
	}, {
		name: "any-version-may-be-swapped", file: "cluster/lease/memory.go",
		old:    `if m.records[name].Version != old.Version {`,
		new:    `if m.records[name].Version < old.Version {`,
		breaks: "a record is replaced by one that follows an older one",
	}},
}
