package actor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

func ExampleContext_Spawn() {
	sys := newShop()
	defer sys.Stop(context.Background())

	boss, _ := sys.Spawn("boss", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			worker, err := ctx.Spawn("worker", shout) // a child: it ends before its parent does
			if err != nil {
				ctx.Reply(actor.Failure{Err: err})
				return
			}
			ctx.Reply(worker.Path())
		})
	})
	fmt.Println(actor.AskAs[string](context.Background(), boss, any("hire")))
	_, err := actor.AskAs[string](context.Background(), boss, any("hire"))
	fmt.Println(errors.Is(err, actor.ErrNameTaken))
	// Output:
	// /user/boss/worker <nil>
	// true
}

func ExampleContext_Tell() {
	sys := newShop()
	defer sys.Stop(context.Background())

	shouter, _ := sys.Spawn("shouter", shout)
	heard := make(chan string, 1)
	listener, _ := sys.Spawn("listener", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() == "begin" {
				ctx.Tell(shouter, "hello") // with this actor as the sender, to whom the answer comes
				return
			}
			heard <- fmt.Sprint(ctx.Sender().Path(), " says ", ctx.Message())
		})
	})
	listener.Tell("begin")
	fmt.Println(<-heard)
	// Output: /user/shouter says HELLO
}

func ExampleContext_WatchWith() {
	sys := newShop()
	defer sys.Stop(context.Background())

	type left struct{ who string }
	ada, _ := sys.Spawn("ada", actor.Of[Greeter])
	door := make(chan string, 1)
	_, _ = sys.Spawn("porter", func() actor.Actor {
		return family{begin: func(ctx *actor.Context) error {
			ctx.Become(func(ctx *actor.Context) {
				if m, ok := ctx.Message().(left); ok { // a message of one's own instead of Terminated
					door <- m.who + " has left"
				}
			})
			ctx.WatchWith(ada, left{"ada"})
			return nil
		}}
	})
	sys.StopActor(ada)
	fmt.Println(<-door)
	// Output: ada has left
}

func ExampleContext_Stop() {
	sys := newShop()
	defer sys.Stop(context.Background())

	clerk, _ := sys.Spawn("clerk", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			ctx.Stop(ctx.Self()) // after this message
			ctx.Reply("good night")
		})
	})
	fmt.Println(actor.AskAs[string](context.Background(), clerk, any("it is six")))
	fmt.Println(actor.AwaitEnd(context.Background(), clerk))
	// Output:
	// good night <nil>
	// <nil>
}

func ExampleContext_Every() {
	sys := newShop()
	_, _ = sys.Spawn("metronome", func() actor.Actor {
		return family{begin: func(ctx *actor.Context) error {
			beats := 0
			ctx.Become(func(ctx *actor.Context) {
				if beats++; beats == 3 {
					fmt.Println("three beats")
					ctx.System().BeginStop("the piece is over")
				}
			})
			ctx.Every(time.Millisecond, "beat") // until the actor stops
			return nil
		}}
	})
	<-sys.Stopped().Done()
	_ = sys.Stop(context.Background())
	// Output: three beats
}

func ExampleContext_AfterKey() {
	sys := newShop()
	defer sys.Stop(context.Background())

	alarm := make(chan string, 1)
	clock, _ := sys.Spawn("clock", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch ctx.Message() {
			case "set":
				ctx.AfterKey("alarm", time.Hour, "late")
				ctx.AfterKey("alarm", time.Millisecond, "early") // the same key: it replaces the first
				fmt.Println(ctx.HasTimer("alarm"))
			default:
				alarm <- fmt.Sprint(ctx.Message(), " ", ctx.CancelKey("alarm"))
			}
		})
	})
	clock.Tell("set")
	fmt.Println(<-alarm)
	// Output:
	// true
	// early false
}

func ExampleContext_Unhandled() {
	sys := newShop()
	defer sys.Stop(context.Background())

	noticed := make(chan string, 1)
	office, _ := sys.Spawn("office", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if m, ok := ctx.Message().(actor.Unhandled); ok {
				noticed <- fmt.Sprint(m.To.Path(), " has no use for ", m.Message)
			}
		})
	})
	actor.Subscribe[actor.Unhandled](sys, office)
	account, _ := actor.SpawnTyped(sys, "account", NewAccount)
	account.PID().Tell("what?") // a typed actor calls ctx.Unhandled by itself
	fmt.Println(<-noticed)
	// Output: /user/account has no use for what?
}

func ExampleContext_Abort() {
	sys := newShop()
	defer sys.Stop(context.Background())

	printer, _ := sys.Spawn("printer", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			ctx.Abort(errors.New("paper jam")) // as ctx.Fail, but the handler ends here
			fmt.Println("never printed")
		})
	}, actor.Supervise{Decide: func(err error) actor.Directive {
		fmt.Println(err)
		return actor.Stop
	}})
	printer.Tell("page 1")
	fmt.Println(actor.AwaitEnd(context.Background(), printer))
	// Output:
	// paper jam
	// <nil>
}

func ExampleContext_Select() {
	sys := newShop()
	defer sys.Stop(context.Background())

	heard := make(chan string)
	for _, name := range []string{"till-1", "till-2", "door"} {
		_, _ = sys.Spawn(name, func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) { heard <- fmt.Sprint(ctx.Message()) })
		})
	}
	boss, _ := sys.Spawn("boss", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			tills, err := ctx.Select("../till-*") // siblings, by their paths
			if err == nil {
				tills.Tell("closing time")
			}
		})
	})
	boss.Tell("it is six")
	fmt.Println(<-heard, <-heard)
	// Output: closing time closing time
}

func ExampleContext_Unbecome() {
	sys := newShop()
	defer sys.Stop(context.Background())

	lamp, _ := sys.Spawn("lamp", func() actor.Actor {
		lit := func(ctx *actor.Context) {
			ctx.Unbecome()
			ctx.Reply("on, and now off")
		}
		return actor.Func(func(ctx *actor.Context) {
			ctx.BecomeStacked(lit)
			ctx.Reply("off, and now on")
		})
	})
	for range 3 {
		fmt.Println(actor.AskAs[string](context.Background(), lamp, any("switch")))
	}
	// Output:
	// off, and now on <nil>
	// on, and now off <nil>
	// off, and now on <nil>
}

// billboard shows what it is told.
type billboard struct{ shows chan any }

// Deliver takes a message on the goroutine of its sender.
func (b billboard) Deliver(msg any, _ actor.PID) error {
	b.shows <- msg
	return nil
}

func ExampleSystem_NewRef() {
	sys := newShop()
	defer sys.Stop(context.Background())

	board := billboard{make(chan any, 1)}
	ref := sys.NewRef("/user/billboard", board) // can be told things, and isn't an actor
	ref.Tell("fresh bread")
	fmt.Println(<-board.shows)
	// Output: fresh bread
}
