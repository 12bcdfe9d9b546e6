package actor_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSystem(t *testing.T) *actor.System {
	t.Helper()
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	return sys
}

// recorder notes everything it receives.
type recorder struct {
	mu   sync.Mutex
	seen []any
	news chan struct{}
}

func newRecorder() *recorder { return &recorder{news: make(chan struct{}, 1000)} }

func (r *recorder) Receive(ctx *actor.Context) { r.add(ctx.Message()) }

func (r *recorder) add(v any) {
	r.mu.Lock()
	r.seen = append(r.seen, v)
	r.mu.Unlock()
	r.news <- struct{}{}
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// next waits for n more entries and returns everything so far.
func (r *recorder) next(t *testing.T, n int) []any {
	t.Helper()
	for range n {
		select {
		case <-r.news:
		case <-time.After(time.Minute):
			r.mu.Lock()
			defer r.mu.Unlock()
			require.FailNow(t, "nothing more came", "so far: %v", r.seen)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]any(nil), r.seen...)
}

func spawn(t *testing.T, s actor.Spawner, name string, f func(*actor.Context), opts ...actor.SpawnOption) actor.PID {
	t.Helper()
	pid, err := s.Spawn(name, func() actor.Actor { return actor.Func(f) }, opts...)
	require.NoError(t, err)
	return pid
}

func spawnRecorder(t *testing.T, s actor.Spawner, name string) (*recorder, actor.PID) {
	t.Helper()
	r := newRecorder()
	pid, err := s.Spawn(name, func() actor.Actor { return r })
	require.NoError(t, err)
	return r, pid
}

type ask struct{ actor.Returns[int] }

type command interface{ isCommand() }

type add struct{ n int }

func (add) isCommand() {}

type total struct{ actor.Returns[int] }

func (total) isCommand() {}

type counter struct{ sum int }

func (c *counter) Receive(ctx *actor.Context, msg command) {
	switch m := msg.(type) {
	case add:
		c.sum += m.n
	case total:
		actor.Reply(ctx, m, c.sum)
	}
}

func TestTypedActorAnswersInOrder(t *testing.T) {
	sys := newSystem(t)
	ref, err := actor.SpawnTyped(sys, "counter", func() actor.Receiver[command] { return &counter{} })
	require.NoError(t, err)
	for i := range 1000 {
		ref.Tell(add{i})
	}
	sum, err := actor.Ask(t.Context(), ref, total{})
	require.NoError(t, err)
	require.Equal(t, 499500, sum)
	require.Equal(t, "/user/counter", ref.Path())
	require.Contains(t, ref.String(), "troupe://test/user/counter#")
}

func TestAskErrors(t *testing.T) {
	sys := newSystem(t)
	silent := spawn(t, sys, "silent", func(*actor.Context) {})
	wrong := spawn(t, sys, "wrong", func(ctx *actor.Context) { ctx.Reply("no int") })
	refusing := spawn(t, sys, "refusing", func(ctx *actor.Context) { ctx.Reply(actor.Failure{Err: actor.ErrStashFull}) })

	t.Run("no answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sys := newSystem(t)
			silent := spawn(t, sys, "silent", func(*actor.Context) {})
			begun := time.Now()
			_, err := actor.Ask(t.Context(), silent, ask{})
			require.ErrorIs(t, err, actor.ErrTimeout)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 5*time.Second, time.Since(begun))
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("no longer needed")
		go cancel(cause)
		_, err := actor.Ask(ctx, silent, ask{})
		require.ErrorIs(t, err, cause)
	})
	t.Run("wrong type", func(t *testing.T) {
		_, err := actor.Ask(t.Context(), wrong, ask{})
		var typ *actor.ReplyTypeError
		require.ErrorAs(t, err, &typ)
		require.Equal(t, "int", typ.Want)
	})
	t.Run("failure", func(t *testing.T) {
		_, err := actor.Ask(t.Context(), refusing, ask{})
		require.ErrorIs(t, err, actor.ErrStashFull)
	})
	t.Run("stopped", func(t *testing.T) {
		r, watcher := spawnRecorder(t, sys, "")
		_ = r
		gone := spawn(t, sys, "gone", func(*actor.Context) {})
		sys.StopActor(gone)
		_ = watcher
		_, err := actor.Ask(t.Context(), gone, ask{})
		require.Error(t, err)
		require.True(t, errors.Is(err, actor.ErrDeadLetter) || errors.Is(err, actor.ErrStopped), err)
	})
	t.Run("nobody", func(t *testing.T) {
		_, err := actor.Ask(t.Context(), actor.PID{}, ask{})
		require.ErrorIs(t, err, actor.ErrNobody)
	})
}

type hooked struct {
	r     *recorder
	fresh bool
}

func (h *hooked) PreStart(*actor.Context) error { h.fresh = true; h.r.add("PreStart"); return nil }
func (h *hooked) PostStop(*actor.Context)       { h.r.add("PostStop") }
func (h *hooked) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case error:
		panic(m)
	case string:
		h.r.add(m)
	}
}

func TestRestartKeepsRefMailboxAndRunsHooks(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid, err := sys.Spawn("h", func() actor.Actor { return &hooked{r: r} })
	require.NoError(t, err)
	pid.Tell("a")
	pid.Tell(errors.New("boom"))
	pid.Tell("b")
	r.next(t, 5)
	sys.StopActor(pid)
	require.Equal(t, []any{"PreStart", "a", "PostStop", "PreStart", "b", "PostStop"}, r.next(t, 1))
}

func TestDirectives(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		title     string
		directive actor.Directive
		want      []any
	}{
		{"A184: resume keeps the state, and goes on with the next message", actor.Resume, []any{1, 2}},
		{"restart loses it", actor.Restart, []any{1, 1}},
	} {
		t.Run(c.title, func(t *testing.T) {
			sys := newSystem(t)
			r := newRecorder()
			pid, err := sys.Spawn("x", func() actor.Actor {
				n := 0
				return actor.Func(func(ctx *actor.Context) {
					if err, ok := ctx.Message().(error); ok {
						ctx.Fail(err)
						return
					}
					n++
					r.add(n)
				})
			}, actor.Supervise{Decide: func(err error) actor.Directive {
				require.ErrorIs(t, err, boom)
				return c.directive
			}})
			require.NoError(t, err)
			pid.Tell("")
			pid.Tell(boom)
			pid.Tell("")
			require.Equal(t, c.want, r.next(t, 2))
		})
	}
}

func TestStopDirectiveAndWatch(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	spawn(t, sys, "watcher", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case actor.PID:
			ctx.Watch(m)
			ctx.Watch(m)
			m.Tell(errors.New("end"))
		case actor.Terminated:
			r.add(m.Ref)
		}
	}).Tell(spawn(t, sys, "watched", func(ctx *actor.Context) {
		ctx.Fail(ctx.Message().(error))
	}, actor.Supervise{MaxRestarts: -1}))
	seen := r.next(t, 1)
	require.Equal(t, "/user/watched", seen[0].(actor.PID).Path())
}

func TestTerminatedComesAfterTheLastMessage(t *testing.T) {
	sys := newSystem(t)
	for range 200 {
		r := newRecorder()
		watcher := spawn(t, sys, "", func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case actor.PID:
				ctx.Watch(m)
				ctx.Tell(m, "go")
			case actor.Terminated:
				r.add("terminated")
			case string:
				r.add(m)
			}
		})
		watcher.Tell(spawn(t, sys, "", func(ctx *actor.Context) {
			ctx.Reply("last words")
			ctx.Stop(ctx.Self())
		}))
		require.Equal(t, []any{"last words", "terminated"}, r.next(t, 2))
	}
}

func TestGoexitInHandlerIsContained(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		if ctx.Message() == "exit" {
			runtime.Goexit()
		}
		r.add(ctx.Message())
	})
	pid.Tell("exit")
	pid.Tell("after")
	require.Equal(t, []any{"after"}, r.next(t, 1))
}

func TestBudgetStopsAndDeadLettersSayWhy(t *testing.T) {
	sys := newSystem(t)
	r, watcher := spawnRecorder(t, sys, "letters")
	actor.Subscribe[actor.DeadLetter](sys, watcher)
	pid := spawn(t, sys, "x", func(ctx *actor.Context) { ctx.Fail(errors.New("again")) },
		actor.Supervise{MaxRestarts: 2, Within: time.Minute})
	for i := range 4 {
		pid.Tell(i)
	}
	letter := r.next(t, 1)[0].(actor.DeadLetter)
	require.Equal(t, 3, letter.Message)
	require.Equal(t, actor.DropStopped, letter.Reason)
	require.EqualValues(t, 1, sys.Dropped(actor.DropStopped))
}

func TestBoundedMailboxTellsTheSender(t *testing.T) {
	sys := newSystem(t)
	refused := make(chan int, 1)
	spawn(t, sys, "x", func(ctx *actor.Context) { // F2: 100 to itself, 10 fit
		if ctx.Message() != "go" {
			return
		}
		n := 0
		for range 100 {
			if errors.Is(ctx.Self().TryTell(1), actor.ErrMailboxFull) {
				n++
			}
		}
		refused <- n
	}, actor.Bounded(10)).Tell("go")
	require.Equal(t, 90, <-refused)
}

func TestStashAndBecome(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	open := func(ctx *actor.Context) { r.add(ctx.Message()) }
	pid := spawn(t, sys, "door", func(ctx *actor.Context) {
		if ctx.Message() == "open" {
			ctx.Become(open)
			ctx.UnstashAll()
			return
		}
		require.NoError(t, ctx.Stash())
	})
	for _, m := range []any{1, 2, "open", 3} {
		pid.Tell(m)
	}
	require.Equal(t, []any{1, 2, 3}, r.next(t, 3))
}

func TestTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		begun := time.Now()
		var every actor.TimerHandle
		spawn(t, sys, "x", func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case string:
				ctx.After(3*time.Second, "once")
				ctx.AfterKey("k", time.Second, "replaced")
				ctx.AfterKey("k", 2*time.Second, "kept")
				every = ctx.Every(4*time.Second, 0)
				ctx.SetReceiveTimeout(0)
				if m != "start" {
					ctx.CancelKey("k")
				}
				r.add(fmt.Sprint(m, " ", ctx.Now().Sub(begun)))
				ctx.Become(func(ctx *actor.Context) {
					r.add(fmt.Sprint(ctx.Message(), " ", ctx.Now().Sub(begun)))
					if ctx.Message() == 0 && ctx.Now().Sub(begun) >= 8*time.Second {
						require.True(t, every.Cancel())
						require.False(t, every.Cancel())
						ctx.SetReceiveTimeout(10 * time.Second)
					}
				})
			}
		}).Tell("start")
		require.Equal(t, []any{"start 0s", "kept 2s", "once 3s", "0 4s", "0 8s", "{10s} 18s"}, r.next(t, 6)[:6])
	})
}

func TestGoRunsElsewhereAndComesBackWithTheSender(t *testing.T) {
	sys := newSystem(t)
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		n := ctx.Message().(int)
		actor.Go(ctx, func(context.Context) (int, error) {
			if n < 0 {
				panic("negative")
			}
			return n * n, nil
		}, func(sq int, err error) {
			if err != nil {
				ctx.Reply(actor.Failure{Err: err})
				return
			}
			ctx.Reply(sq)
		})
	})
	sq, err := actor.AskAs[int](t.Context(), pid, 12)
	require.NoError(t, err)
	require.Equal(t, 144, sq)
	_, err = actor.AskAs[int](t.Context(), pid, -1)
	var p *actor.PanicError
	require.ErrorAs(t, err, &p)
}

func TestBlockingAsksInsideHandlers(t *testing.T) { // F1
	sys := newSystem(t)
	ninth := spawn(t, sys, "ninth", func(ctx *actor.Context) { ctx.Reply(1) })
	answers := make(chan error, 800)
	for range 8 {
		pid := spawn(t, sys, "", func(ctx *actor.Context) {
			_, err := actor.AskAs[int](ctx, ninth, "")
			answers <- err
		})
		for range 100 {
			pid.Tell("")
		}
	}
	for range 800 {
		require.NoError(t, <-answers)
	}
}

func TestSystemStopsChildrenFirst(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	r := newRecorder()
	note := func(name string, child string) func() actor.Actor {
		return func() actor.Actor { return &parent{name: name, child: child, r: r} }
	}
	_, err = sys.Internal().Spawn("ext", note("ext", ""))
	require.NoError(t, err)
	_, err = sys.Spawn("p", note("p", "c"))
	require.NoError(t, err)
	require.NoError(t, sys.OnStop(actor.PhaseServiceUnbind, "unbind", func(context.Context) error { r.add("unbind"); return nil }))
	require.NoError(t, sys.OnStop(actor.PhaseClusterLeave, "leave", func(context.Context) error { r.add("leave"); return nil }))
	require.Error(t, sys.OnStop("lunch", "x", nil))
	r.next(t, 3) // all have started
	require.NoError(t, sys.Stop(context.Background()))
	require.Equal(t, []any{"unbind", "leave", "stop p/c", "stop p", "stop ext"}, r.next(t, 5)[3:])
	_, err = sys.Spawn("late", note("late", ""))
	require.ErrorIs(t, err, actor.ErrStopped)
}

type parent struct {
	name, child string
	r           *recorder
}

func (p *parent) Receive(*actor.Context)  {}
func (p *parent) PostStop(*actor.Context) { p.r.add("stop " + p.name) }
func (p *parent) PreStart(ctx *actor.Context) error {
	p.r.add("start " + p.name)
	if p.child == "" {
		return nil
	}
	_, err := ctx.Spawn(p.child, func() actor.Actor { return &parent{name: p.name + "/" + p.child, r: p.r} })
	return err
}

func TestNames(t *testing.T) {
	sys := newSystem(t)
	spawn(t, sys, "a", func(*actor.Context) {})
	nop := func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	_, err := sys.Spawn("a", nop)
	require.ErrorIs(t, err, actor.ErrNameTaken)
	for _, name := range []string{"$x", "a/b", "ü", "a b"} {
		_, err := sys.Spawn(name, nop)
		require.ErrorIs(t, err, actor.ErrBadName, name)
	}
	for _, name := range []string{"", "a b", "x/y"} {
		_, err := actor.NewSystem(name, actor.Config{})
		require.ErrorIs(t, err, actor.ErrBadName)
	}
}

func TestAllForOneGroup(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	spawn(t, sys, "p", func(ctx *actor.Context) {
		g := ctx.Group(actor.Supervise{Scope: actor.AllForOne})
		for _, name := range []string{"a", "b"} {
			_, err := g.Spawn(name, func() actor.Actor { return &hooked{r: r} })
			require.NoError(t, err)
		}
		ctx.Child("a").Tell(errors.New("boom"))
	}).Tell("")
	seen := r.next(t, 6)
	require.ElementsMatch(t, []any{"PreStart", "PreStart", "PreStart", "PreStart", "PostStop", "PostStop"}, seen)
}
