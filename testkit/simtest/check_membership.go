package simtest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

// Membership watches over the views that nodes have of the cluster:
//
//	MB-1  an incarnation's status never goes back in anybody's view, and moves
//	      only along the allowed edges
//	MB-3  an incarnation's up-number never changes in anybody's view, no two
//	      members share one, and in the end all agree
//	MB-4  what was removed never comes back
//	MB-6  only members have seen, observe, are observed
//	MB-9  a process is in one cluster at most, all its life
//
// Feed it every view of every node with Saw.
type Membership struct {
	views    map[*process]*witness
	clusters map[int64]bool
	err      error
}

// witness is what one process has seen so far.
type witness struct {
	view      membership.View
	begun     bool
	latest    map[membership.Node]membership.Status
	gone      map[membership.Node]bool
	upNumbers map[membership.Node]uint64
	ended     time.Duration // when its own view said that it is out; 0 means in
}

// NewMembership returns an oracle that has seen nothing yet. Add it to the
// world with [World.Watch].
func NewMembership() *Membership {
	return &Membership{
		views:    map[*process]*witness{},
		clusters: map[int64]bool{},
	}
}

// Name implements Checker.
func (m *Membership) Name() string { return "MB" }

// Check implements Checker.
func (m *Membership) Check(*World) error { return m.err }

// Saw tells the oracle that the present process of n has a new view.
func (m *Membership) Saw(n *Node, v membership.View) {
	if m.err != nil || v.State.IsZero() {
		return
	}
	p := n.running()
	w := m.views[p]
	if w == nil {
		w = &witness{latest: map[membership.Node]membership.Status{}, gone: map[membership.Node]bool{}, upNumbers: map[membership.Node]uint64{}}
		m.views[p] = w
	}
	for _, check := range []func(*witness, membership.View) error{m.oneCluster, m.statuses, m.ages, m.relations} {
		if err := check(w, v); err != nil {
			m.err = fmt.Errorf("view of %s: %w", n.name, err)
			return
		}
	}
	w.view, w.begun = v, true
	m.clusters[v.Created] = true
}

// ended tells the oracle that the present process of n knows that it is out.
func (m *Membership) ended(n *Node) {
	if w := m.views[n.running()]; w != nil && w.ended == 0 {
		w.ended = max(1, n.w.Elapsed())
	}
}

func (m *Membership) oneCluster(w *witness, v membership.View) error {
	if w.begun && w.view.Created != v.Created {
		return fmt.Errorf("MB-9: it was in cluster %d and is now in %d", w.view.Created, v.Created)
	}
	return nil
}

func (m *Membership) statuses(w *witness, v membership.View) error {
	present := map[membership.Node]bool{}
	for _, member := range v.Members() {
		present[member.Node] = true
		if w.gone[member.Node] {
			return fmt.Errorf("MB-4: %v is back after it was removed", member)
		}
		before, known := w.latest[member.Node]
		if known && !reachable(before, member.Status) {
			return fmt.Errorf("MB-1: %v went from %v to %v", member.Node, before, member.Status)
		}
		w.latest[member.Node] = member.Status
	}
	for n := range w.latest {
		if !present[n] {
			w.gone[n] = true
		}
	}
	return nil
}

// reachable reports whether steps along the allowed edges lead from one status
// to another.
func reachable(from, to membership.Status) bool {
	if from == to {
		return true
	}
	for s := membership.Joining; s <= membership.Down; s++ {
		if from.CanBecome(s) && s > from && reachable(s, to) {
			return true
		}
	}
	return false
}

// ages compares within one view and with what the same process saw before. A
// leader that is cut off may give a number that nobody else ever learns of and
// that the others then give again; such a view ends with the process.
func (m *Membership) ages(w *witness, v membership.View) error {
	owners := map[uint64]membership.Node{}
	for _, member := range v.Members() {
		n := member.UpNumber
		if n == 0 {
			if member.Status.IsUp() {
				return fmt.Errorf("MB-3: %v has no up-number", member)
			}
			continue
		}
		if known, ok := w.upNumbers[member.Node]; ok && known != n {
			return fmt.Errorf("MB-3: %v has up-number %d and had %d", member, n, known)
		}
		if owner, ok := owners[n]; ok {
			return fmt.Errorf("MB-3: %v and %v both have up-number %d", member, owner, n)
		}
		w.upNumbers[member.Node], owners[n] = n, member.Node
	}
	return nil
}

func (m *Membership) relations(_ *witness, v membership.View) error {
	for _, n := range v.SeenBy() {
		if _, ok := v.Member(n); !ok {
			return fmt.Errorf("MB-6: %v has seen the state and is no member", n)
		}
	}
	for _, r := range v.Reachability().Records() {
		_, observer := v.Member(r.Observer)
		_, subject := v.Member(r.Subject)
		if !observer || !subject {
			return fmt.Errorf("MB-6: record of %v about %v, who are not both members", r.Observer, r.Subject)
		}
	}
	return nil
}

// View returns the last view of the node's present process.
func (m *Membership) View(n *Node) (membership.View, bool) {
	if n.proc == nil || m.views[n.proc] == nil {
		return membership.View{}, false
	}
	return m.views[n.proc].view, true
}

// EndedFor returns since when the process that runs on n knows that it is out
// of the cluster; 0 means that it doesn't.
func (m *Membership) EndedFor(n *Node) time.Duration {
	if n.proc == nil || m.views[n.proc] == nil || m.views[n.proc].ended == 0 {
		return 0
	}
	return max(1, n.w.Elapsed()-m.views[n.proc].ended)
}

// Settled is the condition that all of the given nodes are in one cluster, all
// Up, all with the same view of the members, nobody else in it, and converged.
func (m *Membership) Settled(nodes ...*Node) Cond {
	return func() string {
		var first membership.View
		for i, n := range nodes {
			v, ok := m.View(n)
			if !ok {
				return fmt.Sprintf("%v is in no cluster", n)
			}
			if i == 0 {
				first = v
			}
			if pending := settled(n, v, first, len(nodes)); pending != "" {
				return pending
			}
		}
		return ""
	}
}

func settled(n *Node, v, first membership.View, size int) string {
	switch members := v.Members(); {
	case v.Created != first.Created:
		return fmt.Sprintf("%v is in another cluster", n)
	case len(members) != size:
		return fmt.Sprintf("%v sees %d members: %v", n, len(members), members)
	case !slices.EqualFunc(members, first.Members(), func(a, b membership.Member) bool {
		return a.Node == b.Node && a.Status == b.Status && a.UpNumber == b.UpNumber
	}):
		return fmt.Sprintf("%v sees %v, not %v", n, members, first.Members())
	case !v.Converged():
		return fmt.Sprintf("%v is not converged: %v, seen by %v, unreachable %v", n, members, v.SeenBy(), v.Unreachable())
	}
	for _, member := range v.Members() {
		if !member.Status.IsUp() {
			return fmt.Sprintf("%v sees %v", n, member)
		}
	}
	if v.SelfMember().UID != n.UID() {
		return fmt.Sprintf("%v is not a member as the process that it is", n)
	}
	return ""
}

// Clusters returns the creation stamps of all clusters ever seen, oldest first.
func (m *Membership) Clusters() []int64 { return slices.Sorted(maps.Keys(m.clusters)) }
