package persistence

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Config is what an event-sourced actor is built from besides its behaviour. ID
// and Journal are needed; the zero value of everything else is for production.
type Config[S any] struct {
	// ID is the persistence id: whose events these are. It must stay the same
	// for ever and be used by one actor at a time. By convention it is
	// "kind/id".
	ID string
	// Journal stores the events.
	Journal Journal
	// Epoch is the fencing epoch under which the actor writes: that of the
	// shard or singleton grant. The zero Epoch is for actors of which there
	// can only be one because there is only one process.
	Epoch actor.Epoch
	// Snapshots stores snapshots. Without it recovery replays every event.
	Snapshots SnapshotStore
	// SnapshotEvery makes a snapshot after so many events; 0 makes none.
	// Lower values make recovery faster and write more.
	SnapshotEvery int
	// SnapshotsKept is how many snapshots are kept that can be read, one more
	// with DeleteEvents; 2 by default. More of them survive more damage and take
	// more room.
	SnapshotsKept int
	// DeleteEvents deletes events that all the kept snapshots contain. It
	// saves room, and ends the possibility of rebuilding the state from its
	// beginning or feeding a new reader with all events.
	DeleteEvents bool
	// RecoveryTimeout is how long a recovery may go on without any progress
	// before it fails; 30 s by default. Raised, a slow store is waited for;
	// lowered, it fails sooner and supervision tries again.
	RecoveryTimeout time.Duration
	// WriteTimeout is how long an append may take before the actor gives it
	// up, as in doubt, and fails; 10 s by default. Raised, callers wait longer for a slow
	// store; lowered, a hiccup of the store costs recoveries.
	WriteTimeout time.Duration
	// VerifyOwner makes the actor ask the journal whether it still owns its id
	// before it answers a command that leads to no events: a question, a command
	// without effect, a refusal. An owner of the past then answers nothing at
	// all. It costs such commands a round trip to the store, without a wait for
	// its disk. Without it they are answered from memory, and for as long as an
	// owner doesn't know that it was replaced, those answers may be out of date.
	VerifyOwner bool
	// Permits bounds how many actors recover at the same time. Share one
	// among the actors of a system; nil sets no bound.
	Permits *Permits
}

func (c Config[S]) snapshotsKept() int {
	if c.SnapshotsKept > 0 {
		return c.SnapshotsKept
	}
	return 2
}

func (c Config[S]) recoveryTimeout() time.Duration { return orElse(c.RecoveryTimeout, 30*time.Second) }
func (c Config[S]) writeTimeout() time.Duration    { return orElse(c.WriteTimeout, 10*time.Second) }

func orElse(d, standard time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return standard
}

// Validate reports the first field that is missing or contradicts another. An
// actor with an invalid configuration fails at its start.
func (c Config[S]) Validate() error {
	if err := CheckID(c.ID); err != nil {
		return err
	}
	switch {
	case c.Journal == nil:
		return fmt.Errorf("%w: no journal for %q; set Config.Journal", ErrInvalid, c.ID)
	case c.SnapshotEvery < 0:
		return fmt.Errorf("%w: SnapshotEvery is %d; it can't be negative", ErrInvalid, c.SnapshotEvery)
	case c.SnapshotEvery > 0 && c.Snapshots == nil:
		return fmt.Errorf("%w: SnapshotEvery is set without Snapshots; set Config.Snapshots", ErrInvalid)
	case c.DeleteEvents && c.SnapshotEvery == 0:
		return fmt.Errorf("%w: DeleteEvents needs SnapshotEvery: without snapshots the events are the only copy", ErrInvalid)
	}
	return nil
}
