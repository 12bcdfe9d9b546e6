package actor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func ExampleObserver() {
	observer := &actor.Observer{Act: func(a actor.Act) {
		if a.Kind == actor.ActHandled {
			fmt.Println(a.Actor.Path(), "handles", a.Message)
		}
	}}
	sys, _ := actor.NewSystem("watched", actor.Config{Observer: observer})
	pid, _ := sys.Spawn("greeter", func() actor.Actor { return actor.Func(func(ctx *actor.Context) { ctx.Reply("hello") }) })
	_, _ = actor.AskAs[string](context.Background(), pid, any("good morning"))
	_ = sys.Stop(context.Background())
	// Output: /user/greeter handles good morning
}

// diary notes what an observer is told of the actors below /user.
type diary struct {
	mu    sync.Mutex
	lines []string
}

var actNames = map[actor.ActKind]string{
	actor.ActHandled: "handles", actor.ActStashed: "stashes", actor.ActDropped: "loses", actor.ActUnhandled: "has no use for",
	actor.ActWatched: "watches", actor.ActUnwatched: "unwatches", actor.ActTimerSet: "sets", actor.ActTimerCancelled: "cancels",
	actor.ActReceiveTimeout: "waits", actor.ActStop: "stops", actor.ActFailed: "fails", actor.ActAdapted: "adapts", actor.ActWork: "works",
}

func (d *diary) observer() *actor.Observer {
	return &actor.Observer{Act: func(a actor.Act) {
		if a.Actor.IsZero() || a.Actor.Path() != "/user/x" {
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		line := actNames[a.Kind]
		if a.Message != nil {
			line += fmt.Sprintf(" %v", a.Message)
		}
		if a.Own {
			line += " of its own"
		}
		d.lines = append(d.lines, line)
	}}
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

func TestAnObserverIsToldWhatActorsDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, quiet := &diary{}, zerolog.Nop()
		sys, err := actor.NewSystem("watched", actor.Config{Observer: d.observer(), Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(t.Context())) }()
		do := func(title string, want []string, f func(ctx *actor.Context)) {
			t.Helper()
			pid := spawn(t, sys, "x", f, actor.StashMax(1), actor.Supervise{MaxRestarts: -1})
			pid.Tell("m")
			synctest.Wait()
			require.Equal(t, append([]string{"handles m"}, want...), d.take(), title)
			sys.StopActor(pid)
			require.NoError(t, actor.AwaitEnd(t.Context(), pid))
			synctest.Wait() // for the parent, who gives the name free
			d.take()
		}
		do("stash", []string{"stashes m", "handles n", "stashes n", "loses n"}, func(ctx *actor.Context) {
			_ = ctx.Stash()
			if ctx.Message() == "m" {
				ctx.Tell(ctx.Self(), "n")
			}
		})
		do("stash given up", []string{"stashes m", "loses m"}, func(ctx *actor.Context) {
			require.NoError(t, ctx.Stash())
			ctx.DiscardStash()
		})
		do("watch", []string{"watches", "unwatches"}, func(ctx *actor.Context) {
			ctx.Watch(ctx.Parent())
			ctx.Watch(ctx.Parent())
			ctx.Unwatch(ctx.Parent())
			ctx.Unwatch(ctx.Parent())
		})
		do("timers", []string{"sets a", "sets b", "cancels a", "cancels b"}, func(ctx *actor.Context) {
			ctx.AfterKey("k", time.Hour, "a")
			ctx.After(time.Hour, "b")
			ctx.CancelTimers()
		})
		do("ticks", []string{"sets a", "handles a of its own"}, func(ctx *actor.Context) {
			if ctx.Message() == "m" {
				ctx.After(0, "a")
			}
		})
		do("the rest", []string{"waits", "works", "adapts", "has no use for m", "fails"}, func(ctx *actor.Context) {
			ctx.SetReceiveTimeout(time.Hour)
			actor.Go(ctx, func(context.Context) (int, error) { return 0, nil }, func(int, error) {})
			actor.Adapt(ctx, func(int) any { return nil })
			ctx.Unhandled()
			ctx.Fail(errors.New("enough"))
		})
	})
}

// What the runtime itself puts into a mailbox never makes room for others.
func TestTheOldestThatMakesRoomIsAUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		mortal := spawn(t, sys, "", func(*actor.Context) {})
		release := make(chan struct{})
		r := newRecorder()
		watcher := spawn(t, sys, "", func(ctx *actor.Context) {
			if ctx.Message() == "hold" {
				ctx.Watch(mortal)
				ctx.After(0, "tick")
				<-release
				return
			}
			r.Receive(ctx)
		}, actor.Mailbox{Max: 1, Overflow: actor.DropOldest, Priority: func(any) int { return 0 }})
		watcher.Tell("hold")
		synctest.Wait()
		watcher.Tell(0)
		require.NoError(t, actor.GracefulStop(t.Context(), mortal))
		watcher.Tell(1)
		close(release)
		synctest.Wait()
		require.Equal(t, []any{"tick", 1, actor.Terminated{Ref: mortal}}, r.next(t, 3))
		require.Equal(t, uint64(1), sys.Dropped(actor.DropMailboxFull))
	})
}

func TestAnObserverChangesWhatIsSentAndSpawned(t *testing.T) {
	refused, quiet := errors.New("refused"), zerolog.Nop()
	o := &actor.Observer{
		Spawn: func(s actor.Spawning) func() actor.Actor {
			if s.Name != "x" {
				return s.Factory
			}
			return func() actor.Actor { return &wrapper{inner: s.Factory()} }
		},
		Send: func(s actor.Sending) (any, error) {
			switch m := s.Message.(type) {
			case int:
				return m + 1, nil
			case error:
				return nil, m
			}
			return s.Message, nil
		},
	}
	sys, err := actor.NewSystem("watched", actor.Config{Observer: o, Logger: &quiet})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(t.Context())) }()
	pid := spawn(t, sys, "x", func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	got, err := actor.AskAs[int](t.Context(), pid, any(1))
	require.NoError(t, err)
	require.Equal(t, 3, got, "once on the way there, once back")
	require.ErrorIs(t, pid.TryTell(refused), refused)
	require.Equal(t, uint64(1), sys.Dropped(actor.DropEncode))
	in, err := actor.Inspect(t.Context(), pid)
	require.NoError(t, err)
	require.Equal(t, "actor.Func", in.Type, "the wrapper is not what one wants to see")
}

type wrapper struct{ inner actor.Actor }

func (w *wrapper) Receive(ctx *actor.Context) { w.inner.Receive(ctx) }
func (w *wrapper) Wrapped() actor.Actor       { return w.inner }
