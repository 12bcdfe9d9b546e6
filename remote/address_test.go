package remote_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/testkit/netfault"
)

// TestAddressesBehindTranslation: a node is known by the address that others dial, and by
// no other (R025, R023).
func TestAddressesBehindTranslation(t *testing.T) {
	outside, err := netfault.Start("127.0.0.1:0", "127.0.0.1:1")
	require.NoError(t, err)
	defer outside.Close()
	inner := start(t, remote.Config{Advertise: outside.Addr()})
	outside.SetTarget(inner.rem.Bound())
	require.Equal(t, outside.Addr(), inner.rem.Addr())
	require.NotEqual(t, inner.rem.Addr(), inner.rem.Bound())

	other := start(t, remote.Config{})
	there, here := inner.inbox("there"), other.inbox("here")
	here.pid.Tell(tellIt{other.sys.RefAt(outside.Addr(), "/user/there"), ping{1}})
	there.expect(ping{1})
	back := <-there.from
	require.Equal(t, other.rem.Addr(), back.Location().Addr)
	there.pid.Tell(tellIt{back, pong{1}})
	here.expect(pong{1})
	require.Equal(t, outside.Addr(), (<-here.from).Location().Addr)

	letters := subscribe[actor.DeadLetter](other, "letters")
	other.sys.RefAt(inner.rem.Bound(), "/user/there").Tell(ping{2})
	require.Equal(t, actor.DropRefused, letters.next().(actor.DeadLetter).Reason, "nobody is known by that address")
	there.none()
}

func TestAddressesOfIPv6(t *testing.T) { // R025
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	require.NoError(t, l.Close())
	a, b := start(t, remote.Config{Listen: "[::1]:0"}), start(t, remote.Config{Listen: "[::1]:0"})
	there, here := b.inbox("there"), a.inbox("here")
	here.pid.Tell(tellIt{a.sys.RefOf(there.pid.Location()), ping{1}})
	there.expect(ping{1})
	there.pid.Tell(tellIt{<-there.from, pong{1}})
	here.expect(pong{1})
}

// A host name stays with the node: the others write it, whatever it resolves to here.
func TestANodeThatListensAtANameIsKnownByIt(t *testing.T) {
	a, b := start(t, remote.Config{Listen: "localhost:0"}), start(t, remote.Config{})
	_, port, err := net.SplitHostPort(a.rem.Bound())
	require.NoError(t, err)
	require.Equal(t, "localhost:"+port, a.rem.Addr())
	there, here := a.inbox("there"), b.inbox("here")
	here.pid.Tell(tellIt{b.sys.RefAt("localhost:"+port, "/user/there"), ping{1}})
	there.expect(ping{1})
	there.pid.Tell(tellIt{<-there.from, pong{1}})
	here.expect(pong{1})
}
