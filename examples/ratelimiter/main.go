// Command ratelimiter lets clients work only as fast as a limiter hands out
// permits, gives each client the same share however greedily it asks, and
// measures the rate that comes out.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/troupe-go/troupe/actor"
)

// options are what the program can be told.
type options struct {
	rate    rate
	modest  int // clients with one request under way
	greedy  int // requests that the greedy client has under way
	seconds int
	verbose bool
}

func main() {
	var o options
	flag.IntVar(&o.rate.perSecond, "rate", 40, "permits a second")
	flag.IntVar(&o.rate.burst, "burst", 20, "permits that are saved up while nobody asks")
	flag.IntVar(&o.rate.waitMax, "wait", 16, "requests of one client that may wait; more are refused")
	flag.IntVar(&o.modest, "modest", 3, "clients with one request under way")
	flag.IntVar(&o.greedy, "greedy", 20, "requests that the greedy client has under way")
	flag.IntVar(&o.seconds, "for", 4, "seconds to run")
	flag.BoolVar(&o.verbose, "v", false, "tell when the limiter opens and closes")
	flag.Parse()
	if min(o.rate.perSecond, o.rate.burst, o.rate.waitMax, o.seconds) < 1 || min(o.modest, o.greedy) < 0 {
		log.Fatal("ratelimiter: -rate, -burst, -wait and -for must be above zero, -modest and -greedy not below")
	}
	sys, err := actor.NewSystem("ratelimiter", actor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	sys.StopOnSignal() // Ctrl-C ends the run in order
	if err := work(sys, os.Stdout, o); err != nil {
		log.Fatal(err)
	}
}

// clients are those who work, the greedy one last.
func (o options) clients() []client {
	var all []client
	for i := range o.modest {
		all = append(all, client{name: fmt.Sprint("modest-", i+1), underWay: 1})
	}
	return append(all, client{name: "greedy", underWay: o.greedy})
}

// work runs limiter, meter and clients, and returns when the system has stopped.
func work(sys *actor.System, out io.Writer, o options) error {
	limiter, err := sys.Spawn("limiter", newLimiter(o.rate).New)
	if err != nil {
		return err
	}
	meter, err := actor.SpawnTyped(sys, "meter", func() actor.Receiver[report] { return newMeter(out, o) })
	if err != nil {
		return err
	}
	limiter.Tell(actor.SubscribeTransitions{Subscriber: meter.PID()})
	for _, c := range o.clients() {
		c.limiter, c.meter = actor.Narrow[Acquire](limiter), meter
		if _, err := actor.SpawnTyped(sys, c.name, func() actor.Receiver[again] { return &c }); err != nil {
			return err
		}
	}
	<-sys.Stopped().Done()
	return sys.Stop(context.Background())
}
