package actor_test

import (
	"context"
	"errors"
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
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 2*time.Second, time.Since(begun))
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := actor.AskAs[int](ctx, middle, any(""))
		require.Error(t, err)
	})
}

// A110, A113: who asks somebody who isn't there learns it at once; what was asked
// becomes a dead letter. Who has no time left sends nothing.
func TestAsksOfNobody(t *testing.T) {
	sys := newSystem(t)
	r, office := spawnRecorder(t, sys, "office")
	actor.Subscribe[actor.DeadLetter](sys, office)
	stopped := spawn(t, sys, "stopped", func(*actor.Context) {})
	require.NoError(t, actor.GracefulStop(t.Context(), stopped))
	for i, to := range []actor.PID{
		stopped, sys.RefAt("", "/user/missing"), sys.RefAt("", "/temp/zz"), sys.RefAt("", "/temp/zz/child"),
	} {
		_, err := actor.AskAs[int](t.Context(), to, any(i))
		require.Error(t, err)
		require.True(t, errors.Is(err, actor.ErrDeadLetter) || errors.Is(err, actor.ErrStopped), err)
		letter := r.next(t, 1)[i].(actor.DeadLetter)
		require.Equal(t, i, letter.Message)
		require.Equal(t, actor.DropStopped, letter.Reason)
	}
	echo := spawn(t, sys, "echo", func(*actor.Context) { t.Error("asked by somebody without time") })
	past, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	_, err := actor.AskAs[int](past, echo, any(""))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, actor.GracefulStop(t.Context(), echo))
	require.Equal(t, 4, r.count())
}

// A111: a timeout says who was asked what, and for how long.
func TestTimeoutsSayWhatWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		silent := spawn(t, sys, "silent", func(*actor.Context) {})
		_, err := actor.Ask(t.Context(), silent, ask{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		for _, part := range []string{silent.String(), "actor_test.ask", "5s"} {
			require.ErrorContains(t, err, part)
		}
	})
}

// A114: whoever asks from outside has no life to watch: its end has come already.
func TestWatchingWhoAsks(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		if m, ended := ctx.Message().(actor.Terminated); ended {
			r.add(m.Ref)
			return
		}
		ctx.Watch(ctx.Sender())
		ctx.Reply(ctx.Sender())
	})
	who, err := actor.AskAs[actor.PID](t.Context(), pid, any(""))
	require.NoError(t, err)
	require.Equal(t, []any{who}, r.next(t, 1))
	require.ErrorIs(t, who.TryTell("late"), actor.ErrStopped)
	require.EqualValues(t, 1, sys.Dropped(actor.DropLateReply))
}

// A329: answers come in the order in which they were given; what fails in the
// continuation fails the actor, and a continuation may do all that a turn may.
func TestContinuationsAreTurns(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	echo := spawn(t, sys, "echo", func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	pid, err := sys.Spawn("x", func() actor.Actor {
		r.add("fresh")
		return actor.Func(func(ctx *actor.Context) {
			for i := range 5 {
				actor.AskAsThen(ctx, echo, any(i), func(n int, err error) {
					require.NoError(t, err)
					r.add(n)
					if n == 4 {
						panic("the last is one too many")
					}
				})
			}
		})
	})
	require.NoError(t, err)
	pid.Tell("")
	require.Equal(t, []any{"fresh", 0, 1, 2, 3, 4, "fresh"}, r.next(t, 7))
}

// A096: the result of work goes to whom one likes, and its failure as one.
func TestResultsGoToWhomOneLikes(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	spawn(t, sys, "to", func(ctx *actor.Context) { r.add(ctx.Message()); r.add(ctx.Sender()) })
	sel, err := sys.Select("/user/to")
	require.NoError(t, err)
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		actor.Go(ctx, func(context.Context) (int, error) { return 0, errBoom },
			func(n int, err error) { ctx.Tell(sel.PID(), actor.Failure{Err: err}) })
	})
	pid.Tell("")
	require.Equal(t, []any{actor.Failure{Err: errBoom}, pid}, r.next(t, 2))
}

// Who has run out of its asker's time can still undo what it has begun.
func TestACompensationOutlivesTheAskersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		stock := spawn(t, sys, "stock", func(ctx *actor.Context) {
			if ctx.Message() == "reserve" {
				return // never answers
			}
			ctx.Reply("released")
		})
		undone := make(chan error, 2)
		order := spawn(t, sys, "order", func(ctx *actor.Context) {
			switch ctx.Message() {
			case "blocking":
				_, err := actor.AskAs[string](ctx, stock, "reserve")
				require.ErrorIs(t, err, actor.ErrTimeout)
				_, err = actor.AskAs[string](ctx, stock, "release")
				require.ErrorIs(t, err, actor.ErrTimeout, "without Detach")
				ctx.Detach()
				_, err = actor.AskAs[string](ctx, stock, "release")
				undone <- err
			case "not blocking":
				ctx.Detach()
				actor.Go(ctx, func(context.Context) (int, error) { time.Sleep(time.Minute); return 0, nil }, func(int, error) {
					actor.AskAsThen(ctx, stock, "release", func(_ string, err error) { undone <- err })
				})
			default:
				_, has := ctx.Deadline()
				ctx.Reply(has)
			}
		})
		for _, how := range []string{"blocking", "not blocking"} {
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := actor.AskAs[int](short, order, how)
			cancel()
			require.ErrorIs(t, err, actor.ErrTimeout)
			require.NoError(t, <-undone, how)
			has, err := actor.AskAs[bool](t.Context(), order, "next")
			require.NoError(t, err)
			require.True(t, has, "the next message has its deadline")
		}
	})
}

func TestAskAsTakesWhatTheRefTakes(t *testing.T) {
	sys := newSystem(t)
	ref := actor.Narrow[string](spawn(t, sys, "x", func(ctx *actor.Context) { ctx.Reply(7) }))
	n, err := actor.AskAs[int](t.Context(), ref.PID(), 1)
	require.NoError(t, err)
	require.Equal(t, 7, n)
	n, err = actor.AskAs[int](t.Context(), ref, "?")
	require.NoError(t, err)
	require.Equal(t, 7, n)
	_, err = actor.AskAs[int](t.Context(), ref, 1)
	require.ErrorContains(t, err, "message int is not a string")
}

// What an ask has sent may be looked at, logged and sent on when the ask is over: it
// gets no name for that, since nobody would take it back.
func TestAnAskThatIsOverGetsNoName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		var during, after actor.PID
		silent := spawn(t, sys, "silent", func(ctx *actor.Context) {
			if ctx.Message() == any("early") {
				during = ctx.Sender()
				require.NotEmpty(t, during.Location().Path)
				return
			}
			after = ctx.Sender()
		})
		for _, msg := range []any{"early", "late"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := actor.AskAs[int](ctx, silent, msg)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			cancel()
		}
		synctest.Wait()
		require.NotEmpty(t, after.Location().Path)
		require.Equal(t, after.Location(), after.Location())
		require.NotEqual(t, during.Location(), after.Location())
		require.Zero(t, sys.TempNames())
	})
}
