package membership

import "slices"

// View is a state as one node sees it. It answers questions and changes
// nothing; it is safe for concurrent use. The zero View is that of a node
// that isn't in a cluster.
type View struct {
	State
	// Self is the node whose view it is.
	Self Node
	// confirmed are members that said they are done exiting: they are
	// counted out although the state still has them.
	confirmed []Node
}

// ViewOf returns the view that self has of s.
func ViewOf(s State, self Node) View { return View{State: s, Self: self} }

// SelfMember returns the member that the viewing node is; its status is
// Removed when it is none (not yet, or no longer).
func (v View) SelfMember() Member {
	m, ok := v.Member(v.Self)
	if !ok {
		return Member{Node: v.Self}
	}
	return m
}

func (v View) done(n Node) bool { return slices.Contains(v.confirmed, n) }

// trusted is the reachability table without what downed members say, and members
// that left and whose process is over: their word must not block the rest.
func (v View) trusted() Reachability {
	reach := v.reach.WithoutObservers(func(n Node) bool {
		m, ok := v.Member(n)
		return ok && m.Status == Down
	})
	return reach.WithoutObservers(func(n Node) bool {
		m, ok := v.Member(n)
		return ok && m.Status == Exiting && reach.Worst(n) == Terminated
	})
}

// Unreachable returns the members that somebody who isn't down holds for
// unreachable, in the order of their nodes. The viewing node is never among
// them.
func (v View) Unreachable() []Member {
	reach := v.trusted()
	var out []Member
	for _, m := range v.members {
		if m.Node != v.Self && reach.Worst(m.Node) != Reachable {
			out = append(out, m)
		}
	}
	return out
}

// AccusedBy returns who of the members that aren't Down hold n for unreachable,
// in the order of their nodes.
func (v View) AccusedBy(n Node) []Node {
	var out []Node
	for _, r := range v.trusted().Records() {
		if r.Subject == n {
			out = append(out, r.Observer)
		}
	}
	return out
}

// Converged reports whether the leader may act: everybody who is unreachable
// is going or declared dead anyway, and every working member has seen exactly
// this state. While nobody works (the first members join, or all others go),
// everybody who isn't dead must have seen it, or two newcomers that don't know
// of each other could both believe to lead.
func (v View) Converged() bool {
	for _, m := range v.Unreachable() {
		if m.Status != Down && m.Status != Exiting && !v.done(m.Node) {
			return false
		}
	}
	nobodyWorks := !slices.ContainsFunc(v.members, Member.works)
	reach := v.trusted()
	for _, m := range v.members {
		must := m.works() || nobodyWorks && m.Status != Down && (m.Node == v.Self || reach.Worst(m.Node) == Reachable)
		if must && !v.Seen(m.Node) && !v.done(m.Node) {
			return false
		}
	}
	return true
}

func (m Member) works() bool { return m.Status.IsUp() || m.Status == Leaving }

// Leader returns the member that acts for the cluster, as this node sees it:
// the first reachable working member in the order of nodes, or, while there
// is none, the first that is weakly up, joining or exiting. It is a function
// of the view, not an election; in a partition each side has one.
func (v View) Leader() (Member, bool) { return v.RoleLeader("") }

// RoleLeader is Leader among the members that have the role.
func (v View) RoleLeader(role string) (Member, bool) {
	reach := v.trusted()
	var best Member
	for _, m := range v.members {
		switch {
		case !m.HasRole(role) || m.Status == Down || v.done(m.Node):
		case m.Node != v.Self && reach.Worst(m.Node) != Reachable:
		case best.IsZero() || leaderRank(m.Status) < leaderRank(best.Status):
			best = m
		}
	}
	return best, !best.IsZero()
}

// leaderRank groups statuses by how well they suit a leader, best first.
func leaderRank(s Status) int {
	switch s {
	case Up, PreparingForShutdown, ReadyForShutdown, Leaving:
		return 0
	case WeaklyUp:
		return 1
	case Joining:
		return 2
	}
	return 3
}

// Oldest returns the oldest member of the role ("" for all) that is Up (about
// to be shut down or not) or Leaving, reachable or not: the home of singletons and coordinators.
func (v View) Oldest(role string) (Member, bool) {
	oldest := v.byAge(func(m Member) bool {
		return m.HasRole(role) && m.works()
	})
	if len(oldest) == 0 {
		return Member{}, false
	}
	return oldest[0], true
}

// ByAge returns the members of the role ("" for all) that were ever Up and
// aren't Down, from the oldest to the youngest.
func (v View) ByAge(role string) []Member {
	return v.byAge(func(m Member) bool { return m.HasRole(role) && m.UpNumber > 0 && m.Status != Down })
}

// Roles returns every role that some member has, sorted.
func (v View) Roles() []string {
	var out []string
	for _, m := range v.members {
		out = append(out, m.Roles...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
