package persistence

import (
	"context"
	"iter"

	"github.com/troupe-go/troupe/actor"
)

// EventReader reads events.
type EventReader interface {
	// Replay yields the stored events of id from fromSeq to toSeq, both
	// included, one by one in order, ending with the last one that is stored
	// when the replay begins. Deleted events are left out at the beginning;
	// an event that is missing further on, or doesn't match its checksum, is
	// an error wrapping [ErrCorrupt]. The first error is the last pair. An
	// unknown id, an empty range and an id with all events deleted yield
	// nothing. The consumer may take its time: no lock and no connection is
	// held while it works. The payloads yielded are the consumer's to keep.
	Replay(ctx context.Context, id string, fromSeq, toSeq uint64) iter.Seq2[Event, error]
	// HighestSeq returns the sequence number of the last event that was ever
	// appended to id, deleted or not; 0 for an unknown id.
	HighestSeq(ctx context.Context, id string) (uint64, error)
}

// EventWriter writes events. All of its methods are atomic, also towards other
// processes that share the store.
type EventWriter interface {
	// Claim makes epoch the fence of id, so that from its return on nobody
	// with an older epoch can write to id, and returns the sequence number of
	// the last event ever appended (0 for an unknown id). It is the first step
	// of every recovery: what a replay reads after it is final but for what
	// the caller writes itself. An append of the same process that was in
	// doubt is decided when Claim returns.
	//
	// Claiming the present fence again is fine; an older epoch is refused
	// with [ErrFenced]. The zero epoch means that the caller isn't fenced; it
	// is refused as soon as any other epoch has claimed the id.
	Claim(ctx context.Context, id string, epoch actor.Epoch) (highest uint64, err error)
	// Append stores events after the last one of id: all of them, durably,
	// before it returns nil; or none. Errors wrap [ErrInvalid], [ErrFenced]
	// (the epoch is older than the fence; a newer one becomes the fence),
	// [ErrConflict] (the first event is not the successor of the last stored
	// one), [ErrUnavailable], [ErrClosed], the context's error when it ended
	// before the write began, or [ErrInDoubt]. Without events it stores
	// nothing and tells whether epoch still owns the id. The journal keeps
	// none of the slices.
	Append(ctx context.Context, id string, epoch actor.Epoch, events []Event) error
	// DeleteTo deletes the events of id up to and including seq; the highest
	// sequence number stays. A seq beyond the last event deletes them all.
	// The caller answers for it that a snapshot at seq or later is stored.
	// Errors are those of Append.
	DeleteTo(ctx context.Context, id string, epoch actor.Epoch, seq uint64) error
}

// Journal keeps the events of many persistence ids. Its methods block until
// they are done or ctx ends, and are safe for concurrent use. Calls for one id
// take effect in the order in which their callers made them one after another.
// Every implementation passes the conformance kit of package persistencetest.
type Journal interface {
	EventReader
	EventWriter
}

// SnapshotStore keeps snapshots. Its methods block until they are done or ctx
// ends, and are safe for concurrent use. Every implementation passes the
// conformance kit of package persistencetest.
type SnapshotStore interface {
	// SaveSnapshot stores s, in the place of one with the same id and
	// sequence number if there is any. A store that is also the journal of
	// the id refuses an epoch older than the fence with [ErrFenced]. Other
	// errors are those of an append.
	SaveSnapshot(ctx context.Context, s Snapshot) error
	// LoadSnapshot returns the newest intact snapshot of id whose sequence
	// number is toSeq or less; one with Seq 0 when there is none. Snapshots
	// that don't match their checksum are passed over and counted in Skipped.
	LoadSnapshot(ctx context.Context, id string, toSeq uint64) (Snapshot, error)
	// DeleteSnapshots deletes the snapshots of id from fromSeq to toSeq, both
	// included. That there are none is not an error.
	DeleteSnapshots(ctx context.Context, id string, fromSeq, toSeq uint64) error
}
