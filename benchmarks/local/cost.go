package main

import (
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// bare is a system and actors as they are without any option.
const bare = "bare"

// feature is something that can be switched on, by the system's configuration, by
// options of the actors, or by somebody who looks on.
type feature struct {
	name    string
	cfg     actor.Config
	opts    []actor.SpawnOption
	looking bool // somebody reads the tree of actors all the time
}

var features = []feature{
	{name: bare},
	{name: "supervision", opts: []actor.SpawnOption{supervision}},
	{name: "bounded mailbox", opts: []actor.SpawnOption{bounded}},
	{name: "priority mailbox", opts: []actor.SpawnOption{actor.Mailbox{Priority: func(any) int { return 0 }}}},
	{name: "interceptor", opts: []actor.SpawnOption{passOn}},
	{name: "tree read every 10 ms", looking: true},
	{name: "message ages", cfg: actor.Config{MessageAges: true}},
	{name: "profile labels", cfg: actor.Config{ProfileLabels: true}},
	{name: "byte budget", cfg: actor.Config{MailboxBytes: 1 << 40}},
	{name: "no watchdog", cfg: actor.Config{SlowTurn: -1}},
	{
		name: "all of them", looking: true,
		cfg:  actor.Config{MessageAges: true, ProfileLabels: true, MailboxBytes: 1 << 40},
		opts: []actor.SpawnOption{supervision, bounded, passOn},
	},
}

var (
	supervision = actor.Supervise{
		MaxRestarts: 5, Within: time.Minute,
		Backoff: actor.Backoff{Min: 200 * time.Millisecond, Max: 10 * time.Second},
		Decide:  func(error) actor.Directive { return actor.Restart },
	}
	bounded = actor.Bounded(1 << 30) // never full: the cost of counting, not of refusing
	passOn  = actor.Intercept(func(_ *actor.Context, msg any, next func(msg any)) { next(msg) })
)

// costs are the workloads S1 to S3: what each feature costs beside the bare path.
func costs(scale int) []workload {
	million := sized(1_000_000, scale)
	kinds := []struct {
		id, what string
		run      func(p troupe, opts []actor.SpawnOption) figures
	}{
		{"S1", "one way, a message", func(p troupe, opts []actor.SpawnOption) figures {
			return each(4*million, p.oneWay(1, 1, 4*million, opts...))
		}},
		{"S2", "ping-pong, a round trip", func(p troupe, opts []actor.SpawnOption) figures {
			return each(million, p.pingPong(1, million, opts...))
		}},
		{"S3", "ask from a goroutine", func(p troupe, opts []actor.SpawnOption) figures {
			return each(million/2, p.ask(1, million/2, opts...))
		}},
	}
	var names []string
	for _, f := range features {
		names = append(names, f.name)
	}
	var all []workload
	for _, k := range kinds {
		all = append(all, workload{
			id: k.id, what: k.what, unit: "ns", contenders: names,
			run: func(contender string, _ float64) figures {
				f := featureOf(contender)
				p := newTroupe(f.cfg)
				defer p.stop()
				if f.looking {
					defer p.lookOn()()
				}
				return k.run(p, f.opts)
			},
		})
	}
	return all
}

func featureOf(name string) feature {
	for _, f := range features {
		if f.name == name {
			return f
		}
	}
	return feature{name: name}
}

// lookOn reads the tree of actors every ten milliseconds, as a collector of
// metrics would a thousand times more rarely, until the function it returns is
// called.
func (p troupe) lookOn() (end func()) {
	var waiting atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				for info := range p.sys.Tree() {
					waiting.Add(int64(info.Waiting))
				}
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}
