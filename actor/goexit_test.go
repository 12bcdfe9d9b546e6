package actor_test

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// quitter ends its goroutine where it is told to.
type quitter struct {
	where string
	lives *int
	notes *[]string
}

func (q *quitter) quit(where string) {
	*q.notes = append(*q.notes, where)
	if q.where == where {
		runtime.Goexit()
	}
}

func (q *quitter) PreStart(*actor.Context) error {
	if *q.lives++; *q.lives == 1 || q.where != "second PreStart" {
		q.quit("PreStart")
	} else {
		q.quit("second PreStart")
	}
	return nil
}
func (q *quitter) PostStop(*actor.Context)          { q.quit("PostStop") }
func (q *quitter) PreRestart(*actor.Context, error) { q.quit("PreRestart") }
func (q *quitter) Receive(ctx *actor.Context) {
	switch ctx.Message() {
	case "fail":
		ctx.Fail(errors.New("told to"))
	case "ask":
		ctx.Reply("yes")
	}
}

// A hook that ends its goroutine is a hook that fails, and nothing else is lost
// with it: what was to come after it comes.
func TestGoexitInHooksIsContained(t *testing.T) {
	for where, want := range map[string][]string{
		"PreStart":        {"PreStart"}, // a failed start: nothing to stop
		"second PreStart": {"PreStart", "PreRestart", "second PreStart"},
		"PreRestart":      {"PreStart", "PreRestart", "PreStart", "PostStop"},
		"PostStop":        {"PreStart", "PreRestart", "PreStart", "PostStop"},
	} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				var lives int
				var notes []string
				pid, err := sys.Spawn("", func() actor.Actor { return &quitter{where, &lives, &notes} })
				require.NoError(t, err)
				synctest.Wait()
				pid.Tell("fail")
				synctest.Wait()
				if where == "PreRestart" || where == "PostStop" {
					_, err = actor.AskAs[string](t.Context(), pid, any("ask"))
					require.NoError(t, err, "it went on")
				}
				sys.StopActor(pid)
				require.NoError(t, actor.AwaitEnd(t.Context(), pid))
				require.Equal(t, want, notes)
			})
		})
	}
}

// Signals that came with the one whose hook ends the goroutine are not lost.
func TestGoexitLosesNoSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		lives, notes := 1, []string{}
		held, release := make(chan struct{}), make(chan struct{})
		pid, err := sys.Spawn("", func() actor.Actor {
			return &blocking{quitter{"PostStop", &lives, &notes}, held, release}
		})
		require.NoError(t, err)
		pid.Tell("block")
		<-held
		got := make(chan actor.Terminated, 1)
		watcher := spawn(t, sys, "", func(ctx *actor.Context) {
			if m, ok := ctx.Message().(actor.Terminated); ok {
				got <- m
				return
			}
			ctx.Watch(pid)
		})
		sys.StopActor(pid) // both wait until the actor has finished its message
		watcher.Tell("watch")
		synctest.Wait()
		close(release)
		require.Equal(t, pid, (<-got).Ref)
	})
}

// blocking waits in its Receive.
type blocking struct {
	quitter
	held, release chan struct{}
}

func (b *blocking) Receive(*actor.Context) {
	close(b.held)
	<-b.release
}

// A failure that was noted before a panic is not the next message's.
func TestAPanicTakesThePlaceOfAFailure(t *testing.T) {
	sys := newSystem(t)
	pid := spawn(t, sys, "", func(ctx *actor.Context) {
		if ctx.Message() == "both" {
			ctx.Fail(errors.New("noted"))
			panic("loud")
		}
		ctx.Reply(0)
	}, actor.Supervise{MaxRestarts: 1})
	pid.Tell("both")
	for range 2 {
		_, err := actor.AskAs[int](t.Context(), pid, any("?"))
		require.NoError(t, err, "it was restarted once, which is all it may")
	}
}
