package main

var persistence = area{
	name:   "persistence",
	checks: []check{persistenceTests, sqliteTests, simulation},
	mutants: []mutant{{
		name: "claim-does-not-fence", file: "persistence/head.go",
		old:    "\th.Fence = epoch\n",
		new:    "\th.Fence = actor.Epoch{}\n",
		breaks: "an owner that was replaced goes on writing",
	}, {
		name: "gap-in-the-numbers", file: "persistence/head.go",
		old:    `first != h.Highest+1 {`,
		new:    `first <= h.Highest {`,
		breaks: "events are stored behind a gap",
	}, {
		name: "deleted-beyond-the-end", file: "persistence/head.go",
		old:    `max(h.DeletedTo, min(seq, h.Highest))`,
		new:    `max(h.DeletedTo, seq)`,
		breaks: "a deletion takes events with it that are stored later",
	}, {
		name: "snapshot-of-a-former-owner", file: "persistence/memory.go",
		old:    `if _, err := entry.head.Claim(s.PersistenceID, s.Epoch); err != nil {`,
		new:    `if _, err := entry.head.Claim(s.PersistenceID, entry.head.Fence); err != nil {`,
		breaks: "an owner that was replaced stores a snapshot over the new owner's",
	}, {
		name: "snapshot-ahead-of-the-journal", file: "persistence/recover.go",
		old:    `if snap.Seq > highest {`,
		new:    `if snap.Seq > highest && highest > 0 {`,
		breaks: "an actor recovers to a state whose events the journal has lost",
	}, {
		name: "replay-that-ends-early", file: "persistence/recover.go",
		old:    `if r.seq != highest {`,
		new:    `if r.seq > highest {`,
		breaks: "an actor recovers without its last events",
	}, {
		name: "permit-is-kept", file: "persistence/recover.go",
		old:    "\tdefer a.cfg.Permits.release()\n\tif err := ctx.Err(); err != nil { // it stopped while it waited\n\t\treturn r, err\n\t}\n",
		new:    "\tif err := ctx.Err(); err != nil { // it stopped while it waited\n\t\treturn r, err\n\t}\n\tdefer a.cfg.Permits.release()\n",
		breaks: "each actor that stops while it waits for its recovery takes a permit with it",
	}, {
		name: "deletes-its-own-snapshot", file: "persistence/snapshotting.go",
		old:    `DeleteSnapshots(l, a.cfg.ID, 0, kept[0]-1)`,
		new:    `DeleteSnapshots(l, a.cfg.ID, 0, kept[0])`,
		breaks: "the snapshot goes at which the events that are left begin",
	}, {
		name: "two-snapshots-at-once", file: "persistence/sourced.go",
		old:    `before/every != a.seq/every && !a.saving {`,
		new:    `before/every != a.seq/every {`,
		breaks: "a snapshot is begun while the one before is under way",
	}, {
		name: "replaced-owner-is-restarted", file: "persistence/sourced.go",
		old:    "\t\tctx.Stop(ctx.Self())\n\t\tctx.Fail(err)\n",
		new:    "\t\tctx.Fail(err)\n",
		breaks: "an owner that was replaced tries again and again",
	}, {
		name: "snapshot-once-every-event", file: "persistence/sourced.go",
		old:    `before/every != a.seq/every && !a.saving {`,
		new:    `before%every <= a.seq%every && !a.saving {`,
		breaks: "snapshots are taken at the wrong events",
	}, {
		name: "head-is-read-before-the-lock", file: "persistence/sqlite/transaction.go",
		old:    `"BEGIN IMMEDIATE"`,
		new:    `"BEGIN"`,
		checks: []check{sqliteTests},
		breaks: "two processes decide on the same head",
	}, {
		name: "given-up-and-written", file: "persistence/sqlite/writer.go",
		old: `		if r.move(taken) {
			live = append(live, r)
		}
	}
	results`,
		new: `		r.move(taken)
		live = append(live, r)
	}
	results`,
		checks: []check{sqliteTests},
		breaks: "a write is carried out whose caller was told that it wasn't",
	}, {
		name: "failed-commit-is-no-doubt", file: "persistence/sqlite/writer.go",
		old:    `fmt.Errorf("%w: the commit failed: %w", persistence.ErrInDoubt,`,
		new:    `fmt.Errorf("%w: the commit failed: %w", persistence.ErrUnavailable,`,
		checks: []check{sqliteTests},
		breaks: "a caller thinks that nothing was stored when something may have been",
	}, {
		name: "write-under-way-is-no-doubt", file: "persistence/sqlite/writer.go",
		old:    `fmt.Errorf("%w: the write was under way: %w", persistence.ErrInDoubt,`,
		new:    `fmt.Errorf("%w: the write was under way: %w", persistence.ErrUnavailable,`,
		checks: []check{sqliteTests},
		breaks: "who gave up waiting for a write thinks that nothing was stored",
	}, {
		name: "snapshot-past-the-fence", file: "persistence/sqlite/store.go",
		old:    "\t\t\t\t_, err := h.Claim(snap.PersistenceID, snap.Epoch)\n\t\t\t\treturn h, err\n",
		new:    "\t\t\t\t_, err := h.Claim(snap.PersistenceID, h.Fence)\n\t\t\t\treturn h, err\n",
		checks: []check{sqliteTests},
		breaks: "an owner that was replaced stores a snapshot",
	}, {
		name: "hole-in-the-replay", file: "persistence/sqlite/read.go",
		old: `			if e.Seq != next {
				return missing(id, next)
			}
`,
		new: `			next = e.Seq
`,
		checks: []check{sqliteTests},
		breaks: "a replay passes over events that are lost in the middle",
	}, {
		name: "damaged-snapshot-is-used", file: "persistence/sqlite/row.go",
		old:    `if int64(s.Checksum()) != c.crc {`,
		new:    `if int64(s.Checksum()) != c.crc && len(s.Payload) == 0 {`,
		checks: []check{sqliteTests},
		breaks: "a snapshot whose checksum is wrong is recovered from",
	}, {
		name: "last-event-is-not-deleted", file: "persistence/sqlite/transaction.go",
		old:    `"DELETE FROM event WHERE head = ? AND seq <= ?"`,
		new:    `"DELETE FROM event WHERE head = ? AND seq < ?"`,
		checks: []check{sqliteTests},
		breaks: "one deleted event stays in the file each time",
	}},
}
