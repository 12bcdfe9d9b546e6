package testkit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestStages(t *testing.T) {
	for title, c := range map[string]struct {
		moments []moment
		stage   stage
		ok      bool
	}{
		"a life":                          {[]moment{begins, began, handles, handles, ends}, ended, true},
		"with a restart":                  {[]moment{begins, began, restarts, begins, began, ends}, ended, true},
		"a start that fails, and works":   {[]moment{begins, beginFailed, begins, began}, alive, true},
		"a message before the start":      {[]moment{handles}, unborn, false},
		"a message during the start":      {[]moment{begins, handles}, starting, false},
		"a message after the end":         {[]moment{begins, began, ends, handles}, ended, false},
		"two ends":                        {[]moment{begins, began, ends, ends}, ended, false},
		"an end without a start":          {[]moment{begins, beginFailed, ends}, failed, false},
		"two starts":                      {[]moment{begins, began, begins}, alive, false},
		"a message to who is given up":    {[]moment{begins, began, restarts, handles}, replaced, false},
		"a restart of who never started":  {[]moment{restarts}, unborn, false},
		"a start after the end":           {[]moment{begins, began, ends, begins}, ended, false},
		"the end of who was being made":   {[]moment{begins, ends}, starting, false},
		"a restart while a start is open": {[]moment{begins, restarts}, starting, false},
	} {
		t.Run(title, func(t *testing.T) {
			s, ok := unborn, true
			for _, m := range c.moments {
				if s, ok = s.next(m); !ok {
					break
				}
			}
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.stage, s)
		})
	}
}

// branch is an actor that does as it is told, and its children too.
type branch struct{ l *LifeCycle }

type grow struct{ name string }

type fail struct{}

type chop struct{}

func (b *branch) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case grow:
		child, err := ctx.Spawn(m.name, b.l.Actor(func() actor.Actor { return &branch{b.l} }), supervision(m.name))
		if err == nil {
			ctx.Watch(child)
		}
	case fail:
		ctx.Fail(errors.New("boom"))
	case chop:
		ctx.Stop(ctx.Self())
	case actor.Terminated: // its name is free again
	default:
		ctx.Unhandled()
	}
}

// supervision depends on the name, so that all directives occur.
func supervision(name string) actor.Supervise {
	switch name {
	case "a":
		return actor.Supervise{MaxRestarts: 2, Within: time.Minute}
	case "b":
		return actor.Supervise{Decide: func(error) actor.Directive { return actor.Resume }}
	case "c":
		return actor.Supervise{Decide: func(error) actor.Directive { return actor.Escalate }}
	}
	return actor.Supervise{Backoff: actor.Backoff{Min: time.Second, Max: time.Minute}}
}

// Random trees of actors under random failures and stops keep the order of
// life, and the system ends with all of them: AC-1, AC-4 and AC-7.
func TestRandomTreesKeepTheOrderOfLife(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			l := &LifeCycle{}
			sys := New(t)
			names := []string{"a", "b", "c", "d"}
			root, err := sys.Spawn("root", l.Actor(func() actor.Actor { return &branch{l} }))
			require.NoError(t, err)
			for range 300 {
				path := "/user/root"
				for range random.IntN(4) {
					path += "/" + names[random.IntN(4)]
				}
				var msg any
				switch n := random.IntN(10); {
				case n < 6:
					msg = grow{names[random.IntN(4)]}
				case n < 8:
					msg = fail{}
				default:
					msg = chop{}
				}
				if path == "/user/root" && msg == (chop{}) {
					continue
				}
				if sel, err := sys.Select(path); err == nil && len(sel.Matches()) > 0 {
					sel.Tell(msg)
				}
				if random.IntN(5) == 0 {
					time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				}
			}
			synctest.Wait()
			require.NoError(t, actor.GracefulStop(t.Context(), root), fmt.Sprintf("seed %d", seed))
			l.Check(t)
			for pid, v := range l.lives {
				require.Contains(t, []stage{ended, failed, replaced}, v.stage, "%v of seed %d", pid, seed)
			}
		})
	}
}

func TestLifeCycleSeesWhatIsWrong(t *testing.T) {
	sys := New(t)
	l := &LifeCycle{}
	pid, err := sys.Spawn("x", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { // lies about itself
			l.happens(ctx, handles)
			l.happens(ctx, begins)
			l.happens(ctx, began)
			l.turn(ctx, true)
			l.turn(ctx, true)
			l.terminated(ctx, actor.Terminated{Ref: ctx.Self()})
			ctx.Reply("done")
		})
	})
	require.NoError(t, err)
	_, err = actor.AskAs[string](t.Context(), pid, any(""))
	require.NoError(t, err)
	require.Len(t, l.Broken(), 3)
	require.ErrorContains(t, errors.New(l.Broken()[0]), "a message comes to an actor that is unborn")
}
