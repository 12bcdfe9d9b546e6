package artifact

// State is what is known of a pair. The zero value is the state of a pair that
// nothing has happened to.
type State struct {
	// Read says that the user has read the artifact.
	Read bool `msgpack:"read"`
	// InFeed says that the artifact is in the user's feed.
	InFeed bool `msgpack:"inFeed"`
}

// Event is something that happened to a pair: [ArtifactRead], [AddedToFeed] or
// [RemovedFromFeed]. Events are what is stored.
type Event interface{ isEvent() }

// ArtifactRead says that the user has read the artifact.
type ArtifactRead struct{}

// AddedToFeed says that the artifact came into the user's feed.
type AddedToFeed struct{}

// RemovedFromFeed says that the artifact left the user's feed.
type RemovedFromFeed struct{}

func (ArtifactRead) isEvent()    {}
func (AddedToFeed) isEvent()     {}
func (RemovedFromFeed) isEvent() {}

// Evolve returns the state after an event. It ignores events that it does not
// know.
func (s State) Evolve(e Event) State {
	switch e.(type) {
	case ArtifactRead:
		s.Read = true
	case AddedToFeed:
		s.InFeed = true
	case RemovedFromFeed:
		s.InFeed = false
	}
	return s
}
