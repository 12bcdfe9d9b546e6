package remote_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// droppedAnywhere is how many messages the systems have dropped, for whatever reason.
func droppedAnywhere(nodes ...*node) (n uint64) {
	for _, on := range nodes {
		for reason := actor.DropStopped; reason <= actor.DropOverloaded; reason++ {
			n += on.sys.Dropped(reason)
		}
	}
	return n
}

// counted starts an actor that counts what it gets. The channel is closed by the first.
func (n *node) counted(name string) (*atomic.Uint64, <-chan struct{}) {
	var count atomic.Uint64
	first := make(chan struct{})
	_, err := n.sys.Spawn(name, func() actor.Actor {
		return actor.Func(func(*actor.Context) {
			if count.Add(1) == 1 {
				close(first)
			}
		})
	})
	require.NoError(n.t, err)
	return &count, first
}

// TestAccountsBalanceWhenAPeerStops: whoever stops in order, and however much is under way
// meanwhile, every message is handled, dropped with a reason, or counted as lost.
func TestAccountsBalanceWhenAPeerStops(t *testing.T) {
	for _, size := range []int{1, 2 << 10, 300 << 10} {
		pairOf(t, remote.Config{DeliverBy: 200 * time.Millisecond}, func(t *testing.T, _ *remote.MemNet, a, b *node) {
			handled, first := b.counted("there")
			ref := a.sys.RefAt(b.rem.Addr(), "/user/there")
			msg := blob{B: make([]byte, size)}
			var sent atomic.Uint64
			stop, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				for {
					select {
					case <-stop:
						return
					default:
						_ = ref.TryTell(msg)
						sent.Add(1)
					}
				}
			}()
			<-first
			b.stop()
			close(stop)
			<-ended
			a.stop()
			require.Zero(t, a.rem.Stats().InDoubt)
			require.Equal(t, sent.Load(), handled.Load()+droppedAnywhere(a, b), "handled %d", handled.Load())
		})
	}
}

// TestAccountsBalanceWhenTheSenderStops: what waits for a node that can't be reached when
// this one stops is dropped, not forgotten.
func TestAccountsBalanceWhenTheSenderStops(t *testing.T) {
	cfg := memConfig(remote.NewMemNet(), "a:1")
	cfg.FlushTimeout = 10 * time.Millisecond
	a := start(t, cfg)
	ref := a.sys.RefAt("nobody:1", "/user/there")
	for n := range 100 {
		ref.Tell(ping{n})
	}
	a.stop()
	ref.Tell(ping{100})
	require.EqualValues(t, 101, droppedAnywhere(a))
}

func TestMessagesOnAConnectionThatBreaksAreInDoubt(t *testing.T) {
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	there, events := b.inbox("there"), subscribe[remote.ConnectionLost](a, "events")
	ref := a.sys.RefAt("b:1", "/user/there")
	ref.Tell(ping{1})
	there.expect(ping{1})
	net.Cut("a:1", "b:1")
	require.Equal(t, remote.ConnectionLost{Addr: "b:1", UID: b.sys.UID(), InDoubt: 1}, events.next())
	require.EqualValues(t, 1, a.rem.Stats().InDoubt)
	require.EqualValues(t, 0, a.sys.Dropped(actor.DropConnectionLost))
}

// TestADeadNodeIsToldHowFarItWasRead: who is declared dead learns exactly what was not
// read of it.
func TestADeadNodeIsToldHowFarItWasRead(t *testing.T) {
	_, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	there := b.inbox("there")
	verdict := subscribe[remote.DeclaredDead](a, "verdict")
	ref := a.sys.RefAt("b:1", "/user/there")
	ref.Tell(ping{1})
	there.expect(ping{1})
	b.rem.Quarantine("a:1", a.sys.UID())
	verdict.next()
	a.stop()
	require.Zero(t, a.rem.Stats().InDoubt)
}

func TestAnEndlessStreamIsConfirmedAllAlong(t *testing.T) {
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	there, events := b.inbox("there"), subscribe[remote.ConnectionLost](a, "events")
	ref := a.sys.RefAt("b:1", "/user/there")
	const many = 20_000
	for n := range many {
		ref.Tell(ping{n})
	}
	for n := range many {
		there.expect(ping{n})
	}
	net.Cut("a:1", "b:1")
	require.Less(t, events.next().(remote.ConnectionLost).InDoubt, uint64(many/2))
}
