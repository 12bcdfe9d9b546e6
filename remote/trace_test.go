package remote_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

const trace = actor.Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

// tracer is an actor that says of each message which trace it has, and passes it on.
func tracer(n *node, name string, next actor.PID) (*inbox, actor.PID) {
	traces := n.inbox(name + "-traces")
	pid, err := n.sys.Spawn(name, func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			traces.ch <- ctx.Trace()
			if !next.IsZero() {
				ctx.Forward(next)
			}
		})
	})
	require.NoError(n.t, err)
	return traces, pid
}

func TestTracesTravel(t *testing.T) { // R003
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		atA, end := tracer(a, "end", actor.PID{})
		atB, there := tracer(b, "there", b.sys.RefOf(end.Location()))
		ref := a.sys.RefOf(there.Location())
		send := func(msg any, want actor.Trace) {
			ref.Tell(actor.WithTrace(msg, want))
			atB.expect(want)
			atA.expect(want)
		}
		for n := range 300 { // by name, and then by index
			send(ping{n}, trace)
			send(ping{n}, "")
		}
		send(urgent{1}, trace)
		send(blob{B: make([]byte, 10_000)}, trace) // compressed
		large := make([]byte, 1<<20)               // in parts
		rnd := rand.NewChaCha8([32]byte{})
		_, _ = rnd.Read(large)
		send(blob{B: large}, trace)
		send(ping{1}, "")
	})
}

func TestTracesGoToNodesThatKnowThem(t *testing.T) {
	net := remote.NewMemNet()
	older := memConfig(net, "old:1")
	older.Protocol = 2
	a, b := start(t, memConfig(net, "new:1")), start(t, older)
	there := b.inbox("there")
	ref := a.sys.RefOf(there.pid.Location())
	net.Cut("new:1", "old:1")
	ref.Tell(actor.WithTrace(ping{1}, trace)) // before it is known who is there
	net.Heal("new:1", "old:1")
	there.expect(ping{1})
	ref.Tell(actor.WithTrace(ping{2}, trace))
	there.expect(ping{2})
}
