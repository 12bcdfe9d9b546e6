package actor_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

var errNoTable = errors.New("the table is gone")

// unstartable is an actor whose start fails when it has been waited for.
type unstartable struct{ begin *actor.Gate }

func (u unstartable) PreStart(ctx *actor.Context) error {
	ctx.System().Executor().Wait(u.begin)
	return errNoTable
}

func (unstartable) Receive(*actor.Context) {}

func TestWhoAsksAnActorThatCannotStartLearnsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		var begin actor.Gate
		ref := testkit.Must(sys.Spawn("a", func() actor.Actor { return unstartable{&begin} }))
		answered := make(chan error)
		go func() {
			_, err := actor.AskAs[int](t.Context(), ref, any("early"))
			answered <- err
		}()
		synctest.Wait()
		asked := time.Now()
		begin.Open()
		early := <-answered
		_, late := actor.AskAs[int](t.Context(), ref, any("late"))
		for _, err := range []error{early, late} {
			require.ErrorIs(t, err, actor.ErrDeadLetter)
			require.ErrorIs(t, err, errNoTable)
			require.ErrorContains(t, err, "dead letter: actor stopped: start of /user/a: the table is gone")
		}
		require.Zero(t, time.Since(asked))
	})
}

func TestWhoWaitsForAnActorThatIsStoppedForAFailureLearnsWhich(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		var begin actor.Gate
		ref := testkit.Must(sys.Spawn("a", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				ctx.System().Executor().Wait(&begin)
				ctx.Fail(errNoTable)
			})
		}, actor.Supervise{MaxRestarts: -1}))
		ref.Tell("fail")
		answered := make(chan error)
		go func() {
			_, err := actor.AskAs[int](t.Context(), ref, any(1))
			answered <- err
		}()
		synctest.Wait()
		begin.Open()
		require.ErrorIs(t, <-answered, errNoTable)
	})
}

func TestAFailureWithoutAnErrorIsOneAllTheSame(t *testing.T) {
	sys := testkit.New(t)
	ref := testkit.Must(sys.Spawn("a", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Reply(actor.Failure{}) })
	}))
	_, err := actor.AskAs[int](t.Context(), ref, any(1))
	require.ErrorContains(t, err, "Failure without an error")
	require.NotContains(t, err.Error(), "%!")
	name, body, err := sys.Registry().Encode(sys.Scope(), nil, actor.Failure{})
	require.NoError(t, err)
	got, err := sys.Registry().Decode(sys.Scope(), name, body)
	require.NoError(t, err)
	require.ErrorContains(t, got.(actor.Failure).Err, "Failure without an error")
}
