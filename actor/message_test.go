package actor

import (
	"context"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// What decodes, encodes to something that decodes to the same.
func FuzzDecodeMessages(f *testing.F) {
	quiet := zerolog.Nop()
	sys, err := NewSystem("test", Config{Logger: &quiet})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, sys.Stop(context.Background())) })
	require.NoError(f, codec.Register[string](sys.registry, "string"))
	names := []string{}
	for _, m := range []any{
		Identify{ID: 7}, ActorIdentity{ID: 7, Ref: PID{p: &sys.user.process}},
		Terminated{Ref: PID{p: &sys.user.process}, Cause: ErrKilled}, Terminated{}, Failure{Err: ErrTimeout},
		selected{pattern: "/user/*", msg: Identify{ID: 1}}, selected{pattern: "/user/a", msg: "text"},
	} {
		name, body, err := sys.registry.Encode(sys.Scope(), nil, m)
		require.NoError(f, err)
		names = append(names, name)
		f.Add(uint8(len(names)-1), body)
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		name := names[int(kind)%len(names)]
		first, err := sys.registry.Decode(sys.Scope(), name, body)
		if err != nil {
			return
		}
		_, again, err := sys.registry.Encode(sys.Scope(), nil, first)
		require.NoError(t, err)
		second, err := sys.registry.Decode(sys.Scope(), name, again)
		require.NoError(t, err)
		_, third, err := sys.registry.Encode(sys.Scope(), nil, second)
		require.NoError(t, err)
		require.Equal(t, again, third)
	})
}
