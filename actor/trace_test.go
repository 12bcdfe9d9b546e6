package actor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

const trace = actor.Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

// note is what a tracing actor writes down of a message.
func note(ctx *actor.Context) string { return fmt.Sprintf("%v %s", ctx.Message(), ctx.Trace()) }

func TestTraceGoesWhereAMessageLeads(t *testing.T) { // R003
	ways := map[string]func(ctx *actor.Context, last actor.PID){
		"tell":    func(ctx *actor.Context, last actor.PID) { ctx.Tell(last, "go") },
		"forward": func(ctx *actor.Context, last actor.PID) { ctx.Forward(last) },
		"reply": func(ctx *actor.Context, last actor.PID) {
			actor.AskAsThen(ctx, last, any("ask"), func(any, error) { ctx.Tell(last, "go") })
		},
		"work elsewhere": func(ctx *actor.Context, last actor.PID) {
			actor.Go(ctx, func(context.Context) (int, error) { return 0, nil }, func(int, error) { ctx.Tell(last, "go") })
		},
		"stash": func(ctx *actor.Context, last actor.PID) {
			_ = ctx.Stash()
			ctx.Become(func(ctx *actor.Context) { ctx.Forward(last) })
			ctx.UnstashAll()
		},
		"timer": func(ctx *actor.Context, last actor.PID) {
			ctx.Become(func(ctx *actor.Context) { ctx.Forward(last) })
			ctx.After(time.Millisecond, "go")
		},
		"timer with a key": func(ctx *actor.Context, last actor.PID) {
			ctx.Become(func(ctx *actor.Context) { ctx.Forward(last) })
			ctx.AfterKey("key", time.Millisecond, "go")
		},
		"timer that starts a timer": func(ctx *actor.Context, last actor.PID) {
			ctx.Become(func(ctx *actor.Context) {
				ctx.Become(func(ctx *actor.Context) { ctx.Forward(last) })
				ctx.After(0, "go")
			})
			ctx.After(time.Millisecond, "first")
		},
		"timer in the stash": func(ctx *actor.Context, last actor.PID) {
			ctx.Become(func(ctx *actor.Context) {
				if ctx.Message() == any("tick") {
					_ = ctx.Stash()
					ctx.SetTrace("")
					ctx.Tell(ctx.Self(), "later")
					return
				}
				ctx.Become(func(ctx *actor.Context) { ctx.Tell(last, "go") })
				ctx.UnstashAll()
			})
			ctx.After(time.Millisecond, "tick")
		},
		"adapter": func(ctx *actor.Context, last actor.PID) {
			in := actor.Adapt(ctx, func(n int) string { return "go" })
			ctx.Become(func(ctx *actor.Context) { ctx.Forward(last) })
			ctx.Tell(in, 1)
		},
		"selection": func(ctx *actor.Context, last actor.PID) {
			sel, err := ctx.System().Select(last.Path())
			if err != nil {
				panic(err)
			}
			ctx.Tell(sel, "go")
		},
	}
	for title, way := range ways {
		t.Run(title, func(t *testing.T) {
			sys := newSystem(t)
			r := newRecorder()
			last := spawn(t, sys, "last", func(ctx *actor.Context) {
				if ctx.Message() == any("ask") {
					ctx.Reply("answer")
					return
				}
				r.add(note(ctx))
			})
			first := spawn(t, sys, "first", func(ctx *actor.Context) { way(ctx, last) })
			first.Tell(actor.WithTrace("go", trace))
			require.Equal(t, []any{"go " + string(trace)}, r.next(t, 1))
		})
	}
}

// TestTraceOfTimers: what ticks again and again is no part of the operation in which it was
// started, unless it is said to be.
func TestTraceOfTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		pid := spawn(t, sys, "x", func(ctx *actor.Context) {
			if ctx.Message() != any("start") {
				r.add(note(ctx))
				return
			}
			ctx.Every(4*time.Second, "beat")
			ctx.Schedule(actor.Schedule{First: time.Second, Every: 4 * time.Second}, actor.WithTrace("traced beat", "own"))
			ctx.After(2*time.Second, "once")
			ctx.After(3*time.Second, actor.WithTrace("once, by itself", "own"))
		})
		pid.Tell(actor.WithTrace("start", trace))
		require.Equal(t, []any{
			"traced beat own", "once " + string(trace), "once, by itself own", "beat ", "traced beat own", "beat ",
		}, r.next(t, 6))
		require.NoError(t, actor.GracefulStop(t.Context(), pid))
	})
}

func TestTraceEndsWithItsMessage(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	last := spawn(t, sys, "last", func(ctx *actor.Context) { r.add(note(ctx)) })
	first := spawn(t, sys, "first", func(ctx *actor.Context) {
		if ctx.Message() == any("own") {
			ctx.SetTrace("own")
		}
		ctx.Forward(last)
	})
	for _, msg := range []any{"none", actor.WithTrace("one", trace), "none", "own", "none", actor.WithTrace("own", trace), actor.WithTrace("", "x")} {
		first.Tell(msg)
	}
	require.Equal(t, []any{"none ", "one " + string(trace), "none ", "own own", "none ", "own own", " x"}, r.next(t, 7))
	first.Tell(actor.WithTrace(actor.PoisonPill{}, trace)) // is obeyed
	require.NoError(t, actor.AwaitEnd(context.Background(), first))
}

func TestTraceOfAnAsk(t *testing.T) {
	sys := newSystem(t)
	pid := spawn(t, sys, "x", func(ctx *actor.Context) { ctx.Reply(note(ctx)) })
	got, err := actor.AskAs[string](context.Background(), pid, actor.WithTrace("question", trace))
	require.NoError(t, err)
	require.Equal(t, "question "+string(trace), got)
	_, err = actor.AskAs[int](context.Background(), pid, actor.WithTrace("question", trace))
	require.NotContains(t, err.Error(), "traced")
}

func TestTraceIsTakenOffWhatOthersSee(t *testing.T) {
	for title, c := range map[string]struct {
		in, plain any
		trace     actor.Trace
	}{
		"none":            {"m", "m", ""},
		"empty":           {actor.WithTrace("m", ""), "m", ""},
		"one":             {actor.WithTrace("m", trace), "m", trace},
		"the last counts": {actor.WithTrace(actor.WithTrace("m", "a"), "b"), "m", "b"},
		"taken away":      {actor.WithTrace(actor.WithTrace("m", "a"), ""), "m", ""},
		"the longest":     {actor.WithTrace("m", actor.Trace(strings.Repeat("x", actor.TraceMax))), "m", actor.Trace(strings.Repeat("x", actor.TraceMax))},
		"too long":        {actor.WithTrace("m", actor.Trace(strings.Repeat("x", actor.TraceMax+1))), "m", ""},
	} {
		plain, got := actor.TraceOf(c.in)
		require.Equal(t, c.plain, plain, title)
		require.Equal(t, c.trace, got, title)
	}
	sys := newSystem(t)
	letters := newRecorder()
	sub := spawn(t, sys, "sub", func(ctx *actor.Context) { letters.add(ctx.Message().(actor.DeadLetter).Message) })
	actor.Subscribe[actor.DeadLetter](sys, sub)
	sys.RefAt("", "/user/nobody").Tell(actor.WithTrace("lost", trace))
	require.Equal(t, []any{"lost"}, letters.next(t, 1))
}

// traces is a handler that passes traces on.
type traces struct{ to actor.PID }

func (h traces) Deliver(msg any, from actor.PID) error { return h.to.TellFrom(msg, from) }

func (h traces) DeliverTraced(msg any, from actor.PID, t actor.Trace) error {
	return h.to.TellFrom(actor.WithTrace(msg, t), from)
}

func TestTraceThroughVirtualRefs(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	last := spawn(t, sys, "last", func(ctx *actor.Context) { r.add(note(ctx)) })
	sys.NewRef("/virtual/traced", traces{last}).Tell(actor.WithTrace("a", trace))
	plain := struct{ actor.Handler }{traces{last}}
	sys.NewRef("/virtual/plain", plain).Tell(actor.WithTrace("b", trace))
	require.Equal(t, []any{"a " + string(trace), "b "}, r.next(t, 2))
}
