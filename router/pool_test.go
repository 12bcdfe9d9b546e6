package router

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func stopped(sys *actor.System, refs ...actor.PID) {
	for _, r := range refs {
		sys.StopActor(r)
	}
}

// A285: ten routees, ten rounds: each gets ten messages; Broadcast reaches all.
func TestRoundRobinPool(t *testing.T) {
	sys := testkit.New(t)
	pool := testkit.Must(Pool(sys, "pool", 10, newEcho, RoundRobin{}))
	counts := map[string]int{}
	for _, name := range names(t, pool, 100) {
		counts[name]++
	}
	require.Len(t, counts, 10)
	for name, n := range counts {
		require.Equal(t, 10, n, name)
	}
	p := testkit.NewProbe(t, sys)
	p.Tell(pool, Broadcast{"all"})
	senders := map[actor.PID]bool{}
	for range 10 {
		r := p.NextReceived()
		require.Equal(t, "all", r.Message)
		senders[r.From] = true
	}
	require.Len(t, senders, 10)
}

// A280: a routee that has terminated gets nothing more, and when the last one
// has gone, the router stops.
func TestAPoolEndsWithItsLastRoutee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool := testkit.Must(Pool(sys, "pool", 3, newEcho, RoundRobin{}))
		p, head := watching(t, sys, pool)
		all := routees(t, pool)
		require.Len(t, all, 3)
		stopped(sys, all[0])
		synctest.Wait()
		require.Equal(t, all[1:], routees(t, pool))
		for _, name := range names(t, pool, 10) {
			require.NotEqual(t, "routee-1", name)
		}
		stopped(sys, all[1:]...)
		p.ExpectTerminated(head)
	})
}

func TestAPoolMayStayEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool := testkit.Must(Pool(sys, "pool", 2, newEcho, RoundRobin{}, KeepEmpty{}))
		stopped(sys, routees(t, pool)...)
		synctest.Wait()
		require.Empty(t, routees(t, pool))
		require.ErrorIs(t, pool.TryTell("m"), ErrNoRoutee)
		require.Equal(t, uint64(1), sys.Dropped(actor.DropNoRoutee))
	})
}

// A280: with a resizer a pool stays and refills; not more often than once a second.
func TestAPoolWithAResizerRefills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool := testkit.Must(Pool(sys, "pool", 2, newEcho, RoundRobin{}, Resize{Lower: 2, Upper: 4}))
		first := routees(t, pool)
		stopped(sys, first...)
		synctest.Wait()
		require.Len(t, routees(t, pool), 1, "the first was replaced at once")
		time.Sleep(refillFirst)
		synctest.Wait()
		second := routees(t, pool)
		require.Len(t, second, 2)
		require.NotContains(t, second, first[0])
		require.NotContains(t, second, first[1])
	})
}

// A282: by default a failing routee is a failure of the router, whose supervisor
// decides: it restarts with all routees.
func TestAFailingRouteeIsAFailureOfThePool(t *testing.T) {
	sys := testkit.New(t)
	var made atomic.Int64
	pool := testkit.Must(Pool(sys, "pool", 3, func() actor.Actor { made.Add(1); return &echo{} }, RoundRobin{}))
	before := routees(t, pool)
	p := testkit.NewProbe(t, sys)
	for _, r := range before {
		p.Watch(r)
	}
	pool.Tell(fail{})
	for range before {
		testkit.ExpectAs[actor.Terminated](p)
	}
	after := routees(t, pool)
	require.Len(t, after, 3)
	for _, r := range after {
		require.NotContains(t, before, r)
	}
	require.Len(t, names(t, pool, 3), 3)
	require.Equal(t, int64(6), made.Load())
}

// A282: the router's supervisor decides, not the routee's.
func TestTheSupervisorOfThePoolDecides(t *testing.T) {
	sys := testkit.New(t)
	var cause atomic.Value
	pool := testkit.Must(Pool(sys, "pool", 3, newEcho, RoundRobin{}, HeadOptions{actor.Supervise{
		Decide: func(err error) actor.Directive { cause.Store(err); return actor.Stop },
	}}))
	p, head := watching(t, sys, pool)
	pool.Tell(fail{})
	p.ExpectTerminated(head)
	require.ErrorContains(t, cause.Load().(error), "told to")
}

func TestRouteesMayHaveSupervisionOfTheirOwn(t *testing.T) {
	sys := testkit.New(t)
	pool := testkit.Must(Pool(sys, "pool", 3, newEcho, RoundRobin{}, RouteeOptions{actor.Supervise{}}))
	before := routees(t, pool)
	pool.Tell(fail{})
	require.Len(t, names(t, pool, 3), 3)
	require.Equal(t, before, routees(t, pool))
}

// stillborn fails to start.
type stillborn struct{ actor.Func }

func (stillborn) PreStart(*actor.Context) error { return errors.New("no database") }

func TestAPoolWhoseRouteesCannotStartEnds(t *testing.T) {
	sys := testkit.New(t)
	pool := testkit.Must(Pool(sys, "pool", 3, func() actor.Actor { return stillborn{} }, RoundRobin{}))
	p, head := watching(t, sys, pool)
	p.ExpectTerminated(head)
}

// greedy tells its parent that it has started.
type greedy struct{ actor.Func }

func (greedy) PreStart(ctx *actor.Context) error {
	ctx.Tell(ctx.Parent(), "started")
	return nil
}

// A283: after the spawn in an actor the routees are there, and they may send to
// their parent in their start.
func TestARouterWithinAnActor(t *testing.T) {
	sys := testkit.New(t)
	p := testkit.NewProbe(t, sys)
	parent := testkit.Must(sys.Spawn("parent", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			pool, err := Pool(ctx, "pool", 4, func() actor.Actor {
				return greedy{func(ctx *actor.Context) { p.PID().Tell(ctx.Message()) }}
			}, RoundRobin{})
			ctx.Reply(errors.Join(err))
			ctx.Forward(pool)
			_ = pool.TellFrom(GetRoutees{}, p.PID())
		})
	}))
	p.Tell(parent, "go")
	got := map[string]int{}
	for range 7 {
		switch m := p.Next().(type) {
		case Routees:
			require.Len(t, m.Refs, 4)
			got["routees"]++
			require.Equal(t, "/user/parent/pool/routee-1", m.Refs[0].Path())
		default:
			got[fmt.Sprint(m)]++
		}
	}
	require.Equal(t, map[string]int{"<nil>": 1, "go": 1, "routees": 1, "started": 4}, got)
}

// A286: routee management; never below one.
func TestManagementOfAPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool := testkit.Must(Pool(sys, "pool", 2, newEcho, RoundRobin{}))
		size := func(want int) []actor.PID {
			t.Helper()
			all := routees(t, pool)
			require.Len(t, all, want)
			return all
		}
		pool.Tell(AdjustPoolSize{3})
		all := size(5)
		p := testkit.NewProbe(t, sys)
		for _, r := range all {
			p.Watch(r)
		}
		pool.Tell(AdjustPoolSize{-2})
		require.Equal(t, all[:3], size(3), "the last to come go first")
		time.Sleep(grace)
		gone := []actor.PID{testkit.ExpectAs[actor.Terminated](p).Ref, testkit.ExpectAs[actor.Terminated](p).Ref}
		require.ElementsMatch(t, all[3:], gone, "and are stopped")

		pool.Tell(RemoveRoutee{all[1]})
		require.Equal(t, []actor.PID{all[0], all[2]}, size(2))
		all[1].Tell("still taken")
		time.Sleep(grace)
		p.ExpectTerminated(all[1])

		outsider := testkit.Must(sys.Spawn("outsider", newEcho))
		pool.Tell(AddRoutee{outsider})
		pool.Tell(AddRoutee{outsider}) // twice is once
		pool.Tell(AddRoutee{})         // nobody
		require.Contains(t, size(3), outsider)
		require.Contains(t, names(t, pool, 3), "outsider")
		pool.Tell(RemoveRoutee{outsider})
		size(2)
		time.Sleep(grace)
		require.Equal(t, []string{"outsider"}, names(t, outsider, 1), "it isn't the pool's to stop")

		pool.Tell(AddRoutee{outsider})
		stopped(sys, outsider)
		synctest.Wait()
		size(2)
		pool.Tell(AdjustPoolSize{-100})
		require.Len(t, size(1), 1)
		pool.Tell(AdjustPoolSize{-1})
		size(1)
		synctest.Wait()
	})
}

// A286: with a resizer, its bounds hold.
func TestManagementWithinTheBoundsOfAResizer(t *testing.T) {
	sys := testkit.New(t)
	pool := testkit.Must(Pool(sys, "pool", 1, newEcho, RoundRobin{}, Resize{Lower: 2, Upper: 4}))
	require.Len(t, routees(t, pool), 2)
	pool.Tell(AdjustPoolSize{100})
	require.Len(t, routees(t, pool), 4)
	outsider := testkit.Must(sys.Spawn("outsider", newEcho))
	pool.Tell(AddRoutee{outsider})
	require.NotContains(t, routees(t, pool), outsider)
	pool.Tell(AdjustPoolSize{-100})
	require.Len(t, routees(t, pool), 2)
}

// D.23: with a resizer, the size stays within the bounds after any sequence.
func TestTheSizeStaysWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		random := rand.New(rand.NewPCG(11, 12))
		pool := testkit.Must(Pool(sys, "pool", 3, newEcho, Random{}, Resize{Lower: 2, Upper: 5, Messages: 3}))
		for range 300 {
			switch random.IntN(6) {
			case 0:
				pool.Tell(AdjustPoolSize{random.IntN(9) - 4})
			case 1:
				pool.Tell(RemoveRoutee{routees(t, pool)[0]})
			case 2:
				pool.Tell(AddRoutee{testkit.Must(sys.Spawn("", newEcho))})
			case 3:
				stopped(sys, routees(t, pool)[0])
			default:
				for range random.IntN(20) {
					pool.Tell(who{})
				}
			}
			synctest.Wait()
			time.Sleep(3 * refillFirst)
			synctest.Wait()
			size := len(routees(t, pool))
			require.GreaterOrEqual(t, size, 2)
			require.LessOrEqual(t, size, 5)
		}
	})
}

// A294: a pool grows under load and shrinks afterwards.
func TestAPoolFollowsItsLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		b := block{begun: make(chan struct{}, 100), release: make(chan struct{})}
		pool := testkit.Must(Pool(sys, "pool", 1, newEcho, RoundRobin{}, Resize{Lower: 1, Upper: 3, Queued: 2, Messages: 5}))
		for range 100 {
			pool.Tell(b)
			settle()
		}
		require.Len(t, routees(t, pool), 3)
		close(b.release)
		settle()
		for range 50 {
			pool.Tell(who{})
			settle()
		}
		require.Len(t, routees(t, pool), 1)
		time.Sleep(grace)
	})
}

// A295: the exploring resizer begins at the lower bound and looks every interval.
func TestAPoolExplores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool := testkit.Must(Pool(sys, "pool", 9, func() actor.Actor {
			return actor.Func(func(*actor.Context) { time.Sleep(10 * time.Millisecond) })
		}, RoundRobin{}, Explore{Lower: 2, Upper: 8, Interval: time.Second, Chance: 1, ChanceDown: 1e-9}))
		require.Len(t, routees(t, pool), 2)
		sizes := []int{}
		for range 20 {
			for range 2000 { // more than they can do until the next look
				pool.Tell("work")
			}
			time.Sleep(time.Second)
			synctest.Wait()
			sizes = append(sizes, len(routees(t, pool)))
		}
		require.True(t, slices.IsSorted(sizes), "%v", sizes)
		require.Equal(t, 8, slices.Max(sizes))
		stopped(sys, pool)
		synctest.Wait()
		time.Sleep(time.Minute)
	})
}

// A287: Broadcast(PoisonPill) lets all routees finish; then the router ends.
func TestBroadcastPoisonDrains(t *testing.T) {
	sys := testkit.New(t)
	p := testkit.NewProbe(t, sys)
	pool := testkit.Must(Pool(sys, "pool", 3, newEcho, RoundRobin{}))
	for i := range 30 {
		p.Tell(pool, i)
	}
	pool.Tell(Broadcast{actor.PoisonPill{}})
	p.Watch(pool)
	got := map[any]bool{}
	for range 31 {
		got[p.Next()] = true
	}
	require.Len(t, got, 31)
	require.True(t, got[actor.Terminated{Ref: pool}])
}

// A287: PoisonPill to the router ends it and its routees without draining.
func TestPoisonEndsTheRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		b := block{begun: make(chan struct{}), release: make(chan struct{})}
		pool := testkit.Must(Pool(sys, "pool", 1, newEcho, RoundRobin{}))
		p, head := watching(t, sys, pool)
		pool.Tell(b)
		<-b.begun
		for range 5 {
			pool.Tell("never seen")
		}
		pool.Tell(actor.PoisonPill{})
		time.Sleep(time.Second)
		require.Zero(t, sys.Dropped(actor.DropStopped))
		_ = pool.TellFrom(GetRoutees{}, p.PID()) // behind the pill
		close(b.release)
		p.ExpectTerminated(head)
		require.Equal(t, uint64(6), sys.Dropped(actor.DropStopped))
		require.ErrorIs(t, pool.TryTell("late"), actor.ErrStopped)
	})
}

// A289: busy routees are passed over.
func TestSmallestMailboxPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		b := block{begun: make(chan struct{}), release: make(chan struct{})}
		pool := testkit.Must(Pool(sys, "pool", 3, newEcho, SmallestMailbox{}))
		settle() // until nobody is at work on the start
		for range 2 {
			pool.Tell(b)
			<-b.begun
		}
		for range 20 {
			settle()
			require.Equal(t, []string{"routee-3"}, names(t, pool, 1))
		}
		close(b.release)
	})
}

// A296: what the predicate says goes to all of them.
func TestBroadcastIf(t *testing.T) {
	sys := testkit.New(t)
	for title, logic := range map[string]Logic{"picking": RoundRobin{}, "asking": ScatterGather{}, "queued": Balancing{}} {
		t.Run(title, func(t *testing.T) {
			pool := testkit.Must(Pool(sys, "", 3, newEcho, logic, BroadcastIf(func(msg any) bool { return len(msg.(string)) > 3 })))
			routees(t, pool)
			p := testkit.NewProbe(t, sys)
			p.Tell(pool, "everybody")
			for range 3 {
				p.Expect("everybody")
			}
			p.Tell(pool, "one")
			p.Expect("one")
			p.Tell(pool, 17) // the predicate panics
			p.Expect(17)
			p.Tell(pool, Keyed{"k", "everybody"})
			for range 3 {
				p.Expect("everybody")
			}
		})
	}
}

// The auto-received question is answered by the actor behind the router.
func TestIdentifyFindsTheHead(t *testing.T) {
	sys := testkit.New(t)
	pool := testkit.Must(Pool(sys, "pool", 1, newEcho, RoundRobin{}))
	identity := testkit.Must(actor.AskAs[actor.ActorIdentity](t.Context(), pool, any(actor.Identify{ID: 3})))
	require.Equal(t, uint64(3), identity.ID)
	require.Equal(t, "/user/pool", identity.Ref.Path())
	require.NotZero(t, identity.Ref.Location().ID)
}

func TestTypedPool(t *testing.T) {
	sys := testkit.New(t)
	pool := testkit.Must(PoolTyped(sys, "pool", 3, func() actor.Receiver[who] { return typedEcho{} }, RoundRobin{}))
	seen := map[string]bool{}
	for range 6 {
		seen[testkit.Must(actor.Ask(t.Context(), pool, who{}))] = true
	}
	require.Len(t, seen, 3)
	p := testkit.NewProbe(t, sys)
	require.NoError(t, pool.TellFrom(who{}, p.PID()))
	p.Next()
	ToAll(pool, who{}) // answers go to nobody
	require.Len(t, routees(t, pool.PID()), 3)
}

type typedEcho struct{}

func (typedEcho) Receive(ctx *actor.Context, m who) { actor.Reply(ctx, m, ctx.Name()) }

// A289: routees that have failed, and aren't restarted yet, are passed over.
func TestSmallestMailboxPassesOverTheFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		pool := testkit.Must(Pool(sys, "pool", 3, newEcho, SmallestMailbox{}, RouteeOptions{
			actor.Supervise{Backoff: actor.Backoff{Min: time.Minute, Max: time.Minute}}}))
		all := routees(t, pool)
		all[0].Tell(fail{})
		all[2].Tell(fail{})
		synctest.Wait()
		for range 10 {
			name, err := actor.AskAs[string](t.Context(), pool, any(who{}))
			require.NoError(t, err)
			require.Equal(t, "routee-2", name)
		}
	})
}

// Routers may be spawned wherever actors may.
func TestParentsOfRouters(t *testing.T) {
	sys := testkit.New(t)
	spawned := make(chan actor.PID, 2)
	testkit.Must(sys.Spawn("parent", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			spawned <- testkit.Must(Pool(ctx, "own", 2, newEcho, RoundRobin{}))
			spawned <- testkit.Must(Pool(ctx.Group(actor.Supervise{}), "grouped", 2, newEcho, RoundRobin{}))
		})
	})).Tell("go")
	for path, pool := range map[string]actor.PID{
		"/system/pool":     testkit.Must(Pool(sys.Internal(), "pool", 2, newEcho, RoundRobin{})),
		"/user/pool":       testkit.Must(Pool(sys, "pool", 2, newEcho, RoundRobin{})),
		"/user/parent/own": <-spawned, "/user/parent/grouped": <-spawned,
	} {
		require.Equal(t, path, pool.Path())
		require.Len(t, routees(t, pool), 2)
	}
}

func TestRoutersThatCannotBe(t *testing.T) {
	sys := testkit.New(t)
	testkit.Must(Pool(sys, "taken", 1, newEcho, RoundRobin{}))
	for _, test := range []struct {
		title string
		spawn func() (actor.PID, error)
		want  string
	}{
		{"no routees", func() (actor.PID, error) { return Pool(sys, "a", 0, newEcho, RoundRobin{}) }, "pool of 0 routees"},
		{"too many", func() (actor.PID, error) { return Pool(sys, "a", routeesMax+1, newEcho, RoundRobin{}) }, "must be 1 to"},
		{"no factory", func() (actor.PID, error) { return Pool(sys, "a", 1, nil, RoundRobin{}) }, "no factory"},
		{"no logic", func() (actor.PID, error) { return Pool(sys, "a", 1, newEcho, nil) }, "no logic"},
		{"a pointer to a logic", func() (actor.PID, error) { return Pool(sys, "a", 1, newEcho, &RoundRobin{}) }, "not a pointer"},
		{"a nil pointer to a logic", func() (actor.PID, error) { return Pool(sys, "a", 1, newEcho, (*Balancing)(nil)) }, "not a pointer"},
		{"a nil option", func() (actor.PID, error) { return Pool(sys, "a", 1, newEcho, RoundRobin{}, nil) }, "option 1 is nil"},
		{"no function to broadcast by", func() (actor.PID, error) {
			return Pool(sys, "a", 1, newEcho, RoundRobin{}, BroadcastIf(nil))
		}, "option 1 is nil"},
		{"no parent", func() (actor.PID, error) { return Pool(nil, "a", 1, newEcho, RoundRobin{}) }, "no parent"},
		{"a nil parent", func() (actor.PID, error) { return Pool((*actor.System)(nil), "a", 1, newEcho, RoundRobin{}) }, "no parent"},
		{"options of routees that contradict", func() (actor.PID, error) {
			return Pool(sys, "a", 1, newEcho, RoundRobin{}, RouteeOptions{actor.Pinned{}, actor.Dedicated{}})
		}, "RouteeOptions: Dedicated and Pinned"},
		{"options of the head that make no sense", func() (actor.PID, error) {
			return Pool(sys, "a", 1, newEcho, RoundRobin{}, HeadOptions{actor.Bounded(-1)})
		}, "HeadOptions: Bounded"},
		{"no source", func() (actor.PID, error) { return Group(sys, "a", nil, RoundRobin{}) }, "no source"},
		{"name taken", func() (actor.PID, error) { return Pool(sys, "taken", 1, newEcho, RoundRobin{}) }, "name is taken"},
		{"bad name", func() (actor.PID, error) { return Pool(sys, "a/b", 1, newEcho, RoundRobin{}) }, "bad actor name"},
		{"bad parent", func() (actor.PID, error) { return Pool(&catcher{}, "a", 1, newEcho, RoundRobin{}) }, "*actor.Context or a *actor.Group"},
		{"two resizers", func() (actor.PID, error) {
			return Pool(sys, "a", 1, newEcho, RoundRobin{}, Resize{}, Explore{})
		}, "2 resizers"},
		{"bad resizer", func() (actor.PID, error) { return Pool(sys, "a", 1, newEcho, RoundRobin{}, Resize{Lower: -1}) }, "Resize.Lower"},
		{"balancing with a resizer", func() (actor.PID, error) { return Pool(sys, "a", 1, newEcho, Balancing{}, Resize{}) }, "has no resizer"},
		{"balancing group", func() (actor.PID, error) { return Group(sys, "a", Refs{}, Balancing{}) }, "for pools"},
		{"negative queue", func() (actor.PID, error) { return Pool(sys, "a", 1, newEcho, Balancing{QueueMax: -1}) }, "QueueMax"},
		{"group with a resizer", func() (actor.PID, error) { return Group(sys, "a", Refs{}, RoundRobin{}, Resize{}) }, "for pools"},
		{"virtual nodes", func() (actor.PID, error) { return Group(sys, "a", Refs{}, ConsistentHash{VirtualNodes: -1}) }, "VirtualNodes"},
		{"time to answer", func() (actor.PID, error) { return Group(sys, "a", Refs{}, ScatterGather{Within: -1}) }, "ScatterGather.Within"},
		{"time to the next", func() (actor.PID, error) { return Group(sys, "a", Refs{}, TailChopping{Every: -1}) }, "TailChopping.Every"},
		{"nil function", func() (actor.PID, error) { return Group(sys, "a", Refs{}, Custom(nil)) }, "Custom is nil"},
	} {
		t.Run(test.title, func(t *testing.T) {
			pid, err := test.spawn()
			require.ErrorContains(t, err, test.want)
			require.True(t, pid.IsZero())
			require.Zero(t, sys.RefAt("", "/user/a").PID().Location().ID)
		})
	}
}
