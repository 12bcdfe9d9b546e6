package artifact

import (
	"errors"

	"github.com/troupe-go/troupe/codec"
)

// Register gives everything that leaves the process, to another node or to the
// journal, its stable name. The names stay for ever: stored events are read by
// them.
func Register(reg *codec.Registry) error {
	return errors.Join(
		codec.Register[MarkRead](reg, "artifactstate.MarkRead.v1"),
		codec.Register[AddToFeed](reg, "artifactstate.AddToFeed.v1"),
		codec.Register[RemoveFromFeed](reg, "artifactstate.RemoveFromFeed.v1"),
		codec.Register[GetState](reg, "artifactstate.GetState.v1"),
		codec.Register[Reply](reg, "artifactstate.Reply.v1"),
		codec.Register[ArtifactRead](reg, "artifactstate.ArtifactRead.v1"),
		codec.Register[AddedToFeed](reg, "artifactstate.AddedToFeed.v1"),
		codec.Register[RemovedFromFeed](reg, "artifactstate.RemovedFromFeed.v1"),
		codec.Register[State](reg, "artifactstate.State.v1"),
	)
}
