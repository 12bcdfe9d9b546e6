package actor_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// watcherOf spawns an actor that does what messages say and notes what else comes.
func watcherOf(t *testing.T, sys *actor.System, r *recorder) actor.PID {
	t.Helper()
	return spawn(t, sys, "", func(ctx *actor.Context) {
		if f, ok := ctx.Message().(func(*actor.Context)); ok {
			f(ctx)
			return
		}
		r.add(ctx.Message())
	})
}

// turn has the actor do something and waits until it is done.
func turn(t *testing.T, pid actor.PID, f func(ctx *actor.Context)) {
	t.Helper()
	_, err := actor.AskAs[bool](t.Context(), pid, any(func(ctx *actor.Context) { f(ctx); ctx.Reply(true) }))
	require.NoError(t, err)
}

// flush waits until the actor has handled everything that its signals so far
// have brought.
func flush(t *testing.T, pid actor.PID) {
	t.Helper()
	_, err := actor.Inspect(t.Context(), pid)
	require.NoError(t, err)
	turn(t, pid, func(*actor.Context) {})
}

// A120, A121, A122, A125: each watcher gets one Terminated, when the end has come
// and not before; who doesn't watch, or has stopped to, gets none.
func TestEachWatcherIsToldOnce(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	dead := spawn(t, sys, "dead", func(ctx *actor.Context) { act(ctx, func(string) {}) })
	notes := make([]*recorder, 5)
	watchers := make([]actor.PID, len(notes))
	for i := range notes {
		notes[i] = newRecorder()
		watchers[i] = watcherOf(t, sys, notes[i])
		turn(t, watchers[i], func(ctx *actor.Context) {
			if i < 4 {
				ctx.Watch(dead)
			}
			if i == 3 {
				ctx.Unwatch(dead)
			}
		})
	}
	for range 3 { // restarts are no end
		dead.Tell(errBoom)
	}
	dead.Tell(func(*actor.Context) { r.add("alive") })
	r.next(t, 1)
	for i := range notes {
		flush(t, watchers[i])
		require.Empty(t, notes[i].next(t, 0))
	}
	require.NoError(t, actor.GracefulStop(t.Context(), dead))
	for i := range 3 {
		require.Equal(t, []any{actor.Terminated{Ref: dead}}, notes[i].next(t, 1))
	}
	for i := range notes {
		flush(t, watchers[i])
	}
	require.Empty(t, notes[3].next(t, 0))
	require.Empty(t, notes[4].next(t, 0))
	turn(t, watchers[0], func(ctx *actor.Context) { ctx.Watch(dead) })
	require.Equal(t, 2, len(notes[0].next(t, 1)), "one that is dead already is reported at once, each time it is asked about")
}

// A125: parents that don't watch aren't told.
func TestParentsThatDoNotWatchAreNotTold(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	parent := watcherOf(t, sys, r)
	var child actor.PID
	turn(t, parent, func(ctx *actor.Context) { child = spawn(t, ctx, "child", func(*actor.Context) {}) })
	require.NoError(t, actor.GracefulStop(t.Context(), child))
	flush(t, parent)
	require.Empty(t, r.next(t, 0))
}

// A126: an unwatch takes back what waits in the mailbox already.
func TestUnwatchSwallowsWhatIsQueued(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	watcher := watcherOf(t, sys, r)
	first, second := spawn(t, sys, "", func(*actor.Context) {}), spawn(t, sys, "", func(*actor.Context) {})
	turn(t, watcher, func(ctx *actor.Context) { ctx.Watch(first) })
	busy, release := make(chan struct{}), make(chan struct{})
	watcher.Tell(func(ctx *actor.Context) {
		close(busy)
		<-release
		ctx.Unwatch(first) // its Terminated is among the signals, or in the mailbox
		ctx.Watch(second)
	})
	<-busy
	require.NoError(t, actor.GracefulStop(t.Context(), first))
	close(release)
	flush(t, watcher)
	require.NoError(t, actor.GracefulStop(t.Context(), second))
	require.Equal(t, []any{actor.Terminated{Ref: second}}, r.next(t, 1))
	flush(t, watcher)
	require.Len(t, r.next(t, 0), 1)
}

// A127, A203: what tells of an end can be put aside, and comes back once.
func TestTheEndCanBeStashed(t *testing.T) {
	sys := newSystem(t)
	for title, watch := range map[string]func(ctx *actor.Context, who actor.PID){
		"Watch":     func(ctx *actor.Context, who actor.PID) { ctx.Watch(who) },
		"WatchWith": func(ctx *actor.Context, who actor.PID) { ctx.WatchWith(who, actor.Terminated{Ref: who}) },
	} {
		t.Run(title, func(t *testing.T) {
			r := newRecorder()
			later := false
			pid := spawn(t, sys, "", func(ctx *actor.Context) {
				switch m := ctx.Message().(type) {
				case func(*actor.Context):
					m(ctx)
				case actor.Terminated:
					if !later {
						require.NoError(t, ctx.Stash())
						r.add("stashed")
						return
					}
					r.add(m.Ref)
				}
			})
			dead := spawn(t, sys, "", func(*actor.Context) {})
			turn(t, pid, func(ctx *actor.Context) { watch(ctx, dead) })
			require.NoError(t, actor.GracefulStop(t.Context(), dead))
			r.next(t, 1)
			turn(t, pid, func(ctx *actor.Context) { later = true; ctx.UnstashAll() })
			require.Equal(t, []any{"stashed", dead}, r.next(t, 1))
			flush(t, pid)
			require.Len(t, r.next(t, 0), 2)
		})
	}
}

// A321: watching before and after the end, stopping twice, stopping somebody
// else's child: all of it works.
func TestStoppingTwice(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	watcher := watcherOf(t, sys, r)
	var child actor.PID
	other := watcherOf(t, sys, newRecorder())
	turn(t, other, func(ctx *actor.Context) { child = spawn(t, ctx, "child", func(*actor.Context) {}) })
	turn(t, watcher, func(ctx *actor.Context) {
		ctx.Watch(child)
		ctx.Stop(child)
		ctx.Stop(child)
		ctx.Stop(actor.PID{})
	})
	require.Equal(t, []any{actor.Terminated{Ref: child}}, r.next(t, 1))
	turn(t, watcher, func(ctx *actor.Context) {
		ctx.Stop(child)
		ctx.Watch(ctx.Self()) // means nothing
		ctx.Watch(actor.PID{})
		ctx.Unwatch(child)
	})
	flush(t, watcher)
	require.Len(t, r.next(t, 0), 1)
}
