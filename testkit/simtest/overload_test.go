package simtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/testkit/simtest"
)

type (
	// crate is work for a slow consumer.
	crate struct{ N int }
	// knock asks somebody who isn't busy.
	knock struct{ actor.Returns[knocked] }
	// knocked answers it.
	knocked struct{}
)

const (
	takes    = 200 * time.Millisecond // that the consumer needs for a crate
	overload = 10                     // how many times too many come
	roomFor  = 40                     // crates in the consumer's mailbox
)

// consumer works off one crate after the other and counts what became of them.
type consumer struct{ done, shed int }

// open starts the consumer on its node, and somebody on every node who answers.
func (c *consumer) open(failf func(string, ...any)) func(*simtest.Node, *cluster.Cluster) error {
	return func(at *simtest.Node, cl *cluster.Cluster) error {
		sys := at.System()
		for _, err := range []error{
			codec.Register[crate](sys.Registry(), "simtest.crate.v1"),
			codec.Register[knock](sys.Registry(), "simtest.knock.v1"),
			codec.Register[knocked](sys.Registry(), "simtest.knocked.v1"),
			peaceful(at, cl, failf),
		} {
			if err != nil {
				return err
			}
		}
		_, err := sys.Spawn("porter", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if m, ok := ctx.Message().(knock); ok {
					actor.Reply(ctx, m, knocked{})
				}
			})
		})
		if err != nil || at.Name() != "a" {
			return err
		}
		letters, err := sys.Spawn("letters", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if l, ok := ctx.Message().(actor.DeadLetter); ok && l.Reason == actor.DropMailboxFull {
					c.shed++
				}
			})
		})
		if err != nil {
			return err
		}
		actor.Subscribe[actor.DeadLetter](sys, letters)
		_, err = sys.Spawn("consumer", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if _, ok := ctx.Message().(crate); ok {
					sleep(at, takes)
					c.done++
				}
			})
		}, actor.Bounded(roomFor))
		return err
	}
}

// F-22: for minutes a consumer gets ten times what it can take, from all other
// nodes. Heartbeats don't wait behind that: nobody is held for unreachable, and
// whoever else is on its node answers at once. What is too much is counted, each
// of it, and the consumer is idle again soon after the load has gone.
func TestAnOverloadedConsumer(t *testing.T) {
	simtest.Run(t, 1, func(w *simtest.World) {
		c := &consumer{}
		nodes := fleet(w, 3, simtest.Clustered{Open: c.open(w.Failf)})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		sent, stopped, worst := 0, false, time.Duration(0)
		for _, n := range nodes[1:] {
			to := n.System().RefAt(nodes[0].Addr(), "/user/consumer")
			n.Go(func() {
				for ; !stopped; sleep(n, takes*time.Duration(len(nodes)-1)/overload) {
					to.Tell(crate{sent})
					sent++
				}
			})
			porter := n.System().RefAt(nodes[0].Addr(), "/user/porter")
			n.Go(func() {
				for ; !stopped; sleep(n, 500*time.Millisecond) {
					began := w.Elapsed()
					if _, err := actor.Ask(context.Background(), porter, knock{}); err != nil {
						w.Failf("%v: %v", n, err)
					}
					worst = max(worst, w.Elapsed()-began)
				}
			})
		}
		const long = 10 * time.Minute
		w.Run(long)
		stopped = true
		require.InDelta(w.T(), overload*float64(long/takes), sent, 0.02*overload*float64(long/takes))
		require.InDelta(w.T(), float64(long/takes), c.done, 0.02*float64(long/takes), "it worked all the time")
		require.Less(w.T(), worst, 100*time.Millisecond)
		w.Until("all is done or counted", 10*time.Second, simtest.That(func() bool { return c.done+c.shed == sent }))
		w.Until("all up", time.Second, w.AllUp(nodes...))
		require.True(w.T(), same(nodes))
	})
}
