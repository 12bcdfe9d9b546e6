package sharding

import (
	"context"
	"encoding/hex"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
	"github.com/troupe-go/troupe/sharding/internal/core"
)

func wireScope(t testing.TB) codec.Scope {
	reg := codec.NewRegistry()
	require.NoError(t, Register(reg))
	return codec.Scope{Registry: reg}
}

// golden are the bytes of every message. They are read by nodes of other
// versions: a change needs another name.
var golden = []struct {
	name  string
	msg   any
	bytes string
}{
	{"troupe.sharding.Envelope.v1", envelope{ID: "e", Hops: 1, Msg: "hi"}, "0165" + "01" + "06737472696e67" + "026869"},
	{"troupe.sharding.GetAllocation.v1", getAllocation{}, ""},
	{"troupe.sharding.Allocation.v1", allocation{
		Coordinator: membership.Node{Addr: "a:1", UID: 2}, Active: true,
		Loads: []core.Load{{Node: membership.Node{Addr: "b:2", UID: 1}, Shards: []uint32{1, 300}}},
	}, "03613a310000000000000002" + "01" + "01" + "03623a320000000000000001" + "0201ac02"},
	{"troupe.sharding.GetCounts.v1", getCounts{}, ""},
	{"troupe.sharding.Counts.v1", counts{Shards: []uint32{1, 300}, Entities: []uint32{5, 6}}, "0201ac02" + "020506"},
}

func TestWireFormIsPinned(t *testing.T) {
	s := wireScope(t)
	for _, g := range golden {
		name, b, err := s.Registry.Encode(s, nil, g.msg)
		require.NoError(t, err)
		require.Equal(t, g.name, name)
		require.Equal(t, g.bytes, hex.EncodeToString(b), g.name)
		back, err := s.Registry.Decode(s, name, append(b[:len(b):len(b)], "fields of a newer version"...))
		require.NoError(t, err, g.name)
		require.Equal(t, g.msg, back)
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	s := wireScope(t)
	for name, text := range map[string]string{
		"troupe.sharding.Envelope.v1":   "0165" + "00" + "06737472696e67" + "026869", // no hops
		"troupe.sharding.Counts.v1":     "0201ac02" + "0105",                         // one count for two shards
		"troupe.sharding.Allocation.v1": "03613a310000000000000002" + "01" + "ff01",  // a count beyond the bytes
	} {
		b, err := hex.DecodeString(text)
		require.NoError(t, err)
		_, err = s.Registry.Decode(s, name, b)
		require.ErrorIs(t, err, codec.ErrMalformed, name)
	}
}

func FuzzDecode(f *testing.F) {
	s := wireScope(f)
	for _, g := range golden {
		b, err := hex.DecodeString(g.bytes)
		require.NoError(f, err)
		f.Add(g.name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if _, err := s.Registry.Named(name); err != nil {
			return
		}
		var msg any
		var err error
		bound.Allocation(t, len(b), func() { msg, err = s.Registry.Decode(s, name, b) })
		if err != nil {
			return
		}
		_, again, err := s.Registry.Encode(s, nil, msg)
		require.NoError(t, err)
		back, err := s.Registry.Decode(s, name, again)
		require.NoError(t, err)
		require.Equal(t, msg, back)
	})
}

// Names of actors come from ids of users: all of them must be possible, and
// different for different ids.
func FuzzEscape(f *testing.F) {
	for _, id := range []string{"alice", "a/b", "%41", "$x", "ü", " ", "\x00"} {
		f.Add(id)
	}
	sys, err := actor.NewSystem("escape", actor.Config{})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, sys.Stop(context.Background())) })
	f.Fuzz(func(t *testing.T, id string) {
		name := escape(id)
		back, err := url.PathUnescape(name)
		require.NoError(t, err)
		require.Equal(t, id, back)
		if checkID(id) != nil {
			return
		}
		pid, err := sys.Spawn(name, func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
		if err != nil {
			require.ErrorIs(t, err, actor.ErrNameTaken)
			return
		}
		sys.StopActor(pid)
	})
}

// The home of an entity must never change between versions: these are pinned.
func TestShardOfIsPinned(t *testing.T) {
	tab := newTable(nil, "t", 128, 1)
	require.Equal(t, []uint32{73, 59, 18}, []uint32{tab.shardOf("alice"), tab.shardOf("bob"), tab.shardOf("1/Michael")})
}
