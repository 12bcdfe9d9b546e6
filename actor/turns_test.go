package actor_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// A181, A182, A193: one turn at a time, whoever sends: plain fields are never
// stale, and every message is handled.
func TestOneTurnAtATime(t *testing.T) {
	const senders, each = 8, 2_000
	sys := newSystem(t)
	for title, opts := range map[string][]actor.SpawnOption{
		"default": nil, "dedicated": {actor.Dedicated{}}, "pinned": {actor.Pinned{}},
		"by priority": {actor.Mailbox{}}, "bounded": {actor.Bounded(senders * each)},
	} {
		t.Run(title, func(t *testing.T) {
			var inside atomic.Bool
			sum, done := 0, make(chan int, 1)
			pid := spawn(t, sys, "", func(ctx *actor.Context) {
				if !inside.CompareAndSwap(false, true) {
					panic("two turns at once")
				}
				if sum++; sum == senders*each {
					done <- sum
				}
				inside.Store(false)
			}, opts...)
			var all sync.WaitGroup
			for range senders {
				all.Go(func() {
					for range each {
						pid.Tell(1)
					}
				})
			}
			all.Wait()
			require.Equal(t, senders*each, <-done)
		})
	}
}

// A167: two actors play ping-pong in bursts; nobody misses a wake-up.
func TestPingPongInBursts(t *testing.T) {
	const rounds = 20_000
	sys := newSystem(t)
	done := make(chan struct{})
	left := rounds
	pong := spawn(t, sys, "pong", func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	random := rand.New(rand.NewPCG(1, 2))
	open := 0
	spawn(t, sys, "ping", func(ctx *actor.Context) {
		if open > 0 {
			open--
		}
		if open > 0 {
			return
		}
		if left--; left == 0 {
			close(done)
			return
		}
		open = 1 + random.IntN(8)
		for range open {
			ctx.Tell(pong, "ball")
		}
	}).Tell("start")
	<-done
}

// A183, F1: two actors that wait for each other outside of actors both get on.
func TestActorsMayWaitForEachOther(t *testing.T) {
	sys := newSystem(t)
	for range 50 {
		a, b, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		spawn(t, sys, "", func(*actor.Context) { close(a); <-b; close(done) }).Tell("")
		spawn(t, sys, "", func(*actor.Context) { <-a; close(b) }).Tell("")
		<-done
	}
}

// line is an executor in which what is scheduled runs in order, when the test says
// so; once it is let go, everything runs at once.
type line struct {
	mu    sync.Mutex
	tasks []actor.Task
	loose bool
}

func (l *line) Schedule(t actor.Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loose {
		go t.Run()
		return
	}
	l.tasks = append(l.tasks, t)
}

func (l *line) Go(f func())        { go f() }
func (l *line) Wait(g *actor.Gate) { <-g.Done() }

func (l *line) letGo() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loose = true
	for _, t := range l.tasks {
		go t.Run()
	}
	l.tasks = nil
}

func (l *line) step() bool {
	l.mu.Lock()
	if len(l.tasks) == 0 {
		l.mu.Unlock()
		return false
	}
	t := l.tasks[0]
	l.tasks = l.tasks[1:]
	l.mu.Unlock()
	t.Run()
	return true
}

// A185: how many messages an actor handles before others get their turn.
func TestTurnMax(t *testing.T) {
	for _, c := range []struct {
		title          string
		max            int
		before, behind int // handled by the slow one when the fast one gets its turn
	}{
		{"a turn is long enough for all", 101, 100, 100},
		{"a turn is shorter", 10, 10, 100},
	} {
		t.Run(c.title, func(t *testing.T) {
			quiet, l := zerolog.Nop(), &line{}
			sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet, TurnMax: c.max, Executor: l})
			require.NoError(t, err)
			slow, at := 0, -1
			a := spawn(t, sys, "slow", func(*actor.Context) { slow++ })
			b := spawn(t, sys, "fast", func(*actor.Context) { at = slow })
			for l.step() { // both have started
			}
			for range 100 {
				a.Tell("")
			}
			b.Tell("")
			for l.step() {
			}
			require.Equal(t, c.before, at)
			require.Equal(t, c.behind, slow)
			l.letGo()
			require.NoError(t, sys.Stop(t.Context()))
		})
	}
}

// A192: however busy actors keep one another, what comes from outside gets its turn.
func TestWhatComesFromOutsideIsNotStarved(t *testing.T) {
	sys := newSystem(t)
	var over atomic.Bool
	for range 32 {
		spawn(t, sys, "", func(ctx *actor.Context) {
			if !over.Load() {
				ctx.Tell(ctx.Self(), "")
				ctx.Tell(ctx.Self(), "")
				ctx.Unstash(1)
			}
		}, actor.Bounded(10)).Tell("")
	}
	echo := spawn(t, sys, "echo", func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	for i := range 100 {
		got, err := actor.AskAs[int](t.Context(), echo, any(i))
		require.NoError(t, err)
		require.Equal(t, i, got)
	}
	done := make(chan struct{})
	sys.Executor().Go(func() { close(done) })
	<-done
	over.Store(true)
}

// A171: what waits when an actor stops becomes dead letters, all of it.
func TestMailboxesAreDrained(t *testing.T) {
	for title, opts := range map[string][]actor.SpawnOption{
		"default": nil, "by priority": {actor.Mailbox{}}, "bounded": {actor.Bounded(5000)},
	} {
		t.Run(title, func(t *testing.T) {
			const waiting = 2_000
			sys := newSystem(t)
			busy, release := make(chan struct{}), make(chan struct{})
			pid := spawn(t, sys, "x", func(ctx *actor.Context) {
				close(busy)
				<-release
				ctx.Stop(ctx.Self())
			}, opts...)
			pid.Tell("first")
			<-busy
			for i := range waiting {
				pid.Tell(i)
			}
			sys.StopActor(pid)
			close(release)
			require.NoError(t, actor.AwaitEnd(t.Context(), pid))
			require.EqualValues(t, waiting, sys.Dropped(actor.DropStopped))
		})
	}
}

// A240: the last Become counts; stacked ones come back one by one.
func TestBehaviours(t *testing.T) {
	say := func(s string) func(*actor.Context) {
		return func(ctx *actor.Context) { act(ctx, func(string) { ctx.Reply(s) }) }
	}
	for _, c := range []struct {
		title string
		do    func(ctx *actor.Context)
		want  string
	}{
		{"none", func(*actor.Context) {}, "own"},
		{"become", func(ctx *actor.Context) { ctx.Become(say("a")) }, "a"},
		{"the last counts", func(ctx *actor.Context) { ctx.Become(say("a")); ctx.Become(say("b")) }, "b"},
		{"stacked", func(ctx *actor.Context) { ctx.BecomeStacked(say("a")); ctx.BecomeStacked(say("b")) }, "b"},
		{"stacked and back", func(ctx *actor.Context) { ctx.BecomeStacked(say("a")); ctx.BecomeStacked(say("b")); ctx.Unbecome() }, "a"},
		{"become replaces the top only", func(ctx *actor.Context) { ctx.BecomeStacked(say("a")); ctx.Become(say("b")); ctx.Unbecome() }, "own"},
		{"below the first is one's own", func(ctx *actor.Context) { ctx.Become(say("a")); ctx.Unbecome(); ctx.Unbecome() }, "own"},
	} {
		t.Run(c.title, func(t *testing.T) {
			sys := newSystem(t)
			for _, when := range []string{"while it starts", "later"} {
				pid, err := sys.Spawn("", func() actor.Actor {
					b := &behaving{say("own"), nil}
					if when != "later" {
						b.start = c.do
					}
					return b
				})
				require.NoError(t, err)
				if when == "later" {
					turn(t, pid, c.do)
				}
				got, err := actor.AskAs[string](t.Context(), pid, any("?"))
				require.NoError(t, err)
				require.Equal(t, c.want, got, when)
			}
		})
	}
}

type behaving struct {
	receive, start func(*actor.Context)
}

func (b *behaving) Receive(ctx *actor.Context) { b.receive(ctx) }

func (b *behaving) PreStart(ctx *actor.Context) error {
	if b.start != nil {
		b.start(ctx)
	}
	return nil
}

// A248: what is forwarded keeps its sender, over many hops, told or asked.
func TestForwardKeepsTheSender(t *testing.T) {
	sys := newSystem(t)
	last := spawn(t, sys, "last", func(ctx *actor.Context) { ctx.Reply(ctx.Sender()) })
	middle := spawn(t, sys, "middle", func(ctx *actor.Context) { ctx.Forward(last) })
	first := spawn(t, sys, "first", func(ctx *actor.Context) { ctx.Forward(middle) })
	r := newRecorder()
	teller := watcherOf(t, sys, r)
	turn(t, teller, func(ctx *actor.Context) { ctx.Tell(first, "") })
	require.Equal(t, []any{teller}, r.next(t, 1))
	got, err := actor.AskAs[actor.PID](t.Context(), first, any(""))
	require.NoError(t, err)
	require.False(t, got.IsZero())
}
