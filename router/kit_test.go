package router

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter is where a virtual ref leads to in tests of pure parts.
type counter struct{ n atomic.Int64 }

func (c *counter) Deliver(any, actor.PID) error { c.n.Add(1); return nil }

// standIns are n refs to nothing but counters.
func standIns(sys *actor.System, n int) ([]actor.PID, []*counter) {
	refs, counters := make([]actor.PID, n), make([]*counter, n)
	for i := range refs {
		counters[i] = &counter{}
		refs[i] = sys.NewRef(fmt.Sprintf("/user/stand-in-%02d", i), counters[i])
	}
	return refs, counters
}

// echo answers everything, and does what some messages say.
type echo struct{}

type (
	who   struct{ actor.Returns[string] }
	fail  struct{}
	block struct{ begun, release chan struct{} }
)

func (e *echo) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case who:
		actor.Reply(ctx, m, ctx.Name())
	case fail:
		ctx.Fail(fmt.Errorf("told to"))
	case block:
		m.begun <- struct{}{}
		<-m.release
		ctx.Reply("released")
	default:
		ctx.Reply(m)
	}
}

func newEcho() actor.Actor { return &echo{} }

// routees asks a router for its routees.
func routees(t testing.TB, router actor.PID) []actor.PID {
	t.Helper()
	all, err := actor.Ask(t.Context(), router, GetRoutees{})
	require.NoError(t, err)
	return all.Refs
}

// names asks a router n times who answers.
func names(t *testing.T, router actor.PID, n int) []string {
	t.Helper()
	var all []string
	for range n {
		name, err := actor.Ask(t.Context(), router, who{})
		require.NoError(t, err)
		all = append(all, name)
	}
	return all
}

// watching is a probe that watches a router.
func watching(t *testing.T, sys *actor.System, router actor.PID) (*testkit.Probe, actor.PID) {
	t.Helper()
	p := testkit.NewProbe(t, sys)
	p.Watch(router)
	return p, router
}

// restarted makes a router restart whatever happens.
func restarted() HeadOptions {
	return HeadOptions{actor.Supervise{Decide: func(error) actor.Directive { return actor.Restart }}}
}

// settle lets everything happen that can, in a bubble: also what has to wait for
// a spare worker of the executor because handlers block.
func settle() {
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}
