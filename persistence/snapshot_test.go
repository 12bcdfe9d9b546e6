package persistence_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
	"github.com/troupe-go/troupe/testkit"
)

// ledger notes what a store was told to save and delete.
type ledger struct {
	*persistence.Memory
	notes []string
}

func (l *ledger) SaveSnapshot(ctx context.Context, s persistence.Snapshot) error {
	l.notes = append(l.notes, fmt.Sprint("save ", s.Seq))
	return l.Memory.SaveSnapshot(ctx, s)
}

func (l *ledger) DeleteSnapshots(ctx context.Context, id string, from, to uint64) error {
	l.notes = append(l.notes, fmt.Sprint("drop ", to))
	return l.Memory.DeleteSnapshots(ctx, id, from, to)
}

func (l *ledger) DeleteTo(ctx context.Context, id string, e actor.Epoch, seq uint64) error {
	l.notes = append(l.notes, fmt.Sprint("delete ", seq))
	snap, err := l.LoadSnapshot(ctx, id, persistence.SeqMax)
	if err != nil || snap.Seq < seq {
		return errors.Join(err, fmt.Errorf("PS-8: events to %d are deleted, the newest snapshot is %d", seq, snap.Seq))
	}
	return l.Memory.DeleteTo(ctx, id, e, seq)
}

// snapshotting is a wallet whose snapshots tell when they are done.
func snapshotting(p *testkit.Probe) wallet {
	return wallet{signals: func(sig any) {
		if _, recovered := sig.(persistence.RecoveryCompleted); !recovered {
			p.PID().Tell(sig)
		}
	}}
}

// P016: every 3, keep 2, 20 events.
func TestRetention(t *testing.T) {
	for _, c := range []struct {
		name         string
		deleteEvents bool
		want         []string
		first        uint64 // event that is still there
		older        uint64 // oldest snapshot that is still there
	}{
		{"snapshots alone", false, []string{
			"save 3", "save 6", "drop 2", "save 9", "drop 5", "save 12", "drop 8", "save 15", "drop 11", "save 18", "drop 14",
		}, 1, 15},
		{"snapshots and events", true, []string{
			"save 3", "save 6", "save 9", "delete 3", "drop 2", "save 12", "delete 6", "drop 5",
			"save 15", "delete 9", "drop 8", "save 18", "delete 12", "drop 11",
		}, 13, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys, store := system(t), &ledger{Memory: persistence.NewMemory()}
			p := testkit.NewProbe(t, sys)
			cfg := persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 3, DeleteEvents: c.deleteEvents}
			ref := spawn(t, sys, snapshotting(p), cfg)
			for n := range 20 {
				require.Equal(t, n+1, ask(t, ref, deposit{Amount: 1}))
				if (n+1)%3 == 0 {
					p.Expect(persistence.SnapshotSaved{Seq: uint64(n + 1)})
				}
			}
			require.Equal(t, c.want, store.notes)
			for e, err := range store.Replay(t.Context(), id, 1, persistence.SeqMax) {
				require.NoError(t, err)
				require.Equal(t, c.first, e.Seq)
				break
			}
			oldest, err := store.LoadSnapshot(t.Context(), id, c.older)
			require.NoError(t, err)
			require.Equal(t, c.older, oldest.Seq)
			none, err := store.LoadSnapshot(t.Context(), id, c.older-1)
			require.NoError(t, err)
			require.Zero(t, none.Seq)
			live := ask(t, ref, look{})
			sys.StopActor(ref)
			gone(t, sys, ref)
			require.Equal(t, live, ask(t, spawn(t, sys, wallet{}, cfg), look{}), "PS-4")
		})
	}
}

// P016: a list of events makes one snapshot for all the points that it crosses.
func TestOneSnapshotForAListOfEvents(t *testing.T) {
	sys, store := system(t), &ledger{Memory: persistence.NewMemory()}
	p := testkit.NewProbe(t, sys)
	ref := spawn(t, sys, snapshotting(p), persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 2, SnapshotsKept: 1})
	ref.Tell(depositAll{Amounts: []int{1, 2, 3, 4, 5}})
	p.Expect(persistence.SnapshotSaved{Seq: 5})
	ref.Tell(deposit{Amount: 6})
	p.Expect(persistence.SnapshotSaved{Seq: 6})
	require.Equal(t, []string{"save 5", "drop 4", "save 6", "drop 5"}, store.notes)
}

// P016: a snapshot that was due and is missing is made after recovery.
func TestMissingSnapshotIsMadeAfterRecovery(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
	require.Equal(t, 15, ask(t, ref, depositAll{Amounts: []int{1, 2, 3, 4, 5}}))
	sys.StopActor(ref)
	gone(t, sys, ref)
	p := testkit.NewProbe(t, sys)
	spawn(t, sys, snapshotting(p), persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 5})
	p.Expect(persistence.SnapshotSaved{Seq: 5})
}

// P017: commands go on while a snapshot is being saved; what becomes due
// meanwhile is left to the next; a failure is a signal and nothing else.
func TestSnapshotsHoldUpNobody(t *testing.T) {
	sys, reached, let := system(t), make(chan struct{}), make(chan struct{})
	store := persistencetest.NewFaulty(persistence.NewMemory(), once(persistencetest.OpSaveSnapshot, 0, persistencetest.Fault{
		Hold: func(context.Context) { close(reached); <-let }, Before: errors.New("disk full"),
	}))
	p := testkit.NewProbe(t, sys)
	ref := spawn(t, sys, snapshotting(p), persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 1})
	for n := range 5 {
		require.Equal(t, n+1, ask(t, ref, deposit{Amount: 1}))
	}
	<-reached
	require.Equal(t, 1, store.Count(persistencetest.OpSaveSnapshot))
	close(let)
	failed := testkit.ExpectAs[persistence.SnapshotFailed](p)
	require.Equal(t, uint64(1), failed.Seq)
	require.ErrorContains(t, failed.Err, "disk full")
	require.Equal(t, 6, ask(t, ref, deposit{Amount: 1}))
	p.Expect(persistence.SnapshotSaved{Seq: 6})
}

// damaged is a store that can't read some of its snapshots.
type damaged struct {
	*persistence.Memory
	seqs []uint64
}

func (d damaged) LoadSnapshot(ctx context.Context, id string, to uint64) (persistence.Snapshot, error) {
	snap, err := d.Memory.LoadSnapshot(ctx, id, to)
	for skipped := 1; err == nil && slices.Contains(d.seqs, snap.Seq); skipped++ {
		snap, err = d.Memory.LoadSnapshot(ctx, id, snap.Seq-1)
		snap.Skipped = skipped
	}
	return snap, err
}

// PS-5: a damaged snapshot costs time, not data, as long as the events from an
// older one are there.
func TestDamagedSnapshots(t *testing.T) {
	sys, memory := system(t), persistence.NewMemory()
	p := testkit.NewProbe(t, sys)
	cfg := persistence.Config[purse]{Journal: memory, Snapshots: memory, SnapshotEvery: 2, DeleteEvents: true, SnapshotsKept: 1}
	ref := spawn(t, sys, snapshotting(p), cfg)
	for n := range 7 {
		require.Equal(t, n+1, ask(t, ref, deposit{Amount: 1}))
		if n%2 == 1 {
			p.Expect(persistence.SnapshotSaved{Seq: uint64(n + 1)})
		}
	}
	live := ask(t, ref, look{}) // snapshots 4 and 6 are there, and the events from 5
	sys.StopActor(ref)
	gone(t, sys, ref)

	cfg.Snapshots, cfg.SnapshotEvery, cfg.DeleteEvents = damaged{memory, []uint64{6}}, 0, false
	ref = spawn(t, sys, wallet{}, cfg)
	require.Equal(t, live, ask(t, ref, look{}))
	sys.StopActor(ref)
	gone(t, sys, ref)

	cfg.Snapshots = damaged{memory, []uint64{4, 6}}
	q := testkit.NewProbe(t, sys)
	actor.Subscribe[persistence.Failed](sys, q)
	gone(t, sys, spawn(t, sys, wallet{}, cfg))
	failed := testkit.ExpectAs[persistence.Failed](q)
	require.ErrorIs(t, failed.Err, persistence.ErrCorrupt)
	require.ErrorContains(t, failed.Err, "events 1 to 4 are not in the journal; they were deleted, and no sound snapshot contains them")
}

// PS-5: a snapshot is never newer than the journal.
func TestSnapshotAheadOfTheJournal(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	require.NoError(t, store.SaveSnapshot(t.Context(), persistence.Snapshot{
		PersistenceID: id, Seq: 3, Name: "wallet.Purse.v1", Payload: encoded(t, registry(t), purse{Balance: 3}),
	}))
	p := testkit.NewProbe(t, sys)
	actor.Subscribe[persistence.Failed](sys, p)
	gone(t, sys, spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Snapshots: store}))
	failed := testkit.ExpectAs[persistence.Failed](p)
	require.ErrorIs(t, failed.Err, persistence.ErrCorrupt)
	require.ErrorContains(t, failed.Err, "restore the journal")
}
