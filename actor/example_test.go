package actor_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

type Hello struct{ Name string }

type Greeter struct{ greeted int }

func (g *Greeter) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case Hello:
		g.greeted++
		ctx.Reply(fmt.Sprintf("hello, %s (%d)", m.Name, g.greeted))
	}
}

func Example() {
	sys, err := actor.NewSystem("shop", actor.Config{})
	if err != nil {
		panic(err)
	}
	defer sys.Stop(context.Background())

	greeter, err := sys.Spawn("greeter", actor.Of[Greeter])
	if err != nil {
		panic(err)
	}
	greeter.Tell(Hello{"Ada"})
	answer, err := actor.AskAs[string](context.Background(), greeter, any(Hello{"Grace"}))
	fmt.Println(answer, err)
	// Output: hello, Grace (2) <nil>
}

type Command interface{ isCommand() }

type Deposit struct{ Amount int }

type GetBalance struct{ actor.Returns[int] }

func (Deposit) isCommand()    {}
func (GetBalance) isCommand() {}

type Account struct{ balance int }

func NewAccount() actor.Receiver[Command] { return &Account{} }

func (a *Account) Receive(ctx *actor.Context, msg Command) {
	switch m := msg.(type) {
	case Deposit:
		a.balance += m.Amount
	case GetBalance:
		actor.Reply(ctx, m, a.balance) // another type here would not compile
	}
}

func ExampleSpawnTyped() {
	sys, _ := actor.NewSystem("bank", actor.Config{})
	defer sys.Stop(context.Background())

	account, _ := actor.SpawnTyped(sys, "account", NewAccount)
	account.Tell(Deposit{10})
	balance, err := actor.Ask(context.Background(), account, GetBalance{})
	fmt.Println(balance, err)
	// Output: 10 <nil>
}

func ExampleSupervise() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	worker, _ := sys.Spawn("worker", actor.Of[Greeter],
		actor.Bounded(1000),
		actor.Supervise{
			MaxRestarts: 5, Within: time.Minute,
			Backoff: actor.Backoff{Min: 200 * time.Millisecond, Max: 10 * time.Second},
		})
	fmt.Println(worker.Path())
	// Output: /user/worker
}

func ExampleGo() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	square, _ := sys.Spawn("square", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			n := ctx.Message().(int)
			actor.Go(ctx,
				func(context.Context) (int, error) { return n * n, nil }, // elsewhere: may block
				func(r int, err error) { ctx.Reply(r) })                  // here, as a turn
		})
	})
	fmt.Println(actor.AskAs[int](context.Background(), square, any(12)))
	// Output: 144 <nil>
}
