package router

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// routeeOf is what a config has, also for a balancing pool.
func routeeOf(handle func(*actor.Context)) func(*post) func() actor.Actor {
	return func(p *post) func() actor.Actor {
		return func() actor.Actor {
			if p == nil {
				return actor.Func(handle)
			}
			return &member{post: p, receive: handle}
		}
	}
}

// next is what a routee has seen.
func next(t *testing.T, seen chan [2]any) [2]any {
	t.Helper()
	select {
	case one := <-seen:
		return one
	case <-time.After(45 * time.Second):
		require.FailNow(t, "nothing arrived")
		return [2]any{}
	}
}

// TestTracesReachTheRoutee: from outside of actors and within a turn, by whatever way.
func TestTracesReachTheRoutee(t *testing.T) {
	for title, logic := range map[string]Logic{
		"one gets it": RoundRobin{}, "all get it": FanOut{}, "from a queue": Balancing{},
		"the head asks": ScatterGather{}, "the head asks one after the other": TailChopping{},
	} {
		t.Run(title, func(t *testing.T) {
			sys := testkit.New(t)
			seen := make(chan [2]any, 10)
			routee := func(ctx *actor.Context) {
				seen <- [2]any{ctx.Message(), ctx.Trace()}
				if ctx.Message() == any("question") {
					ctx.Reply("answer")
				}
			}
			one, _ := spawned(t, sys, config{n: 1, logic: logic, routee: routeeOf(routee), broadcastIf: func(msg any) bool { return msg == "to all by itself" }})
			sender := testkit.Must(sys.Spawn("sender", func() actor.Actor {
				return actor.Func(func(ctx *actor.Context) {
					switch msg := ctx.Message(); msg {
					case "answer":
						seen <- [2]any{msg, ctx.Trace()}
					case "ask":
						ctx.Tell(one, "question")
					default:
						ctx.Forward(one)
					}
				})
			}))
			reaches := func(to actor.PID, msg, want any, trace actor.Trace) {
				t.Helper()
				to.Tell(actor.WithTrace(msg, trace))
				require.Equal(t, [2]any{want, trace}, next(t, seen))
			}
			reaches(sender, "ask", "question", "a")
			require.Equal(t, [2]any{"answer", actor.Trace("a")}, next(t, seen))
			reaches(one, Broadcast{"to all"}, "to all", "b")
			reaches(one, "to all by itself", "to all by itself", "c")
			reaches(sender, "ask", "question", "")
			require.Equal(t, [2]any{"answer", actor.Trace("")}, next(t, seen))
			if wayOf(logic) != asking { // which wants somebody to answer
				reaches(one, "direct", "direct", "d")
				reaches(sender, "by way of an actor", "by way of an actor", "e")
				reaches(one, "none", "none", "")
			}
		})
	}
}

// TestTracesOfWhatWaits: behind others in the queue of a pool, and while a router begins.
func TestTracesOfWhatWaits(t *testing.T) {
	sys := testkit.New(t)
	seen, release := make(chan [2]any, 10), make(chan struct{})
	routee := func(ctx *actor.Context) {
		if ctx.Message() == any("block") {
			seen <- [2]any{}
			<-release
		}
		seen <- [2]any{ctx.Message(), ctx.Trace()}
	}
	queue, f := spawned(t, sys, config{n: 1, logic: Balancing{}, routee: routeeOf(routee)})
	queue.Tell(actor.WithTrace("block", "a"))
	next(t, seen)
	queue.Tell(actor.WithTrace("waits", "b"))
	queue.Tell("waits without")
	close(release)
	for _, want := range [][2]any{{"block", actor.Trace("a")}, {"waits", actor.Trace("b")}, {"waits without", actor.Trace("")}} {
		require.Equal(t, want, next(t, seen))
	}
	table := f.table.Swap(nil)
	f.hold()
	queue.Tell(actor.WithTrace("is held", "c"))
	f.open(table)
	require.Equal(t, [2]any{"is held", actor.Trace("c")}, next(t, seen))
}
