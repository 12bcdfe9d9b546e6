package cluster

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

// orders are the golden bytes of the messages with which a cluster is led.
var orders = []struct {
	name, bytes string
	msg         any
}{
	{"troupe.cluster.DownMember.v1", "03613a31", DownMember{Addr: "a:1"}},
	{"troupe.cluster.DismissMember.v1", "03613a31", DismissMember{Addr: "a:1"}},
	{"troupe.cluster.PrepareShutdown.v1", "", PrepareShutdown{}},
	{"troupe.cluster.Accepted.v1", "", Accepted{}},
}

func ordersRegistry(t testing.TB) *codec.Registry {
	reg := codec.NewRegistry()
	require.NoError(t, registerOrders(reg))
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
