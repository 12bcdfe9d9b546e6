package actor_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// stasher puts numbers aside until it is told what to do with them.
func stasher(t *testing.T, sys *actor.System, r *recorder, opts ...actor.SpawnOption) actor.PID {
	t.Helper()
	pid, err := sys.Spawn("", func() actor.Actor {
		r.add("fresh")
		open := false
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case func(*actor.Context):
				m(ctx)
			case int:
				if !open {
					require.NoError(t, ctx.Stash())
					return
				}
				if m < 0 {
					panic(m)
				}
				r.add(m)
			case string:
				open = m == "open"
				ctx.UnstashAll()
			}
		})
	}, opts...)
	require.NoError(t, err)
	return pid
}

// A201: a message can be put aside once.
func TestStashTwice(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		if ctx.Message() == "show" {
			ctx.Reply(slices.Collect(ctx.StashedMessages()))
			return
		}
		r.add(ctx.Stash())
		r.add(ctx.Stash())
	})
	pid.Tell(1)
	pid.Tell(2)
	got, err := actor.AskAs[[]any](t.Context(), pid, any("show"))
	require.NoError(t, err)
	require.Equal(t, []any{1, 2}, got)
	require.Equal(t, []any{nil, actor.ErrStashed, nil, actor.ErrStashed}, r.next(t, 4))
}

// A202, A347: what is stashed is there for the next life, also when unstashing
// fails again and again.
func TestTheStashOutlivesFailures(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid := stasher(t, sys, r)
	for _, m := range []any{1, -1, 2, -2, 3} {
		pid.Tell(m)
	}
	pid.Tell("open") // 1 is handled, then -1 panics
	pid.Tell("open") // for the second life, behind what comes out of the stash
	pid.Tell("open")
	require.Equal(t, []any{"fresh", 1, "fresh", 2, "fresh", 3}, r.next(t, 6))
}

// A207: resumed, it goes on with the message behind the one that failed.
func TestUnstashingGoesOnWhenResumed(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid := stasher(t, sys, r, actor.Supervise{Decide: func(error) actor.Directive { return actor.Resume }})
	for _, m := range []any{1, -1, 2, "open"} {
		pid.Tell(m)
	}
	require.Equal(t, []any{"fresh", 1, 2}, r.next(t, 3))
}

// A205: what can be asked of a stash; unstashing hands out what is there, and
// what is put aside meanwhile stays.
func TestStash(t *testing.T) {
	sys := newSystem(t)
	r, letters := newRecorder(), newRecorder()
	office, err := sys.Spawn("office", func() actor.Actor { return letters })
	require.NoError(t, err)
	actor.Subscribe[actor.DeadLetter](sys, office)
	pid := stasher(t, sys, r, actor.StashMax(3))
	turn(t, pid, func(ctx *actor.Context) {
		require.Zero(t, ctx.Stashed())
		require.Empty(t, slices.Collect(ctx.StashedMessages()))
		ctx.DiscardStash()
		ctx.Unstash(2)
		ctx.UnstashAll()
	})
	for i := range 3 {
		pid.Tell(i)
	}
	turn(t, pid, func(ctx *actor.Context) {
		require.Equal(t, 3, ctx.Stashed())
		require.True(t, ctx.StashFull())
		for first := range ctx.StashedMessages() {
			require.Equal(t, 0, first)
			break
		}
	})
	pid.Tell(func(ctx *actor.Context) { require.ErrorIs(t, ctx.Stash(), actor.ErrStashFull) })
	require.Equal(t, actor.DropStashFull, letters.next(t, 1)[0].(actor.DeadLetter).Reason)
	turn(t, pid, func(ctx *actor.Context) { ctx.UnstashAll() }) // it still puts aside what comes
	turn(t, pid, func(ctx *actor.Context) {
		require.Equal(t, []any{0, 1, 2}, slices.Collect(ctx.StashedMessages()))
		ctx.Unstash(1)
		require.Equal(t, 2, ctx.Stashed())
		ctx.DiscardStash()
		require.Zero(t, ctx.Stashed())
	})
	for _, l := range letters.next(t, 2)[1:] {
		require.Equal(t, actor.DropDiscarded, l.(actor.DeadLetter).Reason)
	}
	require.EqualValues(t, 2, sys.Dropped(actor.DropDiscarded))
	pid.Tell("open")
	require.Equal(t, []any{"fresh", 0}, r.next(t, 2))
}

// A206: what is stashed when the actor stops becomes dead letters.
func TestTheStashOfWhoStops(t *testing.T) {
	sys := newSystem(t)
	pid := stasher(t, sys, newRecorder())
	for i := range 3 {
		pid.Tell(i)
	}
	require.NoError(t, actor.GracefulStop(t.Context(), pid))
	require.EqualValues(t, 3, sys.Dropped(actor.DropStopped))
}

// A200: a protocol of opening, writing and closing keeps its order.
func TestStashKeepsTheOrderOfAProtocol(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	var closed, opened func(ctx *actor.Context)
	closed = func(ctx *actor.Context) {
		if ctx.Message() != "open" {
			require.NoError(t, ctx.Stash())
			return
		}
		r.add("open")
		ctx.Become(opened)
		ctx.UnstashAll()
	}
	opened = func(ctx *actor.Context) {
		switch ctx.Message() {
		case "open":
			require.NoError(t, ctx.Stash())
		case "close":
			r.add("close")
			ctx.Become(closed)
			ctx.UnstashAll()
		default:
			r.add(ctx.Message())
		}
	}
	pid := spawn(t, sys, "file", func(ctx *actor.Context) { closed(ctx) })
	for _, m := range []any{1, "open", 2, "open", "close", 3, "close", "open", 4} {
		pid.Tell(m)
	}
	require.Equal(t, []any{"open", 1, 2, "close", "open", 3, "close", "open", 4}, r.next(t, 9))
}
