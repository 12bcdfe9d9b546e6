package testkit_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// do is a message that says what to do with it.
type do func(ctx *actor.Context)

// puppet does what it is told, and keeps what else it gets.
type puppet struct {
	got     []any
	onStart func(ctx *actor.Context)
}

func (p *puppet) PreStart(ctx *actor.Context) error {
	if p.onStart != nil {
		p.onStart(ctx)
	}
	return nil
}

func (p *puppet) Receive(ctx *actor.Context) {
	if f, ok := ctx.Message().(do); ok {
		f(ctx)
		return
	}
	p.got = append(p.got, ctx.Message())
}

func newPuppet(t testing.TB, opts ...actor.SpawnOption) (*testkit.Solo, *puppet) {
	p := &puppet{}
	return testkit.NewSolo(t, func() actor.Actor { return p }, opts...), p
}

// K04: every effect, in its order.
func TestSoloEffects(t *testing.T) {
	boom := errors.New("boom")
	for title, c := range map[string]struct {
		do   func(ctx *actor.Context, friend actor.PID)
		want func(friend, self actor.PID) []testkit.Effect
	}{
		"nothing": {func(*actor.Context, actor.PID) {}, func(_, _ actor.PID) []testkit.Effect { return nil }},
		"tell": {func(ctx *actor.Context, f actor.PID) { ctx.Tell(f, 1); f.Tell(2) }, func(f, _ actor.PID) []testkit.Effect {
			return []testkit.Effect{testkit.Told{To: f, Message: 1}, testkit.Told{To: f, Message: 2}}
		}},
		"tell self": {func(ctx *actor.Context, _ actor.PID) { ctx.Tell(ctx.Self(), 1) }, func(_, self actor.PID) []testkit.Effect {
			return []testkit.Effect{testkit.Told{To: self, Message: 1}}
		}},
		"tell nobody": {func(ctx *actor.Context, _ actor.PID) { ctx.Tell(actor.PID{}, 1) }, func(_, _ actor.PID) []testkit.Effect {
			return []testkit.Effect{testkit.Dropped{Message: 1, Reason: actor.DropNobody}}
		}},
		"watch": {func(ctx *actor.Context, f actor.PID) { ctx.WatchWith(f, "gone"); ctx.Unwatch(f) }, func(f, _ actor.PID) []testkit.Effect {
			return []testkit.Effect{testkit.Watched{Who: f, With: "gone"}, testkit.Unwatched{Who: f}}
		}},
		"timers": {func(ctx *actor.Context, _ actor.PID) {
			ctx.EveryKey("k", time.Second, "tick")
			ctx.AfterKey("k", time.Minute, "once")
			ctx.SetReceiveTimeout(time.Hour)
			ctx.SetReceiveTimeout(0)
		}, func(_, _ actor.PID) []testkit.Effect {
			return []testkit.Effect{
				testkit.TimerSet{Schedule: actor.Schedule{Key: "k", First: time.Second, Every: time.Second}, Message: "tick"},
				testkit.TimerCancelled{Key: "k", Message: "tick"},
				testkit.TimerSet{Schedule: actor.Schedule{Key: "k", First: time.Minute}, Message: "once"},
				testkit.ReceiveTimeoutSet{After: time.Hour}, testkit.ReceiveTimeoutSet{},
			}
		}},
		"publish, log, work": {func(ctx *actor.Context, _ actor.PID) {
			ctx.System().Publish("news")
			ctx.Log().Warn().Msg("careful")
			actor.Go(ctx, func(context.Context) (int, error) { return 1, nil }, func(int, error) { ctx.Log().Info().Msg("done") })
		}, func(_, _ actor.PID) []testkit.Effect {
			return []testkit.Effect{
				testkit.Published{Event: "news"}, testkit.Logged{Level: zerolog.WarnLevel, Message: "careful"},
				testkit.WorkBegun{}, testkit.Logged{Level: zerolog.InfoLevel, Message: "done"},
			}
		}},
		"stop another": {func(ctx *actor.Context, f actor.PID) { ctx.Stop(f) }, func(f, _ actor.PID) []testkit.Effect {
			return []testkit.Effect{testkit.StopAsked{Who: f}}
		}},
		"stop": {func(ctx *actor.Context, _ actor.PID) { ctx.Stop(ctx.Self()) }, func(_, self actor.PID) []testkit.Effect {
			return []testkit.Effect{testkit.StopAsked{Who: self}, testkit.Ended{}}
		}},
		"fail": {func(ctx *actor.Context, _ actor.PID) { ctx.Fail(boom) }, func(_, _ actor.PID) []testkit.Effect {
			return []testkit.Effect{testkit.Failed{Err: boom}}
		}},
		"kill the goroutine": {func(*actor.Context, actor.PID) { runtime.Goexit() }, nil},
	} {
		t.Run(title, func(t *testing.T) {
			s, _ := newPuppet(t)
			friend := s.Inbox("friend").PID()
			got := s.Run(do(func(ctx *actor.Context) { c.do(ctx, friend) }))
			if c.want == nil {
				testkit.ExpectEffect[testkit.Failed](t, got)
				return
			}
			testkit.ExpectEffects(t, got, c.want(friend, s.PID())...)
		})
	}
}

func TestSoloAnswersAndForwards(t *testing.T) {
	s, _ := newPuppet(t)
	friend := s.Inbox("friend")
	friend.Answer(func(msg any) any { return "re: " + msg.(string) })

	answer, err := s.Ask(do(func(ctx *actor.Context) { ctx.Reply("yes") }))
	require.NoError(t, err)
	require.Equal(t, "yes", answer)
	testkit.ExpectEffects(t, s.RunAll(), testkit.Answered{Message: "yes"})

	// An ask inside Receive blocks, and others go on meanwhile.
	did := s.Run(do(func(ctx *actor.Context) {
		got, err := actor.AskAs[string](ctx, friend.PID(), any("a question"))
		require.NoError(t, err)
		ctx.Log().Info().Msg(got)
	}))
	testkit.ExpectEffects(t, did, testkit.Asked{To: friend.PID(), Message: "a question"},
		testkit.Logged{Level: zerolog.InfoLevel, Message: "re: a question"})

	// So does one that isn't answered, until its time is over.
	friend.Answer(nil)
	before := s.Now()
	s.Run(do(func(ctx *actor.Context) {
		_, err := actor.AskAs[string](ctx, friend.PID(), any("another"))
		require.ErrorIs(t, err, actor.ErrTimeout)
	}))
	require.Equal(t, 5*time.Second, s.Now().Sub(before))
	require.Equal(t, []any{"a question", "another"}, friend.Take())

	// And AskThen runs on when the answer is given by hand.
	s.Run(do(func(ctx *actor.Context) {
		actor.AskAsThen(ctx, friend.PID(), any("third"), func(a string, err error) {
			require.NoError(t, err)
			ctx.Log().Info().Msg(a)
		})
	}))
	friend.Expect("third")
	testkit.ExpectEffects(t, friend.Reply("by hand"), testkit.Logged{Level: zerolog.InfoLevel, Message: "by hand"})

	did = friend.Tell(do(func(ctx *actor.Context) { ctx.Forward(ctx.Parent()) }))
	require.Equal(t, friend.PID(), testkit.ExpectEffect[testkit.Forwarded](t, did).From)
}

func TestSoloStepsOneMessageAtATime(t *testing.T) {
	s, p := newPuppet(t)
	s.Tell(do(func(ctx *actor.Context) { ctx.Tell(ctx.Self(), "own") }))
	s.Tell("b")
	require.Equal(t, 2, s.Waiting())
	testkit.ExpectEffects(t, s.Step(), testkit.Told{To: s.PID(), Message: "own"})
	require.Equal(t, 2, s.Waiting())
	require.Empty(t, p.got)
	s.Step()
	require.Equal(t, []any{"b"}, p.got)
	s.Step()
	require.Equal(t, []any{"b", "own"}, p.got)
	require.Empty(t, s.Step(), "nothing is left")
}

func TestSoloChildren(t *testing.T) {
	s, p := newPuppet(t)
	s.Run(do(func(ctx *actor.Context) {
		child, _ := ctx.Spawn("c", actor.Of[courier], actor.Supervise{MaxRestarts: 1})
		ctx.Watch(child)
	}))
	child := s.Child("c")
	require.Equal(t, 1, child.Supervise().MaxRestarts)
	require.IsType(t, &courier{}, child.Factory()())
	ref := child.PID()
	require.Empty(t, child.Fail(errors.New("once")), "it is restarted")
	require.Empty(t, p.got)
	twice := errors.New("twice")
	child.Fail(twice)
	require.Equal(t, []any{actor.Terminated{Ref: ref, Cause: twice}}, p.got)
	s.Run(do(func(ctx *actor.Context) { _, _ = ctx.Spawn("c", actor.Of[courier]) }))
	require.NotEqual(t, ref, s.Child("c").PID(), "the name was free again")
	require.Equal(t, child, s.InboxOf(ref))
	require.Contains(t, s.Stop(), testkit.Effect(testkit.Ended{}))
	require.False(t, s.Alive())
}

func TestSoloSupervisionAndTime(t *testing.T) {
	starts := 0
	s := testkit.NewSolo(t, func() actor.Actor {
		return &puppet{onStart: func(ctx *actor.Context) {
			starts++
			ctx.Every(time.Minute, do(func(ctx *actor.Context) { ctx.Log().Info().Msg("tick") }))
		}}
	}, actor.Supervise{Backoff: actor.Backoff{Min: time.Second, Max: time.Second}})
	testkit.ExpectEffect[testkit.TimerSet](t, s.Started())
	require.Len(t, testkit.EffectsOf[testkit.Logged](s.Advance(3*time.Minute)), 3)
	did := s.Run(do(func(ctx *actor.Context) { panic("x") }))
	testkit.ExpectEffect[testkit.Failed](t, did)
	require.Equal(t, 1, starts)
	s.Advance(2 * time.Second)
	require.Equal(t, 2, starts)
	require.Equal(t, 1, s.Inspect().Timers)
}

func TestTypedSolo(t *testing.T) {
	var notes []string
	s := testkit.NewTypedSolo(t, func() actor.Receiver[string] { return &typedDoor{&notes} })
	got, err := s.Ask("knock")
	require.NoError(t, err)
	require.Equal(t, "knock", got)
	testkit.ExpectEffects(t, s.Run(7), testkit.Answered{Message: "knock"}, testkit.Unhandled{Message: 7})
}

func TestSoloSaysWhatIsWrong(t *testing.T) {
	for title, c := range map[string]struct {
		f    func(s *testkit.Solo)
		want string
	}{
		"no child":       {func(s *testkit.Solo) { s.Child("x") }, `the actor has no child "x"`},
		"no inbox":       {func(s *testkit.Solo) { s.InboxOf(s.PID()) }, "is no child of the actor"},
		"empty inbox":    {func(s *testkit.Solo) { s.Inbox("i").Next() }, "is empty"},
		"other message":  {func(s *testkit.Solo) { i := s.Inbox("i"); i.PID().Tell(1); s.RunAll(); i.Expect(2) }, "got int 1, want int 2"},
		"nobody to tell": {func(s *testkit.Solo) { s.Inbox("i").Reply(1) }, "has no sender to reply to"},
		"waits for ever": {func(s *testkit.Solo) {
			s.Run(do(func(ctx *actor.Context) { _ = ctx.System().Wait(context.Background(), &actor.Gate{}) }))
		}, "waits for something that never comes"},
		"never rests": {func(s *testkit.Solo) {
			var again do
			again = func(ctx *actor.Context) { ctx.Tell(ctx.Self(), again) }
			s.Run(again)
		}, "doesn't come to rest"},
		"other effects": {func(s *testkit.Solo) {
			testkit.ExpectEffects(s.T(), s.Run(do(func(ctx *actor.Context) { ctx.Unhandled() })))
		}, "got 1 effects, want 0: testkit.Unhandled"},
		"another effect": {func(s *testkit.Solo) {
			testkit.ExpectEffects(s.T(), s.Run(do(func(ctx *actor.Context) { ctx.SetReceiveTimeout(1) })), testkit.Ended{})
		}, "effect 0 is testkit.ReceiveTimeoutSet {After:1ns}, want testkit.Ended"},
		"no effect of the type": {func(s *testkit.Solo) {
			testkit.ExpectEffect[testkit.Ended](s.T(), s.Run("x"))
		}, "got 0 effects of type testkit.Ended, want one, among: nothing"},
	} {
		t.Run(title, func(t *testing.T) {
			w := &witness{TB: t}
			s, _ := newPuppet(w)
			require.Panics(t, func() { c.f(s) })
			require.Contains(t, w.end(), c.want)
		})
	}
}
