package simtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// newTally is the event-sourced actor of one tally on a node.
func newTally(l *ledger, n *simtest.Node, id string, epoch actor.Epoch, recovered func()) actor.Receiver[command] {
	store := n.Store()
	b := tallying{recovered: func(seq uint64) {
		l.writes.Recovered(n, id, seq)
		if recovered != nil {
			recovered()
		}
	}}
	return persistence.New(b, persistence.Config[tally]{
		ID: id, Journal: store, Epoch: epoch, Snapshots: store, SnapshotEvery: 7, DeleteEvents: false,
		VerifyOwner: l.verifying,
	})
}

// One process with event-sourced actors that is killed and started again, over
// a store that is slow, in doubt and away: PS-1 to PS-5, and progress after that.
func TestEventsSurviveCrashesAndDoubt(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		l := newLedger(w)
		s := simtest.DrawSwarm(w.Rand("swarm"))
		w.SetSwarm(s)
		const ids = 4
		a := w.Node("a", simtest.Boot(func(n *simtest.Node) error {
			if err := registerTally(n.System().Registry()); err != nil {
				return err
			}
			epoch := actor.Epoch{Cluster: 1, Node: 1, Count: uint64(n.Process())}
			for i := range ids {
				id := fmt.Sprint("tally/", i)
				ref, err := actor.SpawnTyped(n.System(), fmt.Sprint("t", i), func() actor.Receiver[command] {
					return newTally(l, n, id, epoch, nil)
				}, actor.Supervise{Backoff: actor.Backoff{Min: 20 * time.Millisecond, Max: time.Second}})
				if err != nil {
					return err
				}
				for range 2 {
					n.Go(func() {
						for {
							l.put(n, id, through(ref))
							sleep(n, 200*time.Millisecond)
						}
					})
				}
			}
			return nil
		}))
		w.Chaos(time.Minute, a)
		before := l.count
		w.Until("progress", 30*time.Second, simtest.That(func() bool { return l.count > before+100 }))
		l.audit()
		require.Greater(w.T(), l.writes.Total(), 100)
	})
}

// Two owners of one id, of whom one doesn't know that it was replaced: the
// older one's next write is refused and it stops (F-12 in small).
func TestAReplacedOwnerStops(t *testing.T) {
	simtest.Run(t, 40, func(w *simtest.World) {
		l := newLedger(w)
		w.SetSwarm(simtest.DrawSwarm(w.Rand("swarm")))
		a, b := w.Node("a"), w.Node("b")
		spawn := func(n *simtest.Node, count uint64) actor.Ref[command] {
			require.NoError(w.T(), registerTally(n.System().Registry()))
			ref, err := actor.SpawnTyped(n.System(), "t", func() actor.Receiver[command] {
				return newTally(l, n, "tally/x", actor.Epoch{Cluster: 1, Node: 1, Count: count}, nil)
			}, actor.Supervise{Backoff: actor.Backoff{Min: 20 * time.Millisecond, Max: time.Second}})
			require.NoError(w.T(), err)
			return ref
		}
		older := spawn(a, 1)
		a.Do(func() { l.put(a, "tally/x", through(older)) })
		gone := false
		_, err := a.System().Spawn("watcher", func() actor.Actor { return &onEnd{of: older.PID(), then: func() { gone = true }} })
		require.NoError(w.T(), err)
		newer := spawn(b, 2)
		b.Do(func() { l.put(b, "tally/x", through(newer)) })
		older.Tell(put{Op: 1 << 40})
		w.Until("the older owner has stopped", 2*time.Minute, simtest.That(func() bool { return gone }))
		b.Do(func() { l.put(b, "tally/x", through(newer)) })
		l.audit()
	})
}

// onEnd calls a function when an actor has stopped.
type onEnd struct {
	of   actor.PID
	then func()
}

func (o *onEnd) PreStart(ctx *actor.Context) error { ctx.Watch(o.of); return nil }

func (o *onEnd) Receive(ctx *actor.Context) {
	if m, ok := ctx.Message().(actor.Terminated); ok && m.Ref == o.of {
		o.then()
	}
}
