package actor_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

type ledger struct{ id int32 }

type broken struct{}

func TestExtensionIsMadeOnce(t *testing.T) { // A307, A309
	sys, other := newSystem(t), newSystem(t)
	var made atomic.Int32
	create := func(*actor.System) (*ledger, error) { return &ledger{made.Add(1)}, nil }
	require.False(t, actor.HasExtension[*ledger](sys))
	var all sync.Map
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			l, err := actor.Extension(sys, create)
			if err == nil {
				all.Store(l, true)
			}
		})
	}
	callers.Wait()
	n := 0
	all.Range(func(any, any) bool { n++; return true })
	require.Equal(t, 1, n)
	require.EqualValues(t, 1, made.Load())
	require.True(t, actor.HasExtension[*ledger](sys))
	require.False(t, actor.HasExtension[*ledger](other), "each system has its own")

	require.NoError(t, sys.Stop(context.Background()))
	l, err := actor.Extension(sys, create)
	require.NoError(t, err, "it is there after the end")
	require.EqualValues(t, 1, l.id)
}

func TestExtensionThatFails(t *testing.T) { // A309
	sys := newSystem(t)
	boom := errors.New("boom")
	calls := 0
	for range 2 {
		_, err := actor.Extension(sys, func(*actor.System) (broken, error) { calls++; panic(boom) })
		require.ErrorIs(t, err, boom)
		require.ErrorContains(t, err, "broken")
	}
	require.Equal(t, 1, calls)
	require.False(t, actor.HasExtension[broken](sys))
}

func TestExtensionsInACircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		begun := time.Now()
		var create func(*actor.System) (*ledger, error)
		create = func(s *actor.System) (*ledger, error) { return actor.Extension(s, create) }
		_, err := actor.Extension(sys, create)
		require.ErrorIs(t, err, actor.ErrTimeout)
		require.Equal(t, 20*time.Second, time.Since(begun))
	})
}
