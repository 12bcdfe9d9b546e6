package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// All times are those of a bubble: they cost nothing, and a goroutine that is
// left at the end fails the test.

func TestChopstick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		sticks, err := layChopsticks(sys, 1)
		require.NoError(t, err)
		stick := sticks[0]
		ada, bob := testkit.NewProbe(t, sys), testkit.NewProbe(t, sys)

		stick.Tell(take{testkit.Ref[answer](ada)})
		ada.Expect(got{stick})
		stick.Tell(take{testkit.Ref[answer](bob)})
		bob.Expect(busy{stick})

		stick.Tell(putBack{testkit.Ref[answer](bob)}) // who doesn't hold it can't put it back
		stick.Tell(take{testkit.Ref[answer](bob)})
		bob.Expect(busy{stick})

		stick.Tell(putBack{testkit.Ref[answer](ada)})
		stick.Tell(take{testkit.Ref[answer](bob)})
		bob.Expect(got{stick})

		sys.StopActor(bob.PID()) // ends with the chopstick in hand
		synctest.Wait()
		stick.Tell(take{testkit.Ref[answer](ada)})
		ada.Expect(got{stick})
	})
}

func TestPhilosopher(t *testing.T) {
	type step struct {
		left, right any // what the chopsticks answer
		want        []mood
		leftBack    bool
		rightBack   bool
	}
	for title, s := range map[string]step{
		"both are free":           {got{}, got{}, []mood{hungry, oneHeld, eating, thinking}, true, true},
		"the right one is taken":  {got{}, busy{}, []mood{hungry, oneHeld, thinking}, true, false},
		"the left one is taken":   {busy{}, got{}, []mood{hungry, denied, thinking}, false, true},
		"both are taken":          {busy{}, busy{}, []mood{hungry, denied, thinking}, false, false},
		"a last meal, then leave": {got{}, got{}, []mood{hungry, oneHeld, eating}, true, true},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := testkit.New(t)
				left, right, guest := testkit.NewProbe(t, sys), testkit.NewProbe(t, sys), testkit.NewProbe(t, sys)
				meals := 2
				if len(s.want) == 3 && s.want[2] == eating {
					meals = 1
				}
				pid, err := seat(sys, "Ada", place{
					left: testkit.Ref[chopstickMessage](left), right: testkit.Ref[chopstickMessage](right), meals: meals,
					eat: time.Second, think: func() time.Duration { return time.Second },
				}.machine())
				require.NoError(t, err)
				pid.Tell(actor.SubscribeTransitions{Subscriber: guest.PID()})
				testkit.ExpectAs[actor.CurrentState[mood]](guest)

				reply := func(p *testkit.Probe, a any) {
					testkit.ExpectAs[take](p)
					if _, ok := a.(got); ok {
						a = got{testkit.Ref[chopstickMessage](p)}
					}
					p.Reply(a)
				}
				reply(left, s.left)
				synctest.Wait() // the left answer is handled before the right one comes
				reply(right, s.right)
				from := thinking
				for _, to := range s.want {
					guest.Expect(actor.Transition[mood]{Machine: pid, From: from, To: to})
					from = to
				}
				if s.leftBack {
					testkit.ExpectAs[putBack](left)
				}
				if s.rightBack {
					testkit.ExpectAs[putBack](right)
				}
				if meals == 1 {
					require.NoError(t, actor.AwaitEnd(t.Context(), pid))
				}
			})
		})
	}
}

// TestNeighboursNeverEatTogether looks at the philosophers from inside their
// turns: before they give the chopsticks back.
func TestNeighboursNeverEatTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const meals = 20
		sys := testkit.New(t)
		sticks, err := layChopsticks(sys, len(names))
		require.NoError(t, err)
		var mu sync.Mutex
		eats, ate := make([]bool, len(names)), make([]int, len(names))
		var guests []actor.PID
		for i, name := range names {
			random := sys.Rand(name)
			machine := place{
				left: sticks[i], right: sticks[(i+1)%len(names)], meals: meals, eat: time.Second,
				think: func() time.Duration { return time.Second + time.Duration(random.Int64N(int64(time.Second))) },
			}.machine()
			machine.Changed = func(_ *philosopher, _, to mood, _ plate) {
				if to != eating {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if eats[(i+1)%len(names)] || eats[(i+len(names)-1)%len(names)] {
					t.Errorf("%s eats beside a neighbour who eats", name)
				}
				eats[i] = true
				ate[i]++
			}
			meal := machine.States[eating]
			machine.States[eating] = actor.State[mood, plate]{Timeout: meal.Timeout, Handle: func(m *philosopher, msg any) {
				mu.Lock()
				eats[i] = false
				mu.Unlock()
				meal.Handle(m, msg)
			}}
			pid, err := seat(sys, name, machine)
			require.NoError(t, err)
			guests = append(guests, pid)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for _, g := range guests {
			require.NoError(t, actor.AwaitEnd(ctx, g))
		}
		require.Equal(t, []int{meals, meals, meals, meals, meals}, ate)
	})
}

func TestAPhilosopherWhoDiesEatingStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		sticks, err := layChopsticks(sys, 2)
		require.NoError(t, err)
		second := func() time.Duration { return time.Second }
		p := place{left: sticks[0], right: sticks[1], meals: 1, eat: time.Hour, think: second}
		first, err := seat(sys, "Ada", p.machine())
		require.NoError(t, err)
		guest := testkit.NewProbe(t, sys)
		first.Tell(actor.SubscribeTransitions{Subscriber: guest.PID()})
		testkit.Fish(guest, func(m actor.Transition[mood]) bool { return m.To == eating })

		first.Tell(actor.Kill{})
		p.eat = time.Second
		next, err := seat(sys, "Bob", p.machine())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.NoError(t, actor.AwaitEnd(ctx, next), "has eaten and left")
	})
}

func TestDinner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, dine(testkit.New(t), &out, options{meals: 2, eat: time.Second, think: time.Second}))
		for _, name := range names {
			require.Contains(t, out.String(), name+" ")
		}
		require.Equal(t, 5*2, strings.Count(out.String(), " eats\n"))
		require.Equal(t, 5, strings.Count(out.String(), " leaves the table\n"))
		require.Equal(t, 5, strings.Count(out.String(), " meals 2, "))
	})
}

func TestInterruptedDinner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		time.AfterFunc(5*time.Second, func() { sys.BeginStop("signal: interrupt") })
		var out bytes.Buffer
		require.NoError(t, dine(sys, &out, options{meals: 1000, eat: time.Second, think: time.Second}))
		require.Contains(t, out.String(), " eats\n")
		require.NotContains(t, out.String(), " leaves the table\n")
	})
}
