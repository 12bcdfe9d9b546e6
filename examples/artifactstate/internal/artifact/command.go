package artifact

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// ErrTooLate: the command's deadline has passed. Nothing was changed.
var ErrTooLate = errors.New("too late, nobody waits for it any more")

// Command is what an entity understands: [MarkRead], [AddToFeed],
// [RemoveFromFeed] or [GetState]. All are answered with a [Reply].
type Command interface {
	actor.Request[Reply]
	isCommand()
}

// Reply is what an entity answers: to a change, once that is durable.
type Reply struct {
	// State is the state after the command.
	State State `msgpack:"state"`
	// TooLate says that the command was refused because its deadline had passed.
	TooLate bool `msgpack:"tooLate,omitempty"`
	// Host is the address of the node that the entity lives on.
	Host string `msgpack:"host,omitempty"`
}

// MarkRead asks for the artifact to be marked as read by the user.
type MarkRead struct {
	actor.Returns[Reply] `msgpack:"-"`

	// Until is when the asker gives up; from then on the command is refused.
	// The zero value means never.
	Until time.Time `msgpack:"until"`
}

// AddToFeed asks for the artifact to be put into the user's feed.
type AddToFeed struct {
	actor.Returns[Reply] `msgpack:"-"`

	// Until is when the asker gives up; from then on the command is refused.
	// The zero value means never.
	Until time.Time `msgpack:"until"`
}

// RemoveFromFeed asks for the artifact to be taken out of the user's feed.
type RemoveFromFeed struct {
	actor.Returns[Reply] `msgpack:"-"`

	// Until is when the asker gives up; from then on the command is refused.
	// The zero value means never.
	Until time.Time `msgpack:"until"`
}

// GetState asks for the state of the pair. It changes nothing and is answered
// however late it comes.
type GetState struct {
	actor.Returns[Reply] `msgpack:"-"`
}

func (MarkRead) isCommand()       {}
func (AddToFeed) isCommand()      {}
func (RemoveFromFeed) isCommand() {}
func (GetState) isCommand()       {}

// Decide returns the events that c makes of s at the time now: one, or none when
// the state is so already. It returns an error that wraps [ErrTooLate], and no
// event, when the deadline of c has passed.
//
// The deadline matters because a change can wait: in a buffer while a shard
// moves, or in a connection. Made after its asker was told that it had failed,
// it could undo what the asker did next.
func Decide(now time.Time, s State, c Command) ([]Event, error) {
	event, holds, until := change(s, c)
	switch {
	case event == nil:
		return nil, nil
	case !until.IsZero() && !now.Before(until):
		return nil, fmt.Errorf("%T until %s: %w", c, until.Format(time.RFC3339Nano), ErrTooLate)
	case holds:
		return nil, nil
	}
	return []Event{event}, nil
}

// change returns the event that a command stands for, whether the state is so
// already, and the command's deadline; no event for what is no change.
func change(s State, c Command) (event Event, holds bool, until time.Time) {
	switch c := c.(type) {
	case MarkRead:
		return ArtifactRead{}, s.Read, c.Until
	case AddToFeed:
		return AddedToFeed{}, s.InFeed, c.Until
	case RemoveFromFeed:
		return RemovedFromFeed{}, !s.InFeed, c.Until
	}
	return nil, false, time.Time{}
}
