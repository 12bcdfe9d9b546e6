package persistencetest

import (
	"context"
	"math"
	"testing"

	"github.com/troupe-go/troupe/persistence"
)

// Store is a journal and a snapshot store in one place that outlives the
// process.
type Store interface {
	persistence.Journal
	persistence.SnapshotStore
	// Close writes out what is pending and releases the place.
	Close() error
}

// Reopened checks what a store must keep when it is closed and opened again.
// open opens the same place every time it is called; it is empty at first.
func Reopened(t testing.TB, open func(t testing.TB) Store) {
	t.Helper()
	run(t, "PS-2: everything is there after reopening", func(t testing.TB) {
		s := open(t)
		mustAppend(t, s, "kept", epoch(1), 1, 3)
		mustAppend(t, s, "deleted", epoch(1), 1, 3)
		if err := s.DeleteTo(context.Background(), "deleted", epoch(1), 3); err != nil {
			t.Fatalf("delete: %v", err)
		}
		mustClaim(t, s, "claimed", epoch(7), 0)
		mustSave(t, s, snapshot("kept", 2))
		mustClose(t, s)

		s = open(t)
		wantStored(t, s, "kept", Events("kept", epoch(1), 1, 3))
		wantSnapshot(t, s, "kept", math.MaxUint64, snapshot("kept", 2))
		wantStored(t, s, "deleted", nil)
		wantHighest(t, s, "deleted", 3)
		wantError(t, "append of a deleted number",
			s.Append(context.Background(), "deleted", epoch(1), Events("deleted", epoch(1), 1, 1)), persistence.ErrConflict)
		_, err := s.Claim(context.Background(), "claimed", epoch(6))
		wantError(t, "claim under an older epoch", err, persistence.ErrFenced)
		mustAppend(t, s, "kept", epoch(1), 4, 4)
		mustClose(t, s)
	})
	run(t, "a closed store says so", func(t testing.TB) {
		s := open(t)
		mustClose(t, s)
		mustClose(t, s)
		ctx := context.Background()
		wantError(t, "append", s.Append(ctx, "x", epoch(1), Events("x", epoch(1), 1, 1)), persistence.ErrClosed)
		_, err := s.Claim(ctx, "x", epoch(1))
		wantError(t, "claim", err, persistence.ErrClosed)
		wantReplayError(t, s, ctx, "x", persistence.ErrClosed)
		wantError(t, "save", s.SaveSnapshot(ctx, snapshot("x", 1)), persistence.ErrClosed)
		_, err = s.LoadSnapshot(ctx, "x", 1)
		wantError(t, "load", err, persistence.ErrClosed)
	})
}

func mustClose(t testing.TB, s Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}
