package actor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// A013: a killed actor is stopped by default, restarted when its supervision says so.
func TestKill(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	always := actor.Supervise{Decide: func(error) actor.Directive { return actor.Restart }}
	pid, err := sys.Spawn("again", func() actor.Actor { return &hooked{r: r} }, always)
	require.NoError(t, err)
	pid.Tell(actor.Kill{})
	pid.Tell("still there")
	require.Equal(t, []any{"PreStart", "PostStop", "PreStart", "still there"}, r.next(t, 4))

	pid, err = sys.Spawn("once", func() actor.Actor { return &hooked{r: r} })
	require.NoError(t, err)
	pid.Tell(actor.Kill{})
	require.Equal(t, []any{"PreStart", "PostStop"}, r.next(t, 2)[4:])
}

// A066: while nobody has decided about an actor, those below it wait.
func TestDescendantsOfAFailedActorWait(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	deciding, decide := make(chan struct{}), make(chan struct{})
	leaves := make(chan actor.PID, 1)
	boss := spawn(t, sys, "boss", func(ctx *actor.Context) {
		_, err := ctx.Spawn("middle", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if err, failing := ctx.Message().(error); failing {
					ctx.Fail(err)
					return
				}
				leaf, err := ctx.Spawn("leaf", func() actor.Actor { return r })
				require.NoError(t, err)
				leaves <- leaf
			})
		}, actor.Supervise{Decide: func(error) actor.Directive {
			close(deciding)
			<-decide
			return actor.Resume
		}})
		require.NoError(t, err)
		ctx.Child("middle").Tell("spawn")
		ctx.Child("middle").Tell(errors.New("boom"))
	})
	boss.Tell("")
	leaf := <-leaves
	<-deciding
	leaf.Tell("ping")
	require.EqualValues(t, 0, r.count())
	close(decide)
	require.Equal(t, []any{"ping"}, r.next(t, 1))
}

// A035: a failure that is escalated to a guardian ends the system.
func TestEscalationToTheGuardianEndsTheSystem(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	spawn(t, sys, "x", func(ctx *actor.Context) { ctx.Fail(errors.New("worst")) },
		actor.Supervise{Decide: func(error) actor.Directive { return actor.Escalate }}).Tell("")
	<-sys.Stopped().Done()
	require.NoError(t, sys.Stop(context.Background()))
}

// A123: whoever watches and does not handle the end, ends too.
func TestDeathPact(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	other := spawn(t, sys, "other", func(*actor.Context) {})
	pid := spawn(t, sys, "pact", func(ctx *actor.Context) {
		if ctx.Message() == "watch" {
			ctx.Watch(other)
			ctx.Stop(other)
			return
		}
		ctx.Unhandled()
	})
	spawn(t, sys, "observer", func(ctx *actor.Context) {
		if m, ok := ctx.Message().(actor.Terminated); ok {
			r.add(m.Ref)
			return
		}
		ctx.Watch(pid)
		ctx.Tell(pid, "watch")
	}).Tell("")
	require.Equal(t, []any{pid}, r.next(t, 1))
}

func TestBackoffDelaysTheRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		var starts []time.Duration
		begun, fails := time.Now(), 0
		done := make(chan struct{})
		_, err := sys.Spawn("x", func() actor.Actor {
			starts = append(starts, time.Since(begun))
			if fails++; fails == 4 {
				close(done)
				return actor.Func(func(*actor.Context) {})
			}
			panic("not yet")
		}, actor.Supervise{Backoff: actor.Backoff{Min: time.Second, Max: 3 * time.Second}})
		require.NoError(t, err)
		<-done
		for i, least := range []time.Duration{0, 1, 3, 6} {
			require.GreaterOrEqual(t, starts[i], least*time.Second)
			require.LessOrEqual(t, starts[i], least*time.Second*6/5)
		}
	})
}

// A070: in the handler of a child's Terminated its name is free.
func TestNameIsFreeWhenTerminatedComes(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	child := func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Stop(ctx.Self()) })
	}
	left := 500
	spawn(t, sys, "parent", func(ctx *actor.Context) {
		pid, err := ctx.Spawn("child", child)
		if err != nil {
			r.add(err)
			return
		}
		if left--; left == 0 {
			r.add("done")
			return
		}
		ctx.Watch(pid)
		pid.Tell("stop")
	}).Tell("")
	require.Equal(t, []any{"done"}, r.next(t, 1))
}
