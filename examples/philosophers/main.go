// Command philosophers lets five philosophers dine with five chopsticks. Each
// chopstick and each philosopher is a state machine; nobody waits for ever, and
// nobody holds a lock.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"time"

	"github.com/troupe-go/troupe/actor"
)

func main() {
	var o options
	flag.IntVar(&o.meals, "meals", 3, "how often each philosopher eats before leaving")
	flag.DurationVar(&o.eat, "eat", 200*time.Millisecond, "how long a meal takes")
	flag.DurationVar(&o.think, "think", 200*time.Millisecond, "the least time between two meals; the most is twice that")
	flag.Parse()
	if o.meals < 1 || o.eat <= 0 || o.think <= 0 {
		log.Fatal("philosophers: -meals, -eat and -think must be above zero")
	}
	sys, err := actor.NewSystem("philosophers", actor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	sys.StopOnSignal() // Ctrl-C ends the dinner in order
	if err := dine(sys, os.Stdout, o); err != nil {
		log.Fatal(err)
	}
}

// dine serves the dinner and returns when the system has stopped: everybody has
// eaten, or somebody has asked for the end.
func dine(sys *actor.System, out io.Writer, o options) error {
	if _, err := actor.SpawnTyped(sys, "table", newTable(out, o)); err != nil {
		return err
	}
	<-sys.Stopped().Done()
	return sys.Stop(context.Background())
}
