package actor_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func configured(t *testing.T, cfg actor.Config) *actor.System {
	t.Helper()
	quiet := zerolog.Nop()
	cfg.Logger = &quiet
	sys, err := actor.NewSystem("test", cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	return sys
}

func TestTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := configured(t, actor.Config{MessageAges: true})
		release := make(chan struct{})
		parent := spawn(t, sys, "parent", func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case error:
				ctx.Fail(m)
			case string:
				spawn(t, ctx, m, func(*actor.Context) { <-release }, actor.Bounded(4))
			}
		})
		parent.Tell(errors.New("boom"))
		parent.Tell("a")
		parent.Tell("b")
		synctest.Wait()
		a := sys.RefAt("", "/user/parent/a")
		for range 6 { // one in the turn, four wait, one is too many
			a.Tell("work")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		var lines []actor.ActorInfo
		for i := range sys.Tree() {
			require.Equal(t, i.Ref.Path(), i.Path)
			i.Ref = actor.PID{}
			lines = append(lines, i)
		}
		require.Equal(t, []actor.ActorInfo{
			{Path: "/user"},
			{Path: "/user/parent", Depth: 1, Processed: 3, Restarts: 1},
			{Path: "/user/parent/a", Depth: 2, Waiting: 4, Busy: true, Oldest: 5 * time.Second},
			{Path: "/user/parent/b", Depth: 2},
			{Path: "/system"},
		}, lines)
		require.EqualValues(t, 1, sys.Dropped(actor.DropMailboxFull))
		for range sys.Tree() {
			break // whoever has seen enough may go
		}
		close(release)
	})
}

type showing struct{ seen int }

func (s *showing) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case int:
		s.seen += m
	case string:
		_ = ctx.Stash()
	case actor.PID:
		ctx.Watch(m)
		ctx.After(time.Hour, "later")
		ctx.BecomeStacked(s.Receive)
	case chan struct{}:
		<-m
	}
}

func (s *showing) Inspect() any {
	if s.seen < 0 {
		panic("nothing to see")
	}
	return s.seen
}

func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		other := spawn(t, sys, "other", func(*actor.Context) {})
		pid, err := sys.Spawn("x", actor.Of[showing], actor.Intercept(func(_ *actor.Context, m any, next func(any)) { next(m) }))
		require.NoError(t, err)
		for _, m := range []any{3, 4, "a", "b", other} {
			pid.Tell(m)
		}
		synctest.Wait()
		got, err := actor.Inspect(t.Context(), pid)
		require.NoError(t, err)
		require.Equal(t, actor.Inspection{
			ActorInfo: actor.ActorInfo{Ref: pid, Path: "/user/x", Depth: 1, Busy: true, Processed: 5},
			Type:      "*actor_test.showing", Stashed: 2, Timers: 1, Watching: 1, Behaviours: 1, State: 7,
		}, got)
		seen, err := actor.Inspect(t.Context(), sys.RefAt("", "/user/other"))
		require.NoError(t, err)
		require.Equal(t, 1, seen.Watchers)
		require.Equal(t, "actor.Func", seen.Type)

		pid.Tell(-100)
		synctest.Wait()
		got, err = actor.Inspect(t.Context(), pid)
		require.ErrorContains(t, err, "nothing to see")
		require.Equal(t, "/user/x", got.Path, "what doesn't need it is there")

		block := make(chan struct{})
		pid.Tell(block)
		synctest.Wait()
		_, err = actor.Inspect(t.Context(), pid)
		require.ErrorIs(t, err, actor.ErrTimeout)
		close(block)
		require.NoError(t, actor.GracefulStop(t.Context(), pid))
		_, err = actor.Inspect(t.Context(), pid)
		require.ErrorIs(t, err, actor.ErrStopped)
		_, err = actor.Inspect(t.Context(), actor.PID{})
		require.ErrorIs(t, err, actor.ErrNobody)
	})
}

func TestInspectOneself(t *testing.T) {
	sys := newSystem(t)
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		got, err := actor.Inspect(ctx, ctx.Self())
		require.NoError(t, err)
		ctx.Reply(got.Path)
	})
	path, err := actor.AskAs[string](t.Context(), pid, any(""))
	require.NoError(t, err)
	require.Equal(t, "/user/x", path)
}

func TestProfileLabels(t *testing.T) {
	for title, on := range map[string]bool{"on": true, "off": false} {
		t.Run(title, func(t *testing.T) {
			sys := configured(t, actor.Config{ProfileLabels: on})
			pid := spawn(t, sys, "x", func(ctx *actor.Context) {
				var profile bytes.Buffer
				err := pprof.Lookup("goroutine").WriteTo(&profile, 1)
				ctx.Reply([]any{err, profile.String()})
			})
			for range 2 {
				got, err := actor.AskAs[[]any](t.Context(), pid, any(""))
				require.NoError(t, err)
				require.Nil(t, got[0])
				require.Equal(t, on, strings.Contains(got[1].(string), `"actor":"actor.Func"`), got[1])
			}
		})
	}
}

type bulky struct{ n int }

func (b bulky) MessageSize() int { return b.n }

func TestMailboxBytes(t *testing.T) {
	sys := configured(t, actor.Config{MailboxBytes: 10_000})
	release := make(chan struct{})
	begun := make(chan struct{}, 1)
	r := newRecorder()
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case string:
			begun <- struct{}{}
			<-release
		case bulky:
			r.add(m.n)
		}
	})
	pid.Tell("block")
	<-begun
	require.Zero(t, sys.MailboxBytes(), "what is being handled doesn't wait")
	for title, c := range []struct {
		n   int
		err error
	}{{4000, nil}, {4000, nil}, {4000, actor.ErrMailboxFull}, {500, nil}} {
		err := pid.TryTell(bulky{c.n})
		if c.err == nil {
			require.NoError(t, err, title)
		} else {
			require.ErrorIs(t, err, c.err, title)
		}
	}
	require.EqualValues(t, 1, sys.Dropped(actor.DropOverBudget))
	require.EqualValues(t, 8500+3*64, sys.MailboxBytes())
	close(release)
	require.Equal(t, []any{4000, 4000, 500}, r.next(t, 3), "the order is that of the sends")
	require.NoError(t, pid.TryTell(bulky{100_000}), "one alone always fits")
	r.next(t, 1)
	require.NoError(t, actor.GracefulStop(t.Context(), pid))
	require.Zero(t, sys.MailboxBytes())
}

// Without a word in Config the bound is a quarter of the memory limit of the process.
func TestMailboxBytesByTheLimitOfTheProcess(t *testing.T) {
	const limit = 1 << 30
	was := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(was) })
	for title, c := range map[string]struct{ limit, set, most int64 }{
		"no limit, nothing said":    {math.MaxInt64, 0, 0},
		"no limit, a bound":         {math.MaxInt64, 1000, 1000},
		"a limit, nothing said":     {limit, 0, limit / 4},
		"a limit, a bound":          {limit, 1000, 1000},
		"a limit, and switched off": {limit, -1, 0},
	} {
		t.Run(title, func(t *testing.T) {
			debug.SetMemoryLimit(c.limit)
			sys := configured(t, actor.Config{MailboxBytes: c.set})
			debug.SetMemoryLimit(was)
			release, begun := make(chan struct{}), make(chan struct{})
			pid := spawn(t, sys, "x", func(ctx *actor.Context) {
				if ctx.Message() == any("block") {
					close(begun)
					<-release
				}
			})
			defer close(release)
			pid.Tell("block")
			<-begun
			const overhead = 64 // of a message
			if c.most == 0 {
				require.NoError(t, pid.TryTell(bulky{1 << 40}))
				require.NoError(t, pid.TryTell(bulky{1 << 40}))
				require.Zero(t, sys.MailboxBytes(), "nothing is counted")
				return
			}
			require.NoError(t, pid.TryTell(bulky{int(c.most) - 100 - overhead}))
			require.ErrorIs(t, pid.TryTell(bulky{101}), actor.ErrMailboxFull)
			require.NoError(t, pid.TryTell(bulky{100 - overhead}), "to the last byte")
			require.EqualValues(t, c.most, sys.MailboxBytes())
		})
	}
}

func TestMailboxBytesComeBackFromStashAndDeath(t *testing.T) {
	sys := configured(t, actor.Config{MailboxBytes: 1_000_000})
	stashing := true
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		switch ctx.Message().(type) {
		case bulky:
			if stashing {
				_ = ctx.Stash()
			}
		case string:
			stashing = false
			ctx.UnstashAll()
			ctx.Reply(sys.MailboxBytes())
			ctx.Stop(ctx.Self())
		}
	})
	for range 10 {
		pid.Tell(bulky{936})
	}
	waiting, err := actor.AskAs[int64](t.Context(), pid, any("open"))
	require.NoError(t, err)
	require.EqualValues(t, 10_000, waiting)
	require.NoError(t, actor.AwaitEnd(t.Context(), pid))
	require.Zero(t, sys.MailboxBytes())
}
