package core

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

func wireHead() Head {
	return Head{From: Node{Addr: "a:1", UID: 2}, Term: actor.Epoch{Cluster: 3, Node: 4, Count: 5}, Seq: 6}
}

func wireGrant() Grant { return Grant{Shard: 300, Epoch: actor.Epoch{Cluster: 7, Node: 8, Count: 9}} }

// golden are the bytes of every message. They are read by nodes of other
// versions: a change needs another name.
var golden = []struct {
	name  string
	msg   any
	bytes string
}{
	{"troupe.sharding.Register.v1", Register{Head: wireHead(), Shards: 128, Proxy: true, Hosted: []Hosted{{wireGrant(), true}}}, "03613a31000000000000000200000000000000030405068001010001ac020000000000000007080901"},
	{"troupe.sharding.GetHomes.v1", GetHomes{wireHead(), []uint32{1, 300}}, "03613a310000000000000002000000000000000304050602" + "01ac02"},
	{"troupe.sharding.Started.v1", Started{wireHead(), wireGrant()}, "03613a3100000000000000020000000000000003040506ac0200000000000000070809"},
	{"troupe.sharding.Stopped.v1", Stopped{wireHead(), wireGrant()}, "03613a3100000000000000020000000000000003040506ac0200000000000000070809"},
	{"troupe.sharding.Held.v1", Held{wireHead(), wireGrant(), Node{Addr: "b:2", UID: 1}}, "03613a3100000000000000020000000000000003040506ac020000000000000007080903623a320000000000000001"},
	{"troupe.sharding.Query.v1", Query{wireHead()}, "03613a3100000000000000020000000000000003040506"},
	{"troupe.sharding.Registered.v1", Registered{wireHead()}, "03613a3100000000000000020000000000000003040506"},
	{"troupe.sharding.Released.v1", Released{wireHead()}, "03613a3100000000000000020000000000000003040506"},
	{"troupe.sharding.Homes.v1", Homes{wireHead(), []Home{{300, Node{Addr: "b:2", UID: 1}, actor.Epoch{Cluster: 7, Node: 8, Count: 9}}}}, "03613a310000000000000002000000000000000304050601ac0203623a32000000000000000100000000000000070809"},
	{"troupe.sharding.Host.v1", Host{wireHead(), wireGrant()}, "03613a3100000000000000020000000000000003040506ac0200000000000000070809"},
	{"troupe.sharding.BeginHandOff.v1", BeginHandOff{wireHead(), wireGrant(), Node{Addr: "b:2", UID: 1}}, "03613a3100000000000000020000000000000003040506ac020000000000000007080903623a320000000000000001"},
	{"troupe.sharding.HandOff.v1", HandOff{wireHead(), wireGrant()}, "03613a3100000000000000020000000000000003040506ac0200000000000000070809"},
	{"troupe.sharding.LastSent.v1", LastSent{wireHead(), wireGrant()}, "03613a3100000000000000020000000000000003040506ac0200000000000000070809"},
	{"troupe.sharding.Retired.v1", Retired{Node{Addr: "a:1", UID: 2}}, "03613a310000000000000002"},
}

func TestWireFormIsPinned(t *testing.T) {
	reg := codec.NewRegistry()
	require.NoError(t, RegisterTypes(reg))
	s := codec.Scope{Registry: reg}
	for _, g := range golden {
		name, b, err := reg.Encode(s, nil, g.msg)
		require.NoError(t, err)
		require.Equal(t, g.name, name)
		require.Equal(t, g.bytes, hex.EncodeToString(b), g.name)
		for _, tail := range []string{"", "fields of a newer version"} {
			back, err := reg.Decode(s, name, append(b[:len(b):len(b)], tail...))
			require.NoError(t, err, g.name)
			require.Equal(t, g.msg, back)
		}
	}
}

func TestAShardBeyondTheNumbersIsMalformed(t *testing.T) {
	reg := codec.NewRegistry()
	require.NoError(t, RegisterTypes(reg))
	b := append(wireHead().append(nil), 1, 0xff, 0xff, 0xff, 0xff, 0x1f)
	_, err := reg.Decode(codec.Scope{Registry: reg}, "troupe.sharding.GetHomes.v1", b)
	require.ErrorIs(t, err, codec.ErrMalformed)
}

func FuzzDecode(f *testing.F) {
	reg := codec.NewRegistry()
	require.NoError(f, RegisterTypes(reg))
	s := codec.Scope{Registry: reg}
	for _, g := range golden {
		b, err := hex.DecodeString(g.bytes)
		require.NoError(f, err)
		f.Add(g.name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if _, err := reg.Named(name); err != nil {
			return
		}
		var msg any
		var err error
		bound.Allocation(t, len(b), func() { msg, err = reg.Decode(s, name, b) })
		if err != nil {
			return
		}
		_, again, err := reg.Encode(s, nil, msg)
		require.NoError(t, err)
		back, err := reg.Decode(s, name, again)
		require.NoError(t, err)
		require.Equal(t, msg, back)
	})
}
