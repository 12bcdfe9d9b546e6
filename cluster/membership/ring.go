package membership

import (
	"cmp"
	"slices"
)

// MonitoredBy is how many members watch each member by default.
const MonitoredBy = 9

// HeartbeatTargets returns the members that the viewing node sends heartbeats
// to. Members stand on a ring in the order of their UIDs, which is random
// with regard to addresses, so that neighbours on the ring are rarely
// neighbours in a rack. From its place on, a node takes the next n that can be
// reached. Unreachable members met on the way are taken too, not counted, as
// long as there are fewer than n: when half the ring dies, somebody must still
// notice that it comes back.
func HeartbeatTargets(v View, n int) []Node {
	ring := make([]Node, 0, len(v.members))
	for _, m := range v.members {
		ring = append(ring, m.Node)
	}
	slices.SortFunc(ring, compareRing)
	at := slices.Index(ring, v.Self)
	if at < 0 || len(ring) == 1 {
		return nil
	}
	others := append(slices.Clone(ring[at+1:]), ring[:at]...)
	if n >= len(others) {
		return others
	}
	var out []Node
	for counted := 0; counted < n && len(others) > 0; others = others[1:] {
		reachable := v.reach.Worst(others[0]) == Reachable
		if reachable {
			counted++
		}
		if reachable || len(out) < n {
			out = append(out, others[0])
		}
	}
	return out
}

func compareRing(a, b Node) int { return cmp.Or(cmp.Compare(a.UID, b.UID), a.Compare(b)) }
