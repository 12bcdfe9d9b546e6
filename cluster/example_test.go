package cluster_test

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
)

// A node that is its own seed forms a cluster alone.
func Example() {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("shop", actor.Config{Logger: &quiet})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	cl, err := cluster.Start(ctx, sys, cluster.Config{Listen: "127.0.0.1:0", Roles: []string{"ledger"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for ev := range cl.Events(ctx) { // the present state first, then changes
		switch ev := ev.(type) {
		case membership.Snapshot:
			self := ev.View.SelfMember()
			fmt.Println(self.Status, self.Roles, len(ev.View.Members()), "member")
			go cl.Leave(ctx)
		case membership.Ended:
			fmt.Println(ev)
		}
	}
	<-sys.Stopped().Done()
	// Output:
	// up [ledger] 1 member
	// ended: left
}
