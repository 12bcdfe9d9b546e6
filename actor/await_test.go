package actor_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// awaiter awaits a gate whenever it is told so, which opens begun, and notes everything else.
func awaiter(r *recorder, begun *actor.Gate) func() actor.Actor {
	return func() actor.Actor {
		r.add("fresh")
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case error:
				ctx.Fail(m)
			case *actor.Gate:
				actor.Await(ctx, func(c context.Context) (string, error) {
					begun.Open()
					ctx.System().Executor().Wait(m)
					return "awaited", nil
				}, func(s string, _ error) { r.add(s); ctx.Reply(s) })
			default:
				r.add(m)
			}
		})
	}
}

func TestAwaitLetsMessagesWait(t *testing.T) {
	sys := newSystem(t)
	r, gate := newRecorder(), &actor.Gate{}
	pid, err := sys.Spawn("x", awaiter(r, &actor.Gate{}))
	require.NoError(t, err)
	watcher := newRecorder()
	spawn(t, sys, "watcher", func(ctx *actor.Context) {
		if _, start := ctx.Message().(string); start {
			ctx.Watch(pid)
			return
		}
		watcher.Receive(ctx)
	}).Tell("start")
	for _, m := range []any{1, gate, 2, 3, actor.PoisonPill{}, 4} {
		pid.Tell(m)
	}
	require.Equal(t, []any{"fresh", 1}, r.next(t, 2))
	gate.Open()
	require.IsType(t, actor.Terminated{}, watcher.next(t, 1)[0])
	require.Equal(t, []any{"fresh", 1, "awaited", 2, 3}, r.next(t, 3), "the pill waited, too")
}

func TestAwaitTwiceWaitsForBoth(t *testing.T) {
	sys := newSystem(t)
	r, first, second := newRecorder(), &actor.Gate{}, &actor.Gate{}
	pid, err := sys.Spawn("x", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() != "both" {
				r.Receive(ctx)
				return
			}
			for _, g := range []*actor.Gate{first, second} {
				actor.Await(ctx, func(context.Context) (any, error) { sys.Executor().Wait(g); return nil, nil },
					func(any, error) { r.add("one") })
			}
		})
	})
	require.NoError(t, err)
	pid.Tell("both")
	pid.Tell("after")
	second.Open()
	require.Equal(t, []any{"one"}, r.next(t, 1))
	first.Open()
	require.Equal(t, []any{"one", "one", "after"}, r.next(t, 2))
}

func TestAwaitDoesNotHoldUpAStopOrARestart(t *testing.T) {
	sys := newSystem(t)
	r, gate, begun := newRecorder(), &actor.Gate{}, &actor.Gate{}
	pair := spawn(t, sys, "pair", func(ctx *actor.Context) {
		if ctx.Message() == "fail" {
			ctx.Child("b").Tell(errors.New("b fails"))
			return
		}
		group := ctx.Group(actor.Supervise{Scope: actor.AllForOne})
		for _, name := range []string{"a", "b"} {
			_, err := group.Spawn(name, awaiter(r, begun))
			require.NoError(t, err)
		}
		ctx.Child("a").Tell(gate)
		ctx.Child("a").Tell("later")
	})
	pair.Tell("start")
	sys.Executor().Wait(begun) // or it would be the fresh a that waits
	pair.Tell("fail")
	require.ElementsMatch(t, []any{"fresh", "fresh", "fresh", "fresh", "later"}, r.next(t, 5), "the fresh a takes messages")
	watcher := newRecorder()
	spawn(t, sys, "watcher", func(ctx *actor.Context) {
		if _, start := ctx.Message().(string); start {
			ctx.Watch(pair)
			ctx.Stop(pair)
			return
		}
		watcher.Receive(ctx)
	}).Tell("start")
	require.IsType(t, actor.Terminated{}, watcher.next(t, 1)[0])
	gate.Open() // only now can the work end that the first a ordered
	require.NoError(t, sys.Stop(context.Background()))
	require.NotContains(t, r.next(t, 0), "awaited")
}
