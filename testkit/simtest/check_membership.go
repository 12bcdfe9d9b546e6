package simtest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
)

// Membership watches over the views that nodes have of the cluster:
//
//	MB-1  an incarnation's status never goes back in anybody's view, and moves
//	      only along the allowed edges
//	MB-3  an incarnation has the same up-number in all views that ever were, and
//	      no two incarnations of one cluster ever had the same
//	MB-4  what was removed never comes back
//	MB-5  views merge in either order to the same, and a view that is merged again
//	      adds nothing; looked at now and then
//	MB-6  only members have seen, observe, are observed, are in the clock
//	MB-7  a view isn't larger than its members, records and tombstones account
//	      for; looked at now and then
//	MB-9  a process is in one cluster at most, all its life
//
// Feed it every view of every node with Saw.
type Membership struct {
	views    map[*process]*witness
	clusters map[int64]bool
	owners   map[age]membership.Node
	ages     map[lifetime]uint64
	last     membership.View // that somebody told
	count    int             // of views
	downed   *Downed         // nil outside of a world
	err      error
}

// age is an up-number of one cluster, lifetime an incarnation in one.
type age struct {
	created int64
	number  uint64
}

type lifetime struct {
	created int64
	node    membership.Node
}

// everyNth is how seldom the checks that cost much are made.
const everyNth = 32

// witness is what one process has seen so far.
type witness struct {
	view   membership.View
	begun  bool
	latest map[membership.Node]membership.Status
	gone   map[membership.Node]bool
	ended  time.Duration // when its own view said that it is out; 0 means in
}

// NewMembership returns an oracle that has seen nothing yet. Add it to the
// world with [World.Watch].
func NewMembership() *Membership {
	return &Membership{
		views:    map[*process]*witness{},
		clusters: map[int64]bool{},
		owners:   map[age]membership.Node{},
		ages:     map[lifetime]uint64{},
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
		w = &witness{latest: map[membership.Node]membership.Status{}, gone: map[membership.Node]bool{}}
		m.views[p] = w
	}
	if m.downed != nil {
		m.downed.saw(p, w.latest, v)
	}
	for _, check := range []func(*witness, membership.View) error{m.oneCluster, m.statuses, m.numbers, m.relations, m.sample} {
		if err := check(w, v); err != nil {
			m.err = violation([]string{"membership."}, "view of %s: %v", n.name, err)
			return
		}
	}
	w.view, w.begun, m.last = v, true, v
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

// numbers compares with all views that there ever were: a leader promises a
// number to all before it gives it, so even one that is cut off or dies gives
// none that somebody else could get.
func (m *Membership) numbers(_ *witness, v membership.View) error {
	for _, member := range v.Members() {
		n := member.UpNumber
		if n == 0 {
			if member.Status == membership.Up {
				return fmt.Errorf("MB-3: %v has no up-number", member)
			}
			continue
		}
		life, number := lifetime{v.Created, member.Node}, age{v.Created, n}
		if known, ok := m.ages[life]; ok && known != n {
			return fmt.Errorf("MB-3: %v has up-number %d, and %d in another view", member, n, known)
		}
		if owner, ok := m.owners[number]; ok && owner != member.Node {
			return fmt.Errorf("MB-3: %v and %v both have up-number %d", member, owner, n)
		}
		m.ages[life], m.owners[number] = n, member.Node
	}
	return nil
}

// sample makes the checks that cost too much for every view.
func (m *Membership) sample(_ *witness, v membership.View) error {
	m.count++
	if m.count%everyNth != 0 {
		return nil
	}
	body := stateBytes(v.State)
	// A member has an address, eleven numbers and roles; a record four numbers.
	if most := 64 + 128*len(v.Members()) + 16*len(v.Reachability().Records()) + 64*len(v.Tombstones()) + 70*len(v.Roles()); len(body) > most {
		return fmt.Errorf("MB-7: %d bytes for %d members, at most %d are accounted for", len(body), len(v.Members()), most)
	}
	if m.last.Created != v.Created {
		return nil
	}
	merged := membership.Merge(v.State, m.last.State)
	if !bytes.Equal(stateBytes(merged), stateBytes(membership.Merge(m.last.State, v.State))) {
		return fmt.Errorf("MB-5: the order of the merge matters for %v and %v", v.Members(), m.last.Members())
	}
	if !bytes.Equal(stateBytes(membership.Merge(merged, v.State)), stateBytes(merged)) {
		return fmt.Errorf("MB-5: a view merged twice adds to %v", v.Members())
	}
	return nil
}

// stateBytes is the wire form of a state.
func stateBytes(s membership.State) []byte {
	b, err := membership.Gossip{State: s}.AppendWire(codec.Scope{}, nil)
	if err != nil {
		return nil
	}
	return b
}

func (m *Membership) relations(_ *witness, v membership.View) error {
	for _, n := range v.SeenBy() {
		if _, ok := v.Member(n); !ok {
			return fmt.Errorf("MB-6: %v has seen the state and is no member", n)
		}
	}
	if len(v.Members()) < v.Clock().Len() {
		return fmt.Errorf("MB-6: a clock of %d nodes for %d members", v.Clock().Len(), len(v.Members()))
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

// out reports whether a process knows that it is out of the cluster.
func (m *Membership) out(p *process) bool { return m.views[p] != nil && m.views[p].ended > 0 }

// wasUp reports whether a process knows that it is a member that was ever Up.
func (m *Membership) wasUp(p *process) bool {
	return m.views[p] != nil && m.views[p].view.SelfMember().UpNumber > 0
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
