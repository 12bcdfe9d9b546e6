// Command hello is the smallest useful program: one actor, two messages.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/troupe-go/troupe/actor"
)

// Hello is a message.
type Hello struct{ Name string }

// HowMany is a message that says what it is answered with: an int.
type HowMany struct{ actor.Returns[int] }

// Greeter is an actor: a struct that nobody else can touch.
type Greeter struct{ greeted int }

// Receive handles one message at a time, so greeted needs no lock.
func (g *Greeter) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case Hello:
		g.greeted++
		fmt.Println("hello,", m.Name)
	case HowMany:
		actor.Reply(ctx, m, g.greeted)
	}
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	sys, err := actor.NewSystem("hello", actor.Config{})
	if err != nil {
		return err
	}
	greeter, err := sys.Spawn("greeter", actor.Of[Greeter])
	if err != nil {
		return err
	}
	greeter.Tell(Hello{"Ada"}) // returns at once
	greeter.Tell(Hello{"Bert"})
	n, err := actor.Ask(ctx, greeter, HowMany{}) // waits for the answer; n is an int
	if err != nil {
		return err
	}
	fmt.Println("greeted:", n)
	return sys.Stop(ctx)
}
