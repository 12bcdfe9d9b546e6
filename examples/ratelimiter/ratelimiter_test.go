package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// All times are those of a bubble: they cost nothing, and a goroutine that is
// left at the end fails the test.

func TestQueue(t *testing.T) {
	begun := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		title      string
		push       []string
		want       []string
		refusedAll int
	}{
		{"one client in order", []string{"a", "a", "a"}, []string{"a", "a", "a"}, 0},
		{"two clients take turns", []string{"a", "a", "a", "b", "b"}, []string{"a", "b", "a", "b", "a"}, 0},
		{"who comes late is not last", []string{"a", "a", "a", "a", "c"}, []string{"a", "c", "a", "a", "a"}, 0},
		{"the fifth of a client is refused", []string{"a", "a", "a", "a", "a", "b"}, []string{"a", "b", "a", "a", "a"}, 1},
		{"nobody", nil, nil, 0},
	} {
		t.Run(c.title, func(t *testing.T) {
			q, refused := queue{most: 4}, 0
			for _, client := range c.push {
				if !q.push(waiter{client: client}) {
					refused++
				}
			}
			require.Equal(t, c.refusedAll, refused)
			require.Equal(t, len(c.want), q.len())
			var got []string
			for w, ok := q.pop(begun); ok; w, ok = q.pop(begun) {
				got = append(got, w.client)
			}
			require.Equal(t, c.want, got)
		})
	}
	t.Run("who has given up is passed over", func(t *testing.T) {
		q := queue{most: 4}
		q.push(waiter{client: "a", until: begun.Add(time.Second)})
		q.push(waiter{client: "a", until: begun.Add(time.Minute)})
		w, ok := q.pop(begun.Add(time.Second))
		require.True(t, ok)
		require.Equal(t, begun.Add(time.Minute), w.until)
		_, ok = q.pop(begun)
		require.False(t, ok)
	})
}

// TestQueueBesideItsTwin compares with a queue that looks through all who wait.
func TestQueueBesideItsTwin(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		q, twin := queue{most: 3}, []waiter{}
		served := map[string]int{} // the turn in which a client was served last, or came to wait
		turn, now := 0, time.Time{}
		for range 60 {
			turn++
			if random.IntN(2) == 0 {
				w := waiter{client: fmt.Sprint(random.IntN(4)), until: time.Time{}.Add(time.Duration(turn))}
				mine := slices.DeleteFunc(slices.Clone(twin), func(o waiter) bool { return o.client != w.client })
				require.Equal(t, len(mine) < 3, q.push(w))
				if len(mine) == 0 {
					served[w.client] = turn
				}
				if len(mine) < 3 {
					twin = append(twin, w)
				}
				continue
			}
			got, ok := q.pop(now)
			best := -1
			for i, w := range twin { // of each client the first, of the clients the one served longest ago
				if best < 0 || served[w.client] < served[twin[best].client] {
					best = i
				}
			}
			require.Equal(t, best >= 0, ok, "seed %d", seed)
			if ok {
				require.Equal(t, twin[best], got, "seed %d", seed)
				served[got.client] = turn
				twin = slices.Delete(twin, best, best+1)
			}
		}
	}
}

func spawnLimiter(t *testing.T, sys *actor.System, r rate) actor.Ref[Acquire] {
	t.Helper()
	pid, err := sys.Spawn("", newLimiter(r).New)
	require.NoError(t, err)
	return actor.Narrow[Acquire](pid)
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		l := spawnLimiter(t, sys, rate{perSecond: 10, burst: 2, waitMax: 2})
		client, watcher := testkit.NewProbe(t, sys), testkit.NewProbe(t, sys)
		l.PID().Tell(actor.SubscribeTransitions{Subscriber: watcher.PID()})
		watcher.Expect(actor.CurrentState[limiterState]{Machine: l.PID(), State: open})
		begun := time.Now()

		client.Tell(l, Acquire{Client: "a"})
		client.Expect(Permit{})
		client.Tell(l, Acquire{Client: "a"})
		client.Expect(Permit{})
		watcher.Expect(actor.Transition[limiterState]{Machine: l.PID(), From: open, To: closed})
		require.Zero(t, time.Since(begun), "the burst is there at once")

		client.Tell(l, Acquire{Client: "a"})
		client.Tell(l, Acquire{Client: "a"})
		client.Tell(l, Acquire{Client: "a"})
		client.Expect(actor.Failure{Err: errTooMany})
		client.Expect(Permit{})
		require.Equal(t, 100*time.Millisecond, time.Since(begun))
		client.Expect(Permit{})
		require.Equal(t, 200*time.Millisecond, time.Since(begun))

		watcher.Expect(actor.Transition[limiterState]{Machine: l.PID(), From: closed, To: open})
		require.Equal(t, 300*time.Millisecond, time.Since(begun))
		time.Sleep(time.Hour)
		synctest.Wait()
		inside, err := actor.Inspect(t.Context(), l)
		require.NoError(t, err)
		require.Zero(t, inside.Timers, "an idle limiter has no timer")
		for range 3 {
			client.Tell(l, Acquire{Client: "a"})
		}
		client.Expect(Permit{})
		client.Expect(Permit{})
		client.ExpectNothing(99 * time.Millisecond) // no more was saved up than the burst
	})
}

func TestBurstOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		l := spawnLimiter(t, sys, rate{perSecond: 10, burst: 1, waitMax: 1})
		client := testkit.NewProbe(t, sys)
		for range 3 {
			client.Tell(l, Acquire{Client: "a"})
			client.Expect(Permit{})
			time.Sleep(time.Second)
			client.Tell(l, Acquire{Client: "a"})
			client.Expect(Permit{})
			client.Tell(l, Acquire{Client: "a"})
			client.ExpectNothing(99 * time.Millisecond)
			client.Expect(Permit{})
			time.Sleep(time.Second)
		}
	})
}

func TestNoPermitGoesToOneWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t, actor.Config{AskTimeout: 50 * time.Millisecond})
		l := spawnLimiter(t, sys, rate{perSecond: 10, burst: 1, waitMax: 5})
		_, err := actor.Ask(t.Context(), l, Acquire{Client: "a"})
		require.NoError(t, err)
		_, err = actor.Ask(t.Context(), l, Acquire{Client: "a"})
		require.ErrorIs(t, err, actor.ErrTimeout)
		next := testkit.NewProbe(t, sys)
		next.Tell(l, Acquire{Client: "b"})
		next.Expect(Permit{})
		require.Zero(t, sys.Dropped(actor.DropLateReply))
	})
}

func TestEverybodyGetsTheSameShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		o := options{rate: rate{perSecond: 40, burst: 20, waitMax: 16}, modest: 3, greedy: 20, seconds: 4, verbose: true}
		require.NoError(t, work(testkit.New(t), &out, o))
		var permits, modest1, modest2, modest3, greedy int
		text := out.String()
		require.Contains(t, text, "0.00 s: the limiter is closed\n")
		at := bytes.Index(out.Bytes(), []byte("in all:"))
		require.Positive(t, at, text)
		_, err := fmt.Sscanf(text[at:], "in all: %d permits: modest-1 %d, modest-2 %d, modest-3 %d, greedy %d",
			&permits, &modest1, &modest2, &modest3, &greedy)
		require.NoError(t, err, text)
		require.InDelta(t, 20+4*40, permits, 1, text)
		for _, n := range []int{modest1, modest2, modest3} {
			require.InDelta(t, (permits-20)/4, n, 20, "but for the burst, which goes to whoever comes first:\n%s", text)
		}
		require.GreaterOrEqual(t, greedy, 35, text)
		require.LessOrEqual(t, greedy, 40+20, text)
	})
}

func TestInterruptedWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		time.AfterFunc(1500*time.Millisecond, func() { sys.BeginStop("signal: interrupt") })
		var out bytes.Buffer
		require.NoError(t, work(sys, &out, options{rate: rate{perSecond: 10, burst: 1, waitMax: 1}, modest: 1, greedy: 1, seconds: 100}))
		require.Contains(t, out.String(), "second 1:")
		require.NotContains(t, out.String(), "in all")
	})
}
