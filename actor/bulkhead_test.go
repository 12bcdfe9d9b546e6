package actor_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestDedicatedIsABulkhead(t *testing.T) { // A069, A186
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		var mu sync.Mutex
		busy, most, done := 0, 0, 0
		slow := actor.Dedicated{Class: "disk", Goroutines: 3}
		count := func(d int) {
			mu.Lock()
			defer mu.Unlock()
			busy += d
			most = max(most, busy)
			if d < 0 {
				done++
			}
		}
		for range 20 {
			spawn(t, sys, "", func(*actor.Context) {
				count(1)
				time.Sleep(time.Second)
				count(-1)
			}, slow).Tell("")
		}
		finished := func() int {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return done
		}
		begun := time.Now()
		quick := spawn(t, sys, "quick", func(ctx *actor.Context) { ctx.Reply("here") })
		for range 100 {
			_, err := actor.AskAs[string](t.Context(), quick, any(""))
			require.NoError(t, err)
		}
		require.Zero(t, time.Since(begun), "nobody else waits")
		time.Sleep(6999 * time.Millisecond)
		require.Equal(t, 18, finished())
		time.Sleep(time.Millisecond)
		require.Equal(t, 20, finished())
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, 3, most)
	})
}

func TestDedicatedActorIsAnActor(t *testing.T) { // A069, A190
	for title, option := range map[string]actor.SpawnOption{
		"dedicated": actor.Dedicated{Class: "c", Goroutines: 1}, "pinned": actor.Pinned{},
	} {
		t.Run(title, func(t *testing.T) {
			sys := newSystem(t)
			var pids []actor.PID
			for range 4 {
				n := 0
				pids = append(pids, spawn(t, sys, "", func(ctx *actor.Context) {
					switch m := ctx.Message().(type) {
					case int:
						n += m
					case error:
						ctx.Fail(m)
					case string:
						if m == "goexit" {
							runtime.Goexit()
						}
						ctx.Reply(n)
					}
				}, option))
			}
			for i := range 1000 {
				for _, p := range pids {
					p.Tell(i)
				}
			}
			for _, p := range pids {
				sum, err := actor.AskAs[int](t.Context(), p, any("sum"))
				require.NoError(t, err)
				require.Equal(t, 499500, sum)
				p.Tell("goexit")
				p.Tell(actor.ErrKilled)
			}
			for _, p := range pids {
				require.NoError(t, actor.AwaitEnd(t.Context(), p), "what was killed stops")
			}
		})
	}
}

func TestPinnedActorsKeepTheirThread(t *testing.T) { // A190
	sys := newSystem(t)
	inside, release := make(chan struct{}, 2), make(chan struct{})
	wait := func(ctx *actor.Context) {
		inside <- struct{}{}
		<-release
		ctx.Reply("out")
	}
	a, b := spawn(t, sys, "a", wait, actor.Pinned{}), spawn(t, sys, "b", wait, actor.Pinned{})
	a.Tell("")
	b.Tell("")
	<-inside
	<-inside // both at once: they don't share a goroutine
	close(release)
	answer, err := actor.AskAs[string](t.Context(), a, any(""))
	require.NoError(t, err)
	require.Equal(t, "out", answer)
}

func slowTurns(t *testing.T, cfg actor.Config) (*actor.System, *recorder) {
	t.Helper()
	quiet := zerolog.Nop()
	cfg.Logger = &quiet
	sys, err := actor.NewSystem("test", cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	r, pid := spawnRecorder(t, sys, "recorder")
	actor.Subscribe[actor.SlowTurn](sys, pid)
	return sys, r
}

//go:noinline
func dawdle(release chan struct{}) { <-release }

func TestSlowTurnsAreReportedOnce(t *testing.T) {
	for title, option := range map[string]actor.SpawnOption{
		"worker": actor.StashMax(1), "dedicated": actor.Dedicated{}, "pinned": actor.Pinned{},
	} {
		t.Run(title, func(t *testing.T) {
			sys, r := slowTurns(t, actor.Config{SlowTurn: 50 * time.Millisecond})
			release := make(chan struct{})
			slow := spawn(t, sys, "slow", func(*actor.Context) { dawdle(release) }, option)
			slow.Tell("")
			ev := r.next(t, 1)[0].(actor.SlowTurn)
			require.Equal(t, slow, ev.Actor)
			require.GreaterOrEqual(t, ev.For, 50*time.Millisecond)
			require.True(t, strings.Contains(ev.Stack, "dawdle"), ev.Stack)
			slow.Tell("again") // another turn, or one more message of the same
			close(release)
			require.NoError(t, actor.GracefulStop(t.Context(), slow))
			require.Equal(t, 1, r.count())
		})
	}
}

func TestManySlowTurns(t *testing.T) {
	sys, r := slowTurns(t, actor.Config{SlowTurn: 50 * time.Millisecond})
	release := make(chan struct{})
	for range 100 {
		spawn(t, sys, "", func(*actor.Context) { <-release }).Tell("")
	}
	seen := map[actor.PID]int{}
	for _, ev := range r.next(t, 100) {
		seen[ev.(actor.SlowTurn).Actor]++
	}
	require.Len(t, seen, 100)
	close(release)
}

func TestQuickTurnsAreNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, r := slowTurns(t, actor.Config{})
		pid := spawn(t, sys, "x", func(*actor.Context) { time.Sleep(700 * time.Millisecond) })
		for range 5 {
			pid.Tell("")
			time.Sleep(800 * time.Millisecond)
		}
		require.Zero(t, r.count())
		spawn(t, sys, "slow", func(*actor.Context) { time.Sleep(2 * time.Second) }).Tell("")
		time.Sleep(1300 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, 1, r.count())
	})
	synctest.Test(t, func(t *testing.T) {
		sys, r := slowTurns(t, actor.Config{SlowTurn: -1})
		spawn(t, sys, "slow", func(*actor.Context) { time.Sleep(time.Hour) }).Tell("")
		time.Sleep(2 * time.Hour)
		require.Zero(t, r.count())
	})
}
