package cluster

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

// orders are the golden bytes of the messages with which a cluster is led, and of
// those with which nodes compare what they declare.
var orders = []struct {
	name, bytes string
	msg         any
}{
	{"troupe.cluster.DownMember.v1", "03613a31", DownMember{Addr: "a:1"}},
	{"troupe.cluster.DismissMember.v1", "03613a31", DismissMember{Addr: "a:1"}},
	{"troupe.cluster.PrepareShutdown.v1", "", PrepareShutdown{}},
	{"troupe.cluster.Accepted.v1", "", Accepted{}},
	{"troupe.cluster.Profile.v1", "03613a3100000000000000020000000000000003000000000000000401087368617264696e6703656e74017801000106536861726473013801016b00", profile{From: membership.Node{Addr: "a:1", UID: 2}, Digest: 3, Known: 4, Declarations: []Declaration{{
		Kind: "sharding", Name: "ent", Role: "x", Everywhere: true, Must: []membership.Setting{{Key: "Shards", Value: "8"}}, Should: []membership.Setting{{Key: "k", Value: ""}},
	}}}},
}

func ordersRegistry(t testing.TB) *codec.Registry {
	reg := codec.NewRegistry()
	require.NoError(t, registerOrders(reg))
	require.NoError(t, codec.Register[profile](reg, "troupe.cluster.Profile.v1"))
	return reg
}

// TestOrdersOnTheWire holds the bytes of orders still: other releases read them.
func TestOrdersOnTheWire(t *testing.T) {
	reg := ordersRegistry(t)
	for _, o := range orders {
		name, b, err := reg.Encode(codec.Scope{}, nil, o.msg)
		require.NoError(t, err)
		require.Equal(t, o.name, name)
		require.Equal(t, o.bytes, hex.EncodeToString(b))
		back, err := reg.Decode(codec.Scope{}, name, b)
		require.NoError(t, err)
		require.Equal(t, o.msg, back)
		for cut := range b {
			_, err := reg.Decode(codec.Scope{}, name, b[:cut])
			require.ErrorIs(t, err, codec.ErrMalformed)
		}
	}
}

func FuzzOrder(f *testing.F) {
	reg := ordersRegistry(f)
	for _, o := range orders {
		b, err := hex.DecodeString(o.bytes)
		require.NoError(f, err)
		f.Add(o.name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if _, err := reg.Named(name); err != nil {
			return
		}
		var msg any
		var err error
		bound.Allocation(t, len(b), func() { msg, err = reg.Decode(codec.Scope{}, name, b) })
		if err != nil {
			return
		}
		_, again, err := reg.Encode(codec.Scope{}, nil, msg)
		require.NoError(t, err)
		back, err := reg.Decode(codec.Scope{}, name, again)
		require.NoError(t, err)
		require.Equal(t, msg, back)
	})
}
