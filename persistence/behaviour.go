package persistence

import (
	"fmt"

	"github.com/troupe-go/troupe/actor"
)

// Behaviour is an event-sourced actor as two pure functions over states S,
// commands C and events E. Being pure, it is tested without any actor; see
// package persistencetest. A behaviour may also implement [Beginner],
// [Signaler] and [Tagger].
type Behaviour[S, C, E any] interface {
	// Decide says what a command leads to in a state. It changes nothing.
	Decide(state S, command C) Effect[S, E]
	// Evolve returns the state after an event. It depends on nothing but its
	// arguments, since recovery repeats it years later, and must not fail for
	// an event that was ever stored. It may use the memory of the state it was
	// given, which nobody needs any more.
	Evolve(state S, event E) S
}

// Beginner is a [Behaviour] whose first state is not the zero S.
type Beginner[S any] interface {
	// Begin returns the state before the first event. It is called at every
	// recovery that finds no snapshot.
	Begin() S
}

// Signaler is a [Behaviour] that wants to know what happens around it:
// [RecoveryCompleted], [SnapshotSaved], [SnapshotFailed], and the signals that
// it asked the actor for, such as actor.Terminated. To store something because
// of a signal, send a command to the actor itself.
type Signaler[S any] interface {
	// Signal handles one signal, on the actor's own turn. The state must not
	// be changed.
	Signal(ctx *actor.Context, state S, signal any)
}

// Tagger is a [Behaviour] that tags its events for readers.
type Tagger[E any] interface {
	// Tags returns the tags with which an event is stored. It must be pure.
	Tags(event E) []string
}

// RecoveryCompleted is the signal that the state is rebuilt; commands follow.
type RecoveryCompleted struct {
	// Seq is the number of the last event in the state; 0 for a new id.
	Seq uint64
	// Snapshot is the number of the snapshot that recovery began with; 0 for none.
	Snapshot uint64
}

// SnapshotSaved is the signal that a snapshot is stored and everything that
// it makes superfluous is deleted.
type SnapshotSaved struct {
	// Seq is the number of the last event in the snapshot.
	Seq uint64
}

// SnapshotFailed is the signal that a snapshot could not be stored, or what it
// makes superfluous not be deleted. Nothing is lost by it; the next snapshot is
// made when it is due.
type SnapshotFailed struct {
	// Seq is the number of the last event in the snapshot.
	Seq uint64
	// Err says why.
	Err error
}

// Failed is published in the actor's system (actor.Subscribe) when an
// event-sourced actor fails because of its store. Err wraps [ErrFenced] when
// the actor was replaced as the owner of its id: then it has stopped.
type Failed struct {
	// ID is the persistence id.
	ID string
	// Ref is the actor.
	Ref actor.PID
	// Err is the *Error with which the actor failed.
	Err error
}

// Error is the failure of an event-sourced actor.
type Error struct {
	// ID is the persistence id.
	ID string
	// Step is what was being done: "recovery", "persist", "verify" or
	// "snapshot".
	Step string
	// Seq is the number of the last event in the actor's state.
	Seq uint64
	// Err is the cause; it wraps one of the errors of this package when the
	// store reported it.
	Err error
}

// Error says what failed for which id and why.
func (e *Error) Error() string {
	return fmt.Sprintf("%s of %q at event %d: %v", e.Step, e.ID, e.Seq, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// EndsIncarnation implements actor.Ender: what is in memory may differ from what is
// stored, so the actor is never resumed.
func (e *Error) EndsIncarnation() {}
