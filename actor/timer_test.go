package actor_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// ticker runs the functions that it is sent and records all else, with the
// time since its start.
func ticker(t *testing.T, sys *actor.System, r *recorder) actor.PID {
	t.Helper()
	begun := time.Now()
	return spawn(t, sys, "ticker", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case func(*actor.Context):
			m(ctx)
		default:
			r.add([2]any{m, time.Since(begun)})
		}
	})
}

func TestFixedRateMakesUpForPauses(t *testing.T) { // A227
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		rate, delay := newRecorder(), newRecorder()
		for r, fixed := range map[*recorder]bool{rate: true, delay: false} {
			begun := time.Now()
			spawn(t, sys, "", func(ctx *actor.Context) {
				if ctx.Message() != "tick" {
					ctx.Schedule(actor.Schedule{Key: "k", First: time.Second, Every: 2 * time.Second, FixedRate: fixed}, "tick")
					return
				}
				if r.add(time.Since(begun)); r.count() == 2 {
					time.Sleep(5 * time.Second)
				}
				if r.count() == 6 {
					ctx.CancelKey("k")
				}
			}).Tell("start")
		}
		seconds := func(s ...float64) (all []any) {
			for _, x := range s {
				all = append(all, time.Duration(x*float64(time.Second)))
			}
			return all
		}
		require.Equal(t, seconds(1, 3, 8, 8, 9, 11), rate.next(t, 6), "missed ticks come at once, the raster stays")
		require.Equal(t, seconds(1, 3, 10, 12, 14, 16), delay.next(t, 6), "the delay counts from the end of handling")
	})
}

func TestTimersOfAnIncarnationEndWithIt(t *testing.T) { // A221
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		pid := spawn(t, sys, "x", func(ctx *actor.Context) {
			switch m := ctx.Message(); m {
			case "arm":
				ctx.EveryKey("k", time.Second, "tick")
			case "sleep":
				time.Sleep(3 * time.Second) // a tick comes into the mailbox meanwhile
			case "fail":
				ctx.Fail(errors.New("boom"))
			case "tick":
				r.add(m)
			default:
				r.add(ctx.HasTimer("k"))
			}
		})
		for _, m := range []any{"arm", "sleep", "fail", "end"} {
			pid.Tell(m)
		}
		require.Equal(t, []any{false}, r.next(t, 1))
		time.Sleep(time.Minute)
		require.Equal(t, 1, r.count(), "neither the queued tick nor another")
	})
}

func TestStashedTicks(t *testing.T) { // A221
	for title, c := range map[string]struct {
		fail bool
		want []any
	}{
		"come back":             {false, []any{"tick", "user", "end"}},
		"are void in a new run": {true, []any{"user", "end"}},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				r := newRecorder()
				stashing := true
				pid := spawn(t, sys, "x", func(ctx *actor.Context) {
					switch m := ctx.Message(); m {
					case "arm":
						ctx.After(time.Second, "tick")
					case "open":
						stashing = false
						if c.fail {
							ctx.Fail(errors.New("boom"))
						} else {
							ctx.UnstashAll()
						}
					default:
						if stashing {
							require.NoError(t, ctx.Stash())
							return
						}
						r.add(m)
					}
				})
				pid.Tell("arm")
				time.Sleep(2 * time.Second)
				pid.Tell("user")
				pid.Tell("open")
				pid.Tell("end")
				require.Equal(t, c.want, r.next(t, len(c.want)))
			})
		})
	}
}

func TestPoisonPillByTimer(t *testing.T) { // A221
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		pid := spawn(t, sys, "x", func(ctx *actor.Context) { ctx.After(time.Second, actor.PoisonPill{}) })
		pid.Tell("")
		require.NoError(t, actor.AwaitEnd(t.Context(), pid))
	})
}

func TestCancelReportsOnce(t *testing.T) { // A225
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		var handle actor.TimerHandle
		pid := ticker(t, sys, r)
		pid.Tell(func(ctx *actor.Context) {
			handle = ctx.After(time.Second, "never")
			r.add([]bool{handle.Cancel(), handle.Cancel()})
			handle = ctx.After(time.Second, "once")
			ctx.AfterKey("k", time.Second, "cancelled")
			ctx.CancelTimers()
			handle = ctx.After(time.Second, "once")
		})
		require.Equal(t, []bool{true, false}, r.next(t, 1)[0])
		require.Equal(t, [2]any{"once", time.Second}, r.next(t, 1)[1])
		pid.Tell(func(*actor.Context) { r.add(handle.Cancel()) })
		require.Equal(t, false, r.next(t, 1)[2], "it has ticked")
	})
}

type heartbeat struct{}

func (heartbeat) BackgroundMessage() {}

func TestReceiveTimeout(t *testing.T) { // A223, A224
	second := time.Second
	for title, c := range map[string]struct {
		drive func(tell func(any))
		want  []any // message and second
	}{
		"fires after idleness, again and again": {
			func(tell func(any)) { time.Sleep(7 * second) },
			[]any{[2]any{actor.ReceiveTimeout{After: 3 * second}, 3 * second}, [2]any{actor.ReceiveTimeout{After: 3 * second}, 6 * second}},
		},
		"is put off by a message": {
			func(tell func(any)) { time.Sleep(2 * second); tell("m"); time.Sleep(4 * second) },
			[]any{[2]any{"m", 2 * second}, [2]any{actor.ReceiveTimeout{After: 3 * second}, 5 * second}},
		},
		"is not put off by a background message": {
			func(tell func(any)) { time.Sleep(2 * second); tell(heartbeat{}); time.Sleep(2 * second) },
			[]any{[2]any{heartbeat{}, 2 * second}, [2]any{actor.ReceiveTimeout{After: 3 * second}, 3 * second}},
		},
		"is not put off by a background timer": {
			func(tell func(any)) {
				tell(func(ctx *actor.Context) { ctx.Every(2*second, heartbeat{}) })
				time.Sleep(5 * second)
			},
			[]any{
				[2]any{heartbeat{}, 2 * second}, [2]any{actor.ReceiveTimeout{After: 3 * second}, 3 * second},
				[2]any{heartbeat{}, 4 * second},
			},
		},
		"counts from the end of a long turn": {
			func(tell func(any)) { tell(func(*actor.Context) { time.Sleep(5 * second) }); time.Sleep(9 * second) },
			[]any{[2]any{actor.ReceiveTimeout{After: 3 * second}, 8 * second}},
		},
		"what waits in the mailbox comes first and counts": {
			func(tell func(any)) {
				tell(func(*actor.Context) { time.Sleep(5 * second) })
				tell("m")
				time.Sleep(9 * second)
			},
			[]any{[2]any{"m", 5 * second}, [2]any{actor.ReceiveTimeout{After: 3 * second}, 8 * second}},
		},
		"a cancelled one in the mailbox is void": {
			func(tell func(any)) {
				tell(func(ctx *actor.Context) { time.Sleep(4 * second); ctx.SetReceiveTimeout(0) })
				time.Sleep(20 * second)
			},
			nil,
		},
		"can be set anew, more than once": {
			func(tell func(any)) {
				tell(func(ctx *actor.Context) { ctx.SetReceiveTimeout(9 * second); ctx.SetReceiveTimeout(second) })
				time.Sleep(1500 * time.Millisecond)
			},
			[]any{[2]any{actor.ReceiveTimeout{After: second}, second}},
		},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				r := newRecorder()
				pid := ticker(t, sys, r)
				pid.Tell(func(ctx *actor.Context) { ctx.SetReceiveTimeout(3 * second) })
				synctest.Wait()
				c.drive(pid.Tell)
				synctest.Wait()
				require.Equal(t, c.want, append([]any(nil), r.next(t, 0)...))
			})
		})
	}
}

func TestUnstashAFewAtATime(t *testing.T) { // A206
	sys := newSystem(t)
	r := newRecorder()
	stashing := true
	pid := spawn(t, sys, "x", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case int:
			if stashing {
				_ = ctx.Stash()
				return
			}
			r.add(m)
		case string:
			stashing = false
			r.add(ctx.StashFull())
			ctx.Unstash(2)
			r.add(ctx.Stashed())
		}
	}, actor.StashMax(5))
	for i := range 5 {
		pid.Tell(i)
	}
	pid.Tell("two")
	pid.Tell("rest")
	require.Equal(t, []any{true, 3, 0, 1, false, 1, 2, 3}, r.next(t, 8))
}

// A226: a hundred thousand timers, some of them cancelled: each ticks once, and
// none before its time.
func TestManyTimers(t *testing.T) {
	const actors, each = 100, 1000
	for title, cancelled := range map[string]int{"none cancelled": 0, "every third cancelled": 3} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				begun := time.Now()
				seen, early := make([]int, actors), make([]int, actors)
				for a := range actors {
					random := rand.New(rand.NewPCG(uint64(a), 1))
					spawn(t, sys, "", func(ctx *actor.Context) {
						due, tick := ctx.Message().(time.Time)
						if tick {
							seen[a]++
							if ctx.Now().Before(due) {
								early[a]++
							}
							return
						}
						for i := range each {
							d := time.Duration(random.Int64N(int64(3 * time.Second)))
							h := ctx.After(d, begun.Add(d))
							if cancelled > 0 && i%cancelled == 0 {
								require.True(t, h.Cancel())
							}
						}
					}).Tell("go")
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				want := each
				if cancelled > 0 {
					want -= (each + cancelled - 1) / cancelled
				}
				for a := range actors {
					require.Equal(t, want, seen[a])
					require.Zero(t, early[a])
				}
			})
		})
	}
}

// A222: timers go on through a change of behaviour, end with a failure, and leave
// nothing behind, a dead letter neither.
func TestTimersAndTheRestOfALife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		pid, err := sys.Spawn("x", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				act(ctx, func(s string) { r.add("first " + s) })
				if ctx.Message() == "go" {
					ctx.EveryKey("k", time.Second, "tick")
					ctx.Become(func(ctx *actor.Context) { act(ctx, func(s string) { r.add("second " + s) }) })
				}
			})
		})
		require.NoError(t, err)
		pid.Tell("go")
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		require.Equal(t, []any{"first go", "second tick", "second tick"}, r.next(t, 0))
		pid.Tell(errBoom)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, r.next(t, 0), 3, "the timers ended with the life that set them")
		pid.Tell("go")
		require.NoError(t, actor.GracefulStop(t.Context(), pid))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Zero(t, sys.Dropped(actor.DropStopped))
	})
}

// A227: a timer ends with its actor though that has many ticks to handle.
func TestTicksOfWhoStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		release := make(chan struct{})
		n := 0
		pid := spawn(t, sys, "x", func(ctx *actor.Context) {
			switch ctx.Message() {
			case "go":
				ctx.Schedule(actor.Schedule{Every: time.Second, FixedRate: true}, "tick")
				<-release
				ctx.Stop(ctx.Self())
			default:
				n++
			}
		})
		pid.Tell("go")
		time.Sleep(10 * time.Second)
		close(release)
		require.NoError(t, actor.AwaitEnd(t.Context(), pid))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Zero(t, n)
		require.Zero(t, sys.Dropped(actor.DropStopped))
	})
}

// A fixed delay counts from the end of the handling, whatever ends it; a fixed rate from
// the first tick.
func TestADelayCountsFromTheEndOfTheHandlingAndARateDoesNot(t *testing.T) {
	for title, c := range map[string]struct {
		start func(*actor.Context)
		want  []time.Duration
		fails bool
	}{
		"a delay":                {func(ctx *actor.Context) { ctx.Every(time.Second, "tick") }, []time.Duration{1000, 2700, 4400}, false},
		"a delay by key":         {func(ctx *actor.Context) { ctx.EveryKey("k", time.Second, "tick") }, []time.Duration{1000, 2700, 4400}, false},
		"a delay, resumed":       {func(ctx *actor.Context) { ctx.Every(time.Second, "tick") }, []time.Duration{1000, 2700, 4400}, true},
		"a rate":                 {func(ctx *actor.Context) { ctx.AtRate(time.Second, "tick") }, []time.Duration{1000, 2000, 3000}, false},
		"a rate by key":          {func(ctx *actor.Context) { ctx.AtRateKey("k", time.Second, "tick") }, []time.Duration{1000, 2000, 3000}, false},
		"a rate that is kept up": {func(ctx *actor.Context) { ctx.AtRate(500*time.Millisecond, "tick") }, []time.Duration{500, 1200, 1900}, false},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				begun, ticks := time.Now(), make(chan time.Duration, 100)
				ref := spawn(t, sys, "x", func(ctx *actor.Context) {
					if ctx.Message() == "start" {
						c.start(ctx)
						return
					}
					ticks <- time.Since(begun) / time.Millisecond
					time.Sleep(700 * time.Millisecond)
					if c.fails {
						panic("at the end")
					}
				}, actor.Supervise{Decide: func(error) actor.Directive { return actor.Resume }})
				ref.Tell("start")
				for _, want := range c.want {
					require.Equal(t, want, <-ticks)
				}
			})
		})
	}
}
