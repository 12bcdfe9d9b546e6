package main

var heartbeat = area{
	name:   "heartbeat",
	checks: []check{phiTests, clusterTests, chaos, simulation},
	mutants: []mutant{{
		name: "silence-teaches-the-detector", file: "internal/phi/phi.go",
		old: `	if d.Available(now) {
		d.window.add(interval)
	}
`,
		new: `	d.window.add(interval)
`,
		breaks: "the pause that made a node suspect makes the detector patient with the next",
	}, {
		name: "window-keeps-what-leaves", file: "internal/phi/window.go",
		old:    "\tw.sum -= uint64(v)\n",
		new:    "",
		breaks: "the mean grows with every interval that leaves the window",
	}, {
		name: "ring-counts-the-unreachable", file: "cluster/membership/ring.go",
		old: `		if reachable {
			counted++
		}
`,
		new: `		counted++
`,
		checks: []check{membershipTests, clusterTests, chaos, simulation},
		breaks: "members whose watchers are dead are watched by fewer than they should",
	}, {
		name: "waking-node-accuses", file: "cluster/pulse.go",
		old:    `p.trustAt = now.Add(2 * p.cfg.Every)`,
		new:    `p.trustAt = now`,
		breaks: "a node that was asleep accuses others before their answers can be there",
	}, {
		name: "never-heard-is-reachable", file: "cluster/pulse.go",
		old:    `case p.accused(n) && p.fd.Monitoring(n) && p.fd.Available(n, now):`,
		new:    `case p.accused(n) && p.fd.Available(n, now):`,
		breaks: "a node that was never heard is taken for reachable again",
	}, {
		name: "accusation-without-an-accuser", file: "cluster/pulse.go",
		old:    `case member && (!p.fd.Available(n, now) || p.accused(n)):`,
		new:    `case member && !p.fd.Available(n, now):`,
		breaks: "who is accused and leaves the ring of its accuser stays accused",
	}, {
		name: "patience-is-not-renewed", file: "cluster/pulse.go",
		old:    "\tdelete(p.expected, n)\n",
		new:    "",
		breaks: "a member that becomes a target again is expected to have answered already",
	}, {
		name: "removed-node-gets-answers", file: "cluster/pulse.go",
		old:    `return !p.view.Buried(n) && (!ok || m.Status != membership.Down)`,
		new:    `return !ok || m.Status != membership.Down`,
		breaks: "a removed node that doesn't know it goes on hearing heartbeats",
	}, {
		name: "quarantine-of-who-left", file: "cluster/daemon.go",
		old:    `ok && m.Status != membership.Exiting {`,
		new:    `ok {`,
		checks: []check{clusterTests, chaos, simulation},
		breaks: "the end of a leaving node's connections is taken for its death",
	}, {
		name: "resolver-waits-for-the-next-tick", file: "cluster/daemon.go",
		old:    `(next.IsZero() || r.Before(next)) && !d.core.Ended() {`,
		new:    `next.IsZero() && !d.core.Ended() {`,
		checks: []check{clusterTests, chaos, simulation},
		breaks: "a decision that is due waits until membership has something to do",
	}},
}
