package persistencetest

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// Op is a call of a store that a [Faulty] one can spoil.
type Op string

// The calls of a store.
const (
	OpClaim           Op = "claim"
	OpAppend          Op = "append"
	OpDeleteTo        Op = "delete"
	OpReplay          Op = "replay"
	OpHighestSeq      Op = "highest"
	OpSaveSnapshot    Op = "save snapshot"
	OpLoadSnapshot    Op = "load snapshot"
	OpDeleteSnapshots Op = "delete snapshots"
)

// Fault is what goes wrong with one call. The zero Fault is a call that works.
type Fault struct {
	// Before is returned and the call not carried out, when it isn't nil.
	Before error
	// After is returned although the call was carried out, when it isn't nil:
	// fmt.Errorf("%w: …", persistence.ErrInDoubt) of a write that worked.
	After error
	// Hold makes the call wait before anything else happens; it is called
	// with the call's context and may block until the test lets it go.
	Hold func(ctx context.Context)
	// Yield is how many events a replay yields before Before or After ends it.
	Yield int
}

// Refuse is the fault of a call that isn't carried out because the store is
// not available.
func Refuse() Fault {
	return Fault{Before: fmt.Errorf("injected: %w", persistence.ErrUnavailable)}
}

// DoubtLost is the fault of a write that isn't carried out but looks as if it
// might have been.
func DoubtLost() Fault {
	return Fault{Before: fmt.Errorf("injected: %w", persistence.ErrInDoubt)}
}

// DoubtKept is the fault of a write that is carried out but looks as if it
// might not have been.
func DoubtKept() Fault {
	return Fault{After: fmt.Errorf("injected: %w", persistence.ErrInDoubt)}
}

// Faulty is a store whose calls go wrong on demand. It is safe for concurrent
// use; make one with [NewFaulty].
type Faulty struct {
	persistence.Journal
	snapshots persistence.SnapshotStore

	mu     sync.Mutex
	decide func(op Op, id string, n int) Fault
	counts map[Op]int
}

// NewFaulty wraps a store, [persistence.Memory] for instance. decide is called
// for every call, with the number of earlier calls of the same op, and may be
// nil at first. It is called with a lock held and must not call the store.
func NewFaulty(store interface {
	persistence.Journal
	persistence.SnapshotStore
}, decide func(op Op, id string, n int) Fault) *Faulty {
	return &Faulty{Journal: store, snapshots: store, decide: decide, counts: make(map[Op]int)}
}

// Decide replaces the function that chooses the faults; nil means no faults.
// The counts begin anew.
func (f *Faulty) Decide(decide func(op Op, id string, n int) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.decide = decide
	clear(f.counts)
}

// Count returns how many calls of op were made since the last Decide.
func (f *Faulty) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

func (f *Faulty) next(op Op, id string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.counts[op]
	f.counts[op]++
	if f.decide == nil {
		return Fault{}
	}
	return f.decide(op, id, n)
}

// call carries out a call that returns nothing but an error.
func (f *Faulty) call(ctx context.Context, op Op, id string, carryOut func() error) error {
	fault := f.next(op, id)
	if fault.Hold != nil {
		fault.Hold(ctx)
	}
	if fault.Before != nil {
		return fault.Before
	}
	if err := carryOut(); err != nil {
		return err
	}
	return fault.After
}

// Claim implements [persistence.EventWriter].
func (f *Faulty) Claim(ctx context.Context, id string, e actor.Epoch) (highest uint64, err error) {
	err = f.call(ctx, OpClaim, id, func() (err error) {
		highest, err = f.Journal.Claim(ctx, id, e)
		return err
	})
	return highest, err
}

// Append implements [persistence.EventWriter].
func (f *Faulty) Append(ctx context.Context, id string, e actor.Epoch, events []persistence.Event) error {
	return f.call(ctx, OpAppend, id, func() error { return f.Journal.Append(ctx, id, e, events) })
}

// DeleteTo implements [persistence.EventWriter].
func (f *Faulty) DeleteTo(ctx context.Context, id string, e actor.Epoch, seq uint64) error {
	return f.call(ctx, OpDeleteTo, id, func() error { return f.Journal.DeleteTo(ctx, id, e, seq) })
}

// HighestSeq implements [persistence.EventReader].
func (f *Faulty) HighestSeq(ctx context.Context, id string) (highest uint64, err error) {
	err = f.call(ctx, OpHighestSeq, id, func() (err error) {
		highest, err = f.Journal.HighestSeq(ctx, id)
		return err
	})
	return highest, err
}

// Replay implements [persistence.EventReader].
func (f *Faulty) Replay(ctx context.Context, id string, fromSeq, toSeq uint64) iter.Seq2[persistence.Event, error] {
	return func(yield func(persistence.Event, error) bool) {
		fault := f.next(OpReplay, id)
		if fault.Hold != nil {
			fault.Hold(ctx)
		}
		failure := fault.Before
		if failure == nil {
			failure = fault.After
		}
		yielded := 0
		for e, err := range f.Journal.Replay(ctx, id, fromSeq, toSeq) {
			if failure != nil && yielded == fault.Yield {
				break
			}
			if !yield(e, err) {
				return
			}
			yielded++
		}
		if failure != nil {
			yield(persistence.Event{}, failure)
		}
	}
}

// SaveSnapshot implements [persistence.SnapshotStore].
func (f *Faulty) SaveSnapshot(ctx context.Context, s persistence.Snapshot) error {
	return f.call(ctx, OpSaveSnapshot, s.PersistenceID, func() error { return f.snapshots.SaveSnapshot(ctx, s) })
}

// LoadSnapshot implements [persistence.SnapshotStore].
func (f *Faulty) LoadSnapshot(ctx context.Context, id string, toSeq uint64) (s persistence.Snapshot, err error) {
	err = f.call(ctx, OpLoadSnapshot, id, func() (err error) {
		s, err = f.snapshots.LoadSnapshot(ctx, id, toSeq)
		return err
	})
	return s, err
}

// DeleteSnapshots implements [persistence.SnapshotStore].
func (f *Faulty) DeleteSnapshots(ctx context.Context, id string, fromSeq, toSeq uint64) error {
	return f.call(ctx, OpDeleteSnapshots, id, func() error { return f.snapshots.DeleteSnapshots(ctx, id, fromSeq, toSeq) })
}
