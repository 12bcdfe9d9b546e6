package actor_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// around records when a message goes in and comes out again.
func around(r *recorder, name string) actor.Intercept {
	return func(_ *actor.Context, msg any, next func(any)) {
		r.add(fmt.Sprint(name, " in ", msg))
		next(msg)
		r.add(fmt.Sprint(name, " out"))
	}
}

func TestInterceptorsStandAroundEveryBehaviour(t *testing.T) { // A323
	sys := newSystem(t)
	r := newRecorder()
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		r.add(fmt.Sprint("first ", ctx.Message()))
		ctx.Become(func(ctx *actor.Context) { r.add(fmt.Sprint("second ", ctx.Message())) })
	}, around(r, "outer"), around(r, "inner"))
	pid.Tell(1)
	pid.Tell(2)
	require.Equal(t, []any{
		"outer in 1", "inner in 1", "first 1", "inner out", "outer out",
		"outer in 2", "inner in 2", "second 2", "inner out", "outer out",
	}, r.next(t, 10))
}

func TestInterceptorsMayChangeAndRefuse(t *testing.T) { // A323
	sys := newSystem(t)
	r := newRecorder()
	hooked := newRecorder()
	pid, err := sys.Spawn("x", func() actor.Actor { return &hooks{recorder: r, hooked: hooked} },
		actor.Intercept(func(ctx *actor.Context, msg any, next func(any)) {
			switch m := msg.(type) {
			case int:
				if m%2 == 0 {
					next(m * 10)
				}
			case error:
				ctx.Fail(m)
			default:
				next(msg)
			}
		}))
	require.NoError(t, err)
	for _, m := range []any{1, 2, 3, 4, errors.New("boom"), "after"} {
		pid.Tell(m)
	}
	require.Equal(t, []any{20, 40, "after"}, r.next(t, 3))
	require.NoError(t, actor.GracefulStop(t.Context(), pid))
	require.Equal(t, []any{"start", "restart boom", "start", "stop"}, hooked.next(t, 4), "hooks are found behind the interceptor")
}

type hooks struct{ recorder, hooked *recorder }

func (h *hooks) Receive(ctx *actor.Context)               { h.recorder.add(ctx.Message()) }
func (h *hooks) PreStart(*actor.Context) error            { h.hooked.add("start"); return nil }
func (h *hooks) PostStop(*actor.Context)                  { h.hooked.add("stop") }
func (h *hooks) PreRestart(_ *actor.Context, cause error) { h.hooked.add("restart " + cause.Error()) }

// parcel is a word of another protocol than the actor's own.
type parcel struct{ weight int }

func TestAdapt(t *testing.T) { // A328
	sys := newSystem(t)
	r := newRecorder()
	refs := make(chan actor.Ref[parcel], 2)
	pid := spawn(t, sys, "owner", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case string:
			refs <- actor.Adapt(ctx, func(p parcel) int { return 100 / p.weight })
		case int:
			r.add([2]any{m, ctx.Sender()})
		}
	})
	pid.Tell("adapt")
	ref := <-refs
	other := spawn(t, sys, "other", func(*actor.Context) {})
	require.NoError(t, ref.TellFrom(parcel{4}, other))
	require.Equal(t, []any{[2]any{25, other}}, r.next(t, 1))

	ref.Tell(parcel{0}) // a panic of the conversion is a failure of the owner
	ref.Tell(parcel{5})
	require.Equal(t, [2]any{20, actor.PID{}}, r.next(t, 1)[1], "the ref outlives the restart")
	pid.Tell("adapt")
	require.Equal(t, ref, <-refs, "one for each type")

	watched := newRecorder()
	spawn(t, sys, "watcher", func(ctx *actor.Context) {
		if m, ok := ctx.Message().(actor.Terminated); ok {
			watched.add(m.Ref)
			return
		}
		ctx.Watch(ref)
		watched.add("watching")
	}).Tell("")
	watched.next(t, 1)
	dead, deadPID := spawnRecorder(t, sys, "dead")
	actor.Subscribe[actor.DeadLetter](sys, deadPID)
	require.NoError(t, actor.GracefulStop(t.Context(), pid))
	require.Equal(t, ref.PID(), watched.next(t, 1)[1])
	require.ErrorIs(t, ref.TryTell(parcel{1}), actor.ErrStopped)
	require.Equal(t, actor.DeadLetter{Message: parcel{1}, To: ref.PID()}, dead.next(t, 1)[0])
}

func TestAdapterAcrossNodes(t *testing.T) { // A131
	_, a, b := twoSystems(t)
	spawn(t, b, "service", func(ctx *actor.Context) {
		m := ctx.Message().(number)
		m.ReplyTo.Tell(m.N + 1)
		m.ReplyTo.PID().Tell("no number")
	})
	r := newRecorder()
	events, eventPID := spawnRecorder(t, a, "events")
	actor.Subscribe[actor.Unhandled](a, eventPID)
	pid := spawn(t, a, "client", func(ctx *actor.Context) {
		if ctx.Message() == "go" {
			back := actor.Adapt(ctx, func(n int) string { return fmt.Sprint("answer ", n) })
			ctx.Tell(a.RefAt("b:1", "/user/service"), number{N: 4, ReplyTo: back})
			return
		}
		r.add(ctx.Message())
	})
	pid.Tell("go")
	require.Equal(t, []any{"answer 5"}, r.next(t, 1))
	require.Equal(t, "no number", events.next(t, 1)[0].(actor.Unhandled).Message)
}

func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		begun := time.Now()
		parent := spawn(t, sys, "parent", func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case actor.Terminated:
				r.add(fmt.Sprint(time.Since(begun), " ", m.Cause))
			case string:
				child, err := actor.Session(ctx, 10*time.Second, func() actor.Actor {
					return actor.Func(func(ctx *actor.Context) { ctx.Fail(errors.New("boom")) })
				})
				require.NoError(t, err)
				ctx.Watch(child)
				if m == "fail" {
					ctx.Tell(child, "")
				}
			}
		})
		parent.Tell("wait")
		synctest.Wait()
		time.Sleep(time.Second)
		parent.Tell("fail")
		require.Equal(t, []any{"1s boom", "10s <nil>"}, r.next(t, 2))
	})
}

func TestLifetimeGoesOnThroughARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		pid := spawn(t, sys, "x", func(ctx *actor.Context) { ctx.Fail(errors.New("boom")) }, actor.Lifetime(4*time.Second))
		begun := time.Now()
		time.Sleep(3 * time.Second)
		pid.Tell("")
		require.NoError(t, actor.AwaitEnd(t.Context(), pid))
		require.Equal(t, 4*time.Second, time.Since(begun))
	})
}
