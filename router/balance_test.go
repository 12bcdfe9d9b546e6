package router

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// job blocks its routee until it is told to go on.
type job struct{ begun, release chan struct{} }

func newJob() job { return job{make(chan struct{}, 1), make(chan struct{})} }

// done notes what was done by whom.
type done struct {
	mu sync.Mutex
	by map[string][]any
}

func (d *done) note(ctx *actor.Context, what any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == nil {
		d.by = map[string][]any{}
	}
	d.by[ctx.Name()] = append(d.by[ctx.Name()], what)
}

func (d *done) count() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, all := range d.by {
		n += len(all)
	}
	return n
}

// labourer works.
type labourer struct{ done *done }

func (l *labourer) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case job:
		m.begun <- struct{}{}
		<-m.release
	case time.Duration:
		time.Sleep(m)
	case fail:
		panic("told to")
	case become:
		ctx.Become(func(ctx *actor.Context) { l.done.note(ctx, ctx.Message()) })
	case rest:
		_ = ctx.Stash()
		return
	case note:
		return // not from the pool
	}
	l.done.note(ctx, ctx.Message())
	ctx.Reply(ctx.Message())
}

type (
	become struct{}
	rest   struct{}
	note   struct{ n []int } // can't be compared
)

func labour(sys *actor.System, n int, logic Balancing, opts ...Option) (actor.PID, *done) {
	d := &done{}
	return testkit.Must(Pool(sys, "pool", n, func() actor.Actor { return &labourer{d} }, logic, opts...)), d
}

// A293: workers blocked alternately: whoever is free does everything.
func TestBalancingIsDoneByWhoeverIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 10, Balancing{})
		var jobs []job
		for range 9 {
			j := newJob()
			jobs = append(jobs, j)
			pool.Tell(j)
			<-j.begun
		}
		for i := range 50 {
			pool.Tell(i)
		}
		settle()
		require.Equal(t, 50, done.count(), "by the one that isn't blocked")
		require.Len(t, done.by, 1)
		close(jobs[0].release)
		for i := range 50 {
			pool.Tell(i)
		}
		settle()
		require.Equal(t, 101, done.count())
		for _, j := range jobs[1:] {
			close(j.release)
		}
		settle()
		require.Equal(t, 109, done.count())
		require.Len(t, done.by, 10)
	})
}

// No message waits behind a long one while somebody else is free.
func TestBalancingWaitsForNobodyInParticular(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 2, Balancing{})
		begun := time.Now()
		pool.Tell(100 * ms)
		for range 99 {
			pool.Tell(ms)
		}
		for done.count() < 100 {
			time.Sleep(ms)
		}
		// Half of them behind the long one would make 150 ms; a spare worker of
		// the executor comes in after one or two.
		require.Less(t, time.Since(begun), 120*ms)
	})
}

// What comes to a worker from elsewhere doesn't count as the item.
func TestBalancingTellsItemsFromOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 1, Balancing{})
		worker := routees(t, pool)[0]
		j := newJob()
		worker.Tell(j) // not through the pool
		<-j.begun
		pool.Tell(note{[]int{1}})
		for range 3 {
			worker.Tell(note{[]int{2}})
		}
		pool.Tell("next")
		close(j.release)
		settle()
		time.Sleep(time.Second)
		require.Equal(t, []any{j, "next"}, done.by["routee-1"])
	})
}

// A worker that handles messages by another behaviour is free as soon as others.
func TestBalancingSurvivesBecome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 2, Balancing{})
		pool.Tell(become{})
		settle()
		pool.Tell(become{})
		settle()
		begun := time.Now()
		for i := range 20 {
			pool.Tell(i)
		}
		synctest.Wait()
		require.GreaterOrEqual(t, done.count(), 20)
		require.Zero(t, time.Since(begun))
	})
}

func TestBalancingSurvivesStash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 1, Balancing{})
		pool.Tell(rest{})
		pool.Tell("next")
		settle()
		require.Equal(t, 1, done.count())
	})
}

// A worker that fails is free again when its supervisor lets it go on.
func TestBalancingSurvivesFailures(t *testing.T) {
	for title, directive := range map[string]actor.Directive{"resume": actor.Resume, "restart": actor.Restart, "escalate": actor.Escalate} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := testkit.New(t)
				pool, done := labour(sys, 2, Balancing{}, RouteeOptions{actor.Supervise{
					Decide: func(error) actor.Directive { return directive },
				}})
				for range 3 {
					pool.Tell(fail{})
					settle()
				}
				for i := range 10 {
					pool.Tell(i)
				}
				settle()
				require.Equal(t, 10, done.count())
			})
		})
	}
}

// One that is stopped leaves the others its share; the last one ends the pool.
func TestBalancingWithFewerWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 3, Balancing{}, RouteeOptions{actor.Supervise{
			Decide: func(error) actor.Directive { return actor.Stop },
		}})
		pool.Tell(fail{})
		pool.Tell(fail{})
		settle()
		require.Len(t, routees(t, pool), 1)
		for i := range 10 {
			pool.Tell(i)
		}
		settle()
		require.Equal(t, 10, done.count())
		pool.Tell(AdjustPoolSize{2})
		require.Len(t, routees(t, pool), 3)
		j := newJob()
		pool.Tell(j)
		<-j.begun
		for _, r := range routees(t, pool) {
			pool.Tell(RemoveRoutee{r})
		}
		close(j.release)
		p, head := watching(t, sys, pool)
		p.ExpectTerminated(head)
		require.Equal(t, 11, done.count())
	})
}

// A287 for a shared queue: everything that waits is done before the end.
func TestBalancingPoisonDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 3, Balancing{})
		p, head := watching(t, sys, pool)
		for range 20 {
			pool.Tell(time.Second)
		}
		pool.Tell(Broadcast{actor.PoisonPill{}})
		p.ExpectTerminated(head)
		require.Equal(t, 20, done.count())
	})
}

func TestBroadcastGoesPastTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 3, Balancing{})
		pool.Tell(Broadcast{"all"})
		settle()
		require.Len(t, done.by, 3)
		outsider := testkit.Must(sys.Spawn("outsider", newEcho))
		pool.Tell(AddRoutee{outsider})
		require.NotContains(t, routees(t, pool), outsider)
	})
}

func TestTheSharedQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 1, Balancing{QueueMax: 2})
		j := newJob()
		pool.Tell(j)
		<-j.begun
		require.NoError(t, pool.TryTell(1))
		require.NoError(t, pool.TryTell(2))
		require.ErrorIs(t, pool.TryTell(3), actor.ErrMailboxFull)
		require.Equal(t, uint64(1), sys.Dropped(actor.DropMailboxFull))
		close(j.release)
		settle()
		require.Equal(t, []any{j, 1, 2}, done.by["routee-1"])
	})
}

// What waits when a pool stops becomes dead letters; what waits when it is
// restarted is done by the next routees.
func TestTheSharedQueueSharesTheFateOfItsPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool, done := labour(sys, 2, Balancing{}, restarted())
		var jobs []job
		for range 2 {
			j := newJob()
			pool.Tell(j)
			<-j.begun
			jobs = append(jobs, j)
		}
		for i := range 7 {
			pool.Tell(i)
		}
		pool.Tell(actor.Kill{})
		settle()
		close(jobs[0].release)
		close(jobs[1].release)
		settle()
		require.Equal(t, 9, done.count())
		p, head := watching(t, sys, pool)
		jobs = nil
		for range 2 {
			j := newJob()
			pool.Tell(j)
			<-j.begun
			jobs = append(jobs, j)
		}
		for i := range 5 {
			pool.Tell(i)
		}
		stopped(sys, head)
		time.Sleep(time.Second) // until a spare worker of the executor has come in
		close(jobs[0].release)
		close(jobs[1].release)
		p.ExpectTerminated(head)
		require.Equal(t, uint64(5), sys.Dropped(actor.DropStopped))
		require.ErrorIs(t, pool.TryTell("late"), actor.ErrStopped)
	})
}

// hooked notes the calls of its hooks.
type hooked struct {
	labourer
	calls func(string)
}

func (h *hooked) PreStart(*actor.Context) error          { h.calls("start"); return nil }
func (h *hooked) PostStop(*actor.Context)                { h.calls("stop") }
func (h *hooked) PreRestart(_ *actor.Context, err error) { h.calls("restart: " + err.Error()) }

// typedHooked is the same as a receiver.
type typedHooked struct{ hooked }

func (h *typedHooked) Receive(ctx *actor.Context, m string) {
	if m == "fail" {
		ctx.Abort(context.Canceled)
	}
	h.calls(m)
}
func (h *typedHooked) Signal(_ *actor.Context, sig any) { h.calls("signal") }

func TestBalancingPassesHooksOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		call := func(s string) { calls = append(calls, s) }
		sys := testkit.New(t)
		pool := testkit.Must(PoolTyped(sys, "pool", 1, func() actor.Receiver[string] {
			return &typedHooked{hooked{calls: call}}
		}, Balancing{}, RouteeOptions{actor.Supervise{}}))
		pool.Tell("a")
		pool.Tell("fail")
		pool.Tell("b")
		pool.PID().Tell(17)
		settle()
		pool.PID().Tell(Broadcast{actor.PoisonPill{}})
		settle()
		require.Equal(t, []string{"start", "a", "restart: context canceled", "start", "b", "signal", "stop"}, calls)

		calls = nil
		untyped := testkit.Must(Pool(sys, "untyped", 1, func() actor.Actor {
			return &hooked{labourer{&done{}}, call}
		}, Balancing{}))
		settle()
		stopped(sys, untyped)
		settle()
		require.Equal(t, []string{"start", "stop"}, calls)
	})
}
