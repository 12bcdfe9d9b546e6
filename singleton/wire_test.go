package singleton

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

var (
	wireNode  = membership.Node{Addr: "a:1", UID: 2}
	wireEpoch = actor.Epoch{Cluster: 3, Node: 4, Count: 5}
)

// golden are the bytes of every message. They are read by nodes of other
// versions: a change needs another name.
var golden = []struct {
	name  string
	msg   any
	bytes string
}{
	{"troupe.singleton.HandOverToMe.v1", handOverToMe{wireNode}, "03613a310000000000000002"},
	{"troupe.singleton.HandOverDone.v1", handOverDone{wireNode, 300}, "03613a310000000000000002ac02"},
	{"troupe.singleton.Where.v1", where{wireNode}, "03613a310000000000000002"},
	{"troupe.singleton.Here.v1", here{wireNode, wireEpoch}, "03613a31000000000000000200000000000000030405"},
	{"troupe.singleton.Pause.v1", pause{wireNode, wireEpoch}, "03613a31000000000000000200000000000000030405"},
	{"troupe.singleton.Paused.v1", paused{wireNode, wireEpoch}, "03613a31000000000000000200000000000000030405"},
	{"troupe.singleton.Carried.v1", carried{"hi"}, "06737472696e67026869"},
}

func wireScope(t testing.TB) codec.Scope {
	reg := codec.NewRegistry()
	require.NoError(t, Register(reg))
	return codec.Scope{Registry: reg}
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
