package downing

import (
	"slices"

	"github.com/troupe-go/troupe/cluster/membership"
)

// graph is who can talk to whom: the members that can still be downed (neither
// Down nor Exiting), and for each pair whether either holds the other for
// unreachable. What somebody says only ever breaks a pair it belongs to, so
// the word of members that end up on the other side of a partition does no
// harm, however late or wrong it is.
type graph struct {
	self    membership.Node
	members []membership.Member // by node
	broken  [][]int             // by member: whom it has a broken pair with, sorted
	counts  []bool              // by member: it has a say in who survives
	downed  []membership.Member // declared dead and not removed yet: the others may not know
}

// searchMax bounds the search for the largest group; beyond it nobody can be
// told to survive. Clean partitions need two steps whatever their size, and
// ten broken links that have nothing to do with each other about a thousand.
const searchMax = 1 << 17

// newGraph returns the graph of a view in which members of the role ("" for
// all) that are Up (about to be shut down or not) or Leaving have a say.
func newGraph(v membership.View, role string) *graph {
	g := &graph{self: v.Self}
	at := map[membership.Node]int{}
	for _, m := range v.Members() {
		if m.Status == membership.Down && m.HasRole(role) {
			g.downed = append(g.downed, m)
		}
		if m.Status == membership.Down || m.Status == membership.Exiting {
			continue
		}
		at[m.Node] = len(g.members)
		g.members = append(g.members, m)
		g.counts = append(g.counts, m.HasRole(role) && (m.Status.IsUp() || m.Status == membership.Leaving))
	}
	g.broken = make([][]int, len(g.members))
	for _, r := range v.Reachability().Records() {
		i, knownObserver := at[r.Observer]
		j, knownSubject := at[r.Subject]
		if knownObserver && knownSubject && i != j {
			g.broken[i] = append(g.broken[i], j)
			g.broken[j] = append(g.broken[j], i)
		}
	}
	for i := range g.broken {
		slices.Sort(g.broken[i])
		g.broken[i] = slices.Compact(g.broken[i])
	}
	return g
}

// whole reports whether no pair is broken.
func (g *graph) whole() bool {
	return !slices.ContainsFunc(g.broken, func(b []int) bool { return len(b) > 0 })
}

// pairs returns the broken pairs of members that have a say, as sorted keys.
func (g *graph) pairs() [][2]membership.Node {
	var out [][2]membership.Node
	for i, others := range g.broken {
		for _, j := range others {
			if i < j && g.counts[i] && g.counts[j] {
				out = append(out, [2]membership.Node{g.members[i].Node, g.members[j].Node})
			}
		}
	}
	return out
}

// total returns how many members have a say.
func (g *graph) total() int { return g.weight(g.everybody()) }

func (g *graph) everybody() []bool {
	all := make([]bool, len(g.members))
	for i := range all {
		all[i] = true
	}
	return all
}

// weight returns how many members of the set have a say.
func (g *graph) weight(set []bool) int {
	n := 0
	for i, in := range set {
		if in && g.counts[i] {
			n++
		}
	}
	return n
}

// lowest returns the first member, in the order of nodes, that has a say; -1
// when nobody has.
func (g *graph) lowest() int { return slices.Index(g.counts, true) }

// class is a group of members that have broken pairs with exactly the same
// others; they stand or fall together.
type class struct {
	members  []int
	weight   int
	conflict []bool // by class
}

// largest returns the group in which every pair can talk and that has the most
// members with a say. Among equals the one with the lowest address that has a
// say wins, then the larger, then the one with the lowest address of all: a
// function of the graph, the same on every node. Every member in must (which
// hold no broken pair) is in it, none in not. It reports false when the search
// takes too long.
func (g *graph) largest(must, not []int) ([]bool, bool) {
	s := &search{g: g, classes: g.classes(must, not)}
	s.run(0, make([]bool, len(s.classes)), make([]bool, len(s.classes)), 0)
	return s.best, s.steps <= searchMax && s.best != nil
}

// classes groups the members that may be in the result. Members that can't
// stand beside one in must are left out.
func (g *graph) classes(must, not []int) []*class {
	out := make(map[int]bool, len(g.members))
	for _, i := range not {
		out[i] = true
	}
	for _, i := range must {
		for _, j := range g.broken[i] {
			out[j] = true
		}
	}
	var classes []*class
	of := make([]int, len(g.members))
	for i := range g.members {
		of[i] = -1
		if out[i] {
			continue
		}
		at := slices.IndexFunc(classes, func(c *class) bool { return slices.Equal(g.broken[c.members[0]], g.broken[i]) })
		if at < 0 {
			at = len(classes)
			classes = append(classes, &class{})
		}
		of[i] = at
		classes[at].members = append(classes[at].members, i)
		if g.counts[i] {
			classes[at].weight++
		}
	}
	for _, c := range classes {
		c.conflict = make([]bool, len(classes))
		for _, j := range g.broken[c.members[0]] {
			if of[j] >= 0 {
				c.conflict[of[j]] = true
			}
		}
	}
	return classes
}

// search looks for the best set of classes without a conflict, by trying each
// class in and out.
type search struct {
	g       *graph
	classes []*class
	best    []bool // by member
	weight  int
	steps   int
}

func (s *search) run(at int, in, barred []bool, weight int) {
	if s.steps++; s.steps > searchMax {
		return
	}
	for at < len(s.classes) && (barred[at] || s.free(at, barred)) {
		if !barred[at] { // no conflict left: it can only add
			in[at] = true
			weight += s.classes[at].weight
		}
		at++
	}
	if at == len(s.classes) {
		s.offer(in, weight)
		return
	}
	if s.best != nil && weight+s.rest(at, barred) < s.weight {
		return
	}
	with, without := slices.Clone(in), slices.Clone(in)
	barredWith, barredWithout := slices.Clone(barred), slices.Clone(barred)
	with[at] = true
	for j, c := range s.classes[at].conflict {
		barredWith[j] = barredWith[j] || c
	}
	barredWithout[at] = true
	s.run(at+1, with, barredWith, weight+s.classes[at].weight)
	s.run(at+1, without, barredWithout, weight)
}

// free reports whether a class has no conflict with any that isn't barred.
func (s *search) free(at int, barred []bool) bool {
	for j, c := range s.classes[at].conflict {
		if c && !barred[j] {
			return false
		}
	}
	return true
}

func (s *search) rest(at int, barred []bool) int {
	n := 0
	for j := at; j < len(s.classes); j++ {
		if !barred[j] {
			n += s.classes[j].weight
		}
	}
	return n
}

func (s *search) offer(in []bool, weight int) {
	set := make([]bool, len(s.g.members))
	for c, ok := range in {
		if ok {
			for _, i := range s.classes[c].members {
				set[i] = true
			}
		}
	}
	if s.best == nil || weight > s.weight || weight == s.weight && s.g.better(set, s.best) {
		s.best, s.weight = set, weight
	}
}

// better decides between two sets of equal weight.
func (g *graph) better(a, b []bool) bool {
	sizeA, sizeB, first := 0, 0, -1
	for i := range a {
		if a[i] != b[i] && g.counts[i] {
			return a[i]
		}
		if a[i] {
			sizeA++
		}
		if b[i] {
			sizeB++
		}
		if a[i] != b[i] && first < 0 {
			first = i
		}
	}
	if sizeA != sizeB {
		return sizeA > sizeB
	}
	return first >= 0 && a[first]
}
