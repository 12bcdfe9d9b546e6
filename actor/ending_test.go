package actor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEndingTellsInOrderAndWithoutGoroutines(t *testing.T) {
	e := newEnding()
	var told []int
	for i := range 5 {
		e.AfterFunc(func() { told = append(told, i) })
	}
	stop := afterEnd(e, func() { told = append(told, -1) })
	require.True(t, stop())
	require.False(t, stop())
	child, cancel := context.WithCancel(e)
	defer cancel()
	require.NoError(t, e.Err())
	why := errors.New("why")
	e.end(why)
	e.end(errors.New("too late"))
	require.Equal(t, []int{0, 1, 2, 3, 4}, told)
	require.ErrorIs(t, e.Err(), context.Canceled)
	require.Equal(t, why, causeOf(e))
	require.ErrorIs(t, child.Err(), context.Canceled, "derived contexts end with it, at once")
	<-e.Done()
	require.False(t, afterEnd(e, func() { told = append(told, 6) })())
	require.Equal(t, 6, told[5], "at once when it has ended")
}

// A context is derived while its parent ends: package context holds the
// child's lock when it asks the parent, and the parent must not want it.
func TestEndingWhileAContextIsDerived(t *testing.T) {
	for range 20_000 {
		e := newEnding()
		ended := make(chan struct{})
		go func() { e.end(context.Canceled); close(ended) }()
		child, cancel := context.WithCancelCause(e)
		<-ended
		<-child.Done()
		cancel(nil)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := NewSystem("test", Config{})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Stop(context.Background())) }()
		var g Gate
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		begin := time.Now()
		require.ErrorIs(t, s.Wait(ctx, &g), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(begin))
		s.Clock().AfterFunc(time.Minute, func() { g.Open() })
		require.NoError(t, s.Wait(context.Background(), &g))
		require.Equal(t, time.Second+time.Minute, time.Since(begin))
		require.NoError(t, s.Wait(ctx, &g), "an open gate is passed whatever ctx says")
		e := newEnding()
		s.Clock().AfterFunc(time.Minute, func() { e.end(ErrTimeout) })
		require.ErrorIs(t, s.Wait(e, new(Gate)), ErrTimeout)
	})
}
