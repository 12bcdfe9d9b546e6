package downing_test

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Three members, one of which the other two can't reach.
func Example() {
	var members []membership.Member
	for i, addr := range []string{"a:1", "b:1", "c:1"} {
		members = append(members, membership.Member{
			Node: membership.Node{Addr: addr, UID: uint64(i + 1)}, Status: membership.Up, UpNumber: uint64(i + 1),
		})
	}
	a, b, c := members[0].Node, members[1].Node, members[2].Node
	state := membership.Assemble(1, members, [2]membership.Node{a, c}, [2]membership.Node{b, c})
	view := membership.ViewOf(state, a)

	r := downing.NewResolver(downing.KeepMajority{})
	start := time.Unix(0, 0)
	fmt.Println(r.Step(start, view).Verdict, "for", r.Next().Sub(start))
	fmt.Println(r.Step(r.Next(), view))
	// Output:
	// nothing for 5s
	// down the others [c:1]: 2 of 3 can all talk to each other
}
