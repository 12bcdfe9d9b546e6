package actor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// A wait that is over is one error on every path, whether the system's own limit, the
// deadline of the context or a context of that parent has ended it.
func TestEveryTimeoutIsTheSameError(t *testing.T) {
	errWhy := errors.New("the user's patience")
	contexts := map[string]func() (context.Context, context.CancelFunc){
		"the system's limit": func() (context.Context, context.CancelFunc) { return context.Background(), func() {} },
		"a deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Second)
		},
		"a deadline that has passed": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), -time.Second)
		},
		"a deadline with a cause": func() (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(context.Background(), time.Second, errWhy)
		},
	}
	for name, make := range contexts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := testkit.Start(t, testkit.Config{Unchecked: true})
				var over actor.Gate
				defer over.Open()
				silent := testkit.Must(sys.Spawn("silent", func() actor.Actor { return actor.Func(func(*actor.Context) {}) }))
				busy := testkit.Must(sys.Spawn("busy", func() actor.Actor {
					return actor.Func(func(*actor.Context) { sys.Executor().Wait(&over) })
				}))
				busy.Tell("begin")
				synctest.Wait()
				breaker := actor.NewBreaker(sys, actor.BreakerConfig{CallTimeout: time.Second})
				waits := map[string]func(context.Context) error{
					"Ask":          func(ctx context.Context) error { _, err := actor.AskAs[int](ctx, silent, any(1)); return err },
					"AwaitEnd":     func(ctx context.Context) error { return actor.AwaitEnd(ctx, silent) },
					"GracefulStop": func(ctx context.Context) error { return actor.GracefulStop(ctx, busy) },
					"Inspect":      func(ctx context.Context) error { _, err := actor.Inspect(ctx, busy); return err },
					"Resolve": func(ctx context.Context) error {
						_, err := testkit.Must(sys.Select("/user/busy")).Resolve(ctx)
						return err
					},
					"Guard": func(ctx context.Context) error {
						_, err := actor.Guard(ctx, breaker, func(inside context.Context) (int, error) {
							<-inside.Done()
							return 0, inside.Err()
						})
						return err
					},
				}
				for what, wait := range waits {
					ctx, cancel := make()
					err := wait(ctx)
					require.ErrorIs(t, err, actor.ErrTimeout, what)
					require.ErrorIs(t, err, context.DeadlineExceeded, what)
					if name == "a deadline with a cause" && what != "Guard" {
						require.Contains(t, err.Error(), "no answer in time", what)
					}
					cancel()
				}
			})
		})
	}
}

func TestACancelledWaitIsNoTimeout(t *testing.T) {
	sys := testkit.New(t)
	silent := testkit.Must(sys.Spawn("silent", func() actor.Actor { return actor.Func(func(*actor.Context) {}) }))
	errWhy := errors.New("the user has left")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errWhy)
	err := actor.AwaitEnd(ctx, silent)
	require.ErrorIs(t, err, errWhy)
	require.NotErrorIs(t, err, actor.ErrTimeout)
}
