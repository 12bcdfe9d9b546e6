package remote_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// TestPeersThatComeAndGoAreForgotten: what remains of them are figures (R027, R070).
func TestPeersThatComeAndGoAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		hub := start(t, remote.Config{Listen: "hub:1", Transport: net.Node("hub:1")})
		there := hub.inbox("there")
		gone := subscribe[remote.Gone](hub, "gone")
		const count = 30
		for n := range count {
			addr := fmt.Sprintf("peer%d:1", n)
			peer := start(t, remote.Config{Listen: addr, Transport: net.Node(addr)})
			peer.sys.RefAt("hub:1", "/user/there").Tell(ping{n})
			there.expect(ping{n})
			if n%2 == 0 {
				peer.stop()
			} else {
				peer.crash(net, hub)
			}
		}
		synctest.Wait()
		require.Equal(t, count, hub.rem.Stats().Peers)
		require.EqualValues(t, count, hub.rem.Stats().Received)
		time.Sleep(7 * time.Hour) // those that crashed are asked
		for range count {
			gone.next()
		}
		time.Sleep(13 * time.Hour)
		s := hub.rem.Stats()
		require.Zero(t, s.Peers)
		require.Empty(t, hub.rem.PeerStats())
		require.EqualValues(t, count, s.Received, "the total remembers")
		require.EqualValues(t, count, s.Gone)
		require.EqualValues(t, count/2, s.Quarantined)
	})
}

func TestAForgottenPeerIsMetAgain(t *testing.T) {
	bubble(t, func(t *testing.T, net *remote.MemNet, a, b *node) {
		there, here := b.inbox("there"), a.inbox("here")
		ref, back := a.sys.RefAt("b:1", "/user/there"), b.sys.RefOf(here.pid.Location())
		ref.Tell(ping{1})
		there.expect(ping{1})
		a.rem.Quarantine("b:1", b.sys.UID())
		declared := subscribe[remote.DeclaredDead](b, "declared")
		time.Sleep(7 * time.Hour)
		require.Equal(t, remote.DeclaredDead{By: "a:1", UID: a.sys.UID()}, declared.next(), "b has asked whether a is still there")
		time.Sleep(12 * time.Hour)
		require.Zero(t, a.rem.Stats().Peers)
		require.EqualValues(t, 1, a.rem.Stats().Sent)

		again := start(t, remote.Config{Listen: "c:1", Transport: net.Node("c:1")})
		in := again.inbox("in")
		a.sys.RefOf(in.pid.Location()).Tell(ping{2})
		in.expect(ping{2})
		ref.Tell(ping{3}) // by a ref from before
		there.expect(ping{3})
		back.Tell(pong{4})
		here.expect(pong{4})
		s := a.rem.Stats()
		require.Equal(t, 2, s.Peers)
		require.EqualValues(t, 3, s.Sent)
	})
}

// TestMembersAreVouchedFor: a cluster judges its members, and whoever is connected is there.
func TestMembersAreVouchedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1"), IgnoreFailures: true})
		b := start(t, remote.Config{Listen: "b:1", Transport: net.Node("b:1"), IgnoreFailures: true})
		there := b.inbox("there")
		gone := subscribe[remote.Gone](a, "gone")
		a.sys.RefOf(there.pid.Location()).Tell(ping{1})
		there.expect(ping{1})
		net.Cut("a:1", "b:1")
		time.Sleep(24 * time.Hour)
		gone.none()
		require.Equal(t, b.sys.UID(), a.rem.Peer("b:1"))
	})
}

// TestRefsThatNobodyUsesCostNothing: who only knows an address is not remembered.
func TestRefsThatNobodyUsesCostNothing(t *testing.T) {
	net := remote.NewMemNet()
	a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")})
	for n := range 20_000 { // twice as many as there may be
		_ = a.sys.RefAt(fmt.Sprintf("host%d:1", n), "/user/x").Path()
		if n%5_000 == 0 {
			runtime.GC()
			runtime.GC()
		}
	}
	require.Zero(t, a.rem.Stats().Peers)
	require.Empty(t, a.rem.PeerStats())
	b := start(t, remote.Config{Listen: "b:1", Transport: net.Node("b:1")})
	there := b.inbox("there")
	deadline := time.Now().Add(wait)
	for { // cleanups run when they run
		runtime.GC()
		ref := a.sys.RefOf(there.pid.Location())
		if ref.TryTell(ping{1}) == nil || time.Now().After(deadline) {
			break
		}
		runtime.KeepAlive(ref)
		there = b.inbox(fmt.Sprint("there", time.Now().UnixNano()))
	}
	there.expect(ping{1})
	require.Zero(t, a.sys.Dropped(actor.DropQuarantined))
}
