package actor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestAskThenBlocksNobody(t *testing.T) {
	sys := newSystem(t)
	square := spawn(t, sys, "square", func(ctx *actor.Context) { n := ctx.Message().(int); ctx.Reply(n * n) })
	sum := spawn(t, sys, "sum", func(ctx *actor.Context) {
		total, left := 0, 10_000
		for i := range left {
			actor.AskAsThen(ctx, square, any(i), func(n int, err error) {
				require.NoError(t, err)
				total += n
				if left--; left == 0 {
					ctx.Reply(total)
				}
			})
		}
	})
	got, err := actor.AskAs[int](t.Context(), sum, any(""))
	require.NoError(t, err)
	require.Equal(t, 333283335000, got)
}

func TestAskThenTellsOfFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		silent := spawn(t, sys, "silent", func(*actor.Context) {})
		r := newRecorder()
		spawn(t, sys, "x", func(ctx *actor.Context) {
			actor.AskThen(ctx, silent, ask{}, func(_ int, err error) { r.add(err) })
		}).Tell("")
		require.ErrorIs(t, r.next(t, 1)[0].(error), actor.ErrTimeout)
	})
}

func TestCallCycleIsFoundAndNamed(t *testing.T) {
	sys := newSystem(t)
	refs := map[string]actor.PID{}
	for from, to := range map[string]string{"a": "b", "b": "c", "c": "a"} {
		refs[from] = spawn(t, sys, from, func(ctx *actor.Context) {
			v, err := actor.AskAs[string](ctx, refs[to], any(""))
			if err != nil {
				ctx.Reply(actor.Failure{Err: err})
				return
			}
			ctx.Reply(v)
		})
	}
	_, err := actor.AskAs[string](t.Context(), refs["a"], any(""))
	require.ErrorIs(t, err, actor.ErrCallCycle)
	require.ErrorContains(t, err, "/user/c → /user/a → /user/b → /user/c")
}

func TestDeadlineGoesWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		silent := spawn(t, sys, "silent", func(*actor.Context) {})
		middle := spawn(t, sys, "middle", func(ctx *actor.Context) {
			begun := time.Now()
			_, err := actor.AskAs[int](ctx, silent, any(""))
			require.ErrorIs(t, err, actor.ErrTimeout)
			require.Equal(t, 2*time.Second, time.Since(begun))
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := actor.AskAs[int](ctx, middle, any(""))
		require.Error(t, err)
	})
}
