package actor_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

type news interface{ headline() string }
type sport struct{ s string }
type weather struct{ s string }

func (s sport) headline() string   { return s.s }
func (w weather) headline() string { return w.s }

// A262, A272: by type or by interface, once each, from the subscription to its end.
func TestSubscriptions(t *testing.T) {
	for _, c := range []struct {
		title string
		do    func(sys *actor.System, who actor.PID)
		want  []any
	}{
		{"to a type", func(sys *actor.System, who actor.PID) { actor.Subscribe[sport](sys, who) }, []any{sport{"a"}}},
		{"to an interface", func(sys *actor.System, who actor.PID) { actor.Subscribe[news](sys, who) }, []any{sport{"a"}, weather{"b"}}},
		{"twice to the same", func(sys *actor.System, who actor.PID) {
			actor.Subscribe[sport](sys, who)
			actor.Subscribe[sport](sys, who)
		}, []any{sport{"a"}}},
		{"to everything", func(sys *actor.System, who actor.PID) { actor.Subscribe[any](sys, who) }, []any{sport{"a"}, weather{"b"}, 7}},
		{"to a type and to interfaces that it implements", func(sys *actor.System, who actor.PID) {
			for _, err := range []error{actor.Subscribe[any](sys, who), actor.Subscribe[news](sys, who), actor.Subscribe[sport](sys, who)} {
				if err != nil {
					panic(err)
				}
			}
		}, []any{sport{"a"}, weather{"b"}, 7}},
		{"one of two ended", func(sys *actor.System, who actor.PID) {
			actor.Subscribe[sport](sys, who)
			actor.Subscribe[weather](sys, who)
			actor.Unsubscribe[sport](sys, who)
		}, []any{weather{"b"}}},
		{"the interface ended, the type stays", func(sys *actor.System, who actor.PID) {
			actor.Subscribe[sport](sys, who)
			actor.Subscribe[news](sys, who)
			actor.Unsubscribe[news](sys, who)
		}, []any{sport{"a"}}},
		{"all ended", func(sys *actor.System, who actor.PID) {
			actor.Subscribe[news](sys, who)
			actor.Unsubscribe[news](sys, who)
			actor.Unsubscribe[sport](sys, who)
		}, nil},
	} {
		t.Run(c.title, func(t *testing.T) {
			sys := newSystem(t)
			r, who := spawnRecorder(t, sys, "who")
			sys.Publish(sport{"too early"})
			c.do(sys, who)
			for _, e := range []any{sport{"a"}, weather{"b"}, 7, nil} {
				sys.Publish(e)
			}
			require.NoError(t, actor.GracefulStop(t.Context(), who))
			var seen []any
			for _, e := range r.next(t, 0) {
				if e != "end" {
					seen = append(seen, e)
				}
			}
			require.Equal(t, c.want, seen)
		})
	}
}

// A265, A272: a subscriber to dead letters that has stopped makes no more of them,
// whether it subscribed itself or by an adapter.
func TestASubscriberToDeadLettersMayStop(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	direct := watcherOf(t, sys, r)
	actor.Subscribe[actor.DeadLetter](sys, direct)
	adapted := watcherOf(t, sys, r)
	turn(t, adapted, func(ctx *actor.Context) {
		actor.Subscribe[actor.DeadLetter](sys, actor.Adapt(ctx, func(d actor.DeadLetter) any { return d.Reason }))
	})
	nobody := sys.RefAt("", "/user/nobody")
	nobody.Tell("a")
	require.Len(t, r.next(t, 2), 2)
	require.NoError(t, actor.GracefulStop(t.Context(), direct))
	require.NoError(t, actor.GracefulStop(t.Context(), adapted))
	nobody.Tell("b")
	require.EqualValues(t, 2, sys.Dropped(actor.DropStopped))
	require.Equal(t, 2, r.count())
}

func TestNobodyCannotSubscribe(t *testing.T) {
	sys := newSystem(t)
	require.ErrorIs(t, actor.Subscribe[sport](sys, nil), actor.ErrNobody)
	require.ErrorIs(t, actor.Subscribe[sport](sys, actor.PID{}), actor.ErrNobody)
	actor.Unsubscribe[sport](sys, nil)
	key, topic := actor.ServiceKey[string]("k"), actor.Topic[string]("t")
	for _, err := range []error{
		key.Register(sys, actor.Ref[string]{}), key.Subscribe(sys, nil), key.Subscribe(sys, actor.PID{}), topic.Subscribe(sys, actor.Ref[string]{}),
	} {
		require.ErrorIs(t, err, actor.ErrNobody)
	}
}

// Who has no use for the events it asked for, and whose mailbox is full, makes no more of
// them.
func TestEventsOfMessagesMakeNoMoreOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		turns := 0
		useless := spawn(t, sys, "useless", func(ctx *actor.Context) {
			turns++
			ctx.Unhandled()
		}, actor.Bounded(1))
		require.NoError(t, actor.Subscribe[actor.Unhandled](sys, useless))
		require.NoError(t, actor.Subscribe[actor.DeadLetter](sys, useless))
		useless.Tell("x")
		sys.Drop(useless, "y", actor.PID{}, actor.DropNobody)
		synctest.Wait()
		require.LessOrEqual(t, turns, 3)
	})
}
