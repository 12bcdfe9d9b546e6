package main

var router = area{
	name:   "router",
	checks: []check{routerTests, clusterTests},
	mutants: []mutant{{
		name: "address-is-no-part-of-the-name", file: "router/hash.go",
		old:    `names[i] = l.Addr + l.Path`,
		new:    `names[i] = l.Path`,
		breaks: "routees of the same path on two nodes have the same points on the ring",
	}, {
		name: "ring-by-index", file: "router/hash.go",
		old:    `cmp.Compare(names[a.node], names[b.node]), cmp.Compare(a.node, b.node))`,
		new:    `cmp.Compare(a.node, b.node))`,
		breaks: "routers that list the routees in another order give equal points to another routee",
		equivalent: "it needs two virtual points with the same 64-bit hash; the order is there so that even " +
			"then all routers agree, and no two names are known that show it",
	}, {
		name: "point-after-the-key", file: "router/hash.go",
		old:    `r[middle].at < key {`,
		new:    `r[middle].at <= key {`,
		breaks: "a key that lies on a point belongs to the next one",
	}, {
		name: "grows-blindly", file: "router/resize.go",
		old:    `if busy >= known && known > 0 {`,
		new:    `if busy >= known {`,
		breaks: "a pool of which nothing can be seen grows",
	}, {
		name: "below-the-lower-bound", file: "router/resize.go",
		old:    `return min(max(size+r.delta(r.pressure(loads), known, size), lower), upper) - size`,
		new:    `return min(size+r.delta(r.pressure(loads), known, size), max(lower, upper)) - size`,
		breaks: "an idle pool shrinks below its lower bound",
	}, {
		name: "opened-by-the-former-head", file: "router/head.go",
		old: `		if m.by == h {
			h.open = true
			h.front.open(h.table)
		}
`,
		new: `		h.open = true
		h.front.open(h.table)
`,
		breaks: "a router that was restarted routes past the messages that wait in its mailbox",
	}, {
		name: "list-for-the-former-head", file: "router/head.go",
		old: `		if m.by == h {
			h.list(ctx, m.refs)
		}
`,
		new: `		h.list(ctx, m.refs)
`,
		breaks: "a restarted group begins with the routees of before",
	}, {
		name: "retired-before-the-last-message", file: "router/head.go",
		old:    `ctx.After(grace, retireDue{m.ref})`,
		new:    `ctx.Tell(m.ref, actor.PoisonPill{})`,
		breaks: "a routee that is taken out loses what senders were about to send it",
	}, {
		name: "busy-routee-counts-as-free", file: "router/pick.go",
		old:    "\t\tif l.Busy {\n\t\t\tscore++\n\t\t}\n",
		new:    "",
		breaks: "a message goes to a routee at work while another is free",
	}},
}
