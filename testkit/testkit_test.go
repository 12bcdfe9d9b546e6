package testkit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func echo(ctx *actor.Context) {
	if ctx.Message() == "stop" {
		ctx.Stop(ctx.Self())
		return
	}
	ctx.Reply(ctx.Message())
}

func TestProbe(t *testing.T) {
	sys := testkit.New(t)
	p := testkit.NewProbe(t, sys)
	pid := testkit.Must(sys.Spawn("echo", func() actor.Actor { return actor.Func(echo) }))
	p.Watch(pid)
	p.Tell(pid, 1)
	p.Tell(pid, "two")
	p.Tell(pid, 3.0)
	p.Expect(1)
	require.Equal(t, "two", testkit.ExpectAs[string](p))
	require.InDelta(t, 3.0, testkit.Fish[float64](p, nil), 0)
	p.Reply("again")
	p.Expect("again")
	p.ExpectNothing(0)
	p.Tell(pid, "stop")
	p.ExpectTerminated(pid)
}

// failing records what a probe holds against a test.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

func TestProbeSaysWhatCameInstead(t *testing.T) {
	sys := testkit.New(t)
	f := &failing{TB: t}
	p := testkit.NewProbe(f, sys)
	p.PID().Tell("a")
	p.PID().Tell("b")
	p.Expect("a")
	require.Panics(t, func() { p.Expect("c") })
	require.Equal(t, "got string b, want string c; before: string a, string b", f.said)
	p.PID().Tell(1)
	require.Panics(t, func() { p.ExpectNothing(time.Minute) })
	require.Contains(t, f.said, "got int 1, want nothing")
	require.Panics(t, func() { p.Reply("x") })
	require.Contains(t, f.said, "no sender")
}

func TestClockMovesByHand(t *testing.T) {
	c := testkit.NewClock()
	begun := c.Now()
	var calls []string
	note := func(name string) func() {
		return func() { calls = append(calls, fmt.Sprint(name, " ", c.Now().Sub(begun))) }
	}
	c.AfterFunc(2*time.Second, note("b"))
	c.AfterFunc(time.Second, func() { note("a")(); c.AfterFunc(time.Second, note("c")) })
	stopped := c.AfterFunc(time.Second, note("never"))
	require.True(t, stopped.Stop())
	require.False(t, stopped.Stop())
	c.Advance(time.Second)
	c.Advance(10 * time.Second)
	require.Equal(t, []string{"a 1s", "b 2s", "c 2s"}, calls)
	require.Equal(t, begun.Add(11*time.Second), c.Now())
	require.Zero(t, c.Pending())
}

func TestActorsOnManualTime(t *testing.T) {
	clock := testkit.NewClock()
	sys := testkit.New(t, actor.Config{Clock: clock})
	p := testkit.NewProbe(t, sys)
	pid := testkit.Must(sys.Spawn("", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case time.Duration:
				ctx.After(m, "due")
				ctx.Reply("set")
			case string:
				p.PID().Tell(m)
			}
		})
	}))
	p.Tell(pid, time.Hour)
	p.Expect("set")
	p.ExpectNothing(0)
	clock.Advance(time.Hour)
	p.Expect("due")
}
