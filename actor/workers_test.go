package actor_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestReceiverRunsThoughItsSenderBlocks(t *testing.T) {
	sys := newSystem(t)
	for range 50 {
		free := make(chan struct{})
		opener := spawn(t, sys, "", func(*actor.Context) { close(free) })
		pid := spawn(t, sys, "", func(ctx *actor.Context) {
			ctx.Tell(opener, "") // becomes the next of this worker, which is about to block
			<-free
			ctx.Reply("done")
		})
		_, err := actor.AskAs[string](t.Context(), pid, any(""))
		require.NoError(t, err)
	}
}

func TestBlockedHandlersHoldUpNobody(t *testing.T) {
	sys := newSystem(t)
	release := make(chan struct{})
	var blocked, ended sync.WaitGroup
	const many = 500
	blocked.Add(many)
	ended.Add(many)
	for range many {
		spawn(t, sys, "", func(*actor.Context) {
			blocked.Done()
			<-release
			ended.Done()
		}).Tell("")
	}
	blocked.Wait()
	pong := spawn(t, sys, "", func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	for i := range 100 {
		got, err := actor.AskAs[int](t.Context(), pong, any(i))
		require.NoError(t, err)
		require.Equal(t, i, got)
	}
	close(release)
	ended.Wait()
}

// TestNoMessageIsLostUnderChurn lets actors send at random, block, exit their
// goroutine and yield, from inside and outside, and counts: AC-3.
func TestNoMessageIsLostUnderChurn(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("churn", actor.Config{Logger: &quiet, TurnMax: 7})
	require.NoError(t, err)
	var handled, sent atomic.Int64
	var idle sync.WaitGroup
	const actors, hops = 50, 200
	refs := make([]actor.PID, actors)
	for i := range refs {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		refs[i] = spawn(t, sys, "", func(ctx *actor.Context) {
			defer idle.Done()
			handled.Add(1)
			left := ctx.Message().(int)
			switch random.IntN(50) {
			case 0:
				runtime.Gosched()
			case 1:
				panic("now and then")
			case 2:
				runtime.Goexit()
			}
			if left > 0 {
				sent.Add(1)
				idle.Add(1)
				to := refs[random.IntN(actors)]
				if random.IntN(2) == 0 {
					ctx.Tell(to, left-1)
				} else {
					to.Tell(left - 1)
				}
			}
		})
	}
	for i := range refs {
		idle.Add(1)
		sent.Add(1)
		refs[i].Tell(hops)
	}
	idle.Wait()
	require.Equal(t, sent.Load(), handled.Load())
	require.NoError(t, sys.Stop(context.Background()))
}

func TestStopDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := zerolog.Nop()
		sys, err := actor.NewSystem("stuck", actor.Config{Logger: &quiet, StopTimeout: 3 * time.Second})
		require.NoError(t, err)
		release := make(chan struct{})
		spawn(t, sys, "x", func(ctx *actor.Context) {
			actor.Go(ctx, func(context.Context) (int, error) { <-release; return 0, nil }, func(int, error) {})
		}).Tell("")
		synctest.Wait()
		begun := time.Now()
		require.ErrorContains(t, sys.Stop(context.Background()), "without heeding its context")
		require.Equal(t, 3*time.Second, time.Since(begun))
		close(release)
	})
}

func TestTellInATurnCostsNoAllocation(t *testing.T) {
	for title, cfg := range map[string]actor.Config{"": {MailboxBytes: -1}, "with a bound of bytes": {MailboxBytes: 1 << 30}} {
		t.Run(title, func(t *testing.T) { tellInATurn(t, configured(t, cfg)) })
	}
}

func tellInATurn(t *testing.T, sys *actor.System) {
	t.Helper()
	sink := spawn(t, sys, "", func(*actor.Context) {})
	result := make(chan float64, 1)
	msg := any(struct{}{})
	spawn(t, sys, "", func(ctx *actor.Context) {
		for range 10_000 { // let the buffers grow
			ctx.Tell(sink, msg)
		}
		result <- testing.AllocsPerRun(10_000, func() { ctx.Tell(sink, msg) })
	}).Tell("")
	require.Less(t, <-result, 0.1)
}
