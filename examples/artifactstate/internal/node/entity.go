package node

import (
	"time"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
	"github.com/troupe-go/troupe/persistence"
)

// entity is the behaviour of one pair: the domain's functions, with a clock and
// the address to sign answers with.
type entity struct {
	persistence.Effects[artifact.State, artifact.Event]
	now  func() time.Time
	host string
}

// Decide answers a command after its event, if it makes one, is stored.
func (e entity) Decide(s artifact.State, c artifact.Command) persistence.Effect[artifact.State, artifact.Event] {
	events, err := artifact.Decide(e.now(), s, c)
	if err != nil {
		return e.Reply(artifact.Reply{State: s, TooLate: true, Host: e.host})
	}
	return e.Persist(events...).ReplyWith(func(s artifact.State) any {
		return artifact.Reply{State: s, Host: e.host}
	})
}

// Evolve applies an event.
func (entity) Evolve(s artifact.State, e artifact.Event) artifact.State { return s.Evolve(e) }
