package actor_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

const (
	printers = actor.ServiceKey[int]("printers")
	scanners = actor.ServiceKey[int]("scanners")
)

func refs(n ...actor.PID) (all []actor.Ref[int]) {
	for _, p := range n {
		all = append(all, actor.Narrow[int](p))
	}
	return all
}

func TestReceptionist(t *testing.T) { // A360
	sys := newSystem(t)
	_, pid1 := spawnRecorder(t, sys, "1")
	_, pid2 := spawnRecorder(t, sys, "2")
	one, two := actor.Narrow[int](pid1), actor.Narrow[int](pid2)
	found := func(k actor.ServiceKey[int]) []actor.Ref[int] {
		l, err := k.Find(t.Context(), sys)
		require.NoError(t, err)
		require.Equal(t, k, l.Key)
		return l.Refs
	}
	require.Empty(t, found(printers))
	require.NoError(t, printers.Register(sys, one))
	require.NoError(t, printers.Register(sys, two))
	require.NoError(t, printers.Register(sys, one), "again")
	require.NoError(t, scanners.Register(sys, one))
	require.Equal(t, refs(pid1, pid2), found(printers))
	require.Equal(t, refs(pid1), found(scanners))
	words, err := actor.ServiceKey[string]("printers").Find(t.Context(), sys)
	require.NoError(t, err)
	require.Empty(t, words.Refs, "another type is another key")

	require.NoError(t, printers.Deregister(sys, one))
	require.NoError(t, printers.Deregister(sys, one), "not there any more")
	require.Equal(t, refs(pid2), found(printers))
	require.Equal(t, refs(pid1), found(scanners), "of one key only")
	require.NoError(t, printers.Register(sys, one))
	require.Equal(t, refs(pid2, pid1), found(printers))
}

func TestReceptionistTellsOfChanges(t *testing.T) { // A360
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		_, service := spawnRecorder(t, sys, "service")
		r, subscriber := spawnRecorder(t, sys, "subscriber")
		quits, quitter := spawnRecorder(t, sys, "quitter")
		listing := func(k actor.ServiceKey[int], pids ...actor.PID) any {
			return actor.Listing[int]{Key: k, Refs: refs(pids...)}
		}
		require.NoError(t, printers.Subscribe(sys, subscriber))
		require.NoError(t, printers.Subscribe(sys, quitter))
		require.NoError(t, printers.Register(sys, actor.Narrow[int](service)))
		require.NoError(t, scanners.Register(sys, actor.Narrow[int](service)))
		require.NoError(t, scanners.Subscribe(sys, subscriber))
		require.Equal(t, []any{listing(printers), listing(printers, service), listing(scanners, service)}, r.next(t, 3))
		require.NoError(t, scanners.Unsubscribe(sys, subscriber))
		require.NoError(t, actor.GracefulStop(t.Context(), quitter))
		require.NoError(t, actor.GracefulStop(t.Context(), service))
		require.Equal(t, listing(printers), r.next(t, 1)[3], "who stops isn't found any more")
		synctest.Wait()
		require.Equal(t, 4, r.count())
		require.Equal(t, 2, quits.count())
	})
}

func TestTopic(t *testing.T) { // A361
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		const news, sport = actor.Topic[string]("news"), actor.Topic[string]("sport")
		dead, deadPID := spawnRecorder(t, sys, "dead")
		actor.Subscribe[actor.DeadLetter](sys, deadPID)
		require.NoError(t, news.Publish(sys, "nobody listens"))
		require.Equal(t, "nobody listens", dead.next(t, 1)[0].(actor.DeadLetter).Message)

		a, aPID := spawnRecorder(t, sys, "a")
		b, bPID := spawnRecorder(t, sys, "b")
		aRef, bRef := actor.Narrow[string](aPID), actor.Narrow[string](bPID)
		require.NoError(t, news.Subscribe(sys, aRef))
		require.NoError(t, actor.Topic[string]("news").Subscribe(sys, bRef), "the name counts")
		require.NoError(t, sport.Subscribe(sys, bRef))
		require.NoError(t, news.Publish(sys, "one"))
		require.NoError(t, sport.Publish(sys, "two"))
		require.NoError(t, news.Unsubscribe(sys, bRef))
		require.NoError(t, news.Publish(sys, "three"))
		require.Equal(t, []any{"one", "three"}, a.next(t, 2))
		require.Equal(t, []any{"one", "two"}, b.next(t, 2))
	})
}

func TestAnotherReceptionist(t *testing.T) {
	sys := newSystem(t)
	r, desk := spawnRecorder(t, sys, "desk")
	require.NoError(t, sys.SetReceptionist(desk))
	require.NoError(t, sys.SetReceptionist(desk), "it is that already")
	ref := actor.Narrow[int](desk)
	require.NoError(t, printers.Register(sys, ref))
	require.Equal(t, desk, r.next(t, 1)[0].(actor.RegisterService).Ref)

	other := newSystem(t)
	_, err := printers.Find(t.Context(), other)
	require.NoError(t, err)
	require.ErrorIs(t, other.SetReceptionist(desk), actor.ErrNameTaken)
}
