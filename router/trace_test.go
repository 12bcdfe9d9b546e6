package router

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// TestTracesReachTheRoutee: from outside of actors and within a turn, where one routee gets
// the message; elsewhere the message arrives without.
func TestTracesReachTheRoutee(t *testing.T) {
	sys := testkit.New(t)
	seen := make(chan [2]any, 10)
	routee := func(*post) func() actor.Actor {
		return func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) { seen <- [2]any{ctx.Message(), ctx.Trace()} })
		}
	}
	one, _ := spawned(t, sys, config{n: 1, logic: RoundRobin{}, routee: routee})
	sender := testkit.Must(sys.Spawn("sender", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Forward(one) })
	}))
	one.Tell(actor.WithTrace("direct", "a"))
	require.Equal(t, [2]any{"direct", actor.Trace("a")}, <-seen)
	sender.Tell(actor.WithTrace("by way of an actor", "b"))
	require.Equal(t, [2]any{"by way of an actor", actor.Trace("b")}, <-seen)
	one.Tell(actor.WithTrace(Broadcast{"to all"}, "c"))
	require.Equal(t, [2]any{"to all", actor.Trace("")}, <-seen)
	one.Tell("none")
	require.Equal(t, [2]any{"none", actor.Trace("")}, <-seen)
}
