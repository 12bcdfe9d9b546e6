package roster

import (
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

// rememberFor is how long a host that is gone is remembered at most. Margins
// are seconds; this only bounds what is kept.
const rememberFor = 15 * time.Minute

// Gone is a host that is no member any more.
type Gone struct {
	// Member is the host as it was last seen.
	membership.Member
	// Since is the moment from which it counts as gone.
	Since time.Time
}

// Roster follows the hosts of one role. Make one with [New]. It is not safe
// for concurrent use.
type Roster struct {
	role   string
	self   membership.Node
	joined time.Time // zero: never a member
	whole  bool      // everybody who became Up before this node has been seen
	upTo   uint64

	selfMember membership.Member
	present    map[membership.Node]membership.Status
	hosts      []membership.Member
	downSince  map[membership.Node]time.Time
	gone       []Gone
}

// New returns an empty roster of the members with the role ("" means all), as
// self sees them.
func New(role string, self membership.Node) *Roster {
	return &Roster{
		role: role, self: self,
		present:   map[membership.Node]membership.Status{},
		downSince: map[membership.Node]time.Time{},
	}
}

// Clone returns a roster that shares nothing with r, so that one of them can be
// handed to somebody who reads it while the other takes the next change.
func (r *Roster) Clone() *Roster {
	c := *r
	c.present, c.downSince = maps.Clone(r.present), maps.Clone(r.downSince)
	c.gone = slices.Clone(r.gone)
	return &c
}

// Update takes the present members of the cluster, in any order. It keeps none
// of the slice.
func (r *Roster) Update(now time.Time, members []membership.Member) {
	before := r.hosts
	clear(r.present)
	r.hosts = make([]membership.Member, 0, len(before)+1)
	r.selfMember = membership.Member{}
	for _, m := range members {
		if m.Status == membership.Removed {
			continue
		}
		r.present[m.Node] = m.Status
		r.upTo = max(r.upTo, m.UpNumber)
		if m.Node == r.self {
			r.selfMember = m
			if r.joined.IsZero() {
				r.joined = now
			}
		}
		if m.UpNumber == 0 || !m.HasRole(r.role) {
			continue // never Up: it has hosted nothing
		}
		r.hosts = append(r.hosts, m)
		if _, known := r.downSince[m.Node]; !known && m.Status == membership.Down {
			r.downSince[m.Node] = now
		}
	}
	slices.SortFunc(r.hosts, membership.CompareAge)
	r.whole = r.whole || r.selfMember.UpNumber > 0 && olderThan(members, r.selfMember) == r.selfMember.UpNumber-1
	r.bury(now, before)
}

// olderThan counts the members that became Up before m.
func olderThan(members []membership.Member, m membership.Member) (n uint64) {
	for _, o := range members {
		if o.UpNumber > 0 && o.UpNumber < m.UpNumber {
			n++
		}
	}
	return n
}

// bury remembers the hosts that are no longer there and forgets the ancient.
func (r *Roster) bury(now time.Time, before []membership.Member) {
	for _, m := range before {
		if _, here := r.present[m.Node]; here {
			continue
		}
		since, down := r.downSince[m.Node]
		if !down {
			since = now
		}
		delete(r.downSince, m.Node)
		r.gone = append(r.gone, Gone{Member: m, Since: since})
	}
	r.gone = slices.DeleteFunc(r.gone, func(g Gone) bool { return now.Sub(g.Since) > rememberFor })
	slices.SortFunc(r.gone, func(a, b Gone) int { return membership.CompareAge(a.Member, b.Member) })
}

// Role returns the role that is followed.
func (r *Roster) Role() string { return r.role }

// Self returns this node as a member; its status is Removed when it is none.
func (r *Roster) Self() membership.Member { return r.selfMember }

// SelfEnded reports whether this node was a member and is Down or gone: then
// it must not do anything any more.
func (r *Roster) SelfEnded() bool {
	return !r.joined.IsZero() && (r.selfMember.Status == membership.Removed || r.selfMember.Status == membership.Down)
}

// Knows reports whether this node knows every host that is gone for less than
// margin. When it joins, somebody may have gone just before; it can tell that
// nobody has when all up-numbers below its own are there, as in a cluster that
// has just formed, and else after it has been a member for the margin.
func (r *Roster) Knows(now time.Time, margin time.Duration) bool {
	return r.whole || !r.joined.IsZero() && now.Sub(r.joined) >= margin
}

// UpTo returns the largest up-number seen: how far in the growth of the cluster
// this node is. Whoever has seen as much as another knows all hosts that the
// other could know.
func (r *Roster) UpTo() uint64 { return r.upTo }

// Status returns the status of a node with any role; Removed when it isn't a
// member.
func (r *Roster) Status(n membership.Node) membership.Status { return r.present[n] }

// Present returns the nodes of all members, with whatever role, that are not
// Down, in order.
func (r *Roster) Present() []membership.Node {
	nodes := make([]membership.Node, 0, len(r.present))
	for n, s := range r.present {
		if s != membership.Down {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, membership.Node.Compare)
	return nodes
}

// Hosts returns the members of the role that are or were Up, oldest first,
// those that are Down included. The caller must not change the slice.
func (r *Roster) Hosts() []membership.Member { return r.hosts }

// Host returns the host n.
func (r *Roster) Host(n membership.Node) (membership.Member, bool) {
	for _, m := range r.hosts {
		if m.Node == n {
			return m, true
		}
	}
	return membership.Member{}, false
}

// Oldest returns the oldest host that is Up.
func (r *Roster) Oldest() (membership.Member, bool) {
	for _, m := range r.hosts {
		if m.Status.IsUp() {
			return m, true
		}
	}
	return membership.Member{}, false
}

// Candidates returns the hosts among which something that lives on the oldest
// one is to be found: from the oldest on, up to and including the first that
// is Up. Those before it are leaving and may have it still.
func (r *Roster) Candidates() []membership.Node {
	var nodes []membership.Node
	for _, m := range r.hosts {
		if m.Status == membership.Down {
			continue
		}
		nodes = append(nodes, m.Node)
		if m.Status.IsUp() {
			break
		}
	}
	return nodes
}

// Gone returns the hosts that are gone for less than margin, oldest first.
func (r *Roster) Gone(now time.Time, margin time.Duration) []Gone {
	var fresh []Gone
	for _, g := range r.gone {
		if now.Sub(g.Since) < margin {
			fresh = append(fresh, g)
		}
	}
	return fresh
}
