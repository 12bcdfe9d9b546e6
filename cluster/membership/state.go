package membership

import (
	"cmp"
	"slices"
)

// State is what members tell each other: everything a cluster knows of
// itself. It is a value, and states form a lattice: [Merge] takes any two
// views of one cluster to the least state that contains both, so it doesn't
// matter in which order, or how often, views meet.
//
// The zero State is no cluster.
type State struct {
	// Created says when the first node formed the cluster, in Unix
	// nanoseconds (the part below a microsecond is random, so that no two
	// clusters share a stamp). States with different stamps are of different
	// clusters and must not be merged. 0: no cluster.
	Created int64
	// LastUp is the largest up-number ever given or promised in this cluster.
	LastUp uint64
	// Horizon is the stamp, in Unix nanoseconds, up to which tombstones were
	// cleared away.
	Horizon int64
	// Closing says that the whole cluster is about to be shut down: nobody is
	// let in any more, nobody becomes Up, and nothing is moved. It is never
	// taken back.
	Closing bool

	members []Member // by node
	seen    []Node   // by node; who has seen exactly this value
	reach   Reachability
	clock   VClock
	tombs   []Tombstone // by node
}

// Tombstone remembers that an incarnation was removed, so that no late view
// brings it back.
type Tombstone struct {
	Node Node
	// At is when the leader removed it, in Unix nanoseconds.
	At int64

	// number is the up-number that it had, or if it never had one (not given),
	// the one that it was promised.
	number uint64
	given  bool
}

// claimOf returns the number that m has or may have been given.
func claimOf(m Member) (number uint64, given bool) {
	if m.UpNumber > 0 {
		return m.UpNumber, true
	}
	return m.promised, false
}

// joinTombs merges what two views know of one that was removed.
func joinTombs(a, b Tombstone) Tombstone {
	a.At = max(a.At, b.At)
	return a.claiming(b.number, b.given)
}

// claiming returns t with another number that the removed member had: one that
// it was given counts before one that it was promised.
func (t Tombstone) claiming(number uint64, given bool) Tombstone {
	switch {
	case given && (!t.given || number < t.number):
		t.number, t.given = number, true
	case !given && !t.given:
		t.number = max(t.number, number)
	}
	return t
}

func compareTombs(a, b Tombstone) int { return a.Node.Compare(b.Node) }

// IsZero reports whether s is no cluster at all.
func (s State) IsZero() bool { return s.Created == 0 }

// Members returns all members in the order of their nodes. The caller must not
// change the slice.
func (s State) Members() []Member { return s.members }

// Member returns the member that is exactly this incarnation.
func (s State) Member(n Node) (Member, bool) {
	i, ok := s.find(n)
	if !ok {
		return Member{}, false
	}
	return s.members[i], true
}

// At returns the member that has the address, of whichever incarnation. If
// views that met had each let in one, it is one that isn't Down, if possible.
func (s State) At(addr string) (Member, bool) {
	var found Member
	for _, m := range s.members {
		if m.Addr == addr && (found.IsZero() || found.Status == Down) {
			found = m
		}
	}
	return found, !found.IsZero()
}

// Seen reports whether n has seen exactly this value of the state.
func (s State) Seen(n Node) bool {
	_, ok := slices.BinarySearchFunc(s.seen, n, compareNodes)
	return ok
}

func (s State) seenByAll() bool { return len(s.seen) == len(s.members) }

// SeenBy returns who has seen exactly this value, in the order of the nodes.
// The caller must not change the slice.
func (s State) SeenBy() []Node { return s.seen }

// Reachability returns who holds whom for unreachable.
func (s State) Reachability() Reachability { return s.reach }

// Clock returns how many changes of each member the state contains.
func (s State) Clock() VClock { return s.clock }

// Tombstones returns the tombstones in the order of their nodes. The caller
// must not change the slice.
func (s State) Tombstones() []Tombstone { return s.tombs }

// Buried reports whether n was removed and its tombstone is still there.
func (s State) Buried(n Node) bool {
	_, ok := slices.BinarySearchFunc(s.tombs, Tombstone{Node: n}, compareTombs)
	return ok
}

func (s State) has(n Node) bool {
	_, ok := s.find(n)
	return ok
}

func (s State) find(n Node) (int, bool) {
	return slices.BinarySearchFunc(s.members, n, func(m Member, n Node) int { return m.Node.Compare(n) })
}

// Merge returns the least state that contains both a and b, which must be
// views of one cluster or zero. It is commutative, associative and idempotent
// on the states that the protocol makes, the seen table included: the result
// was seen by those who saw a value equal to it.
func Merge(a, b State) State {
	if a.IsZero() {
		return b
	}
	if b.IsZero() {
		return a
	}
	out := State{Created: min(a.Created, b.Created), LastUp: max(a.LastUp, b.LastUp), Horizon: max(a.Horizon, b.Horizon), Closing: a.Closing || b.Closing}
	out.tombs = slices.DeleteFunc(mergeSorted(a.tombs, b.tombs, compareTombs, joinTombs),
		func(t Tombstone) bool { return t.At <= out.Horizon })
	out.members = slices.DeleteFunc(mergeSorted(a.members, b.members,
		func(x, y Member) int { return x.Node.Compare(y.Node) }, joinMember), out.bury)
	out.forgetPromisers()
	out.reach = a.reach.Merge(b.reach).Keep(out.has)
	out.clock = a.clock.Merge(b.clock).Keep(out.has)
	// Where nothing is new, the lists stay the same ones: that is cheap to see.
	if out.equalValue(b) {
		out = b
	}
	if out.equalValue(a) {
		seen := out.seen
		out = a
		out.seen = mergeSorted(seen, a.seen, compareNodes, keepFirst)
	}
	return out
}

// bury reports whether m was removed, and keeps the number that it had.
func (s State) bury(m Member) bool {
	i, ok := slices.BinarySearchFunc(s.tombs, Tombstone{Node: m.Node}, compareTombs)
	if ok {
		s.tombs[i] = s.tombs[i].claiming(claimOf(m))
	}
	return ok
}

// forgetPromisers clears who promised a number where that is no member any more.
func (s *State) forgetPromisers() {
	gone := func(m Member) bool { return !m.promisedBy.IsZero() && !s.has(m.promisedBy) }
	if !slices.ContainsFunc(s.members, gone) {
		return
	}
	s.members = slices.Clone(s.members)
	for i, m := range s.members {
		if gone(m) {
			s.members[i].promisedBy = Node{}
		}
	}
}

func keepFirst(a, _ Node) Node { return a }

// equalValue reports whether s and o are the same apart from who has seen them.
func (s State) equalValue(o State) bool {
	return s.Created == o.Created && s.LastUp == o.LastUp && s.Horizon == o.Horizon && s.Closing == o.Closing &&
		slices.EqualFunc(s.members, o.members, sameMember) &&
		s.reach.equal(o.reach) &&
		slices.Equal(s.clock.entries, o.clock.entries) &&
		slices.Equal(s.tombs, o.tombs)
}

func (s State) equal(o State) bool { return s.equalValue(o) && slices.Equal(s.seen, o.seen) }

// formed returns the cluster that self forms alone.
func formed(self Member, created int64) State {
	self.Status, self.promised = Joining, 1
	return State{Created: created, LastUp: 1, members: []Member{self}}.changedBy(self.Node)
}

// changedBy returns s after a change by self: one more in its clock, and seen
// by nobody else.
func (s State) changedBy(self Node) State {
	if s.has(self) {
		s.clock = s.clock.Bump(self)
		s.seen = []Node{self}
		return s
	}
	s.seen = nil
	return s
}

// seenBy returns s with one more member that has seen it.
func (s State) seenBy(n Node) State {
	if !s.has(n) || s.Seen(n) {
		return s
	}
	s.seen = mergeSorted(s.seen, []Node{n}, compareNodes, keepFirst)
	return s
}

// with returns s with m added, or put in the place of the member it equals.
func (s State) with(m Member) State {
	s.members = mergeSorted(s.members, []Member{m},
		func(x, y Member) int { return x.Node.Compare(y.Node) },
		func(_, y Member) Member { return y })
	s.LastUp = max(s.LastUp, m.UpNumber, m.promised)
	return s
}

// without returns s without n, which leaves a tombstone.
func (s State) without(n Node, at int64) State {
	// A stamp that the horizon already covers would be no tombstone at all.
	at = max(at, s.Horizon+1)
	m, _ := s.Member(n)
	number, given := claimOf(m)
	s.tombs = mergeSorted(s.tombs, []Tombstone{{n, at, number, given}}, compareTombs, func(a, _ Tombstone) Tombstone { return a })
	s.members = slices.DeleteFunc(slices.Clone(s.members), func(m Member) bool { return m.Node == n })
	s.forgetPromisers()
	s.seen = slices.DeleteFunc(slices.Clone(s.seen), func(o Node) bool { return o == n })
	s.reach = s.reach.Keep(s.has)
	s.clock = s.clock.Keep(s.has)
	return s
}

// declaredDead returns s after by has learned that n won't be heard of again.
func (s State) declaredDead(by, n Node) State {
	m, _ := s.Member(n)
	return s.withReach(s.reach.Change(by, n, Terminated)).apply(by, []Change{{Node: n, From: m.Status, To: Down}}, 0)
}

// withReach returns s with another reachability table.
func (s State) withReach(r Reachability) State {
	s.reach = r
	return s
}

// cleared returns s without the tombstones up to the stamp.
func (s State) cleared(horizon int64) State {
	s.Horizon = max(s.Horizon, horizon)
	s.tombs = slices.DeleteFunc(slices.Clone(s.tombs), func(t Tombstone) bool { return t.At <= s.Horizon })
	return s
}

// byAge returns the members that keep holds on to, the oldest first.
func (s State) byAge(keep func(Member) bool) []Member {
	var out []Member
	for _, m := range s.members {
		if keep(m) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, CompareAge)
	return out
}

// overflow returns the stamp up to which tombstones must go so that at most
// limit are left, or 0 when there is room.
func (s State) overflow(limit int) int64 {
	if len(s.tombs) <= limit {
		return 0
	}
	stamps := make([]int64, 0, len(s.tombs))
	for _, t := range s.tombs {
		stamps = append(stamps, t.At)
	}
	slices.SortFunc(stamps, cmp.Compare[int64])
	return stamps[len(stamps)-limit-1]
}

// unseen returns s without n in the seen table.
func (s State) unseen(n Node) State {
	s.seen = slices.DeleteFunc(slices.Clone(s.seen), func(o Node) bool { return o == n })
	return s
}

// Assemble returns a state made of its parts: members, and pairs of observer
// and subject of which the first holds the second for unreachable. Everybody
// has seen it. It is for tests and tools; the protocol makes its own states.
// Pairs of which one is no member are left out.
func Assemble(created int64, members []Member, unreachable ...[2]Node) State {
	s := State{Created: created}
	for _, m := range members {
		s = s.with(m)
	}
	for _, m := range members {
		s = s.seenBy(m.Node)
	}
	s.reach = assembleReach(slices.DeleteFunc(slices.Clone(unreachable), func(p [2]Node) bool { return !s.has(p[0]) || !s.has(p[1]) }))
	return s
}
