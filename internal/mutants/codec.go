package main

var codec = area{
	name:   "codec",
	checks: []check{codecTests, actorTests, remoteTests, simulation},
	mutants: []mutant{{
		name: "alias-of-somebody-else", file: "codec/registry.go",
		old: `	for _, name := range names {
		if other`,
		new: `	for _, name := range names[:1] {
		if other`,
		breaks: "an alias takes the name of another type away",
	}, {
		name: "reused-place-keeps-fields", file: "codec/register.go",
		old:    "\tvar zero T\n\t*p.value = zero\n",
		new:    "",
		breaks: "a message begins with the fields of the one decoded before it",
	}, {
		name: "place-of-a-failure-is-used-again", file: "codec/register.go",
		old: `		if err == nil {
			spots.Put(p)
		}
`,
		new: `		spots.Put(p)
`,
		breaks: "what a malformed message left behind is part of a later one",
	}, {
		name: "dirty-place-of-a-connection", file: "codec/register.go",
		old: `		if p.dirty {
			p = newSpot[T]()
		}
`,
		new:    ``,
		breaks: "after a malformed message a connection's next one begins with its remains",
	}, {
		name: "any-size-is-decoded", file: "codec/registry.go",
		old: `	if len(body) > t.sizeMax {
		return nil, t.tooLarge("decode", len(body))
	}
`,
		new:    ``,
		breaks: "the limit of a type holds where it is sent only",
	}, {
		name: "encoding-is-no-part-of-the-fingerprint", file: "codec/registry.go",
		old:    `binary.BigEndian.AppendUint32([]byte{0}, t.id)`,
		new:    `binary.BigEndian.AppendUint32([]byte{0}, 0)`,
		breaks: "two nodes that encode a type differently think that they agree",
	}, {
		name: "gone-alias-breaks-nothing", file: "codec/change.go",
		old:    `note("", true, "alias %s is gone`,
		new:    `note("", false, "alias %s is gone`,
		breaks: "a schema that lost an old name passes as compatible",
	}, {
		name: "sentinel-is-one-off", file: "actor/failure.go",
		checks: []check{actorTests, remoteTests, simulation},
		old:    `codes = append(codes, uint64(i+1))`,
		new:    `codes = append(codes, uint64(i))`,
		breaks: "an error of another node is taken for its neighbour in the list",
	}},
}
