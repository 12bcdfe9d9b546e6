package actor

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestTheLastChildTellsAParentThatWaits(t *testing.T) {
	f := &family{}
	born := func() *cell {
		c, err := f.add("", func() *cell { return &cell{} })
		require.NoError(t, err)
		return c
	}
	first, second, third := born(), born(), born()
	require.False(t, f.leave(first), "nobody waits")
	require.Equal(t, []*cell{second, third}, f.await())
	require.False(t, f.leave(third), "not the last one")
	require.True(t, f.leave(second))
	require.True(t, f.empty())
	require.False(t, f.leave(born()), "the wait is over")
	require.Empty(t, f.await())
	require.False(t, f.leave(born()), "there was nobody to wait for")
}

// slowParent has a child whose first PostStop waits.
type slowParent struct {
	starts         *atomic.Int32
	stopping, free chan struct{}
}

func (p *slowParent) PreStart(ctx *Context) error {
	if p.starts.Add(1) > 1 {
		return nil
	}
	_, err := ctx.Spawn("", func() Actor { return &slowChild{p} })
	return err
}

func (p *slowParent) Receive(ctx *Context) {
	if ctx.Message() == "fail" {
		panic("asked to")
	}
	ctx.Reply("here")
}

type slowChild struct{ of *slowParent }

func (*slowChild) Receive(*Context) {}

func (c *slowChild) PostStop(*Context) {
	close(c.of.stopping)
	<-c.of.free
}

// TestWordOfAWaitThatIsOverStartsNobody tells a parent that waits for a child that
// the last one of an earlier wait has gone.
func TestWordOfAWaitThatIsOverStartsNobody(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := NewSystem("family", Config{Logger: &quiet})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(context.Background())) }()
	var starts atomic.Int32
	stopping, free := make(chan struct{}), make(chan struct{})
	pid, err := sys.Spawn("", func() Actor { return &slowParent{&starts, stopping, free} })
	require.NoError(t, err)
	pid.Tell("fail")
	<-stopping
	pid.p.t.signal(signal{kind: signalChildGone, from: pid.p})
	_, err = Inspect(t.Context(), pid) // comes behind it
	require.NoError(t, err)
	require.EqualValues(t, 1, starts.Load())
	close(free)
	_, err = AskAs[string](t.Context(), pid, any("there?"))
	require.NoError(t, err)
	require.EqualValues(t, 2, starts.Load())
}

// TestParentHearsOfTheFailureOfAChildThatIsGone keeps the parent in a turn until the
// child, which has failed and stopped itself, has gone.
func TestParentHearsOfTheFailureOfAChildThatIsGone(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := NewSystem("family", Config{Logger: &quiet})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(context.Background())) }()
	why, children, free := make(chan error, 10), make(chan PID, 1), make(chan struct{})
	failure := errors.New("in the middle")
	parent, err := sys.Spawn("", func() Actor {
		return Func(func(ctx *Context) {
			child, err := ctx.Spawn("", func() Actor {
				return Func(func(ctx *Context) {
					ctx.Fail(failure)
					ctx.Stop(ctx.Self())
				})
			}, Supervise{Decide: func(err error) Directive { why <- err; return Restart }})
			if err == nil {
				children <- child
			}
			<-free
		})
	})
	require.NoError(t, err)
	parent.Tell("begin")
	child := <-children
	child.Tell("fail")
	require.NoError(t, AwaitEnd(t.Context(), child))
	close(free)
	require.NoError(t, GracefulStop(t.Context(), parent))
	require.Len(t, why, 1)
	require.ErrorIs(t, <-why, failure)
}
