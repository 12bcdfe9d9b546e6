package router

import (
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
