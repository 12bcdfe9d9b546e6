package actor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

func ExampleOf() {
	sys := newShop()
	defer sys.Stop(context.Background())

	greeter, err := sys.Spawn("greeter", actor.Of[Greeter]) // a fresh zero Greeter at every start
	fmt.Println(greeter.Path(), err)
	// Output: /user/greeter <nil>
}

// Chain passes a number on and makes the next link itself.
type Chain struct{ next actor.Ref[int] }

// Receive counts down along the chain.
func (c *Chain) Receive(ctx *actor.Context, n int) {
	if n == 0 {
		fmt.Println("the end is", actor.Self[int](ctx).Path())
		ctx.System().BeginStop("done")
		return
	}
	c.next, _ = actor.SpawnTyped(ctx, "next", func() actor.Receiver[int] { return &Chain{} })
	c.next.Tell(n - 1)
}

func ExampleSelf() {
	sys := newShop()
	first, _ := actor.SpawnTyped(sys, "first", func() actor.Receiver[int] { return &Chain{} })
	first.Tell(2)
	<-sys.Stopped().Done()
	fmt.Println(sys.Stop(context.Background()))
	// Output:
	// the end is /user/first/next/next
	// <nil>
}

func ExampleNarrow() {
	sys := newShop()
	defer sys.Stop(context.Background())

	pid, _ := sys.Spawn("shouter", shout)
	shouter := actor.Narrow[string](pid) // on our word that it takes strings
	shouter.Tell("only strings from here on")
	fmt.Println(shouter.PID() == pid)
	// Output: true
}

func ExampleHooks() {
	sys := newShop()
	defer sys.Stop(context.Background())

	var made actor.Actor
	account, _ := actor.SpawnTyped(spawner{sys, &made}, "account", NewAccount)
	_, _ = actor.Ask(context.Background(), account, GetBalance{}) // it has started
	fmt.Printf("%T\n", actor.Hooks(made))
	// Output: *actor_test.Account
}

// spawner shows the actors that factories make.
type spawner struct {
	sys  *actor.System
	made *actor.Actor
}

// Spawn spawns on the system.
func (s spawner) Spawn(name string, factory func() actor.Actor, opts ...actor.SpawnOption) (actor.PID, error) {
	return s.sys.Spawn(name, func() actor.Actor { *s.made = factory(); return *s.made }, opts...)
}

func ExampleBecome() {
	sys := newShop()
	defer sys.Stop(context.Background())

	door, _ := actor.SpawnTyped(sys, "door", func() actor.Receiver[string] { return doorman{} })
	for _, word := range []string{"hello", "sesame", "hello"} {
		fmt.Println(actor.AskAs[string](context.Background(), door, word))
	}
	// Output:
	// closed <nil>
	// opens <nil>
	// welcome <nil>
}

type doorman struct{}

// Receive handles what comes while the door is closed.
func (doorman) Receive(ctx *actor.Context, word string) {
	if word != "sesame" {
		ctx.Reply("closed")
		return
	}
	actor.Become(ctx, func(ctx *actor.Context, _ string) { ctx.Reply("welcome") })
	ctx.Reply("opens")
}

func ExampleContext_BecomeStacked() {
	sys := newShop()
	defer sys.Stop(context.Background())

	clerk, _ := sys.Spawn("clerk", func() actor.Actor {
		onBreak := func(ctx *actor.Context) {
			if ctx.Message() == "bell" {
				ctx.Unbecome() // back to what it did before
			}
			ctx.Reply("coming")
		}
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() == "noon" {
				ctx.BecomeStacked(onBreak)
			}
			ctx.Reply("at work")
		})
	})
	for _, m := range []any{"hello", "noon", "bell", "hello"} {
		fmt.Println(actor.AskAs[string](context.Background(), clerk, m))
	}
	// Output:
	// at work <nil>
	// at work <nil>
	// coming <nil>
	// at work <nil>
}

func ExampleContext_Fail() {
	sys := newShop()
	defer sys.Stop(context.Background())

	worker, _ := sys.Spawn("worker", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Fail(errors.New("out of paper")) })
	}, actor.Supervise{Decide: func(err error) actor.Directive {
		fmt.Println("supervisor hears:", err)
		return actor.Stop
	}})
	worker.Tell("print")
	fmt.Println(actor.AwaitEnd(context.Background(), worker))
	// Output:
	// supervisor hears: out of paper
	// <nil>
}

func ExampleContext_Group() {
	sys := newShop()
	defer sys.Stop(context.Background())

	ended := make(chan string, 2)
	_, _ = sys.Spawn("parent", func() actor.Actor {
		return family{func(ctx *actor.Context) error {
			pair := ctx.Group(actor.Supervise{Scope: actor.AllForOne, MaxRestarts: -1}) // one fails: both stop
			for _, name := range []string{"left", "right"} {
				pid, err := pair.Spawn(name, func() actor.Actor {
					return actor.Func(func(ctx *actor.Context) { ctx.Fail(errors.New("slipped")) })
				})
				if err != nil {
					return err
				}
				ctx.WatchWith(pid, name)
			}
			ctx.Child("left").Tell("jump")
			return nil
		}, ended}
	})
	<-ended
	<-ended
	fmt.Println("both have ended")
	// Output: both have ended
}

// family is a parent that reports the ends of its children.
type family struct {
	begin func(ctx *actor.Context) error
	ended chan string
}

// PreStart starts the children.
func (f family) PreStart(ctx *actor.Context) error { return f.begin(ctx) }

// Receive gets the message that was asked for with WatchWith.
func (f family) Receive(ctx *actor.Context) { f.ended <- ctx.Message().(string) }

func ExampleContext_Forward() {
	sys := newShop()
	defer sys.Stop(context.Background())

	shouter, _ := sys.Spawn("shouter", shout)
	desk, _ := sys.Spawn("desk", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Forward(shouter) }) // with the sender: it gets the answer
	})
	fmt.Println(actor.AskAs[string](context.Background(), desk, any("hello")))
	// Output: HELLO <nil>
}

func ExampleContext_Schedule() {
	sys := newShop()
	ticks := 0
	_, _ = sys.Spawn("clock", func() actor.Actor {
		return family{begin: func(ctx *actor.Context) error {
			ctx.Become(func(ctx *actor.Context) {
				if ticks++; ticks == 3 {
					ctx.System().BeginStop("three ticks are enough")
				}
			})
			ctx.Schedule(actor.Schedule{Every: time.Millisecond, FixedRate: true}, "tick")
			return nil
		}}
	})
	<-sys.Stopped().Done()
	fmt.Println(ticks >= 3, sys.Stop(context.Background()))
	// Output: true <nil>
}

func ExampleContext_After() {
	sys := newShop()
	defer sys.Stop(context.Background())

	egg, _ := sys.Spawn("egg", func() actor.Actor {
		var cook actor.PID
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() == "done" {
				ctx.Tell(cook, "soft")
				return
			}
			cook = ctx.Sender()
			ctx.After(time.Millisecond, "done") // a message to itself
		})
	})
	fmt.Println(actor.AskAs[string](context.Background(), egg, any("boil")))
	// Output: soft <nil>
}

func ExampleRef_TryTell() {
	sys := newShop()
	defer sys.Stop(context.Background())

	release := make(chan struct{})
	slow, _ := sys.Spawn("slow", func() actor.Actor {
		return actor.Func(func(*actor.Context) { <-release }) // blocking holds up this actor only
	}, actor.Bounded(1))
	var err error
	for err == nil {
		err = slow.TryTell("work")
	}
	fmt.Println(errors.Is(err, actor.ErrMailboxFull))
	close(release)
	// Output: true
}
