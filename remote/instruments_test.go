package remote_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

// bubble starts two nodes in a bubble of their own time.
func bubble(t *testing.T, test func(t *testing.T, net *remote.MemNet, a, b *node)) {
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")})
		b := start(t, remote.Config{Listen: "b:1", Transport: net.Node("b:1")})
		test(t, net, a, b)
	})
}

// only returns the counts of the one peer of a node.
func only(n *node) remote.PeerStats {
	synctest.Wait()
	all := n.rem.PeerStats()
	require.Len(n.t, all, 1)
	require.Equal(n.t, all[0].Traffic, n.rem.Stats().Traffic, "the total of one is that one")
	return all[0]
}

func TestInstrumentsOfMessages(t *testing.T) {
	bubble(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there := b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		const small, control = 600, 3
		for n := range small {
			ref.Tell(ping{n})
		}
		for n := range control {
			ref.Tell(urgent{n})
		}
		ref.Tell(blob{B: make([]byte, 1<<20)})
		out, in := only(a), only(b)
		const all = small + control + 1
		require.Equal(t, "b:1", out.Addr)
		require.Equal(t, b.sys.UID(), out.UID)
		require.EqualValues(t, all, out.Sent)
		require.EqualValues(t, all, in.Received)
		require.Zero(t, out.Received)
		require.Zero(t, in.Sent)
		require.Greater(t, out.SentBytes, uint64(all*10))
		require.Equal(t, out.SentBytes, in.ReceivedBytes, "nothing is under way")
		require.Zero(t, out.Queued)
		require.Zero(t, out.QueuedBytes)
		require.Nil(t, out.Dropped)
		require.GreaterOrEqual(t, out.Encoding.Samples, uint64(all/256), "at least one in 256")
		require.GreaterOrEqual(t, in.Decoding.Samples, uint64(all/256))
		require.Zero(t, out.Encoding.Mean(), "the clock of the system stood still")
	})
}

// TestInstrumentsOfSuspicion: heartbeats come every ten seconds from the beginning on, and
// everything else happens between two of them.
func TestInstrumentsOfSuspicion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		cfg := func(addr string) remote.Config {
			return remote.Config{Listen: addr, Transport: net.Node(addr), Heartbeat: 10 * time.Second, AcceptablePause: 10 * time.Second}
		}
		a, b := start(t, cfg("a:1")), start(t, cfg("b:1"))
		here, watched := a.inbox("here"), 0
		watch := func() {
			watched++
			here.pid.Tell(watchIt{a.sys.RefOf(b.inbox(fmt.Sprint("there", watched)).pid.Location())})
		}
		watch()
		time.Sleep(5*time.Minute + 5*time.Second)
		quiet := only(a)
		require.Less(t, quiet.Phi, 0.01)
		require.Zero(t, quiet.Unacknowledged)
		require.Zero(t, only(b).Phi, "nobody there watches anybody here")

		net.Cut("a:1", "b:1")
		for range 3 {
			watch()
		}
		require.Equal(t, 3, only(a).Unacknowledged)
		time.Sleep(16 * time.Second) // it is silent for 21 s, and was looked at after 20 or later
		doubtful := only(a).Phi
		require.Greater(t, doubtful, 0.2, "as likely dead as not")
		require.Less(t, doubtful, 1.0, "and no more")

		net.Heal("a:1", "b:1")
		time.Sleep(14 * time.Second)
		well := only(a)
		require.Zero(t, well.Unacknowledged)
		require.Less(t, well.Phi, 0.01)
		require.Zero(t, well.Quarantined)
	})
}

// TestNodesWithOtherTypes: it is said once of each incarnation; what is registered later
// makes no difference.
func TestNodesWithOtherTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, older := remote.NewMemNet(), registry(t)
		require.NoError(t, codec.Register[secret](older, "secret"))
		cfg := func(addr string) remote.Config { return remote.Config{Listen: addr, Transport: net.Node(addr)} }
		a, b := start(t, cfg("a:1")), startOn(t, actor.Config{Registry: older}, cfg("b:1"))
		c := start(t, cfg("c:1"))
		require.NoError(t, codec.Register[crooked](c.sys.Registry(), "later"))
		events := subscribe[remote.TypesDiffer](a, "events")
		others := func() map[string]bool {
			synctest.Wait()
			all := map[string]bool{}
			for _, s := range a.rem.PeerStats() {
				all[s.Addr] = s.OtherTypes
			}
			return all
		}
		for _, n := range []*node{b, c} {
			there := n.inbox("there")
			a.sys.RefOf(there.pid.Location()).Tell(ping{1})
			there.expect(ping{1})
		}
		require.Equal(t, remote.TypesDiffer{Addr: "b:1", UID: b.sys.UID()}, events.next())
		require.Equal(t, map[string]bool{"b:1": true, "c:1": false}, others())
		net.Cut("a:1", "b:1")
		time.Sleep(time.Second)
		net.Heal("a:1", "b:1")
		there := b.inbox("again")
		a.sys.RefOf(there.pid.Location()).Tell(ping{2})
		there.expect(ping{2})
		events.none()

		b.stop()
		b = start(t, cfg("b:1")) // the new release
		there = b.inbox("there")
		a.sys.RefAt("b:1", "/user/there").Tell(ping{3})
		there.expect(ping{3})
		require.Equal(t, map[string]bool{"b:1": false, "c:1": false}, others())
		events.none()
	})
}

func TestInstrumentsOfQueuesAndDrops(t *testing.T) {
	bubble(t, func(t *testing.T, net *remote.MemNet, a, b *node) {
		there := b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		net.Cut("a:1", "b:1")
		for n := range 5 {
			ref.Tell(ping{n})
		}
		ref.Tell(secret{1}) // is not registered
		ref.Tell(blob{B: make([]byte, 65<<20)})
		require.NoError(t, ref.TryTell(blob{B: make([]byte, 1<<20)}))
		out := only(a)
		require.Equal(t, 6, out.Queued, "five small ones and a large one")
		require.Greater(t, out.QueuedBytes, 50)
		require.Equal(t, map[actor.DropReason]uint64{actor.DropEncode: 1, actor.DropTooLarge: 1}, out.Dropped)

		time.Sleep(25 * time.Second) // longer than DeliverBy
		out = only(a)
		require.Zero(t, out.Queued)
		require.Zero(t, out.QueuedBytes)
		require.Equal(t, map[actor.DropReason]uint64{actor.DropEncode: 1, actor.DropTooLarge: 1, actor.DropUnreachable: 6}, out.Dropped)
		require.NotZero(t, out.Failed)

		net.Heal("a:1", "b:1")
		ref.Tell(ping{9})
		there.expect(ping{9})
	})
}

func TestInstrumentsOfConnections(t *testing.T) {
	bubble(t, func(t *testing.T, net *remote.MemNet, a, b *node) {
		there := b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		ref.Tell(ping{1})
		there.expect(ping{1})
		require.Zero(t, only(a).Reconnects, "the first is none")
		net.Cut("a:1", "b:1")
		ref.Tell(ping{2})
		time.Sleep(3 * time.Second)
		net.Heal("a:1", "b:1")
		ref.Tell(ping{3})
		for there.next() != any(ping{3}) {
		}
		out := only(a)
		require.EqualValues(t, 1, out.Lost)
		require.EqualValues(t, 1, out.Reconnects)
		require.NotZero(t, out.Failed)
		require.Zero(t, out.Quarantined)

		a.rem.Quarantine("b:1", b.sys.UID())
		out = only(a)
		require.EqualValues(t, 1, out.Quarantined)
		require.EqualValues(t, 1, out.Gone)
		require.Zero(t, out.UID)
		ref.Tell(ping{4})
		require.EqualValues(t, 1, only(a).Dropped[actor.DropQuarantined])
	})
}

func TestGoodbyeIsNoQuarantine(t *testing.T) {
	bubble(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there := b.inbox("there")
		a.sys.RefOf(there.pid.Location()).Tell(ping{1})
		there.expect(ping{1})
		b.stop()
		out := only(a)
		require.EqualValues(t, 1, out.Gone)
		require.Zero(t, out.Quarantined)
	})
}

// TestTimingIsOfTheSystemsClock: what encodes slowly is seen to.
func TestTimingIsOfTheSystemsClock(t *testing.T) {
	bubble(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		for _, n := range []*node{a, b} {
			registerSlow(t, n)
		}
		there := b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		ref.Tell(slow{})
		there.expect(slow{})
		out, in := only(a), only(b)
		require.Equal(t, remote.Timing{Samples: 1, Total: slowToEncode, Longest: slowToEncode}, out.Encoding, "the first is one")
		require.Equal(t, slowToDecode, in.Decoding.Mean())
	})
}

const slowToEncode, slowToDecode = 3 * time.Millisecond, 7 * time.Millisecond

// slow takes its time.
type slow struct{}

func (slow) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	time.Sleep(slowToEncode)
	return b, nil
}

func (*slow) DecodeWire(codec.Scope, []byte) error {
	time.Sleep(slowToDecode)
	return nil
}

func registerSlow(t *testing.T, n *node) {
	require.NoError(t, codec.Register[slow](n.sys.Registry(), "slow"))
}
