package downing

import (
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

// Strategy decides who survives when members can't talk to each other. Equal
// views must give equal decisions on all nodes. Every node of a cluster must
// have the same strategy with the same settings; nodes that differ are refused
// when they join.
type Strategy interface {
	// Decide returns who must be declared dead in a view that has been the
	// same for long enough.
	Decide(v membership.View) Decision
	// Timing returns when to decide.
	Timing() Timing
	// String names the strategy and all its settings: what nodes compare.
	String() string
}

// Timing says when a strategy is asked. The zero Timing is right for most.
type Timing struct {
	// StableAfter is how long nothing must have changed before a decision.
	// Default 0: by the size of the cluster, 5 s up to 10 members, 7 s up to
	// 50, 10 s up to 100, 15 s beyond. Raised, dead members are replaced
	// later; lowered, two sides of a partition are more likely to decide
	// before all of it is known. It must be longer than the longest pause of a
	// process.
	StableAfter time.Duration
	// UnstableFor is how long links may come and go beyond StableAfter,
	// counted from the first change, before everybody is downed. Default 0:
	// three quarters of StableAfter. Negative: never. Raised, a flapping
	// network is put up with for longer.
	UnstableFor time.Duration
}

func (t Timing) stableAfter(members int) time.Duration {
	switch {
	case t.StableAfter > 0:
		return t.StableAfter
	case members <= 10:
		return 5 * time.Second
	case members <= 50:
		return 7 * time.Second
	case members <= 100:
		return 10 * time.Second
	}
	return 15 * time.Second
}

func (t Timing) unstableAfter(members int) time.Duration {
	stable := t.stableAfter(members)
	if t.UnstableFor > 0 {
		return stable + t.UnstableFor
	}
	return stable + stable*3/4
}

// KeepMajority lets the side with more than half of the members survive; of
// two equal halves the one with the lowest address. It is the default, with
// zero settings, and right whenever the number of members changes. When no
// side has half of the members, all go down.
//
// With two members the one with the lower address survives a partition, and
// also goes on when the other crashes; the other ends when the first crashes.
type KeepMajority struct {
	// StableAfter and UnstableFor: see [Timing].
	StableAfter, UnstableFor time.Duration
	// Role, if not empty, lets only members with this role have a say.
	Role string
}

// Timing implements Strategy.
func (s KeepMajority) Timing() Timing { return Timing{s.StableAfter, s.UnstableFor} }

// String implements Strategy.
func (s KeepMajority) String() string {
	return fmt.Sprintf("keep-majority(role=%q %v)", s.Role, s.Timing())
}

// Decide implements Strategy.
func (s KeepMajority) Decide(v membership.View) Decision {
	g := newGraph(v, s.Role)
	switch {
	case g.whole():
		return Decision{}
	case g.total() == 0:
		return g.nobody("nobody has the role " + s.Role)
	}
	set, ok := g.largest(nil, nil)
	if !ok {
		return g.nobody("too many broken links to tell who should survive")
	}
	own := g.weight(set)
	if !majority(own, g.total()-own, set[g.lowest()]) {
		return g.nobody(fmt.Sprintf("no side has a majority of %d", g.total()))
	}
	d := g.survive(set, fmt.Sprintf("%d of %d can all talk to each other", own, g.total()))
	if d.Verdict == DownOthers && !s.holdsWhenWorse(g, set) {
		return g.nobody("the other side may have seen members go up or leave, and have the majority then")
	}
	return d
}

func majority(own, others int, lowest bool) bool {
	return own > others || own == others && lowest
}

// holdsWhenWorse reports whether a majority is one too if the other side has
// seen the last change of members and this one hasn't, or the other way round:
// who leaves here may be gone there, who joins may be up there, and who is down
// here may have a say there: only when it is removed has everybody heard of it.
func (s KeepMajority) holdsWhenWorse(g *graph, set []bool) bool {
	own, others, lowest := 0, 0, -1
	for i, m := range g.members {
		counted := m.HasRole(s.Role)
		switch {
		case set[i] && g.counts[i] && m.Status != membership.Leaving:
			own++
		case !set[i] && counted:
			others++
		default:
			continue
		}
		if lowest < 0 {
			lowest = i
		}
	}
	if lowest < 0 {
		return false
	}
	first := set[lowest]
	for _, m := range g.downed {
		others++
		first = first && g.members[lowest].Compare(m.Node) < 0
	}
	return majority(own, others, first)
}

// StaticQuorum lets a side survive that has at least Size members. It is for
// clusters of a fixed number of nodes: with more than 2·Size−1 members two
// sides could both have a quorum, so then all go down at the first partition.
type StaticQuorum struct {
	// StableAfter and UnstableFor: see [Timing].
	StableAfter, UnstableFor time.Duration
	// Size is the quorum, at least 1.
	Size int
	// Role, if not empty, lets only members with this role count.
	Role string
}

// Timing implements Strategy.
func (s StaticQuorum) Timing() Timing { return Timing{s.StableAfter, s.UnstableFor} }

// String implements Strategy.
func (s StaticQuorum) String() string {
	return fmt.Sprintf("static-quorum(%d role=%q %v)", s.Size, s.Role, s.Timing())
}

// Decide implements Strategy.
func (s StaticQuorum) Decide(v membership.View) Decision {
	g := newGraph(v, s.Role)
	if g.whole() {
		return Decision{}
	}
	quorum := max(s.Size, 1)
	if g.total() > 2*quorum-1 {
		return g.nobody(fmt.Sprintf("%d members are too many for a quorum of %d", g.total(), quorum))
	}
	set, ok := g.largest(nil, nil)
	if !ok {
		return g.nobody("too many broken links to tell who should survive")
	}
	if own := g.weight(set); own < quorum {
		return g.nobody(fmt.Sprintf("no side has the quorum of %d", quorum))
	}
	return g.survive(set, fmt.Sprintf("%d can all talk to each other, the quorum is %d", g.weight(set), quorum))
}

// KeepOldest lets the side of the oldest member survive, where singletons and
// coordinators are: they don't move. Everything hangs on that one node.
type KeepOldest struct {
	// StableAfter and UnstableFor: see [Timing].
	StableAfter, UnstableFor time.Duration
	// EvenIfAlone lets the oldest survive even when it is cut off from all
	// others and there are at least two of them. Without it, it is downed then:
	// a crash of the oldest would otherwise take everybody down.
	EvenIfAlone bool
	// Role, if not empty, makes the oldest member with this role the one.
	Role string
}

// Timing implements Strategy.
func (s KeepOldest) Timing() Timing { return Timing{s.StableAfter, s.UnstableFor} }

// String implements Strategy.
func (s KeepOldest) String() string {
	return fmt.Sprintf("keep-oldest(even-if-alone=%v role=%q %v)", s.EvenIfAlone, s.Role, s.Timing())
}

// Decide implements Strategy.
func (s KeepOldest) Decide(v membership.View) Decision {
	g := newGraph(v, s.Role)
	if g.whole() {
		return Decision{}
	}
	oldest := g.oldest(func(i int) bool { return g.counts[i] })
	if oldest < 0 {
		return g.nobody("nobody has the role " + s.Role)
	}
	set, ok := g.largest([]int{oldest}, nil)
	why := fmt.Sprintf("with the oldest, %s", g.members[oldest].Addr)
	if own := g.weight(set); ok && !s.EvenIfAlone && own == 1 && g.total()-own >= 2 {
		set, ok = g.largest(nil, []int{oldest})
		why = fmt.Sprintf("the oldest, %s, is alone", g.members[oldest].Addr)
	}
	if !ok {
		return g.nobody("too many broken links to tell who should survive")
	}
	d := g.survive(set, why)
	if d.Verdict == DownOthers && !s.holdsWhenWorse(g, set) {
		return g.nobody("the other side may have seen members go up or leave, and decide otherwise")
	}
	return d
}

// holdsWhenWorse is what KeepMajority.holdsWhenWorse is there.
func (s KeepOldest) holdsWhenWorse(g *graph, set []bool) bool {
	stays := func(i int) bool { return g.counts[i] && g.members[i].Status != membership.Leaving }
	oldest := g.oldest(stays)
	if oldest < 0 || slices.ContainsFunc(g.downed, func(m membership.Member) bool { return m.Older(g.members[oldest]) }) {
		return false
	}
	if s.EvenIfAlone {
		return set[oldest]
	}
	own, others := 0, 0
	for i, m := range g.members {
		switch {
		case !m.HasRole(s.Role) || m.Status == membership.Leaving:
		case set[i]:
			own++
		default:
			others++
		}
	}
	if set[oldest] {
		return own > 1 || others < 2
	}
	return others == 1 && own >= 2
}

// oldest returns the oldest of the members that keep holds on to, or -1.
func (g *graph) oldest(keep func(int) bool) int {
	best := -1
	for i, m := range g.members {
		if keep(i) && (best < 0 || m.Older(g.members[best])) {
			best = i
		}
	}
	return best
}

// All downs everybody as soon as anybody is cut off. It is for small clusters
// that start again in no time and must never be in two.
type All struct {
	// StableAfter and UnstableFor: see [Timing].
	StableAfter, UnstableFor time.Duration
}

// Timing implements Strategy.
func (s All) Timing() Timing { return Timing(s) }

// String implements Strategy.
func (s All) String() string { return fmt.Sprintf("down-all(%v)", s.Timing()) }

// Decide implements Strategy.
func (s All) Decide(v membership.View) Decision {
	g := newGraph(v, "")
	if g.whole() {
		return Decision{}
	}
	return g.nobody("somebody is unreachable")
}

// Off never downs anybody: somebody else has to, by hand or from outside.
// Until then an unreachable member blocks every change of the membership.
type Off struct{}

// Timing implements Strategy.
func (Off) Timing() Timing { return Timing{UnstableFor: -1} }

// String implements Strategy.
func (Off) String() string { return "off" }

// Decide implements Strategy.
func (Off) Decide(membership.View) Decision { return Decision{} }

// String returns the settings as they stand.
func (t Timing) String() string {
	return fmt.Sprintf("stable-after=%v unstable-for=%v", t.StableAfter, t.UnstableFor)
}

// Validate says what is wrong with the settings of a strategy of this package;
// nil for those of others.
func Validate(s Strategy) error {
	if q, ok := s.(StaticQuorum); ok && q.Size < 1 {
		return fmt.Errorf("static quorum of %d: want at least 1, and more than half of the nodes", q.Size)
	}
	if t := s.Timing(); t.StableAfter < 0 {
		return fmt.Errorf("%v: StableAfter is negative: want a positive time, or 0 for the default", s)
	}
	return nil
}
