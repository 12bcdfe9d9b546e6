package router_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/router"
)

// Who is answered with the name of the routee that got it.
type Who struct{ actor.Returns[string] }

// Greeter is what is routed to.
type Greeter struct{}

func (g *Greeter) Receive(ctx *actor.Context) {
	if m, ok := ctx.Message().(Who); ok {
		actor.Reply(ctx, m, ctx.Name())
	}
}

// TypedGreeter takes nothing but Who.
type TypedGreeter struct{}

func (g *TypedGreeter) Receive(ctx *actor.Context, m Who) { actor.Reply(ctx, m, ctx.Name()) }

func newSystem() *actor.System {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("shop", actor.Config{Logger: &quiet})
	if err != nil {
		panic(err)
	}
	return sys
}

func ExamplePool() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	pool, err := router.Pool(sys, "greeters", 3, actor.Of[Greeter], router.RoundRobin{},
		router.RouteeOptions{actor.Bounded(1000), actor.Supervise{MaxRestarts: 5, Within: time.Minute}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 4 {
		name, _ := actor.Ask(context.Background(), pool, Who{})
		fmt.Println(name)
	}
	// Output:
	// routee-1
	// routee-2
	// routee-3
	// routee-1
}

func ExamplePoolTyped() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	newGreeter := func() actor.Receiver[Who] { return &TypedGreeter{} }
	pool, _ := router.PoolTyped(sys, "greeters", 2, newGreeter, router.SmallestMailbox{})
	name, _ := actor.Ask(context.Background(), pool, Who{}) // pool is a Ref[Who]
	fmt.Println(name)
	// Output: routee-1
}

func ExampleGroup() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	for _, name := range []string{"ada", "bob", "cyd"} {
		_, _ = sys.Spawn(name, actor.Of[Greeter])
	}
	group, _ := router.Group(sys, "greeters", router.Paths(sys, "/user/ada", "/user/bob", "/user/cyd"),
		router.ConsistentHash{})
	var about any = router.Keyed{Key: "customer 17", Message: Who{}}
	first, _ := actor.AskAs[string](context.Background(), group, about)
	again, _ := actor.AskAs[string](context.Background(), group, about)
	fmt.Println(first == again)
	// Output: true
}

func ExampleGroupTyped() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	ada, _ := actor.SpawnTyped(sys, "ada", func() actor.Receiver[Who] { return &TypedGreeter{} })
	bob, _ := actor.SpawnTyped(sys, "bob", func() actor.Receiver[Who] { return &TypedGreeter{} })
	group, _ := router.GroupTyped[Who](sys, "greeters", router.RefsOf(ada, bob), router.RoundRobin{})
	for range 2 {
		name, _ := actor.Ask(context.Background(), group, Who{})
		fmt.Println(name)
	}
	// Output:
	// ada
	// bob
}

func ExamplePaths() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	web, _ := router.Group(sys, "web", router.Paths(sys, "/user/front"), router.RoundRobin{})
	_, _ = sys.Spawn("front", actor.Of[Greeter]) // whoever has the path when a message is sent
	name, err := actor.Ask(context.Background(), web, Who{})
	fmt.Println(name, err)
	// Output: front <nil>
}

func ExampleRefsOf() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	ada, _ := actor.SpawnTyped(sys, "ada", func() actor.Receiver[Who] { return &TypedGreeter{} })
	group, _ := router.GroupTyped[Who](sys, "greeters", router.RefsOf(ada), router.RoundRobin{})
	sys.StopActor(ada) // a routee that stops is taken out
	_ = actor.AwaitEnd(context.Background(), ada)
	_, err := actor.Ask(context.Background(), group, Who{})
	fmt.Println(err != nil)
	// Output: true
}

// Deposit is a message of an account.
type Deposit struct {
	Account string
	Amount  int
}

func ExampleKeyOf() {
	logic := router.ConsistentHash{Key: router.KeyOf(func(d Deposit) string { return d.Account })}
	fmt.Println(logic.Key(Deposit{Account: "alice"}), logic.Key("something else") == "")
	// Output: alice true
}

func ExampleRendezvous() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	pool, _ := router.Pool(sys, "accounts", 4, actor.Of[Greeter], router.Rendezvous{
		Key: router.KeyOf(func(d Deposit) string { return d.Account }),
	})
	fmt.Println(pool.TryTell(Deposit{Account: "alice", Amount: 10}))
	// Output: <nil>
}

func ExampleScatterGather() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	quick, _ := sys.Spawn("quick", actor.Of[Greeter])
	silent, _ := sys.Spawn("silent", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
	group, _ := router.Group(sys, "mirrors", router.Refs{silent, quick}, router.ScatterGather{Within: time.Second})
	name, _ := actor.Ask(context.Background(), group, Who{})
	fmt.Println(name)
	// Output: quick
}

func ExampleTailChopping() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	quick, _ := sys.Spawn("quick", actor.Of[Greeter])
	silent, _ := sys.Spawn("silent", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
	group, _ := router.Group(sys, "mirrors", router.Refs{silent, quick},
		router.TailChopping{Within: time.Second, Every: 5 * time.Millisecond})
	name, _ := actor.Ask(context.Background(), group, Who{})
	fmt.Println(name)
	// Output: quick
}

func ExampleBalancing() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	pool, _ := router.Pool(sys, "workers", 4, actor.Of[Greeter], router.Balancing{QueueMax: 10_000})
	_, err := actor.Ask(context.Background(), pool, Who{}) // whoever is free
	fmt.Println(err)
	// Output: <nil>
}

// longest gives each message to the routee that its length says.
type longest int

func (n longest) Pick(msg any) int {
	s, _ := msg.(string)
	return len(s) % int(n)
}

func ExampleCustom() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	logic := router.Custom(func(routees []actor.PID) router.Picker { return longest(len(routees)) })
	pool, err := router.Pool(sys, "by-length", 3, actor.Of[Greeter], logic)
	pool.Tell("some text")
	fmt.Println(err)
	// Output: <nil>
}

func ExampleResize() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	pool, _ := router.Pool(sys, "workers", 2, actor.Of[Greeter], router.SmallestMailbox{},
		router.Resize{Lower: 2, Upper: 20})
	pool.Tell(router.AdjustPoolSize{Change: 3})
	all, _ := actor.Ask(context.Background(), pool, router.GetRoutees{})
	fmt.Println(len(all.Refs))
	// Output: 5
}

func ExampleExplore() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	pool, _ := router.Pool(sys, "database", 1, actor.Of[Greeter], router.SmallestMailbox{},
		router.Explore{Lower: 4, Upper: 64})
	all, _ := actor.Ask(context.Background(), pool, router.GetRoutees{})
	fmt.Println(len(all.Refs))
	// Output: 4
}

func ExampleBroadcast() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	pool, _ := router.Pool(sys, "workers", 3, actor.Of[Greeter], router.RoundRobin{})
	pool.Tell(router.Broadcast{Message: actor.PoisonPill{}}) // finish what you have, then stop
	fmt.Println(len(pool.Path()) > 0)
	// Output: true
}

func ExampleBroadcastIf() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	heard := make(chan string)
	pool, _ := router.PoolTyped(sys, "listeners", 2, func() actor.Receiver[string] {
		return listener{heard}
	}, router.RoundRobin{}, router.BroadcastIf(func(msg any) bool { return msg == "news" }))
	pool.Tell("news")
	fmt.Println(<-heard, <-heard)
	// Output: news news
}

func ExampleToAll() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	heard := make(chan string)
	pool, _ := router.PoolTyped(sys, "listeners", 2, func() actor.Receiver[string] {
		return listener{heard}
	}, router.RoundRobin{})
	router.ToAll(pool, "news")
	fmt.Println(<-heard, <-heard)
	// Output: news news
}

type listener struct{ heard chan string }

func (l listener) Receive(_ *actor.Context, news string) { l.heard <- news }

func ExamplePool_watch() {
	sys := newSystem()
	defer sys.Stop(context.Background())
	ended := make(chan string)
	pool, _ := router.Pool(sys, "workers", 3, actor.Of[Greeter], router.RoundRobin{})
	_, _ = sys.Spawn("watcher", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case string:
				ctx.Watch(pool)
				ctx.Stop(pool)
			case actor.Terminated:
				ended <- m.Ref.Path()
			}
		})
	})
	sys.RefAt("", "/user/watcher").Tell("begin")
	fmt.Println(<-ended)
	// Output: /user/workers
}

func ExampleRegister() {
	reg := codec.NewRegistry() // of a node that has no routers, but sends to some
	fmt.Println(router.Register(reg))
	// Output: <nil>
}
