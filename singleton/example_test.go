package singleton_test

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/singleton"
)

// Clerk gives out numbers: there must be one of it.
type Clerk struct{ last int }

type Next struct{ actor.Returns[int] }

func (c *Clerk) Receive(ctx *actor.Context, msg Next) {
	c.last++
	actor.Reply(ctx, msg, c.last)
}

func Example() {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("office", actor.Config{Logger: &quiet})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	cl, err := cluster.Start(ctx, sys, cluster.Config{Listen: "127.0.0.1:0"}) // a cluster of one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cl.Leave(ctx)

	clerk, err := singleton.Start(cl, singleton.Config[Next]{
		Name: "clerk",
		New:  func() actor.Receiver[Next] { return &Clerk{} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Println(actor.Ask(ctx, clerk, Next{}))
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 3 <nil>
}
