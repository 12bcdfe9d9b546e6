package actor

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestBreakerCore(t *testing.T) { // A090, A091
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	type step struct {
		after     time.Duration // since the step before
		input     string        // admit, ok, fail, slow, gone; "old …" for a call of round 0
		ok        bool
		remaining time.Duration
		state     BreakerState
	}
	for title, c := range map[string]struct {
		cfg   BreakerConfig
		steps []step
	}{
		"opens at the last failure in a row": {BreakerConfig{MaxFailures: 2}, []step{
			{0, "fail", false, 0, BreakerClosed},
			{0, "ok", false, 0, BreakerClosed},
			{0, "fail", false, 0, BreakerClosed},
			{0, "slow", false, 0, BreakerOpen},
			{time.Second, "admit", false, 14 * time.Second, BreakerOpen},
			{0, "old ok", false, 0, BreakerOpen},
			{0, "ok", false, 0, BreakerOpen},
		}},
		"one trial, which closes it": {BreakerConfig{MaxFailures: 1, ResetTimeout: time.Second}, []step{
			{0, "fail", false, 0, BreakerOpen},
			{time.Second, "admit", true, 0, BreakerHalfOpen},
			{0, "admit", false, 0, BreakerHalfOpen},
			{0, "old ok", false, 0, BreakerHalfOpen},
			{0, "ok", false, 0, BreakerClosed},
			{0, "admit", true, 0, BreakerClosed},
		}},
		"failed trials wait longer, up to the limit": {BreakerConfig{MaxFailures: 1, ResetTimeout: time.Second, Growth: 2, MaxResetTimeout: 3 * time.Second}, []step{
			{0, "fail", false, 0, BreakerOpen},
			{time.Second, "admit", true, 0, BreakerHalfOpen},
			{0, "fail", false, 0, BreakerOpen},
			{0, "admit", false, 2 * time.Second, BreakerOpen},
			{2 * time.Second, "admit", true, 0, BreakerHalfOpen},
			{0, "slow", false, 0, BreakerOpen},
			{0, "admit", false, 3 * time.Second, BreakerOpen},
			{3 * time.Second, "admit", true, 0, BreakerHalfOpen},
			{0, "ok", false, 0, BreakerClosed},
			{0, "fail", false, 0, BreakerOpen},
			{0, "admit", false, time.Second, BreakerOpen},
		}},
		"a trial whose caller went away is followed by another": {BreakerConfig{MaxFailures: 1}, []step{
			{0, "fail", false, 0, BreakerOpen},
			{15 * time.Second, "admit", true, 0, BreakerHalfOpen},
			{0, "gone", false, 0, BreakerOpen},
			{0, "admit", true, 0, BreakerHalfOpen},
			{0, "ok", false, 0, BreakerClosed},
		}},
	} {
		t.Run(title, func(t *testing.T) {
			cfg, now, random := c.cfg.withDefaults(), start, rand.New(rand.NewPCG(1, 2))
			var b breakerCore
			outcomes := map[string]outcome{"ok": callSucceeded, "fail": callFailed, "slow": callTimedOut, "gone": callAbandoned}
			for i, s := range c.steps {
				now = now.Add(s.after)
				switch s.input {
				case "admit":
					ok, remaining, _ := b.admit(cfg, now)
					require.Equal(t, s.ok, ok, "step %d", i)
					require.Equal(t, s.remaining, remaining, "step %d", i)
				case "old ok":
					b.result(cfg, now, 0, callSucceeded, random)
				default:
					b.result(cfg, now, b.round, outcomes[s.input], random)
				}
				require.Equal(t, s.state, b.state, "step %d", i)
			}
		})
	}
}

// After any history, waiting long enough and one success close the breaker.
func TestBreakerIsNeverStuck(t *testing.T) { // A093
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 7))
		cfg := BreakerConfig{MaxFailures: 1 + random.IntN(3), Growth: 2, Jitter: 0.2, MaxResetTimeout: time.Minute}.withDefaults()
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var b breakerCore
		var rounds []uint64
		for range 200 {
			now = now.Add(time.Duration(random.Int64N(int64(20 * time.Second))))
			if n := len(rounds); n > 0 && random.IntN(2) == 0 {
				i := random.IntN(n)
				b.result(cfg, now, rounds[i], outcome(random.IntN(4)), random)
				rounds = append(rounds[:i], rounds[i+1:]...)
			} else if ok, _, _ := b.admit(cfg, now); ok {
				rounds = append(rounds, b.round)
			}
		}
		for _, r := range rounds {
			b.result(cfg, now, r, outcome(random.IntN(4)), random)
		}
		ok, _, _ := b.admit(cfg, now.Add(cfg.MaxResetTimeout))
		require.True(t, ok, "seed %d", seed)
		b.result(cfg, now, b.round, callSucceeded, random)
		require.Equal(t, BreakerClosed, b.state, "seed %d", seed)
	}
}

func quietSystem(t *testing.T) *System {
	t.Helper()
	quiet := zerolog.Nop()
	sys, err := NewSystem("test", Config{Logger: &quiet})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	return sys
}

func TestGuard(t *testing.T) { // A090, A091, A094
	synctest.Test(t, func(t *testing.T) {
		sys := quietSystem(t)
		var mu sync.Mutex
		var kinds []BreakerEventKind
		boom, harmless := errors.New("boom"), errors.New("not found")
		b := NewBreaker(sys, BreakerConfig{
			Name: "db", MaxFailures: 2, CallTimeout: time.Second, ResetTimeout: 3 * time.Second,
			IsFailure: func(result any, err error) bool { return err != nil && !errors.Is(err, harmless) || result == "bad" },
			OnEvent: func(e BreakerEvent) {
				mu.Lock()
				defer mu.Unlock()
				kinds = append(kinds, e.Kind)
			},
		})
		returns := func(v string, err error) (string, error) {
			return Guard(t.Context(), b, func(context.Context) (string, error) { return v, err })
		}
		_, err := returns("", harmless)
		require.ErrorIs(t, err, harmless)
		v, err := returns("bad", nil)
		require.NoError(t, err)
		require.Equal(t, "bad", v)
		v, err = returns("good", nil)
		require.NoError(t, err)
		require.Equal(t, "good", v)
		_, err = Guard(t.Context(), b, func(context.Context) (string, error) { panic(boom) })
		require.ErrorIs(t, err, boom)
		require.ErrorAs(t, err, new(*PanicError))
		begun := time.Now()
		_, err = Guard(t.Context(), b, func(ctx context.Context) (string, error) { <-ctx.Done(); return "late", nil })
		require.ErrorIs(t, err, ErrTimeout)
		require.Equal(t, time.Second, time.Since(begun))
		require.Equal(t, BreakerOpen, b.State())

		_, err = returns("", nil)
		var open *BreakerOpenError
		require.ErrorAs(t, err, &open)
		require.Equal(t, 3*time.Second, open.Remaining)
		b.Succeed()
		require.Equal(t, BreakerOpen, b.State(), "an open breaker isn't closed from outside")
		time.Sleep(3 * time.Second)
		_, err = returns("fine", nil)
		require.NoError(t, err)
		require.Equal(t, BreakerClosed, b.State())
		b.Fail()
		b.Fail()
		require.Equal(t, BreakerOpen, b.State())
		require.Equal(t, []BreakerEventKind{
			BreakerSucceeded, BreakerFailed, BreakerSucceeded, BreakerFailed, BreakerTimedOut, BreakerOpened, BreakerRefused,
			BreakerSucceeded, BreakerTries, BreakerSucceeded, BreakerClosedAgain, BreakerFailed, BreakerFailed, BreakerOpened,
		}, kinds)
	})
}

func TestGuardEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBreaker(quietSystem(t), BreakerConfig{MaxFailures: 1})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := Guard(ctx, b, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, BreakerClosed, b.State(), "that says nothing about who was called")
	})
}

func TestRetry(t *testing.T) { // A098
	boom := errors.New("boom")
	for title, c := range map[string]struct {
		attempts Attempts
		failures int
		result   int
		err      error
		calls    int
		took     time.Duration
	}{
		"success at once":             {Attempts{Max: 5, Backoff: Backoff{Min: time.Second}}, 0, 7, nil, 1, 0},
		"one attempt unless told":     {Attempts{}, 1, 0, boom, 1, 0},
		"success at the third":        {Attempts{Max: 5, Delay: func(n int, _ error) time.Duration { return time.Duration(n) * time.Second }}, 2, 7, nil, 3, 3 * time.Second},
		"never, without waiting":      {Attempts{Max: 4}, 9, 0, boom, 4, 0},
		"an error that ends attempts": {Attempts{Max: 4, Again: func(_ any, err error) bool { return !errors.Is(err, boom) }}, 9, 0, boom, 1, 0},
		"a result that asks for more": {Attempts{Max: 4, Again: func(v any, _ error) bool { return v == 7 }}, 0, 7, nil, 4, 0},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := quietSystem(t)
				calls, begun := 0, time.Now()
				v, err := Retry(t.Context(), sys, c.attempts, func(context.Context) (int, error) {
					if calls++; calls <= c.failures {
						if calls%2 == 0 {
							panic(boom)
						}
						return 0, boom
					}
					return 7, nil
				})
				require.Equal(t, c.result, v)
				require.ErrorIs(t, err, c.err)
				require.Equal(t, c.calls, calls)
				require.Equal(t, c.took, time.Since(begun))
			})
		})
	}
}

func TestRetryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := quietSystem(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		calls, begun := 0, time.Now()
		_, err := Retry(ctx, sys, Attempts{Max: 100, Delay: func(int, error) time.Duration { return time.Second }}, func(context.Context) (int, error) {
			calls++
			return 0, errors.New("boom")
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2, calls)
		require.Equal(t, 1500*time.Millisecond, time.Since(begun))
	})
}
