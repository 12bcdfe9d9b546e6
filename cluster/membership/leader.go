package membership

import (
	"fmt"
	"maps"
	"slices"
)

// Change is one step of a member that the leader decided.
type Change struct {
	Node Node
	From Status
	// To is the new status; Removed takes the member out of the state. It is
	// that of From when an up-number is only promised.
	To Status
	// UpNumber is given when To is Up, or promised.
	UpNumber uint64
}

// String returns the change as in "10.0.0.1:2551#a3f0: joining → up".
func (c Change) String() string { return fmt.Sprintf("%v: %v → %v", c.Node, c.From, c.To) }

// Minimum says how many members must be there before the first become Up. The
// zero Minimum waits for nobody.
type Minimum struct {
	// Members of any role and status, the node itself included.
	Members int
	// Roles gives a number for single roles.
	Roles map[string]int
}

func (q Minimum) met(v View) bool {
	if len(v.members) < q.Members {
		return false
	}
	for _, role := range slices.Sorted(maps.Keys(q.Roles)) {
		n := 0
		for _, m := range v.members {
			if m.HasRole(role) {
				n++
			}
		}
		if n < q.Roles[role] {
			return false
		}
	}
	return true
}

// LeaderActions returns what the viewing node, if it leads and its view has
// converged, must do now. The order is that in which the changes are applied.
func LeaderActions(v View, quorum Minimum) []Change {
	leader, ok := v.Leader()
	if !ok || leader.Node != v.Self || v.done(v.Self) || !v.Converged() {
		return nil
	}
	admit := quorum.met(v) && !v.Closing
	reach := v.trusted()
	last := v.LastUp
	var out []Change
	for _, m := range v.members {
		switch m.Status {
		case Joining, WeaklyUp:
			// Only a member that has seen this very state is promoted: it would
			// have said so, had another leader given it an up-number already.
			if !admit || !v.Seen(m.Node) {
				continue
			}
			switch v.claim(m) {
			case claimGood:
				out = append(out, Change{m.Node, m.Status, Up, m.promised})
			case claimVoid:
				last++
				out = append(out, Change{m.Node, m.Status, m.Status, last})
			case claimDoubtful:
				out = append(out, Change{m.Node, m.Status, Down, 0})
			}
		case Up:
			if v.Closing { // it became Up while the word spread
				out = append(out, Change{m.Node, Up, PreparingForShutdown, 0})
			}
		case PreparingForShutdown:
			out = append(out, Change{m.Node, PreparingForShutdown, ReadyForShutdown, 0})
		case Leaving:
			out = append(out, Change{m.Node, m.Status, Exiting, 0})
		case Exiting, Down:
			gone := v.done(m.Node) && m.Status == Exiting || reach.Worst(m.Node) != Reachable
			if gone && m.Node != v.Self {
				out = append(out, Change{m.Node, m.Status, Removed, 0})
			}
		}
	}
	return out
}

// WeakActions returns what the leader does after it has waited long enough for
// a convergence that doesn't come: who joins and can be reached begins to work.
func WeakActions(v View, quorum Minimum) []Change {
	leader, ok := v.Leader()
	if !ok || leader.Node != v.Self || v.Converged() || v.Closing || !quorum.met(v) {
		return nil
	}
	reach := v.trusted()
	var out []Change
	for _, m := range v.members {
		if m.Status == Joining && (m.Node == v.Self || reach.Worst(m.Node) == Reachable) {
			out = append(out, Change{m.Node, Joining, WeaklyUp, 0})
		}
	}
	return out
}

// apply returns s after the changes that by decided; at stamps the tombstones.
func (s State) apply(by Node, changes []Change, at int64) State {
	for _, c := range changes {
		m, ok := s.Member(c.Node)
		switch {
		case ok && m.Status == c.To:
			if m.promised < c.UpNumber {
				m.promised, m.promisedBy = c.UpNumber, by
			}
			s = s.with(m)
		case !ok || !m.Status.CanBecome(c.To):
		case c.To == Removed:
			s = s.without(c.Node, at)
		default:
			m.Status = c.To
			m.UpNumber = max(m.UpNumber, c.UpNumber)
			if m.UpNumber > 0 {
				m.promisedBy = Node{}
			}
			s = s.with(m)
		}
		if ok && c.To == Down { // what it has seen counts no longer
			s = s.unseen(c.Node)
		}
	}
	return s
}
