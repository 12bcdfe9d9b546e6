package downing

import (
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/cluster/membership"
)

// Verdict names the kinds of decisions.
type Verdict uint8

// The verdicts.
const (
	// Nothing: nobody is cut off from anybody.
	Nothing Verdict = iota
	// DownOthers: the side of the deciding node survives, the rest is downed.
	DownOthers
	// DownOwn: another side survives; the deciding node is among the downed.
	DownOwn
	// DownAll: nobody survives. Also what is left when it can't be told who
	// should.
	DownAll
	// AskLease: the side of the deciding node survives if it gets the lease of
	// the cluster, and goes down if it doesn't.
	AskLease
	// FreeLease: the lease of the cluster isn't needed any more.
	FreeLease
)

// String returns the verdict in words.
func (v Verdict) String() string {
	switch v {
	case Nothing:
		return "nothing"
	case DownOthers:
		return "down the others"
	case DownOwn:
		return "down the own side"
	case DownAll:
		return "down all"
	case AskLease:
		return "down the others if the lease is granted"
	case FreeLease:
		return "give the lease back"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// Decision is who must be declared dead. The zero Decision is nobody.
type Decision struct {
	Verdict Verdict
	// Down are the members to declare dead, in the order of their nodes; none
	// of them is Down or Exiting already.
	Down []membership.Node
	// Otherwise are the members to declare dead if the lease isn't granted; only
	// with AskLease.
	Otherwise []membership.Node
	// Why explains the decision in a few words, for logs.
	Why string
}

// String returns the decision as a line for logs.
func (d Decision) String() string {
	var names []string
	for _, n := range d.Down {
		names = append(names, n.Addr)
	}
	return fmt.Sprintf("%v [%s]: %s", d.Verdict, strings.Join(names, " "), d.Why)
}

// survive decides for those in the set and against everybody else.
func (g *graph) survive(set []bool, why string) Decision {
	d := Decision{Verdict: DownOwn, Why: why}
	for i, m := range g.members {
		if m.Node == g.self && set[i] {
			d.Verdict = DownOthers
		}
		if !set[i] {
			d.Down = append(d.Down, m.Node)
		}
	}
	return d
}

// nobody decides against everybody.
func (g *graph) nobody(why string) Decision {
	d := g.survive(make([]bool, len(g.members)), why)
	d.Verdict = DownAll
	return d
}
