package downing

import (
	"cmp"
	"slices"

	"github.com/troupe-go/troupe/cluster/membership"
)

// sight is what a node makes of one view: who can't talk, and whom the strategy
// would let survive. Two of them tell whether what happened in between is a
// reason to wait longer.
type sight struct {
	members   []membership.Member
	pairs     [][2]membership.Node // of members with a say that can't talk
	counted   []membership.Node    // members with a say
	downed    int                  // declared dead and not removed yet
	decision  Decision
	survivors []membership.Node // members with a say that would survive
	loses     bool              // the viewing node isn't one of them
	hopeless  bool              // and would not be if more links broke, whichever
}

// look returns what the node makes of a view. The strategy is asked only if
// something has changed: the search for the largest group may take long.
func (r *Resolver) look(g *graph, v membership.View) sight {
	s := sight{members: g.members, pairs: g.pairs(), counted: g.counted(), downed: len(g.downed)}
	if g.whole() || !g.has(v.Self) {
		return s
	}
	if s.equal(r.seen) && r.seen.decision.Verdict != Nothing {
		return r.seen
	}
	s.decision = r.strategy.Decide(v)
	survives := func(n membership.Node) bool { return !slices.Contains(s.decision.Down, n) }
	if lease, ok := r.strategy.(LeaseMajority); ok && s.decision.Verdict == AskLease {
		if _, first := lease.decide(v); first != nil {
			survives = func(n membership.Node) bool { return slices.Contains(first, n) }
		}
	}
	for _, n := range s.counted {
		if survives(n) {
			s.survivors = append(s.survivors, n)
		}
	}
	s.loses = slices.Contains(s.counted, v.Self) && !survives(v.Self)
	s.hopeless = s.loses && r.hopeless(g, v)
	return s
}

// hopeless reports whether the strategy would let the viewing node go even if it
// kept all whom it can talk to now, and nobody else could talk to anybody.
func (r *Resolver) hopeless(g *graph, v membership.View) bool {
	self := slices.IndexFunc(g.members, func(m membership.Member) bool { return m.Node == v.Self })
	own, ok := g.largest([]int{self}, nil)
	if !ok {
		return false
	}
	var broken [][2]membership.Node
	for i, m := range g.members {
		for j, o := range g.members[:i] {
			if !own[i] || !own[j] {
				broken = append(broken, [2]membership.Node{o.Node, m.Node})
			}
		}
	}
	best := membership.ViewOf(membership.Assemble(v.Created, v.Members(), broken...), v.Self)
	return slices.Contains(r.strategy.Decide(best).Down, v.Self)
}

// equal reports whether two views look the same to a strategy.
func (s sight) equal(o sight) bool {
	return s.downed == o.downed && slices.Equal(s.pairs, o.pairs) &&
		slices.EqualFunc(s.members, o.members, func(a, b membership.Member) bool { return a.Node == b.Node && a.Status == b.Status })
}

// delays reports whether what has changed since before is a reason to wait from
// the beginning again. Who would survive waits for quiet: after any change among
// those who have a say. Who would not must not be later than the side that
// survives, which hears nothing of what happens here: only a change between the
// survivors and the rest counts, as those see it too.
func (s sight) delays(before sight, g *graph) bool {
	if !s.loses || !before.loses {
		return !slices.Equal(s.pairs, before.pairs) || !slices.Equal(s.counted, before.counted)
	}
	matters := func(p [2]membership.Node) bool {
		return len(s.survivors) == 0 || slices.Contains(s.survivors, p[0]) || slices.Contains(s.survivors, p[1])
	}
	appeared := func(p [2]membership.Node) bool { return !hasPair(before.pairs, p) && matters(p) }
	joined := func(n membership.Node) bool { return !slices.Contains(before.survivors, n) }
	return slices.ContainsFunc(s.pairs, appeared) || slices.ContainsFunc(g.mended(before), matters) ||
		slices.ContainsFunc(s.survivors, joined)
}

// mended returns the pairs that could not talk before and can now.
func (g *graph) mended(before sight) [][2]membership.Node {
	var out [][2]membership.Node
	now := g.pairs()
	for _, p := range before.pairs {
		if !hasPair(now, p) && g.has(p[0]) && g.has(p[1]) {
			out = append(out, p)
		}
	}
	return out
}

// hasPair reports whether a pair is among those of [graph.pairs].
func hasPair(pairs [][2]membership.Node, p [2]membership.Node) bool {
	_, ok := slices.BinarySearchFunc(pairs, p, func(a, b [2]membership.Node) int {
		return cmp.Or(a[0].Compare(b[0]), a[1].Compare(b[1]))
	})
	return ok
}

func (g *graph) has(n membership.Node) bool {
	_, ok := slices.BinarySearchFunc(g.members, n, func(m membership.Member, n membership.Node) int { return m.Compare(n) })
	return ok
}

// counted returns the members that have a say.
func (g *graph) counted() []membership.Node {
	var out []membership.Node
	for i, m := range g.members {
		if g.counts[i] {
			out = append(out, m.Node)
		}
	}
	return out
}
