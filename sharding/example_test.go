package sharding_test

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/sharding"
)

// Wallet is an entity: one for every owner.
type Wallet struct {
	owner   string
	balance int
}

type (
	Deposit struct{ Amount int }
	Balance struct{ actor.Returns[int] }
)

func (w *Wallet) Receive(ctx *actor.Context, msg any) {
	switch m := msg.(type) {
	case Deposit:
		w.balance += m.Amount
	case Balance:
		actor.Reply(ctx, m, w.balance)
	}
}

func Example() {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("bank", actor.Config{Logger: &quiet})
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

	wallets, err := sharding.Start(cl, sharding.Config[any]{
		Name: "wallet",
		New:  func(e *sharding.Entity) actor.Receiver[any] { return &Wallet{owner: e.ID()} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ada := wallets.Ref("ada")
	ada.Tell(Deposit{10})
	ada.Tell(Deposit{5})
	balance, err := actor.Ask(ctx, ada, Balance{})
	fmt.Println(balance, err)
	// Output: 15 <nil>
}
