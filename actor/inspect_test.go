package actor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestPendingTellsWhatWaits(t *testing.T) {
	sys := newSystem(t)
	begun, release := make(chan struct{}), make(chan struct{})
	pid, err := sys.Spawn("worker", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if ctx.Message() == "block" {
				close(begun)
				<-release
			}
			ctx.Reply("done")
		})
	})
	require.NoError(t, err)
	pid.Tell("block")
	<-begun
	pid.Tell("a")
	pid.Tell("b")
	for title, ref := range map[string]actor.PID{"ref": pid, "ref by path": sys.RefAt("", "/user/worker")} {
		waiting, busy, ok := ref.Pending()
		require.True(t, ok, title)
		require.True(t, busy, title)
		require.Equal(t, 2, waiting, title)
	}
	close(release)
	_, err = actor.AskAs[string](context.Background(), pid, "c")
	require.NoError(t, err)
	waiting, _, ok := pid.Pending()
	require.True(t, ok)
	require.Zero(t, waiting)
}

func TestPendingIsUnknown(t *testing.T) {
	sys := newSystem(t)
	pid, err := sys.Spawn("", func() actor.Actor { return actor.Func((*actor.Context).Unhandled) })
	require.NoError(t, err)
	require.NoError(t, sys.Stop(context.Background()))
	for title, ref := range map[string]actor.PID{
		"of nobody":        {},
		"of the stopped":   pid,
		"behind a handler": sys.NewRef("/virtual", nil),
		"at no path":       sys.RefAt("", "/user/none"),
	} {
		_, _, ok := ref.Pending()
		require.False(t, ok, title)
	}
}

// An actor that waits for its restart handles nothing.
func TestPendingOfAFailedActorIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		pid := spawn(t, sys, "x", func(ctx *actor.Context) { act(ctx, func(string) {}) },
			actor.Supervise{Backoff: actor.Backoff{Min: time.Minute, Max: time.Minute}})
		known := func() bool {
			synctest.Wait()
			_, _, ok := pid.Pending()
			return ok
		}
		require.True(t, known())
		pid.Tell(errBoom)
		require.False(t, known())
		time.Sleep(72 * time.Second)
		require.True(t, known())
	})
}
