package membership_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

// A node that is the only seed forms a cluster, and leaves it.
func Example() {
	addr := "10.0.0.1:2551"
	core, err := membership.New(membership.Config{
		Self:    membership.Node{Addr: addr, UID: 0xa3f0},
		Cluster: "shop",
		Seeds:   []string{addr},
		Rand:    rand.New(rand.NewPCG(1, 2)),

		ListenFor: -1, // there is nobody else
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1_700_000_000, 0)
	for _, in := range []membership.Input{
		membership.Start{}, membership.Leave{Addr: addr}, membership.ExitDone{},
	} {
		for _, e := range core.Step(now, in) {
			switch e := e.(type) {
			case membership.Changed:
				for _, ev := range e.Events {
					fmt.Println(ev)
				}
			case membership.ExitStarted:
				fmt.Println("handing over")
			case membership.Shutdown:
				fmt.Println("shut down:", e.Reason)
			}
		}
	}
	// Output:
	// joined 10.0.0.1:2551#a3f0
	// leader 10.0.0.1:2551#a3f0
	// up 10.0.0.1:2551#a3f0
	// left 10.0.0.1:2551#a3f0
	// exited 10.0.0.1:2551#a3f0
	// handing over
	// shut down: left
}
