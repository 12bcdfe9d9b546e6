package membership

import (
	"math/bits"
	"math/rand/v2"
)

const (
	// pushFanout is how many members are told in one push.
	pushFanout = 3
	// unseenBias is how often, in percent, a round goes to a member that
	// hasn't seen the state when there is one.
	unseenBias = 80
)

// heatOf is how many pushes a node makes for one piece of news: a rumour that
// everybody passes on that often reaches a cluster of n; the periodic rounds
// take care of the rest.
func heatOf(n int) int { return bits.Len(uint(n))/2 + 2 }

// gossipTargets returns the members that can be gossiped with: those that this
// node itself doesn't hold for unreachable. What others say of them doesn't
// matter, or a pair that can talk again would stay apart for ever.
func gossipTargets(v View) []Member {
	var out []Member
	for _, m := range v.members {
		if m.Node != v.Self && !v.done(m.Node) && v.reach.Status(v.Self, m.Node) == Reachable {
			out = append(out, m)
		}
	}
	return out
}

// unseenTargets returns those among members that haven't seen the state and
// that anybody waits for. Members must be in the order of their nodes.
func unseenTargets(v View, members []Member) []Member {
	if v.seenByAll() {
		return nil
	}
	var out []Member
	seen := v.seen
	for _, m := range members {
		for len(seen) > 0 && seen[0] != m.Node && seen[0].Compare(m.Node) < 0 {
			seen = seen[1:]
		}
		if m.Status != Down && (len(seen) == 0 || seen[0] != m.Node) {
			out = append(out, m)
		}
	}
	return out
}

// roundTarget picks the partner of one periodic round.
func roundTarget(r *rand.Rand, v View) (Member, bool) {
	all := gossipTargets(v)
	if len(all) == 0 {
		return Member{}, false
	}
	if unseen := unseenTargets(v, all); len(unseen) > 0 && r.IntN(100) < unseenBias {
		all = unseen
	}
	return all[r.IntN(len(all))], true
}

// pick returns up to n of members, chosen at random.
func pick(r *rand.Rand, members []Member, n int) []Member {
	out := make([]Member, len(members))
	for i, j := range r.Perm(len(members)) {
		out[i] = members[j]
	}
	return out[:min(n, len(out))]
}
