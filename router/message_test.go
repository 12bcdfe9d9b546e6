package router

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/testkit"
)

func TestMessagesTravel(t *testing.T) {
	sys := testkit.New(t)
	require.NoError(t, Register(sys.Registry()))
	require.NoError(t, Register(sys.Registry()), "twice is once")
	ref := testkit.Must(sys.Spawn("a", newEcho))
	for _, msg := range []any{
		Broadcast{"m"}, Broadcast{actor.PoisonPill{}}, Broadcast{nil},
		Keyed{"k", 17}, GetRoutees{}, Routees{}, Routees{Refs: []actor.PID{ref, {}}},
		AddRoutee{ref}, RemoveRoutee{ref}, AdjustPoolSize{-3},
	} {
		b, err := sys.Registry().Append(sys.Scope(), nil, msg)
		require.NoError(t, err)
		got, err := read(sys, b)
		require.NoError(t, err)
		require.Equal(t, msg, got)
	}
	_, err := sys.Registry().Append(sys.Scope(), nil, Broadcast{block{}})
	require.Error(t, err, "what is within has to be registered too")
}

// TestGoldenMessages holds the bytes of every message of this package still: other
// releases send and read them.
func TestGoldenMessages(t *testing.T) {
	reg, before := codec.NewRegistry(), map[string]bool{}
	for _, name := range reg.Names() {
		before[name] = true
	}
	require.NoError(t, Register(reg))
	s, seen := codec.Scope{Registry: reg}, map[string]bool{}
	for _, c := range []struct {
		msg  any
		want string
	}{
		{Broadcast{"m"}, "06737472696e67016d"},
		{Keyed{"k", 17}, "016b03696e740122"},
		{GetRoutees{}, ""},
		{Routees{Refs: make([]actor.PID, 2)}, "020000"},
		{AddRoutee{}, "00"},
		{RemoveRoutee{}, "00"},
		{AdjustPoolSize{-3}, "05"},
	} {
		name, body, err := reg.Encode(s, nil, c.msg)
		require.NoError(t, err)
		require.Equal(t, c.want, hex.EncodeToString(body), "%T", c.msg)
		b, err := hex.DecodeString(c.want)
		require.NoError(t, err)
		got, err := reg.Decode(s, name, b)
		require.NoError(t, err)
		require.Equal(t, c.msg, got)
		seen[name] = true
	}
	for _, name := range reg.Names() {
		require.NotEqual(t, before[name], seen[name], "%s needs golden bytes", name)
	}
}

func FuzzDecode(f *testing.F) {
	reg := codec.NewRegistry()
	require.NoError(f, Register(reg))
	s := codec.Scope{Registry: reg}
	for _, msg := range []any{Broadcast{"m"}, Keyed{"k", Broadcast{17}}, Routees{Refs: make([]actor.PID, 3)}, AdjustPoolSize{5}} {
		b, err := reg.Append(s, nil, msg)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var msg any
		var err error
		bound.Allocation(t, len(b), func() { msg, err = readScope(s, b) })
		if err != nil || msg == nil {
			return
		}
		again, err := reg.Append(s, nil, msg)
		require.NoError(t, err)
		same, err := readScope(s, again)
		require.NoError(t, err)
		require.Equal(t, msg, same)
	})
}

func read(sys *actor.System, b []byte) (any, error) { return readScope(sys.Scope(), b) }

func readScope(s codec.Scope, b []byte) (any, error) {
	r := wire.NewReader(b)
	msg, err := s.Registry.Read(s, r)
	if err == nil {
		err = r.Done()
	}
	return msg, err
}
