package simtest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit/simtest"
)

type ping struct{ actor.Returns[pong] }

type pong struct{ n int }

// ponger answers, now and then only after it has blocked its turn.
type ponger struct {
	n   *simtest.Node
	got int
}

func (p *ponger) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case ping:
		p.got++
		if p.got%3 == 0 {
			sleep(p.n, time.Millisecond)
		}
		actor.Reply(ctx, m, pong{p.got})
	default:
		ctx.Unhandled()
	}
}

// sleep blocks the caller as code under test does: through the executor.
func sleep(n *simtest.Node, d time.Duration) {
	var g actor.Gate
	n.Clock().AfterFunc(d, func() { g.Open() })
	n.Executor().Wait(&g)
}

func TestABlockedTurnBlocksNobodyElse(t *testing.T) {
	simtest.Run(t, 50, func(w *simtest.World) {
		n := w.Node("a")
		first, err := n.System().Spawn("first", func() actor.Actor { return &ponger{n: n} })
		require.NoError(w.T(), err)
		var sum int
		for i := range 20 {
			n.Go(func() {
				answer, err := actor.Ask(context.Background(), first, ping{})
				require.NoError(w.T(), err)
				sum += answer.n
				w.Note("asker %d got %d", i, answer.n)
			})
		}
		w.Until("all answered", time.Second, simtest.That(func() bool { return sum == 210 }))
		// Six of them slept a millisecond on the actor's turn, one after another.
		require.GreaterOrEqual(w.T(), w.Elapsed(), 6*time.Millisecond)
		require.NoError(w.T(), n.System().Stop(context.Background()))
	})
}

func TestSameSeedSameTrace(t *testing.T) {
	hashes := map[uint64]uint64{}
	for range 2 {
		simtest.Replay(t, func(w *simtest.World) {
			scramble(w)
			if before, ok := hashes[w.Seed()]; ok {
				require.Equal(t, before, w.Hash(), "seed %d", w.Seed())
			}
			hashes[w.Seed()] = w.Hash()
		}, 1, 2, 3, 4, 5, 6, 7, 8)
	}
	seen := map[uint64]bool{}
	for _, h := range hashes {
		seen[h] = true
	}
	require.Len(t, seen, 8, "different seeds run differently")
}

// scramble lets many actors of three nodes talk under pauses and crashes.
func scramble(w *simtest.World) {
	boot := simtest.Boot(func(n *simtest.Node) error {
		for i := range 5 {
			pid, err := n.System().Spawn(fmt.Sprint("p", i), func() actor.Actor { return &ponger{n: n} })
			if err != nil {
				return err
			}
			n.Go(func() {
				for {
					_, _ = actor.Ask(context.Background(), pid, ping{})
					sleep(n, time.Duration(n.Rand(fmt.Sprint(i)).IntN(1000))*time.Microsecond)
				}
			})
		}
		return nil
	})
	a, b, c := w.Node("a", boot), w.Node("b", boot), w.Node("c", boot)
	w.SetSwarm(simtest.DrawSwarm(w.Rand("swarm")))
	w.Chaos(300*time.Millisecond, a, b, c)
	w.Run(50 * time.Millisecond)
}

func TestACrashLeavesNothingBehind(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		var ran, unwound, boots int
		n := w.Node("a", simtest.Boot(func(n *simtest.Node) error {
			boots++
			n.Clock().AfterFunc(10*time.Millisecond, func() { ran++ })
			n.Go(func() {
				defer func() { unwound++ }()
				defer func() { _ = recover() }() // nothing to recover from
				sleep(n, 20*time.Millisecond)
				ran++
			})
			return nil
		}))
		w.Run(5 * time.Millisecond)
		uid := n.UID()
		w.Crash(n)
		require.Equal(w.T(), 1, unwound, "the parked function ran its deferred calls")
		require.False(w.T(), n.Alive())
		w.Run(time.Second)
		require.Zero(w.T(), ran, "nothing of a dead process runs")
		w.Restart(n)
		require.NotEqual(w.T(), uid, n.UID())
		w.Run(time.Second)
		require.Equal(w.T(), 2, ran, "the new process runs all of it")
		require.Equal(w.T(), 2, boots)
	})
}

func TestAPauseMakesTimersLate(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		n := w.Node("a")
		var fired []time.Duration
		for i := range 5 {
			n.Clock().AfterFunc(time.Duration(i+1)*time.Millisecond, func() { fired = append(fired, w.Elapsed()) })
		}
		stopped := n.Clock().AfterFunc(time.Millisecond, func() { fired = append(fired, -1) })
		w.Pause(n, 50*time.Millisecond)
		w.Run(10 * time.Millisecond)
		require.Empty(w.T(), fired)
		require.True(w.T(), stopped.Stop(), "a timer that is held back can be stopped")
		w.Run(100 * time.Millisecond)
		require.Len(w.T(), fired, 5)
		for _, at := range fired {
			require.GreaterOrEqual(w.T(), at, 50*time.Millisecond)
			require.Less(w.T(), at, 51*time.Millisecond)
		}
	})
}

func TestAProcessThatExitsIsRelaunched(t *testing.T) {
	simtest.Run(t, 5, func(w *simtest.World) {
		n := w.Node("a", simtest.Relaunch(time.Second), simtest.Boot(func(n *simtest.Node) error {
			if n.Process() < 3 {
				return fmt.Errorf("not yet")
			}
			return nil
		}))
		w.Run(5 * time.Second)
		require.True(w.T(), n.Alive())
		require.Equal(w.T(), 3, n.Process())
	})
}

func TestStoppedTimersDontFillTheHeap(t *testing.T) {
	simtest.Run(t, 1, func(w *simtest.World) {
		n := w.Node("a")
		for range 100_000 {
			require.True(w.T(), n.Clock().AfterFunc(time.Hour, func() { w.Failf("a stopped timer fired") }).Stop())
		}
		require.Less(w.T(), w.Pending(), 5000)
		w.Run(2 * time.Hour)
	})
}

func TestMeasuringOutsideOfTests(t *testing.T) {
	var at time.Duration
	require.NoError(t, simtest.Measure(1, func(w *simtest.World) {
		w.Run(time.Second)
		at = w.Elapsed()
	}))
	require.Equal(t, time.Second, at)
	err := simtest.Measure(7, func(w *simtest.World) {
		require.Equal(w.T(), 1, 2, "what the script demands")
		at = 0
	})
	require.ErrorContains(t, err, "what the script demands")
	require.ErrorContains(t, err, "seed 7")
	require.Equal(t, time.Second, at, "a demand that isn't met ends the script")
}
