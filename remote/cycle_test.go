package remote_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// TestStartAndStopLeaveNothing starts and stops a pair of nodes that talk, a
// thousand times: neither goroutines nor memory stay behind.
func TestStartAndStopLeaveNothing(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	net := remote.NewMemNet()
	round := func() {
		a, b := start(t, memConfig(net, "a:1")), start(t, memConfig(net, "b:1"))
		there := b.inbox("there")
		there.pid.Tell(watchIt{b.sys.RefAt("a:1", "/user/nobody")})
		there.next()
		a.sys.RefAt("b:1", "/user/there").Tell(ping{1})
		there.expect(ping{1})
		a.stop()
		b.stop()
	}
	measure := func() (goroutines int, heap uint64) {
		runtime.GC()
		runtime.GC() // what the first one found dead has finalizers
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapInuse
	}
	t.Run("warm up", func(*testing.T) {
		for range 20 {
			round()
		}
	})
	goroutines, heap := measure()
	for i := range rounds {
		round()
		if n := runtime.NumGoroutine(); n > goroutines+50 {
			require.FailNow(t, fmt.Sprintf("%d goroutines after %d rounds, %d before", n, i, goroutines))
		}
	}
	_, after := measure()
	require.Less(t, after, heap+8<<20)
}

// TestPeersComeAndGo has a node meet a hundred incarnations of others, which stop, are
// quarantined or crash: nothing of them stays behind (R070).
func TestPeersComeAndGo(t *testing.T) {
	net := remote.NewMemNet()
	hub := start(t, memConfig(net, "hub:1"))
	there := hub.inbox("there")
	actors := func() (n int) {
		for range hub.sys.Tree() {
			n++
		}
		return n
	}
	before := actors()
	for i := range 100 {
		peer := start(t, memConfig(net, fmt.Sprintf("peer%d:1", i%5)))
		peer.sys.RefAt("hub:1", "/user/there").Tell(ping{i})
		there.expect(ping{i})
		switch i % 3 {
		case 0:
			hub.rem.Quarantine(peer.rem.Addr(), peer.sys.UID())
			peer.stop()
		case 1:
			peer.crash(net, hub)
		default:
			peer.stop()
		}
	}
	require.Equal(t, before, actors())
	require.LessOrEqual(t, hub.rem.Stats().Peers, 5)
}

// TestSameNameAgain: a ref is to one actor, a path to whoever has it (R040).
func TestSameNameAgain(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		here, there := a.inbox("here"), b.inbox("there")
		lost := subscribe[actor.DeadLetter](b, "lost")
		path := a.sys.RefAt(b.rem.Addr(), "/user/there")
		identify := func() actor.PID {
			path.TellFrom(actor.Identify{ID: 1}, here.pid)
			return here.next().(actor.ActorIdentity).Ref
		}
		first := identify()
		require.Equal(t, there.pid.Location().ID, first.Location().ID)
		first.Tell(ping{1})
		there.expect(ping{1})

		b.sys.StopActor(there.pid)
		here.pid.Tell(watchIt{first})
		here.expect(actor.Terminated{Ref: first})
		again := b.inbox("there")
		first.Tell(ping{2})
		require.Equal(t, ping{2}, lost.next().(actor.DeadLetter).Message)
		second := identify()
		require.NotEqual(t, first.Location().ID, second.Location().ID)
		second.Tell(ping{3})
		again.expect(ping{3})
	})
}
