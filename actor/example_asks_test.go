package actor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// newShop starts a system that logs nothing.
func newShop() *actor.System {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("shop", actor.Config{Logger: &quiet})
	if err != nil {
		panic(err)
	}
	return sys
}

// shout is an actor made of a function.
func shout() actor.Actor {
	return actor.Func(func(ctx *actor.Context) {
		if s, ok := ctx.Message().(string); ok {
			ctx.Reply(strings.ToUpper(s))
		}
	})
}

func ExampleAsk() {
	sys := newShop()
	defer sys.Stop(context.Background())

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // how long to wait at most
	defer cancel()
	account, _ := actor.SpawnTyped(sys, "account", NewAccount)
	balance, err := actor.Ask(ctx, account, GetBalance{}) // an int, because GetBalance says so
	fmt.Println(balance+1, err)
	// Output: 1 <nil>
}

func ExampleAskAs() {
	sys := newShop()
	defer sys.Stop(context.Background())

	shouter, _ := sys.Spawn("shouter", shout)
	answer, err := actor.AskAs[string](context.Background(), shouter, any("hello"))
	fmt.Println(answer, err)

	_, err = actor.AskAs[int](context.Background(), shouter, any("hello"))
	var wrong *actor.ReplyTypeError
	fmt.Println(errors.As(err, &wrong), wrong)
	// Output:
	// HELLO <nil>
	// true reply is a string, not a int
}

func ExampleAskAsThen() {
	sys := newShop()
	defer sys.Stop(context.Background())

	shouter, _ := sys.Spawn("shouter", shout)
	clerk, _ := sys.Spawn("clerk", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			actor.AskAsThen(ctx, shouter, ctx.Message(), func(answer string, err error) {
				ctx.Reply(answer + "!") // a turn of the clerk, to whoever asked it
			})
		})
	})
	fmt.Println(actor.AskAs[string](context.Background(), clerk, any("hello")))
	// Output: HELLO! <nil>
}

func ExampleReply() {
	sys := newShop()
	defer sys.Stop(context.Background())

	type HowLong struct {
		actor.Returns[int]
		Text string
	}
	ruler, _ := sys.Spawn("ruler", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if m, ok := ctx.Message().(HowLong); ok {
				actor.Reply(ctx, m, len(m.Text)) // anything but an int does not compile
			}
		})
	})
	fmt.Println(actor.Ask(context.Background(), ruler, HowLong{Text: "hello"}))
	// Output: 5 <nil>
}

func ExampleFailure() {
	sys := newShop()
	defer sys.Stop(context.Background())

	errSoldOut := errors.New("sold out")
	shelf, _ := sys.Spawn("shelf", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Reply(actor.Failure{Err: errSoldOut}) })
	})
	_, err := actor.AskAs[string](context.Background(), shelf, any("bread"))
	fmt.Println(errors.Is(err, errSoldOut))
	// Output: true
}

func ExampleAwait() {
	sys := newShop()
	defer sys.Stop(context.Background())

	till, _ := sys.Spawn("till", func() actor.Actor {
		opened := 0
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() == "how often?" {
				ctx.Reply(opened) // waited in the mailbox until opened was known
				return
			}
			actor.Await(ctx,
				func(context.Context) (int, error) { return 3, nil }, // may block: it runs elsewhere
				func(n int, _ error) { opened = n })                  // a turn of the till
		})
	})
	till.Tell("look it up")
	fmt.Println(actor.AskAs[int](context.Background(), till, any("how often?")))
	// Output: 3 <nil>
}

func ExampleSession() {
	sys := newShop()
	defer sys.Stop(context.Background())

	desk, _ := sys.Spawn("desk", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			customer := ctx.Sender()
			pid, err := actor.Session(ctx, time.Minute, func() actor.Actor { // ends after a minute at the latest
				return actor.Func(func(ctx *actor.Context) {
					ctx.Tell(customer, "served")
					ctx.Stop(ctx.Self())
				})
			})
			if err == nil {
				pid.Tell("begin")
			}
		})
	})
	fmt.Println(actor.AskAs[string](context.Background(), desk, any("good morning")))
	// Output: served <nil>
}

func ExampleGracefulStopWith() {
	sys := newShop()
	defer sys.Stop(context.Background())

	clerk, _ := sys.Spawn("clerk", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() == "close" {
				fmt.Println("counts the money")
				ctx.Stop(ctx.Self())
			}
		})
	})
	fmt.Println(actor.GracefulStopWith(context.Background(), clerk, "close"))
	// Output:
	// counts the money
	// <nil>
}

func ExampleAwaitEnd() {
	sys := newShop()
	defer sys.Stop(context.Background())

	customer, _ := sys.Spawn("customer", actor.Of[Greeter], actor.Lifetime(time.Millisecond))
	fmt.Println(actor.AwaitEnd(context.Background(), customer))
	fmt.Println(customer.TryTell("hello?"))
	// Output:
	// <nil>
	// stopped
}

func ExampleNewBreaker() {
	sys := newShop()
	defer sys.Stop(context.Background())

	breaker := actor.NewBreaker(sys, actor.BreakerConfig{Name: "card reader", MaxFailures: 2, ResetTimeout: time.Minute})
	pay := func(context.Context) (string, error) { return "", errors.New("no connection") }
	for range 3 {
		_, err := actor.Guard(context.Background(), breaker, pay)
		var open *actor.BreakerOpenError
		fmt.Println(breaker.State(), errors.As(err, &open))
	}
	// Output:
	// closed false
	// open false
	// open true
}
