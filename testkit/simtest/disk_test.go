package simtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/testkit/simtest"
)

func event(seq uint64) persistence.Event {
	return persistence.Event{Seq: seq, Name: "e", Payload: []byte{byte(seq)}}
}

// What is acknowledged is there, what is refused is not, whatever the faults:
// the rules of the store itself, with a writer that recovers by reading.
func TestTheStoreKeepsItsWord(t *testing.T) {
	simtest.Run(t, 60, func(w *simtest.World) {
		s := simtest.DrawSwarm(w.Rand("swarm"))
		s.DiskDoubt, s.Outage, s.OutageMax, s.Crash = 0.2, 10*time.Second, 2*time.Second, 10*time.Second
		w.SetSwarm(s)
		var highest, acked uint64
		var doubts int
		w.OnAppend(func(a simtest.Appended) {
			if len(a.Events) == 0 {
				return // a claim
			}
			require.Equal(w.T(), highest+1, a.Events[0].Seq, "no gap, no double")
			highest = a.Events[len(a.Events)-1].Seq
		})
		a := w.Node("a", simtest.Boot(func(n *simtest.Node) error {
			ctx, store := context.Background(), n.Store()
			epoch := actor.Epoch{Cluster: 1, Node: uint64(n.Process())}
			for {
				at, err := store.Claim(ctx, "id", epoch)
				for err == nil {
					if err = store.Append(ctx, "id", epoch, []persistence.Event{event(at + 1)}); err == nil {
						at++
						acked = at
					}
				}
				if errors.Is(err, persistence.ErrInDoubt) {
					doubts++
				}
				require.NotErrorIs(w.T(), err, persistence.ErrConflict)
				require.NotErrorIs(w.T(), err, persistence.ErrFenced)
				sleep(n, 10*time.Millisecond)
			}
		}))
		w.Chaos(30*time.Second, a)
		before := acked
		w.Until("progress", 5*time.Second, simtest.That(func() bool { return acked > before+10 }))
		require.NotZero(w.T(), doubts)
		require.GreaterOrEqual(w.T(), highest, acked)
		var n uint64
		for e, err := range w.Stored().Replay(context.Background(), "id", 1, persistence.SeqMax) {
			require.NoError(w.T(), err)
			n++
			require.Equal(w.T(), n, e.Seq)
		}
		require.Equal(w.T(), highest, n)
	})
}

func TestAnOlderEpochIsRefusedByTheStore(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		a, b := w.Node("a"), w.Node("b")
		ctx := context.Background()
		older, newer := actor.Epoch{Cluster: 1, Node: 1}, actor.Epoch{Cluster: 1, Node: 2}
		require.NoError(w.T(), a.Store().Append(ctx, "id", older, []persistence.Event{event(1)}))
		highest, err := b.Store().Claim(ctx, "id", newer)
		require.NoError(w.T(), err)
		require.EqualValues(w.T(), 1, highest)
		require.ErrorIs(w.T(), a.Store().Append(ctx, "id", older, []persistence.Event{event(2)}), persistence.ErrFenced)
		w.Outage(time.Second)
		require.ErrorIs(w.T(), b.Store().Append(ctx, "id", newer, []persistence.Event{event(2)}), persistence.ErrUnavailable)
		w.Heal()
		require.NoError(w.T(), b.Store().Append(ctx, "id", newer, []persistence.Event{event(2)}))
	})
}
