package actor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// disciplines are all the ways in which a mailbox can be made, with a user's function
// that would put the runtime's messages first, last, or panics about them.
func disciplines() map[string]actor.SpawnOption {
	rank := func(other int) func(any) int {
		return func(msg any) int {
			if n, ok := msg.(int); ok {
				return n
			}
			return other
		}
	}
	return map[string]actor.SpawnOption{
		"first in, first out":   actor.Lifetime(0),
		"bounded":               actor.Bounded(4),
		"the newest is refused": actor.Mailbox{Max: 4},
		"the oldest makes room": actor.Mailbox{Max: 4, Overflow: actor.DropOldest},
		"senders wait":          actor.Mailbox{Max: 4, Overflow: actor.BlockSender, Wait: time.Second},
		"control first":         actor.Mailbox{},
		"others first":          actor.Mailbox{Priority: rank(-1)},
		"others last":           actor.Mailbox{Max: 4, Priority: rank(1000)},
		"others panic":          actor.Mailbox{Priority: func(msg any) int { return msg.(int) }},
	}
}

// eachDiscipline runs f with an actor whose first message keeps it busy until release is
// called.
func eachDiscipline(t *testing.T, f func(t *testing.T, r *recorder, pid actor.PID, release func())) {
	for title, option := range disciplines() {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				r, begin := newRecorder(), make(chan struct{})
				first := true
				pid := spawn(t, sys, "", func(ctx *actor.Context) {
					if first {
						first = false
						<-begin
						return
					}
					r.Receive(ctx)
				}, option)
				pid.Tell(0)
				synctest.Wait()
				f(t, r, pid, func() { close(begin) })
			})
		})
	}
}

func TestAGracefulStopHandlesWhatWaitedBeforeIt(t *testing.T) {
	eachDiscipline(t, func(t *testing.T, r *recorder, pid actor.PID, release func()) {
		for _, n := range []int{7, 3, 5, 1} { // as many as fit
			pid.Tell(n)
		}
		ended := make(chan error)
		go func() { ended <- actor.GracefulStop(t.Context(), pid) }()
		synctest.Wait()
		release()
		require.NoError(t, <-ended)
		require.ElementsMatch(t, []any{1, 3, 5, 7}, r.next(t, 4))
	})
}

func TestNothingOvertakesAPoisonPill(t *testing.T) {
	eachDiscipline(t, func(t *testing.T, r *recorder, pid actor.PID, release func()) {
		pid.Tell(7)
		pid.Tell(actor.PoisonPill{})
		pid.Tell(1)
		pid.Tell(urgent(1))
		release()
		require.NoError(t, actor.AwaitEnd(t.Context(), pid))
		require.Equal(t, []any{7}, r.next(t, 1))
		require.Equal(t, 1, r.count())
	})
}

func TestAKillFindsAFullMailboxOpen(t *testing.T) {
	eachDiscipline(t, func(t *testing.T, r *recorder, pid actor.PID, release func()) {
		for _, n := range []int{7, 3, 5, 1} {
			pid.Tell(n)
		}
		require.NoError(t, pid.TryTell(actor.Kill{}))
		pid.Tell(1)
		release()
		require.NoError(t, actor.AwaitEnd(t.Context(), pid))
	})
}

func TestATerminatedComesAfterWhatTheActorHadSent(t *testing.T) {
	for title, option := range disciplines() {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				r, begin := newRecorder(), make(chan struct{})
				watched := spawn(t, sys, "", func(ctx *actor.Context) {
					for _, n := range []int{9, -9, 2, 0} {
						ctx.Tell(ctx.Sender(), n)
					}
					ctx.Stop(ctx.Self())
				})
				pid := spawn(t, sys, "", func(ctx *actor.Context) {
					if ctx.Message() == "begin" {
						ctx.Watch(watched)
						ctx.Tell(watched, "go")
						<-begin
						return
					}
					r.Receive(ctx)
				}, option)
				pid.Tell("begin")
				synctest.Wait()
				close(begin)
				got := r.next(t, 5)
				require.Equal(t, actor.Terminated{Ref: watched}, got[4], "%v", got)
			})
		})
	}
}

func TestWhatTheRuntimePutsInTakesNoRoom(t *testing.T) {
	for title, option := range map[string]actor.SpawnOption{"bounded": actor.Bounded(1), "by discipline": actor.Mailbox{Max: 1}} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				r, begin := newRecorder(), make(chan struct{})
				pid := spawn(t, sys, "", func(ctx *actor.Context) {
					if ctx.Message() == "begin" {
						ctx.After(time.Second, "tick")
						ctx.After(time.Second, "tock")
						<-begin
						return
					}
					r.Receive(ctx)
				}, option)
				pid.Tell("begin")
				time.Sleep(2 * time.Second)
				require.NoError(t, pid.TryTell(1))
				require.ErrorIs(t, pid.TryTell(2), actor.ErrMailboxFull)
				close(begin)
				require.ElementsMatch(t, []any{"tick", "tock", 1}, r.next(t, 3))
				require.NoError(t, pid.TryTell(3), "the room is there again")
				r.next(t, 1)
			})
		})
	}
}

func TestTheUsersOrderSeesMessagesOfUsersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		seen := make(chan any, 100)
		ticked := make(chan struct{})
		pid := spawn(t, sys, "", func(ctx *actor.Context) {
			switch ctx.Message() {
			case "begin":
				ctx.After(time.Second, "tick")
				ctx.SetReceiveTimeout(2 * time.Second)
			case "tick":
			case actor.ReceiveTimeout{After: 2 * time.Second}:
				ctx.SetReceiveTimeout(0)
				close(ticked)
			}
		}, actor.Mailbox{Priority: func(msg any) int { seen <- msg; return 0 }})
		pid.Tell("begin")
		<-ticked
		_, err := actor.AskAs[actor.ActorIdentity](t.Context(), pid, any(actor.Identify{}))
		require.NoError(t, err)
		pid.Tell(actor.WithTrace(actor.PoisonPill{}, "a trace"))
		require.NoError(t, actor.AwaitEnd(t.Context(), pid))
		require.Len(t, seen, 1)
	})
}
