package membership

// Up-numbers tell the age of members for ever, and epochs are built on them, so
// no two members may have the same one in any view that ever was, the view of a
// leader that dies with its decision included.
//
// A number is promised first, by the member that lets a node in or by the
// leader, and given by the leader in a view that has converged and in which
// nobody else has a claim to it. Two members that promise at once promise the
// same number. Whether a rival may have been given it in secret, by a leader
// that is gone now, follows from who made the promises:
//
// A leader that gave the number n to m had a converged view without the promise
// of n to the rival o. Had the promiser of o counted in that view, it would have
// seen the view; and whether it promised before or after, the view would have
// contained its promise, or the promise would have been of a larger number. So
// the promiser of o was dead or on its way out in that view, and is so in every
// later converged view: any two of them share a member that has seen both.
//
// Hence, while the promiser of o works, m was not given n and can be promised
// another number. That the promiser counted in every view of the others needs
// that they all knew it as Up: so only a member with a converged view promises.

// claim is what becomes of the number that a member was promised.
type claim uint8

const (
	claimGood     claim = iota // it can be given
	claimVoid                  // there is none, or it wasn't given and never will be
	claimWaits                 // a rival is promised another number first
	claimDoubtful              // both may have been given it by leaders that are gone
)

// admitted returns the state after the viewing node has let the joiner in.
func (v View) admitted(joiner Member) State {
	joiner.Status = Joining
	if self, ok := v.Member(v.Self); ok && self.works() && v.Converged() {
		// The leader then needs no round of its own for the promise.
		joiner.promised, joiner.promisedBy = v.LastUp+1, v.Self
	}
	return v.with(joiner)
}

// claim says what becomes of the number promised to m, which is to become Up.
func (v View) claim(m Member) claim {
	if m.promised == 0 {
		return claimVoid
	}
	rivals, taken := v.rivals(m)
	if taken {
		return claimVoid
	}
	out := claimGood
	for _, o := range rivals {
		mayYield := v.vouched(rivals, m)
		rivalMay := v.vouched([]Member{m}, o) || v.vouched(rivals, o)
		stands := o.Status == Joining || o.Status == WeaklyUp
		switch {
		case !stands && rivalMay: // it was never given the number, and never will be
		case mayYield && (!stands || !rivalMay || o.Node.Compare(m.Node) < 0):
			return claimVoid
		case !mayYield && !rivalMay:
			out = claimDoubtful
		case out == claimGood:
			out = claimWaits
		}
	}
	return out
}

// rivals returns who else was promised the number of m and never given another,
// those that were removed included (as members with status Removed), and whether
// somebody has been given it.
func (v View) rivals(m Member) (out []Member, taken bool) {
	for _, o := range v.members {
		if number, given := claimOf(o); o.Node != m.Node && number == m.promised {
			out, taken = append(out, o), taken || given
		}
	}
	for _, t := range v.tombs {
		if t.number == m.promised {
			out, taken = append(out, Member{Node: t.Node, promised: t.number}), taken || t.given
		}
	}
	return out, taken
}

// vouched reports whether the promise to one of the others was made by a member
// that still works: then o was not given the number that they share.
func (v View) vouched(others []Member, o Member) bool {
	for _, r := range others {
		if r.Node == o.Node {
			continue
		}
		if by, ok := v.Member(r.promisedBy); ok && by.works() {
			return true
		}
	}
	return false
}
