package remote_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// These run in a bubble of their own time: hours pass in milliseconds.

func TestIdleConnectionsAreClosed(t *testing.T) { // R026
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")})
		b := start(t, remote.Config{Listen: "b:1", Transport: net.Node("b:1")})
		watcher, there := a.inbox("watcher"), b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		watcher.pid.Tell(watchIt{a.sys.RefAt("b:1", "/user/nobody")})
		watcher.next()
		ref.Tell(ping{1})
		ref.Tell(urgent{1})
		there.next()
		there.next()
		synctest.Wait()
		require.Equal(t, 3, a.rem.Stats().Connections, "two to b, one from b")
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		require.Zero(t, a.rem.Stats().Connections)
		require.Zero(t, b.rem.Stats().Connections)
		require.Equal(t, b.sys.UID(), a.rem.Peer("b:1"), "the peer is still known")
		ref.Tell(ping{2})
		there.expect(ping{2})
	})
}

func TestWatchedNodesStayConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")})
		b := start(t, remote.Config{Listen: "b:1", Transport: net.Node("b:1")})
		watcher, there := a.inbox("watcher"), b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		watcher.pid.Tell(watchIt{ref})
		time.Sleep(time.Hour)
		watcher.none()
		net.Stall("a:1", "b:1") // R031: shorter than the detector allows
		time.Sleep(8 * time.Second)
		net.Heal("a:1", "b:1")
		time.Sleep(time.Minute)
		watcher.none()
		net.Cut("a:1", "b:1") // and longer
		time.Sleep(9 * time.Second)
		watcher.none()
		time.Sleep(11 * time.Second)
		watcher.expect(actor.Terminated{Ref: ref})
		net.Heal("a:1", "b:1")
	})
}

func TestUnknownHost(t *testing.T) { // R067
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")})
		watcher := a.inbox("watcher")
		ref := a.sys.RefAt("nowhere:1", "/user/x")
		watcher.pid.Tell(watchIt{ref})
		begun := time.Now()
		select {
		case m := <-watcher.ch:
			require.Equal(t, actor.Terminated{Ref: ref}, m)
		case <-time.After(time.Hour):
			require.FailNow(t, "no Terminated")
		}
		require.InDelta(t, 30, time.Since(begun).Seconds(), 1)
	})
}

func TestHalfOpenControlStreamIsDialedAnew(t *testing.T) { // R035
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		cfg := func(addr string) remote.Config {
			return remote.Config{Listen: addr, Transport: net.Node(addr), IgnoreFailures: true}
		}
		a, b := start(t, cfg("a:1")), start(t, cfg("b:1"))
		watcher, there := a.inbox("watcher"), b.inbox("there")
		lost := subscribe[remote.ConnectionLost](a, "lost")
		ref := a.sys.RefOf(there.pid.Location())
		nobody := a.sys.RefAt("b:1", "/user/nobody")
		watcher.pid.Tell(watchIt{nobody})
		watcher.next()
		net.Stall("a:1", "b:1")
		watcher.pid.Tell(watchIt{ref})
		time.Sleep(3 * time.Minute) // nobody here judges failures: no verdict
		watcher.none()
		lost.expect(remote.ConnectionLost{Addr: "b:1", UID: b.sys.UID(), Control: true})
		lost.none()
		net.Heal("a:1", "b:1")
		b.sys.StopActor(there.pid)
		watcher.expect(actor.Terminated{Ref: ref})
	})
}

func TestCloseIsBounded(t *testing.T) { // R032
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")})
		b := start(t, remote.Config{Listen: "b:1", Transport: net.Node("b:1")})
		there := b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		ref.Tell(ping{1})
		there.expect(ping{1})
		net.Stall("a:1", "b:1")
		ref.Tell(ping{2})
		begun := time.Now()
		a.stop()
		require.InDelta(t, 1, time.Since(begun).Seconds(), 0.5, "the flush timeout, and no more")
		net.Heal("a:1", "b:1")
	})
}
