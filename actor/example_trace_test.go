package actor_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/actor"
)

func ExampleWithTrace() {
	sys, err := actor.NewSystem("shop", actor.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tracing := actor.Intercept(func(ctx *actor.Context, msg any, next func(any)) {
		if t := ctx.Trace(); t != "" {
			ctx.SetTrace(t + "/" + actor.Trace(ctx.Name())) // begin a span here, and end it below
		}
		next(msg)
	})
	done := make(chan struct{})
	till, err := sys.Spawn("till", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			fmt.Println(ctx.Message(), ctx.Trace())
			close(done)
		})
	}, tracing)
	if err != nil {
		fmt.Println(err)
		return
	}
	pid, err := sys.Spawn("orders", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Tell(till, "pay "+fmt.Sprint(ctx.Message())) })
	}, tracing)
	if err != nil {
		fmt.Println(err)
		return
	}
	pid.Tell(actor.WithTrace("order 7", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	<-done
	fmt.Println(sys.Stop(context.Background()))
	// Output:
	// pay order 7 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01/orders/till
	// <nil>
}

func ExampleTraceOf() {
	msg, trace := actor.TraceOf(actor.WithTrace("order 7", "00-4bf9"))
	fmt.Println(msg, trace)
	// Output: order 7 00-4bf9
}
