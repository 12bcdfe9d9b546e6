package remote_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/remote"
)

// Who dials in vain learns the cause and the cure.
func TestADialInVainTellsItsCause(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nothing := free.Addr().String()
	require.NoError(t, free.Close())
	other := start(t, remote.Config{Cluster: "a"})
	guarded := start(t, remote.Config{Cluster: "b", Secrets: []remote.Secret{sharedSecret(t, "members")}})
	known := start(t, remote.Config{Cluster: "b", Advertise: "n1.example:2551"})
	here := start(t, remote.Config{Cluster: "b", Listen: "localhost:0"})
	events := subscribe[remote.NotConnected](here, "events")
	for _, c := range []struct {
		title, addr string
		cause       remote.Cause
		text        string
	}{
		{"nothing listens", nothing, remote.CauseRefused, "refuses the connection: nothing listens there"},
		{"a name that nobody has", "no-such-host.invalid:1", remote.CauseUnknown, `can't be looked up: the name "no-such-host.invalid" is not known here`},
		{"another cluster", other.rem.Addr(), remote.CauseCluster, `belongs to cluster "a", this node to "b": give both nodes the same name, or other addresses`},
		{"a secret", guarded.rem.Addr(), remote.CauseSecret, "demands a shared secret: set Config.Secrets"},
		{"another address", known.rem.Bound(), remote.CauseAddress, "is known as n1.example:2551: write that address instead, or set Advertise to " + known.rem.Bound() + " there"},
		{"this very node", here.rem.Bound(), remote.CauseSelf, "is this very node, which is known as " + here.rem.Addr() + ": write that address instead, on all nodes, or set Advertise to " + here.rem.Bound()},
	} {
		t.Run(c.title, func(t *testing.T) {
			here.rem.Probe(c.addr)
			for {
				if e := events.next().(remote.NotConnected); e.Addr == c.addr {
					require.Equal(t, c.cause, e.Cause)
					require.Contains(t, e.Text, c.text)
					return
				}
			}
		})
	}
}
