package remote_test

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

type Greet struct {
	actor.Returns[string]
	Name string `msgpack:"name"`
}

type Greeter struct{}

func (*Greeter) Receive(ctx *actor.Context) {
	if m, ok := ctx.Message().(Greet); ok {
		actor.Reply(ctx, m, "hello, "+m.Name)
	}
}

// Two systems of one process talk over loopback.
func Example() {
	quiet := zerolog.Nop()
	begin := func() (*actor.System, error) {
		sys, err := actor.NewSystem("shop", actor.Config{Logger: &quiet})
		if err != nil {
			return nil, err
		}
		if err := codec.Register[Greet](sys.Registry(), "shop.Greet.v1"); err != nil {
			return nil, err
		}
		_, err = remote.Start(sys, remote.Config{})
		return sys, err
	}
	here, err := begin()
	if err != nil {
		fmt.Println(err)
		return
	}
	there, err := begin()
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := there.Spawn("greeter", actor.Of[Greeter]); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	answer, err := actor.Ask(ctx, here.RefAt(there.Addr(), "/user/greeter"), Greet{Name: "Ada"})
	fmt.Println(answer, err)
	fmt.Println(here.Stop(ctx), there.Stop(ctx))
	// Output:
	// hello, Ada <nil>
	// <nil> <nil>
}
