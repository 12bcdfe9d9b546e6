package actor_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

func ExampleNewSystem() {
	sys, err := actor.NewSystem("shop", actor.Config{}) // the zero Config is for production
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sys.Name(), sys.Stop(context.Background()))

	_, err = actor.NewSystem("my shop", actor.Config{AskTimeout: time.Second})
	fmt.Println(err)
	// Output:
	// shop <nil>
	// bad actor name: system name "my shop" may have letters, digits, - and _ only
}

func ExampleSubscribe() {
	sys := newShop()
	defer sys.Stop(context.Background())

	lost := make(chan actor.DeadLetter, 1)
	office, _ := sys.Spawn("office", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if m, ok := ctx.Message().(actor.DeadLetter); ok {
				lost <- m
			}
		})
	})
	actor.Subscribe[actor.DeadLetter](sys, office)
	sys.RefAt("", "/user/nobody").Tell("hello?")
	m := <-lost
	fmt.Println(m.Message, "to", m.To.Path()+":", m.Reason)
	// Output: hello? to /user/nobody: actor stopped
}

func ExampleUnsubscribe() {
	sys := newShop()
	defer sys.Stop(context.Background())

	type price int
	board, _ := sys.Spawn("board", func() actor.Actor {
		seen := 0
		return actor.Func(func(ctx *actor.Context) {
			if _, ok := ctx.Message().(price); ok {
				seen++
				return
			}
			ctx.Reply(seen)
		})
	})
	actor.Subscribe[price](sys, board)
	sys.Publish(price(3))
	actor.Unsubscribe[price](sys, board)
	sys.Publish(price(4))
	fmt.Println(actor.AskAs[int](context.Background(), board, any("how many?")))
	// Output: 1 <nil>
}

// prices is what a system has one of.
type prices struct{ of map[string]int }

func ExampleExtension() {
	sys := newShop()
	defer sys.Stop(context.Background())

	load := func(*actor.System) (*prices, error) {
		fmt.Println("loads the prices")
		return &prices{of: map[string]int{"bread": 3}}, nil
	}
	for range 2 { // the second call gets what the first has made
		p, err := actor.Extension(sys, load)
		fmt.Println(p.of["bread"], err)
	}
	// Output:
	// loads the prices
	// 3 <nil>
	// 3 <nil>
}

func ExampleHasExtension() {
	sys := newShop()
	defer sys.Stop(context.Background())

	fmt.Println(actor.HasExtension[*prices](sys))
	_, _ = actor.Extension(sys, func(*actor.System) (*prices, error) { return &prices{}, nil })
	fmt.Println(actor.HasExtension[*prices](sys))
	// Output:
	// false
	// true
}

func ExampleInspect() {
	sys := newShop()
	defer sys.Stop(context.Background())

	poller, _ := sys.Spawn("poller", actor.Of[poller])
	look, err := actor.Inspect(context.Background(), poller)
	fmt.Println(look.Type, look.Timers, look.Stashed, err)
	// Output: *actor_test.poller 1 0 <nil>
}

func ExampleSystem_BeginStop() {
	sys := newShop()
	_, _ = sys.Spawn("last-customer", func() actor.Actor {
		return family{begin: func(ctx *actor.Context) error {
			ctx.System().BeginStop("nobody is left") // doesn't wait, so an actor may call it
			return nil
		}}
	})
	<-sys.Stopped().Done()
	fmt.Println(sys.Stop(context.Background()), sys.StopReason())
	// Output: <nil> nobody is left
}

func ExampleSystem_StopOnSignal() {
	sys := newShop()
	cancel := sys.StopOnSignal() // an interrupt or SIGTERM stops the system in order
	defer cancel()
	// … start actors, then wait:
	sys.BeginStop("instead of a signal")
	<-sys.Stopped().Done()
	fmt.Println(sys.Stop(context.Background()), sys.StopReason())
	// Output: <nil> instead of a signal
}

// Those who carry messages between nodes may treat asks apart: each gets one answer.
func ExampleIsAsk() {
	fmt.Println(actor.IsAsk("/temp/2s"), actor.IsAsk("/user/greeter"))
	// Output: true false
}

// An ask is named by its number alone, so its path need not travel with it.
func ExampleAppendAskPath() {
	fmt.Println(string(actor.AppendAskPath(nil, 100)))
	// Output: /temp/2s
}

// What takes options for actors that it spawns later can refuse bad ones at once.
func ExampleCheckOptions() {
	fmt.Println(actor.CheckOptions(actor.Bounded(100), actor.Supervise{MaxRestarts: 3}))
	fmt.Println(actor.CheckOptions(actor.Bounded(-1)))
	// Output:
	// <nil>
	// Bounded must not be negative
}
