package actor

// Pending returns how many messages wait in the actor's mailbox, and whether
// the actor is at work on one or about to be. ok is false where that can't be
// known, an actor of another node or a virtual ref, and for an actor that handles
// nothing, because it has stopped, or has failed and isn't restarted or resumed
// yet. The numbers are those of an instant that is over when they are read. Pending
// doesn't block and is safe for concurrent use.
func (r Ref[M]) Pending() (waiting int, busy, ok bool) {
	if r.p == nil {
		return 0, false, false
	}
	target := r.p.t
	if t, byPath := target.(*pathTarget); byPath {
		target = t.sys.local(t.loc.Path, 0).t
	}
	c, isCell := target.(*cell)
	if !isCell {
		return 0, false, false
	}
	if c.halted.Load() || c.mailbox.isClosed() {
		return 0, false, false
	}
	return c.mailbox.length(), c.mailbox.busy(), true
}
