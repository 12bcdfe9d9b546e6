package actor

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// A264: who has stopped is no subscriber any more, though nothing was published
// since; who had stopped before never becomes one.
func TestSubscriptionsEndWithTheirActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := zerolog.Nop()
		sys, err := NewSystem("test", Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(context.Background())) }()
		subscribers := func() (n int) {
			synctest.Wait()
			sys.events.mu.Lock()
			defer sys.events.mu.Unlock()
			for _, t := range sys.events.topics {
				n += len(t.members)
			}
			return n
		}
		stays, err := sys.Spawn("stays", func() Actor { return Func(func(*Context) {}) })
		require.NoError(t, err)
		require.NoError(t, Subscribe[int](sys, stays))
		adapters := make(chan PID, 1)
		goes, err := sys.Spawn("goes", func() Actor {
			return Func(func(ctx *Context) {
				adapters <- Adapt(ctx, func(s string) any { return s }).PID()
			})
		})
		require.NoError(t, err)
		goes.Tell("")
		Subscribe[int](sys, goes)
		Subscribe[string](sys, goes)
		Subscribe[string](sys, <-adapters)
		require.Equal(t, 4, subscribers())
		require.NoError(t, GracefulStop(t.Context(), goes))
		require.Equal(t, 1, subscribers())
		Subscribe[int](sys, goes)
		require.Equal(t, 1, subscribers())
		Unsubscribe[int](sys, stays)
		require.Zero(t, subscribers())
		require.ErrorIs(t, PID{p: &sys.events.process}.TryTell("by hand"), ErrNobody)
	})
}

// Subscribing costs the same, however many there are already, and leaves nothing behind.
func TestManySubscribersCostWhatTheyAre(t *testing.T) {
	const many = 8_000
	quiet := zerolog.Nop()
	sys, err := NewSystem("test", Config{Logger: &quiet})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(context.Background())) }()
	refs := make([]PID, many)
	for i := range refs {
		refs[i], err = sys.Spawn("", func() Actor { return Func(func(*Context) {}) })
		require.NoError(t, err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, r := range refs {
		require.NoError(t, Subscribe[int](sys, r))
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(many*2_000), "bytes")
	for _, r := range refs {
		Unsubscribe[int](sys, r)
	}
	require.Empty(t, sys.events.topics)
	require.Empty(t, sys.events.wants)
	require.Empty(t, sys.events.broad)
}
