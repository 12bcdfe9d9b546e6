package actor_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// fragile does something bad in one of its hooks, in its first life only.
type fragile struct {
	r   *recorder
	bad func(hook string)
}

func (f *fragile) PreStart(*actor.Context) error {
	f.r.add("PreStart")
	f.bad("PreStart")
	return nil
}

func (f *fragile) PreRestart(*actor.Context, error) { f.r.add("PreRestart"); f.bad("PreRestart") }
func (f *fragile) PostStop(*actor.Context)          { f.r.add("PostStop"); f.bad("PostStop") }

func (f *fragile) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case error:
		ctx.Fail(m)
	case string:
		f.r.add(m)
		f.bad(m)
	}
}

func (f *fragile) Inspect() any { f.bad("Inspect"); return "fine" }

// A006, A009, A057, A058: whatever a hook does, and be it the end of its goroutine,
// the actor goes on as its supervision says, and what the runtime has to tell it
// is not lost.
func TestHooksAreContained(t *testing.T) {
	boom := errors.New("boom")
	ways := map[string]func(){
		"panics":                  func() { panic(boom) },
		"ends its goroutine":      runtime.Goexit,
		"panics with what is nil": func() { panic(nil) }, //nolint:govet // on purpose
	}
	for _, c := range []struct {
		hook string
		send []any
		want []any
	}{
		{"factory", []any{"a"}, []any{"PreStart", "a"}},
		{"PreStart", []any{"a"}, []any{"PreStart", "PreStart", "a"}},
		{"a", []any{"a", "b"}, []any{"PreStart", "a", "PreRestart", "PreStart", "b"}},
		{"Decide", []any{boom, "b"}, []any{"PreStart", "PostStop"}},
		{"PreRestart", []any{boom, "b"}, []any{"PreStart", "PreRestart", "PreStart", "b"}},
		{"PostStop", []any{"a", actor.PoisonPill{}, "dead"}, []any{"PreStart", "a", "PostStop"}},
	} {
		for title, bad := range ways {
			t.Run(c.hook+" "+title, func(t *testing.T) {
				sys := newSystem(t)
				r, done := newRecorder(), false
				once := func(hook string) {
					if hook == c.hook && !done {
						done = true
						bad()
					}
				}
				parent := spawn(t, sys, "parent", func(ctx *actor.Context) {
					child, err := ctx.Spawn("child", func() actor.Actor {
						once("factory")
						return &fragile{r, once}
					}, actor.Supervise{Decide: func(error) actor.Directive {
						once("Decide")
						return actor.Restart
					}})
					require.NoError(t, err)
					ctx.Reply(child)
				})
				child, err := actor.AskAs[actor.PID](t.Context(), parent, any(""))
				require.NoError(t, err)
				for _, m := range c.send {
					child.Tell(m)
				}
				require.Equal(t, c.want, r.next(t, len(c.want)))
				sys.StopActor(child)
				require.NoError(t, actor.AwaitEnd(t.Context(), child))
			})
		}
	}
}

// A058: signals that wait behind one that ends the goroutine are handled.
func TestSignalsOutliveTheGoroutine(t *testing.T) {
	sys := newSystem(t)
	for range 100 {
		release, entered := make(chan struct{}), make(chan struct{})
		pid, err := sys.Spawn("", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if ctx.Message() != "go" {
					return
				}
				for range 3 { // their continuations come with one look at the signals
					actor.AskAsThen(ctx, actor.PID{}, any(""), func(any, error) {})
					actor.Go(ctx, func(context.Context) (int, error) { return 0, nil },
						func(int, error) { runtime.Goexit() })
				}
				close(entered)
				<-release
			})
		}, actor.Supervise{Decide: func(error) actor.Directive { return actor.Resume }})
		require.NoError(t, err)
		pid.Tell("go")
		<-entered
		sys.StopActor(pid)
		close(release)
		require.NoError(t, actor.AwaitEnd(t.Context(), pid))
	}
}

// Work that ends its goroutine has failed; the actor that awaits it goes on.
func TestAwaitedWorkMayEndItsGoroutine(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		if ctx.Message() != "go" {
			r.Receive(ctx)
			return
		}
		actor.Await(ctx, func(context.Context) (int, error) { runtime.Goexit(); return 1, nil },
			func(_ int, err error) { r.add(err != nil) })
	})
	pid.Tell("go")
	pid.Tell("after")
	require.Equal(t, []any{true, "after"}, r.next(t, 2))
}

// A failure that was announced before a panic doesn't count for the next message.
func TestAFailureCountsOnce(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid, err := sys.Spawn("x", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() == "both" {
				ctx.Fail(errors.New("announced"))
				panic("and done")
			}
			r.Receive(ctx)
		})
	}, actor.Supervise{Decide: func(err error) actor.Directive { r.add("failed"); return actor.Resume }})
	require.NoError(t, err)
	for _, m := range []any{"both", 1, 2} {
		pid.Tell(m)
	}
	require.Equal(t, []any{"failed", 1, 2}, r.next(t, 3))
}

// A016: the actors that a system begins with have no use for messages, and
// nothing that is sent to them harms it.
func TestGuardiansHaveNoUseForMessages(t *testing.T) {
	sys := newSystem(t)
	r, observer := spawnRecorder(t, sys, "observer")
	actor.Subscribe[actor.Unhandled](sys, observer)
	for _, path := range []string{"/", "/user", "/system"} {
		for _, m := range []any{"hello", nil, actor.PoisonPill{}, actor.Kill{}, actor.Terminated{}} {
			require.NoError(t, sys.RefAt("", path).TryTell(m))
		}
	}
	for _, e := range r.next(t, 15) {
		require.IsType(t, actor.Unhandled{}, e)
	}
	require.NoError(t, actor.GracefulStop(t.Context(), observer), "the system goes on")
}

// Who stops a guardian stops the system, with its phases.
func TestStoppingAGuardianStopsTheSystem(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	r := newRecorder()
	require.NoError(t, sys.OnStop(actor.PhaseServiceStop, "phase", func(context.Context) error { r.add("phase"); return nil }))
	spawn(t, sys, "x", func(ctx *actor.Context) { ctx.Stop(ctx.Parent()) }).Tell("")
	require.Equal(t, []any{"phase"}, r.next(t, 1))
	<-sys.Stopped().Done()
	require.NoError(t, sys.Stop(context.Background()))
}
