package roster_test

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

func Example() {
	a := membership.Member{Node: membership.Node{Addr: "a:1", UID: 1}, Status: membership.Leaving, UpNumber: 1}
	b := membership.Member{Node: membership.Node{Addr: "b:1", UID: 2}, Status: membership.Up, UpNumber: 2}

	r := roster.New("", b.Node)
	t0 := time.Unix(0, 0)
	r.Update(t0, []membership.Member{b, a})
	fmt.Println(r.Candidates())

	r.Update(t0, []membership.Member{b}) // a has gone
	fmt.Println(len(r.Gone(t0.Add(time.Second), 5*time.Second)), len(r.Gone(t0.Add(time.Minute), 5*time.Second)))
	// Output:
	// [a:1#1 b:1#2]
	// 1 0
}
