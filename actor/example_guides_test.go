package actor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// poller looks for news every second, and sleeps when nobody asks for long.
type poller struct{ looks int }

type look struct{}

func (p *poller) PreStart(ctx *actor.Context) error {
	ctx.EveryKey("look", time.Second, look{})
	ctx.SetReceiveTimeout(time.Hour)
	return nil
}

func (look) BackgroundMessage() {} // a look is no sign that somebody cares

func (p *poller) Receive(ctx *actor.Context) {
	switch ctx.Message().(type) {
	case look:
		p.looks++
	case actor.ReceiveTimeout:
		ctx.CancelKey("look")
	default:
		ctx.Reply(p.looks)
	}
}

func ExampleContext_SetReceiveTimeout() {
	sys, _ := actor.NewSystem("news", actor.Config{})
	defer sys.Stop(context.Background())

	pid, _ := sys.Spawn("poller", actor.Of[poller])
	fmt.Println(actor.AskAs[int](context.Background(), pid, any("how often?")))
	// Output: 0 <nil>
}

// gate lets nothing through until it is opened.
type gate struct{}

func (g *gate) Receive(ctx *actor.Context) {
	if ctx.Message() != "open" {
		if err := ctx.Stash(); err != nil {
			ctx.Log().Warn().Err(err).Msg("refused")
		}
		return
	}
	ctx.Become(g.opened)
	ctx.UnstashAll()
}

func (g *gate) opened(ctx *actor.Context) { ctx.Reply(ctx.Message()) }

func ExampleContext_Stash() {
	sys, _ := actor.NewSystem("castle", actor.Config{})
	defer sys.Stop(context.Background())

	pid, _ := sys.Spawn("gate", actor.Of[gate])
	go pid.Tell("open")
	fmt.Println(actor.AskAs[string](context.Background(), pid, any("knight")))
	// Output: knight <nil>
}

// teller is a parent that learns why its worker ended.
type teller struct{}

func (t *teller) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case string:
		worker, err := ctx.Spawn("worker", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) { ctx.Fail(errors.New("out of paper")) })
		}, actor.Supervise{MaxRestarts: -1})
		if err != nil {
			ctx.Fail(err)
			return
		}
		ctx.Watch(worker)
		ctx.Forward(worker)
	case actor.Terminated:
		fmt.Println(m.Ref.Path(), "ended:", m.Cause)
		ctx.Stop(ctx.Self())
	}
}

func ExampleTerminated() {
	sys, _ := actor.NewSystem("bank", actor.Config{})
	defer sys.Stop(context.Background())

	pid, _ := sys.Spawn("teller", actor.Of[teller])
	pid.Tell("print")
	_ = actor.AwaitEnd(context.Background(), pid)
	// Output: /user/teller/worker ended: out of paper
}

func ExampleDedicated() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	reports := actor.Dedicated{Class: "reports", Goroutines: 2} // at most two at once
	pid, err := sys.Spawn("yearly", actor.Of[Greeter], reports, actor.Bounded(100))
	fmt.Println(pid.Path(), err)
	// Output: /user/yearly <nil>
}

func ExampleMailbox() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	latest := actor.Mailbox{Max: 10, Overflow: actor.DropOldest}
	urgent := actor.Mailbox{Priority: func(msg any) int {
		if msg == "alarm" {
			return 0 // before all others
		}
		return 1
	}}
	_, err1 := sys.Spawn("display", actor.Of[Greeter], latest)
	_, err2 := sys.Spawn("guard", actor.Of[Greeter], urgent)
	fmt.Println(err1, err2)
	// Output: <nil> <nil>
}

func ExampleIntercept() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	timed := actor.Intercept(func(ctx *actor.Context, msg any, next func(msg any)) {
		begun := ctx.Now()
		next(msg)
		ctx.Log().Debug().Type("message", msg).Dur("took", ctx.Now().Sub(begun)).Send()
	})
	greeter, _ := sys.Spawn("greeter", actor.Of[Greeter], timed)
	fmt.Println(actor.AskAs[string](context.Background(), greeter, any(Hello{"Ada"})))
	// Output: hello, Ada (1) <nil>
}

func ExampleSystem_AddStopTask() {
	sys, _ := actor.NewSystem("shop", actor.Config{
		Shutdown: map[actor.Phase]actor.PhaseConfig{actor.PhaseServiceStop: {Timeout: 30 * time.Second}},
	})
	printer, _ := sys.Spawn("printer", actor.Of[Greeter])
	sys.AddStopTask(actor.PhaseServiceStop, "last pages", func(ctx context.Context) error {
		return actor.GracefulStop(ctx, printer) // what waits is printed first
	})
	sys.BeginStop("closing time")
	fmt.Println(sys.Stop(context.Background()), sys.StopReason())
	// Output: <nil> closing time
}

func ExampleAskThen() {
	sys, _ := actor.NewSystem("bank", actor.Config{})
	defer sys.Stop(context.Background())

	account, _ := actor.SpawnTyped(sys, "account", NewAccount)
	clerk, _ := sys.Spawn("clerk", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			actor.AskThen(ctx, account, GetBalance{}, func(balance int, err error) {
				ctx.Reply(fmt.Sprint("balance ", balance)) // a turn of the clerk, to whoever asked it
			})
		})
	})
	account.Tell(Deposit{5})
	fmt.Println(actor.AskAs[string](context.Background(), clerk, any("?")))
	// Output: balance 5 <nil>
}

func ExampleTopic() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	const prices = actor.Topic[Deposit]("prices")
	board, _ := actor.SpawnTyped(sys, "board", NewAccount)
	err := prices.Subscribe(sys, actor.Narrow[Deposit](board.PID()))
	prices.Publish(sys, Deposit{3})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleSystem_Tree() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	sys.Spawn("till", actor.Of[Greeter])
	for i := range sys.Tree() {
		fmt.Println(i.Path, i.Waiting, i.Restarts)
	}
	// Output:
	// /user 0 0
	// /user/till 0 0
	// /system 0 0
}
