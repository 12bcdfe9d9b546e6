package actor_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
)

// lives notes the hooks of every instance with its number.
type lives struct {
	r *recorder
	n int
}

func (l *lives) note(what string)                 { l.r.add(fmt.Sprint(what, " ", l.n)) }
func (l *lives) PreStart(*actor.Context) error    { l.note("PreStart"); return nil }
func (l *lives) PreRestart(*actor.Context, error) { l.note("PreRestart") }
func (l *lives) PostStop(*actor.Context)          { l.note("PostStop") }
func (l *lives) Receive(ctx *actor.Context)       { act(ctx, l.note) }
func newLives(r *recorder) (factory func() actor.Actor) {
	n := -1
	return func() actor.Actor { n++; return &lives{r, n} }
}

// plainLives is lives without a hook of its own for restarts.
type plainLives struct{ l *lives }

func (p plainLives) PreStart(ctx *actor.Context) error { return p.l.PreStart(ctx) }
func (p plainLives) PostStop(ctx *actor.Context)       { p.l.PostStop(ctx) }
func (p plainLives) Receive(ctx *actor.Context)        { p.l.Receive(ctx) }

// act does what a message of a test says; notes go to note.
func act(ctx *actor.Context, note func(string)) {
	switch m := ctx.Message().(type) {
	case error:
		ctx.Fail(m)
	case func(*actor.Context):
		m(ctx)
	case string:
		note(m)
	}
}

var errBoom = errors.New("boom")

// A320: the hooks of a life, and of those that follow it.
func TestLives(t *testing.T) {
	fails3 := []any{errBoom, errBoom, errBoom}
	for _, c := range []struct {
		title string
		plain bool
		opts  actor.Supervise
		send  []any
		want  []any
	}{
		{"A001, A050: three restarts, and no fourth", false, actor.Supervise{MaxRestarts: 3, Within: time.Hour}, append(fails3, errBoom),
			[]any{"PreStart 0", "PreRestart 0", "PreStart 1", "PreRestart 1", "PreStart 2", "PreRestart 2", "PreStart 3", "PostStop 3"}},
		{"A002: without a hook for restarts", true, actor.Supervise{}, []any{errBoom, errBoom, actor.PoisonPill{}},
			[]any{"PreStart 0", "PostStop 0", "PreStart 1", "PostStop 1", "PreStart 2", "PostStop 2"}},
		{"A003: never fails", false, actor.Supervise{}, []any{"a", actor.PoisonPill{}}, []any{"PreStart 0", "a 0", "PostStop 0"}},
		{"A013, A056, A341: killed, and restarted", false, actor.Supervise{Decide: func(error) actor.Directive { return actor.Restart }},
			[]any{actor.Kill{}, "a", actor.PoisonPill{}}, []any{"PreStart 0", "PreRestart 0", "PreStart 1", "a 1", "PostStop 1"}},
		{"A341: resumed", false, actor.Supervise{Decide: func(error) actor.Directive { return actor.Resume }},
			[]any{errBoom, "a", actor.PoisonPill{}}, []any{"PreStart 0", "a 0", "PostStop 0"}},
		{"A343: no restart at all", false, actor.Supervise{MaxRestarts: -1}, []any{errBoom}, []any{"PreStart 0", "PostStop 0"}},
		{"A350: stopped by itself", false, actor.Supervise{},
			[]any{func(ctx *actor.Context) { ctx.Stop(ctx.Self()) }}, []any{"PreStart 0", "PostStop 0"}},
		{"A080, A088: stopped by itself, and revived; a pill ends it", false, actor.Supervise{Revive: true},
			[]any{"a", func(ctx *actor.Context) { ctx.Stop(ctx.Self()) }, "b", actor.PoisonPill{}},
			[]any{"PreStart 0", "a 0", "PreRestart 0", "PreStart 1", "b 1", "PostStop 1"}},
		{"A080, A087: revived twice at most", false, actor.Supervise{Revive: true, MaxRestarts: 2},
			[]any{stopSelf, stopSelf, stopSelf},
			[]any{"PreStart 0", "PreRestart 0", "PreStart 1", "PreRestart 1", "PreStart 2", "PostStop 2"}},
	} {
		t.Run(c.title, func(t *testing.T) {
			sys := newSystem(t)
			r := newRecorder()
			factory := newLives(r)
			if c.plain {
				inner := factory
				factory = func() actor.Actor { return plainLives{inner().(*lives)} }
			}
			pid, err := sys.Spawn("x", factory, c.opts)
			require.NoError(t, err)
			for _, m := range c.send {
				pid.Tell(m)
			}
			require.NoError(t, actor.AwaitEnd(t.Context(), pid))
			require.Equal(t, c.want, r.next(t, 0))
		})
	}
}

func stopSelf(ctx *actor.Context) { ctx.Stop(ctx.Self()) }

// A080, A081, A345: a revived actor waits as long as a failed one; what comes
// meanwhile is handled afterwards, and whoever else stops it ends it.
func TestRevivalWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		begun := time.Now()
		pid, err := sys.Spawn("x", func() actor.Actor {
			r.add(time.Since(begun).Truncate(time.Second))
			return actor.Func(func(ctx *actor.Context) { act(ctx, func(s string) { r.add(s) }) })
		}, actor.Supervise{Revive: true, Backoff: actor.Backoff{Min: 10 * time.Second, Max: time.Minute}})
		require.NoError(t, err)
		pid.Tell(stopSelf)
		pid.Tell("waits")
		seen := r.next(t, 3)
		require.Equal(t, time.Duration(0), seen[0])
		require.GreaterOrEqual(t, seen[1], 10*time.Second)
		require.LessOrEqual(t, seen[1], 12*time.Second)
		require.Equal(t, "waits", seen[2])
		pid.Tell(stopSelf)
		synctest.Wait()
		sys.StopActor(pid)
		require.NoError(t, actor.AwaitEnd(t.Context(), pid), "it ends though it waits for its revival")
	})
}

// A005: a restart undoes Become.
func TestRestartUndoesBecome(t *testing.T) {
	sys := newSystem(t)
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		if ctx.Message() != "become" {
			ctx.Reply("first")
			return
		}
		ctx.BecomeStacked(func(ctx *actor.Context) {
			act(ctx, func(string) { ctx.Reply("second") })
		})
	})
	for _, step := range []struct {
		tell any
		want string
	}{{nil, "first"}, {"become", "second"}, {errBoom, "first"}} {
		if step.tell != nil {
			pid.Tell(step.tell)
		}
		got, err := actor.AskAs[string](t.Context(), pid, any("?"))
		require.NoError(t, err)
		require.Equal(t, step.want, got)
	}
}

// nested spawns a line of actors, each in the PreStart of the one above; the
// last one's start fails after it has spawned one more.
type nested struct {
	depth int
	r     *recorder
}

func (n *nested) Receive(ctx *actor.Context) {
	if child := ctx.Child("child"); !child.IsZero() {
		ctx.Forward(child)
		return
	}
	ctx.Reply(ctx.Self())
}

func (n *nested) PreStart(ctx *actor.Context) error {
	if n.depth == 0 {
		return nil
	}
	_, err := ctx.Spawn("child", func() actor.Actor { return &nested{n.depth - 1, n.r} })
	if n.r != nil {
		return errors.Join(err, errBoom)
	}
	return err
}

// A010, A011: actors that were spawned while others start can be asked at once;
// one whose start fails takes what it has spawned with it.
func TestSpawnWhileStarting(t *testing.T) {
	sys := newSystem(t)
	pid, err := sys.Spawn("deep", func() actor.Actor { return &nested{depth: 5} })
	require.NoError(t, err)
	innermost, err := actor.AskAs[actor.PID](t.Context(), pid, any("who"))
	require.NoError(t, err)
	require.Equal(t, "/user/deep/child/child/child/child/child", innermost.Path())

	failing, err := sys.Spawn("failing", func() actor.Actor { return &nested{depth: 3, r: newRecorder()} })
	require.NoError(t, err)
	require.NoError(t, actor.AwaitEnd(t.Context(), failing))
	settle(t, sys)
	for info := range sys.Tree() {
		require.NotContains(t, info.Path, "failing")
	}
}

// A009: who spawned an actor learns why it could not start, with path and cause.
func TestTheSpawnerLearnsOfAFailedStart(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	spawn(t, sys, "parent", func(ctx *actor.Context) {
		if m, ended := ctx.Message().(actor.Terminated); ended {
			r.add(m.Cause)
			return
		}
		child, err := ctx.Spawn("child", func() actor.Actor { panic(fmt.Errorf("outer: %w", errBoom)) })
		require.NoError(t, err)
		ctx.Watch(child)
	}).Tell("")
	cause := r.next(t, 1)[0].(error)
	require.ErrorIs(t, cause, errBoom)
	require.ErrorContains(t, cause, "start of /user/parent/child")
	require.ErrorContains(t, cause, "outer: boom")
	require.ErrorAs(t, cause, new(*actor.StartError))
}

// settle waits until the guardian of the users' actors has seen all ends so far.
func settle(t *testing.T, sys *actor.System) {
	t.Helper()
	_, err := actor.Inspect(t.Context(), sys.RefAt("", "/user"))
	require.NoError(t, err)
}

// A014, A019, A021, A023, A321: children by name.
func TestChildren(t *testing.T) {
	sys := newSystem(t)
	nop := func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	done := make(chan struct{})
	spawn(t, sys, "parent", func(ctx *actor.Context) {
		defer close(done)
		a, err := ctx.Spawn("a", nop)
		require.NoError(t, err)
		_, err = ctx.Spawn("a", nop)
		require.ErrorIs(t, err, actor.ErrNameTaken)
		b, err := ctx.Spawn("b%20c", nop)
		require.NoError(t, err)
		given, err := ctx.Spawn("", nop)
		require.NoError(t, err)
		require.Equal(t, a, ctx.Child("a"))
		require.True(t, ctx.Child("z").IsZero())
		require.Equal(t, []actor.PID{a, b, given}, ctx.Children())
		for _, pid := range []actor.PID{a, b, given} { // there is no moment at which they can't be found
			sel, err := sys.Select(pid.Path())
			require.NoError(t, err)
			require.Equal(t, []actor.PID{pid}, sel.Matches())
		}
	}).Tell("")
	<-done
}

// holder spawns an actor named x.
func holder(t *testing.T, sys *actor.System, factory func() actor.Actor) actor.PID {
	t.Helper()
	pid, err := sys.Spawn("x", factory)
	require.NoError(t, err)
	return pid
}

// A017: an actor that has stopped holds on to nothing.
func TestWhatHasStoppedIsForgotten(t *testing.T) {
	sys := newSystem(t)
	pid, gone := func() (actor.PID, weak.Pointer[[1 << 16]byte]) {
		held := &[1 << 16]byte{}
		return holder(t, sys, func() actor.Actor {
			held[0]++
			return actor.Func(func(*actor.Context) { held[1]++ })
		}), weak.Make(held)
	}()
	pid.Tell("")
	require.NoError(t, actor.GracefulStop(t.Context(), pid))
	deadline := time.Now().Add(time.Minute)
	for gone.Value() != nil {
		require.True(t, time.Now().Before(deadline), "a ref to a stopped actor holds its factory")
		runtime.GC()
		runtime.Gosched()
	}
	require.Equal(t, "/user/x", pid.Path(), "the ref is still one")
}

// A018: of four that want a name at once, one gets it.
func TestOneOfManyGetsTheName(t *testing.T) {
	sys := newSystem(t)
	for round := range 100 {
		var won atomic.Pointer[actor.PID]
		var wins, losses atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				pid, err := sys.Spawn(fmt.Sprint("x", round), func() actor.Actor {
					return actor.Func(func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
				})
				switch {
				case err == nil:
					wins.Add(1)
					won.Store(&pid)
				case errors.Is(err, actor.ErrNameTaken):
					losses.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, wins.Load())
		require.EqualValues(t, 3, losses.Load())
		got, err := actor.AskAs[int](t.Context(), *won.Load(), any(round))
		require.NoError(t, err)
		require.Equal(t, round, got)
	}
}

// A022: waves of actors come, get a message and go; none stays.
func TestWavesOfActors(t *testing.T) {
	const senders, waves, each = 4, 3, 1000
	sys := newSystem(t)
	var handled atomic.Int64
	var all sync.WaitGroup
	errs := make(chan error, senders*waves*each)
	for range senders {
		all.Go(func() {
			for range waves {
				pids := make([]actor.PID, each)
				for i := range pids {
					var err error
					pids[i], err = sys.Spawn("", func() actor.Actor { return actor.Func(func(*actor.Context) { handled.Add(1) }) })
					errs <- err
				}
				for _, pid := range pids {
					pid.Tell("")
				}
				for _, pid := range pids {
					if err := actor.GracefulStop(context.Background(), pid); err != nil {
						errs <- err
						return
					}
				}
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, senders*waves*each, handled.Load())
	settle(t, sys)
	left := 0
	for info := range sys.Tree() {
		if info.Depth > 0 {
			left++
		}
	}
	require.Zero(t, left)
}

var manySystems = flag.Bool("actor.systems", false, "start and stop a thousand systems")

// A040: systems that start and stop leave no goroutine, and the heap as it was.
func TestSystemsLeaveNothing(t *testing.T) {
	rounds := 100
	if *manySystems {
		rounds = 1000
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // what finalizers and cleanups held goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	life := func() {
		quiet := zerolog.Nop()
		sys, err := actor.NewSystem("short", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		for range 10 {
			pid := spawn(t, sys, "", func(ctx *actor.Context) { ctx.After(time.Hour, ""); ctx.Reply(1) })
			_, err = actor.AskAs[int](t.Context(), pid, any(""))
			require.NoError(t, err)
		}
		require.NoError(t, sys.Stop(context.Background()))
	}
	for range 10 { // what is made once is made
		life()
	}
	goroutines, before := runtime.NumGoroutine(), heap()
	for range rounds {
		life()
	}
	goleak.VerifyNone(t)
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	// A system that stayed would weigh some ten kilobytes.
	after := heap()
	t.Logf("heap: %d bytes before %d systems, %d after", before, rounds, after)
	require.Less(t, after, before+uint64(rounds)<<11+100<<10)
}

// bottomUp notes its end, and has a line of children that do.
type bottomUp struct {
	r     *recorder
	depth int
}

func (b *bottomUp) PreStart(ctx *actor.Context) error {
	if b.depth == 0 {
		b.r.add("built")
		return nil
	}
	_, err := ctx.Spawn("", func() actor.Actor { return &bottomUp{b.r, b.depth - 1} })
	return err
}

func (b *bottomUp) Receive(ctx *actor.Context) { act(ctx, func(string) {}) }
func (b *bottomUp) PostStop(*actor.Context)    { b.r.add(b.depth) }

// A326: children have stopped, with their hooks, before their parent's PostStop
// runs; and that before anybody hears of the end.
func TestStopsFromBelow(t *testing.T) {
	sys := newSystem(t)
	for title, stop := range map[string]func(pid actor.PID){
		"stopped":    func(pid actor.PID) { sys.StopActor(pid) },
		"by a pill":  func(pid actor.PID) { pid.Tell(actor.PoisonPill{}) },
		"by itself":  func(pid actor.PID) { pid.Tell(stopSelf) },
		"by failure": func(pid actor.PID) { pid.Tell(errBoom) },
	} {
		t.Run(title, func(t *testing.T) {
			r := newRecorder()
			pid, err := sys.Spawn("", func() actor.Actor { return &bottomUp{r, 3} }, actor.Supervise{MaxRestarts: -1})
			require.NoError(t, err)
			r.next(t, 1)
			stop(pid)
			require.NoError(t, actor.AwaitEnd(t.Context(), pid))
			require.Equal(t, []any{"built", 0, 1, 2, 3}, r.next(t, 0))
		})
	}
}
