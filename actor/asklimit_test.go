package actor_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// Asks that wait for the system's timeout share a timer; each of them is over at
// its own time all the same, and those that are answered don't disturb the others.
func TestEveryAskHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		answers := spawn(t, sys, "", func(ctx *actor.Context) {
			if ctx.Message().(int)%3 == 0 {
				ctx.Reply(ctx.Message())
			}
		})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 77 * time.Millisecond)
				begun := time.Now()
				got, err := actor.AskAs[int](context.Background(), answers, any(i))
				if i%3 == 0 {
					require.NoError(t, err)
					require.Equal(t, i, got)
					require.Zero(t, time.Since(begun))
					return
				}
				require.ErrorIs(t, err, actor.ErrTimeout)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 5*time.Second, time.Since(begun))
			})
		}
		all.Wait()
		time.Sleep(time.Minute) // the timer has nothing to do by then
		_, err := actor.AskAs[int](context.Background(), answers, any(1))
		require.ErrorIs(t, err, actor.ErrTimeout)
	})
}

func TestAskCostsFewAllocations(t *testing.T) {
	sys := newSystem(t)
	pong := spawn(t, sys, "", func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	msg := any(struct{}{})
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		_, _ = actor.AskAs[struct{}](context.Background(), pong, msg)
	}), 2.0)
}

// Children without a name are found by the name they were given, before and after
// the first of them was looked for.
func TestNamesGivenOutAreFound(t *testing.T) {
	sys := newSystem(t)
	nothing := func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	var refs []actor.PID
	for i := range 20 {
		name := ""
		if i%4 == 0 {
			name = fmt.Sprint("n", i)
		}
		pid, err := sys.Spawn(name, nothing)
		require.NoError(t, err)
		refs = append(refs, pid)
		if i < 10 {
			continue
		}
		for j, ref := range refs {
			found := sys.RefOf(actor.Location{System: ref.Location().System, UID: ref.Location().UID, Path: ref.Path(), ID: ref.Location().ID})
			require.Equal(t, j != 3 || i == 10, found == ref)
		}
		if i == 10 {
			require.NoError(t, actor.GracefulStop(t.Context(), refs[3]))
		}
	}
}
