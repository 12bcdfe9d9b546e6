package remote_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// yielding is a transport that counts how often those who read let others run.
type yielding struct {
	remote.Transport
	count atomic.Int32
}

func (y *yielding) Listen(addr string, accept func(remote.Conn)) (remote.Listener, error) {
	return y.Transport.Listen(addr, func(c remote.Conn) { accept(yieldingConn{c, y}) })
}

type yieldingConn struct {
	remote.Conn
	*yielding
}

func (c yieldingConn) Yield() { c.count.Add(1) }

func TestReadingPausesOnlyWhereMessagesGoBothWays(t *testing.T) {
	net := remote.NewMemNet()
	there := &yielding{Transport: net.Node("b:1")}
	a, b := start(t, memConfig(net, "a:1")), start(t, remote.Config{Listen: "b:1", Transport: there})
	heard := a.inbox("heard")
	silent := b.inbox("silent")
	_, err := b.sys.Spawn("echo", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Tell(ctx.Sender(), ctx.Message().(ping)) })
	})
	require.NoError(t, err)
	const n = 500
	flood := func(to string) {
		net.Stall("a:1", "b:1")
		for k := range n {
			require.NoError(t, a.sys.RefAt("b:1", "/user/"+to).TellFrom(ping{k}, heard.pid))
		}
		net.Heal("a:1", "b:1")
	}
	flood("silent")
	for k := range n {
		silent.expect(ping{k})
	}
	require.LessOrEqual(t, there.count.Load(), int32(1), "nothing is sent back, so nobody is waited for")
	for range 3 { // the first tells that messages go both ways
		flood("echo")
		for k := range n {
			heard.expect(ping{k})
		}
	}
	require.Greater(t, there.count.Load(), int32(2*n/64), "those who are woken send before the rest is read")
}
