package membership

import "fmt"

// Status is where a member stands in its life. Later ones are larger, and a
// status never goes back: when two views of a member meet, the larger wins.
type Status uint8

// The statuses, in the order of a life. Removed is the zero value: what isn't
// (or no longer) a member has it.
const (
	// Removed: no member. A node that was removed can't come back with the
	// same UID.
	Removed Status = iota
	// Joining: let in by one member, not yet confirmed by the leader.
	Joining
	// WeaklyUp: let in while some members can't be reached, so that it can
	// begin to work. It counts for no quorum and hosts no singleton.
	WeaklyUp
	// Up: a full member.
	Up
	// PreparingForShutdown: as Up, in a cluster that is about to be shut down as
	// a whole; it knows so, others may not yet.
	PreparingForShutdown
	// ReadyForShutdown: as Up, in a cluster of which every member knows that it
	// is about to be shut down: nothing is moved from here on.
	ReadyForShutdown
	// Leaving: asked to leave; it still works.
	Leaving
	// Exiting: hands over what is left and goes.
	Exiting
	// Down: declared dead. Final.
	Down
)

// transitions is every change of status that is allowed. Removed as a target
// means that the member is taken out and a tombstone put in its place.
var transitions = map[Status][]Status{
	Joining:  {WeaklyUp, Up, Leaving, Down, Removed},
	WeaklyUp: {Up, Leaving, Down, Removed},
	Up:       {PreparingForShutdown, Leaving, Down, Removed},

	PreparingForShutdown: {ReadyForShutdown, Leaving, Down, Removed},
	ReadyForShutdown:     {Leaving, Down, Removed},

	Leaving: {Exiting, Down, Removed},
	Exiting: {Down, Removed},
	Down:    {Removed},
	Removed: {},
}

// IsUp reports whether s is that of a full member that isn't going: Up, or
// about to be shut down with all others.
func (s Status) IsUp() bool { return s >= Up && s <= ReadyForShutdown }

// Closing reports whether s is that of a full member of a cluster that is about
// to be shut down as a whole. Nothing is moved from or to it.
func (s Status) Closing() bool { return s == PreparingForShutdown || s == ReadyForShutdown }

// CanBecome reports whether one step may take a member from s to next. Views
// that meet may skip steps, but they only ever move along these edges.
func (s Status) CanBecome(next Status) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// String returns the name of s in lower case.
func (s Status) String() string {
	switch s {
	case Removed:
		return "removed"
	case Joining:
		return "joining"
	case WeaklyUp:
		return "weakly up"
	case Up:
		return "up"
	case PreparingForShutdown:
		return "preparing for shutdown"
	case ReadyForShutdown:
		return "ready for shutdown"
	case Leaving:
		return "leaving"
	case Exiting:
		return "exiting"
	case Down:
		return "down"
	}
	return fmt.Sprintf("status %d", uint8(s))
}
