package actor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestGracefulStop(t *testing.T) { // A095
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r, pid := spawnRecorder(t, sys, "r")
		pid.Tell("before")
		require.NoError(t, actor.GracefulStop(t.Context(), pid))
		require.Equal(t, []any{"before"}, r.next(t, 1), "what was there is handled first")
		require.NoError(t, actor.GracefulStop(t.Context(), pid), "it has stopped already")
		require.ErrorIs(t, actor.GracefulStop(t.Context(), actor.PID{}), actor.ErrNobody)
	})
}

func TestGracefulStopGivesUp(t *testing.T) { // A095
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		release := make(chan struct{})
		busy := spawn(t, sys, "busy", func(*actor.Context) { <-release })
		busy.Tell("")
		begun := time.Now()
		err := actor.GracefulStop(t.Context(), busy)
		require.ErrorIs(t, err, actor.ErrTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(begun))

		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(cause) })
		require.ErrorIs(t, actor.AwaitEnd(ctx, busy), cause)
		close(release)
		require.NoError(t, actor.AwaitEnd(t.Context(), busy))
	})
}

func TestGracefulStopWithAMessageOfItsOwn(t *testing.T) {
	sys := newSystem(t)
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		if ctx.Message() == "finish" {
			ctx.Stop(ctx.Self())
		}
	})
	require.NoError(t, actor.GracefulStopWith(t.Context(), pid, "finish"))
}

func TestGracefulStopInsideATurn(t *testing.T) {
	sys := newSystem(t)
	parent := spawn(t, sys, "parent", func(ctx *actor.Context) {
		child, err := ctx.Spawn("child", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
		require.NoError(t, err)
		ctx.Reply([]error{
			actor.GracefulStop(ctx, child),
			actor.AwaitEnd(ctx, ctx.Self()),
			actor.AwaitEnd(ctx, ctx.Parent()),
		})
	})
	errs, err := actor.AskAs[[]error](t.Context(), parent, any(""))
	require.NoError(t, err)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], actor.ErrCallCycle)
	require.ErrorIs(t, errs[2], actor.ErrCallCycle)
}

func TestParentLearnsWhyAChildWasStopped(t *testing.T) { // A129
	sys := newSystem(t)
	boom := errors.New("boom")
	r := newRecorder()
	parent := spawn(t, sys, "parent", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case actor.Terminated:
			r.add(m.Cause)
		case string:
			child, err := ctx.Spawn(m, func() actor.Actor {
				return actor.Func(func(ctx *actor.Context) { ctx.Fail(ctx.Message().(error)) })
			}, actor.Supervise{MaxRestarts: -1})
			require.NoError(t, err)
			ctx.Watch(child)
			if m == "fails" {
				child.Tell(boom)
			} else {
				ctx.Stop(child)
			}
		}
	})
	parent.Tell("stops")
	require.Equal(t, []any{nil}, r.next(t, 1))
	parent.Tell("fails")
	require.Equal(t, []any{nil, boom}, r.next(t, 1))
}

func TestWatchConflicts(t *testing.T) { // A128
	for title, c := range map[string]struct {
		watch    func(ctx *actor.Context, who actor.PID)
		conflict bool
	}{
		"twice the same":             {func(ctx *actor.Context, who actor.PID) { ctx.Watch(who); ctx.Watch(who) }, false},
		"twice with equal messages":  {func(ctx *actor.Context, who actor.PID) { ctx.WatchWith(who, "a"); ctx.WatchWith(who, "a") }, false},
		"with and without a message": {func(ctx *actor.Context, who actor.PID) { ctx.Watch(who); ctx.WatchWith(who, "a") }, true},
		"without and with a message": {func(ctx *actor.Context, who actor.PID) { ctx.WatchWith(who, "a"); ctx.Watch(who) }, true},
		"two messages":               {func(ctx *actor.Context, who actor.PID) { ctx.WatchWith(who, "a"); ctx.WatchWith(who, "b") }, true},
		"two messages, unwatched": {func(ctx *actor.Context, who actor.PID) {
			ctx.WatchWith(who, "a")
			ctx.Unwatch(who)
			ctx.WatchWith(who, "b")
		}, false},
	} {
		t.Run(title, func(t *testing.T) {
			sys := newSystem(t)
			failures := make(chan error, 1)
			_, other := spawnRecorder(t, sys, "other")
			watcher, err := sys.Spawn("watcher", func() actor.Actor {
				return actor.Func(func(ctx *actor.Context) {
					if ctx.Message() == "watch" {
						c.watch(ctx, other)
						return
					}
					ctx.Reply("fine")
				})
			}, actor.Supervise{Decide: func(err error) actor.Directive { failures <- err; return actor.Resume }})
			require.NoError(t, err)
			watcher.Tell("watch")
			_, err = actor.AskAs[string](t.Context(), watcher, any("?"))
			require.NoError(t, err)
			require.Equal(t, c.conflict, len(failures) == 1)
			if c.conflict {
				require.ErrorAs(t, <-failures, new(*actor.WatchConflictError))
			}
		})
	}
}

type lateParent struct{ errs chan error }

func (l *lateParent) Receive(ctx *actor.Context) { ctx.Stop(ctx.Self()) }

func (l *lateParent) PostStop(ctx *actor.Context) {
	_, err := ctx.Spawn("zombie", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
	l.errs <- err
	_, err = ctx.Group(actor.Supervise{}).Spawn("zombie", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
	l.errs <- err
}

func TestWhoEndsGetsNoChildren(t *testing.T) { // A024
	sys := newSystem(t)
	errs := make(chan error, 2)
	pid, err := sys.Spawn("x", func() actor.Actor { return &lateParent{errs} })
	require.NoError(t, err)
	pid.Tell("")
	require.ErrorIs(t, <-errs, actor.ErrStopped)
	require.ErrorIs(t, <-errs, actor.ErrStopped)
}
