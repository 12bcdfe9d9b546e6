package membership

import (
	"fmt"
	"slices"
)

// Event is one thing that happened to a cluster, as one node sees it. It is
// one of the types of this file. Events come from the difference of two
// views, so a member may be seen Up without having been seen Joining.
type Event interface {
	fmt.Stringer
	event()
}

type (
	// Snapshot is the state of things before all events that come after it.
	Snapshot struct{ View View }
	// Ended says that the node is in no cluster any more, and must stop its
	// work. It is the last event.
	Ended struct {
		Reason Reason
		Detail string
	}
	// MemberJoined says that a node was let in and waits to become Up.
	MemberJoined struct{ Member Member }
	// MemberWeaklyUp says that a member may work although the cluster can't
	// agree at the moment.
	MemberWeaklyUp struct{ Member Member }
	// MemberUp says that a member is a full one.
	MemberUp struct{ Member Member }
	// MemberPreparingForShutdown says that a member knows that the whole
	// cluster is about to be shut down.
	MemberPreparingForShutdown struct{ Member Member }
	// MemberReadyForShutdown says that every member knows so: the processes
	// can be stopped in any order.
	MemberReadyForShutdown struct{ Member Member }
	// MemberLeft says that a member was asked to leave; it still works.
	MemberLeft struct{ Member Member }
	// MemberExited says that a member hands over what is left and goes.
	MemberExited struct{ Member Member }
	// MemberDowned says that a member was declared dead.
	MemberDowned struct{ Member Member }
	// MemberRemoved says that a member is gone for good. Member has status
	// Removed; Before is its last one.
	MemberRemoved struct {
		Member Member
		Before Status
	}
	// UnreachableMember says that somebody holds the member for unreachable.
	UnreachableMember struct{ Member Member }
	// ReachableMember says that nobody holds the member for unreachable any
	// more.
	ReachableMember struct{ Member Member }
	// LeaderChanged says who acts for the cluster from now on; the zero
	// Member is nobody.
	LeaderChanged struct{ Leader Member }
	// RoleLeaderChanged is LeaderChanged for the members of a role.
	RoleLeaderChanged struct {
		Role   string
		Leader Member
	}
)

func (Snapshot) event()                   {}
func (Ended) event()                      {}
func (MemberJoined) event()               {}
func (MemberWeaklyUp) event()             {}
func (MemberUp) event()                   {}
func (MemberLeft) event()                 {}
func (MemberPreparingForShutdown) event() {}
func (MemberReadyForShutdown) event()     {}
func (MemberExited) event()               {}
func (MemberDowned) event()               {}
func (MemberRemoved) event()              {}
func (UnreachableMember) event()          {}
func (ReachableMember) event()            {}
func (LeaderChanged) event()              {}
func (RoleLeaderChanged) event()          {}

// String returns the event in words.
func (e Snapshot) String() string { return fmt.Sprintf("snapshot of %d members", len(e.View.members)) }

// String returns the event in words.
func (e Ended) String() string {
	if e.Detail == "" {
		return "ended: " + e.Reason.String()
	}
	return "ended: " + e.Reason.String() + ": " + e.Detail
}

// String returns the event in words.
func (e MemberJoined) String() string { return fmt.Sprintf("joined %v", e.Member.Node) }

// String returns the event in words.
func (e MemberWeaklyUp) String() string { return fmt.Sprintf("weakly up %v", e.Member.Node) }

// String returns the event in words.
func (e MemberUp) String() string { return fmt.Sprintf("up %v", e.Member.Node) }

// String returns the event in words.
func (e MemberPreparingForShutdown) String() string {
	return fmt.Sprintf("preparing for shutdown %v", e.Member.Node)
}

// String returns the event in words.
func (e MemberReadyForShutdown) String() string {
	return fmt.Sprintf("ready for shutdown %v", e.Member.Node)
}

// String returns the event in words.
func (e MemberLeft) String() string { return fmt.Sprintf("left %v", e.Member.Node) }

// String returns the event in words.
func (e MemberExited) String() string { return fmt.Sprintf("exited %v", e.Member.Node) }

// String returns the event in words.
func (e MemberDowned) String() string { return fmt.Sprintf("downed %v", e.Member.Node) }

// String returns the event in words.
func (e MemberRemoved) String() string {
	return fmt.Sprintf("removed %v (was %v)", e.Member.Node, e.Before)
}

// String returns the event in words.
func (e UnreachableMember) String() string { return fmt.Sprintf("unreachable %v", e.Member.Node) }

// String returns the event in words.
func (e ReachableMember) String() string { return fmt.Sprintf("reachable %v", e.Member.Node) }

// String returns the event in words.
func (e LeaderChanged) String() string { return "leader " + nameOf(e.Leader) }

// String returns the event in words.
func (e RoleLeaderChanged) String() string {
	return fmt.Sprintf("leader of %s %s", e.Role, nameOf(e.Leader))
}

func nameOf(m Member) string {
	if m.Node.IsZero() {
		return "nobody"
	}
	return m.Node.String()
}

// Diff returns what happened between two views of one node, in this order:
// removals, other changes of members, unreachable, reachable, leader, leaders
// of roles by role. From the zero View it tells the present state.
func Diff(before, after View) []Event {
	if same(before.members, after.members) && same(before.reach.records, after.reach.records) &&
		slices.Equal(before.confirmed, after.confirmed) && before.Self == after.Self {
		return nil // only who has seen it has changed, as it mostly is
	}
	var out []Event
	find := inOrder(after.members)
	for _, m := range before.members {
		if _, ok := find(m.Node); !ok {
			was := m.Status
			m.Status = Removed
			out = append(out, MemberRemoved{m, was})
		}
	}
	find = inOrder(before.members)
	for _, m := range after.members {
		old, _ := find(m.Node)
		if old.Status != m.Status || old.UpNumber != m.UpNumber {
			out = append(out, statusEvent(m))
		}
	}
	return append(append(out, diffReach(before, after)...), diffLeaders(before, after)...)
}

// inOrder returns a function that finds members when asked for one after the
// other in the order of their nodes.
func inOrder(members []Member) func(Node) (Member, bool) {
	return func(n Node) (Member, bool) {
		for len(members) > 0 && members[0].Node != n && members[0].Compare(n) < 0 {
			members = members[1:]
		}
		if len(members) == 0 || members[0].Node != n {
			return Member{}, false
		}
		return members[0], true
	}
}

func statusEvent(m Member) Event {
	switch m.Status {
	case Joining:
		return MemberJoined{m}
	case WeaklyUp:
		return MemberWeaklyUp{m}
	case Up:
		return MemberUp{m}
	case PreparingForShutdown:
		return MemberPreparingForShutdown{m}
	case ReadyForShutdown:
		return MemberReadyForShutdown{m}
	case Leaving:
		return MemberLeft{m}
	case Exiting:
		return MemberExited{m}
	}
	return MemberDowned{m}
}

func diffReach(before, after View) []Event {
	was, is := before.Unreachable(), after.Unreachable()
	var out []Event
	for _, m := range is {
		if !containsNode(was, m.Node) {
			out = append(out, UnreachableMember{m})
		}
	}
	for _, m := range was {
		if now, ok := after.Member(m.Node); ok && !containsNode(is, m.Node) {
			out = append(out, ReachableMember{now})
		}
	}
	return out
}

func diffLeaders(before, after View) []Event {
	var out []Event
	was, _ := before.Leader()
	is, _ := after.Leader()
	if was.Node != is.Node {
		out = append(out, LeaderChanged{is})
	}
	roles := append(before.Roles(), after.Roles()...)
	slices.Sort(roles)
	for _, role := range slices.Compact(roles) {
		was, _ := before.RoleLeader(role)
		is, _ := after.RoleLeader(role)
		if was.Node != is.Node {
			out = append(out, RoleLeaderChanged{role, is})
		}
	}
	return out
}

// same reports whether two lists are one.
func same[E any](a, b []E) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func containsNode(members []Member, n Node) bool {
	return slices.ContainsFunc(members, func(m Member) bool { return m.Node == n })
}
