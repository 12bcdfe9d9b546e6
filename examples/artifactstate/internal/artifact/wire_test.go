package artifact

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// TestWire pins names and bytes: they are in the journals of those who run the
// example, and on the wire between its versions.
func TestWire(t *testing.T) {
	reg := codec.NewRegistry()
	require.NoError(t, Register(reg))
	until := time.Unix(1_800_000_000, 5).UTC()
	for _, c := range []struct {
		msg         any
		name, bytes string
	}{
		{MarkRead{}, "artifactstate.MarkRead.v1", "81a5756e74696cc70cff00000000fffffff1886e0900"},
		{MarkRead{Until: until}, "artifactstate.MarkRead.v1", "81a5756e74696cd7ff000000146b49d200"},
		{AddToFeed{Until: until}, "artifactstate.AddToFeed.v1", "81a5756e74696cd7ff000000146b49d200"},
		{RemoveFromFeed{Until: until}, "artifactstate.RemoveFromFeed.v1", "81a5756e74696cd7ff000000146b49d200"},
		{GetState{}, "artifactstate.GetState.v1", "80"},
		{Reply{State: State{Read: true}, Host: "h:1"}, "artifactstate.Reply.v1", "82a5737461746582a472656164c3a6696e46656564c2a4686f7374a3683a31"},
		{Reply{TooLate: true}, "artifactstate.Reply.v1", "82a5737461746582a472656164c2a6696e46656564c2a7746f6f4c617465c3"},
		{ArtifactRead{}, "artifactstate.ArtifactRead.v1", "80"},
		{AddedToFeed{}, "artifactstate.AddedToFeed.v1", "80"},
		{RemovedFromFeed{}, "artifactstate.RemovedFromFeed.v1", "80"},
		{State{Read: true, InFeed: true}, "artifactstate.State.v1", "82a472656164c3a6696e46656564c3"},
	} {
		name, b, err := reg.Encode(codec.Scope{Registry: reg}, nil, c.msg)
		require.NoError(t, err)
		require.Equal(t, c.name, name)
		require.Equal(t, c.bytes, hex.EncodeToString(b), "%#v", c.msg)
		back, err := reg.Decode(codec.Scope{Registry: reg}, name, b)
		require.NoError(t, err)
		if m, ok := back.(MarkRead); ok {
			m.Until = m.Until.UTC()
			back = m
		}
		if m, ok := back.(AddToFeed); ok {
			m.Until = m.Until.UTC()
			back = m
		}
		if m, ok := back.(RemoveFromFeed); ok {
			m.Until = m.Until.UTC()
			back = m
		}
		require.Equal(t, c.msg, back)
	}
}
