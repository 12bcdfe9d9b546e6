package sharding_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/sharding"
)

// harmless are messages of the runtime that any node may send, if it may send to
// the actor at all. All others demand a right: a new message has to be put on one
// of the two sides.
var harmless = map[string]bool{
	"troupe.actor.Failure.v1": true, "troupe.actor.Identify.v1": true, "troupe.actor.ActorIdentity.v1": true, "troupe.actor.PID.v1": true,
	"troupe.router.Broadcast.v1": true, "troupe.router.Keyed.v1": true,
}

func TestSchemaAndRightsOfOwnMessages(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(context.Background())) }()
	reg := sys.Registry()
	require.NoError(t, membership.Register(reg))
	require.NoError(t, router.Register(reg))
	require.NoError(t, sharding.Register(reg))
	was, err := os.ReadFile("testdata/messages.schema") // of the last release; what has been added since does no harm
	require.NoError(t, err)
	changes, err := codec.Changes(string(was), reg.Schema())
	require.NoError(t, err)
	for _, c := range changes {
		require.False(t, c.Breaks, "nodes of the last release, and journals, don't understand this: %v", c)
	}
	for _, name := range reg.Names() {
		typ, err := reg.Named(name)
		require.NoError(t, err)
		if strings.HasPrefix(name, "troupe.") {
			require.Equal(t, harmless[name], typ.Demands() == codec.Right(0), "%s demands %v", name, typ.Demands())
		}
	}
}
