package sqlite

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// failures is how many commits fail in each of the tests below.
var failures = flag.Int("failures", 200, "how many commits fail in a row")

// descriptors counts the open files of this process.
func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system doesn't list the open files: ", err)
	}
	return len(entries)
}

// resident is the memory of this process in bytes, SQLite's included.
func resident(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	var size, pages int
	_, err = fmt.Sscan(string(text), &size, &pages)
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

// changes opens a store at path, and tells when it begins to fail and when it
// works again.
func changes(t *testing.T, path string, cfg Config) (*Store, <-chan error) {
	t.Helper()
	changed := make(chan error, 1000)
	cfg.OnChange = func(err error) { changed <- err }
	s, err := Open(path, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Append(context.Background(), "x", actor.Epoch{}, event(1, 10)))
	return s, changed
}

// fail makes commits fail again and again, looks at what that costs, and then
// waits until the store has come back by itself once the cause is gone.
func fail(t *testing.T, s *Store, changed <-chan error, want error, write func() error, gone func()) {
	t.Helper()
	ctx := context.Background()
	require.NoError(t, s.Err())
	for range 50 { // what is made once is there
		require.Error(t, write())
	}
	runtime.GC()
	files, memory := descriptors(t), resident(t)
	for range *failures {
		require.Error(t, write())
	}
	runtime.GC()
	t.Logf("%d failed commits: descriptors %d → %d, resident memory %d → %d KiB",
		*failures, files, descriptors(t), memory>>10, resident(t)>>10)
	require.LessOrEqual(t, descriptors(t), files+5)
	require.Less(t, resident(t), memory+64<<20)
	require.Error(t, s.Err(), "readiness says no meanwhile")
	require.ErrorIs(t, <-changed, want)

	gone()
	for err := range changed { // nobody writes
		if err == nil && s.Err() == nil {
			break
		}
	}
	highest, err := s.Claim(ctx, "x", actor.Epoch{})
	require.NoError(t, err)
	require.NoError(t, s.Append(ctx, "x", actor.Epoch{}, event(highest+1, 100_000)))
	require.NoError(t, s.Err())
}

func TestTheStoreComesBackByItselfFromAFullFile(t *testing.T) {
	s, changed := changes(t, filepath.Join(t.TempDir(), "journal.db"), Config{})
	limit := func(tx *transaction, pages int) error {
		var now int
		return tx.conn.QueryRowContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count=%d", pages)).Scan(&now)
	}
	fail(t, s, changed, persistence.ErrUnavailable, func() error {
		return s.writer.do(context.Background(), 0, func(tx *transaction) error {
			if err := limit(tx, 1); err != nil { // no more than there are
				return err
			}
			_, err := tx.conn.ExecContext(context.Background(), "UPDATE journal SET filler = randomblob(100000)")
			return err
		})
	}, func() {
		sabotage(t, s, func(tx *transaction) error { return limit(tx, 1<<30) })
	})
}

// doomed is a write whose commit fails as one does on a broken disk: the
// connection is closed beneath it.
func doomed(s *Store) error {
	return s.writer.do(context.Background(), 0, func(tx *transaction) error { return tx.commitStmt.Close() })
}

func TestTheStoreComesBackByItselfFromFailedCommits(t *testing.T) {
	s, changed := changes(t, filepath.Join(t.TempDir(), "journal.db"), Config{})
	fail(t, s, changed, persistence.ErrInDoubt, func() error { return doomed(s) }, func() {})
}

func TestTheStoreComesBackByItselfFromALockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	s, changed := changes(t, path, Config{BusyTimeout: time.Millisecond})
	other, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	conn, err := other.Conn(context.Background())
	require.NoError(t, err)
	_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	fail(t, s, changed, persistence.ErrUnavailable, func() error {
		return s.Append(context.Background(), "x", actor.Epoch{}, event(2, 10))
	}, func() {
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	})
}

// A closed store costs nothing either, and says that it is closed.
func TestAClosedStoreSaysSo(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "journal.db"), Config{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	files := descriptors(t)
	for range *failures {
		require.ErrorIs(t, s.Append(context.Background(), "x", actor.Epoch{}, event(1, 10)), persistence.ErrClosed)
	}
	require.ErrorIs(t, s.Err(), persistence.ErrClosed)
	require.LessOrEqual(t, descriptors(t), files+5)
}

// What is the fault of one write says nothing about the store.
func TestABadWriteIsNoFailureOfTheStore(t *testing.T) {
	s, changed := changes(t, filepath.Join(t.TempDir(), "journal.db"), Config{})
	require.ErrorIs(t, s.Append(context.Background(), "x", actor.Epoch{}, event(7, 10)), persistence.ErrConflict)
	require.Error(t, s.writer.do(context.Background(), 0, func(tx *transaction) error {
		return tx.exec(tx.insertEvent, nil, nil, nil, nil, nil, nil, nil, nil)
	}))
	require.NoError(t, s.Err())
	require.Empty(t, changed)
}
