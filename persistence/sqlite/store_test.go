package sqlite_test

import (
	"context"
	"database/sql"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
	"github.com/troupe-go/troupe/persistence/sqlite"
)

// open opens a store on path and closes it when the test ends.
func open(t testing.TB, path string, cfg sqlite.Config) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.db") }

func TestJournal(t *testing.T) {
	persistencetest.Journal(t, func(t testing.TB) persistence.Journal { return open(t, file(t), sqlite.Config{}) })
}

func TestJournalOfSmallBatches(t *testing.T) {
	persistencetest.Journal(t, func(t testing.TB) persistence.Journal {
		return open(t, file(t), sqlite.Config{Durability: sqlite.ProcessCrash, BatchMax: 2, QueueMax: 1, Readers: 1})
	})
}

func TestSnapshots(t *testing.T) {
	persistencetest.Snapshots(t, func(t testing.TB) persistence.SnapshotStore { return open(t, file(t), sqlite.Config{}) })
}

func TestReopened(t *testing.T) {
	for _, durability := range []sqlite.Durability{sqlite.PowerLoss, sqlite.ProcessCrash} {
		t.Run(durability.String(), func(t *testing.T) {
			dir := t.TempDir()
			persistencetest.Reopened(t, func(t testing.TB) persistencetest.Store {
				return open(t, filepath.Join(dir, "journal.db"), sqlite.Config{Durability: durability})
			})
		})
	}
}

// Two stores on one file are two processes as far as SQLite's own rules go;
// the kit's calls go to them in turn.
func TestTwoStoresOnOneFile(t *testing.T) {
	persistencetest.Journal(t, func(t testing.TB) persistence.Journal {
		path := file(t)
		return &alternating{stores: [2]*sqlite.Store{open(t, path, sqlite.Config{}), open(t, path, sqlite.Config{})}}
	})
}

type alternating struct {
	stores [2]*sqlite.Store
	calls  atomic.Uint64
}

func (a *alternating) next() *sqlite.Store { return a.stores[a.calls.Add(1)%2] }

func (a *alternating) Claim(ctx context.Context, id string, e actor.Epoch) (uint64, error) {
	return a.next().Claim(ctx, id, e)
}

func (a *alternating) Append(ctx context.Context, id string, e actor.Epoch, events []persistence.Event) error {
	return a.next().Append(ctx, id, e, events)
}

func (a *alternating) DeleteTo(ctx context.Context, id string, e actor.Epoch, seq uint64) error {
	return a.next().DeleteTo(ctx, id, e, seq)
}

func (a *alternating) Replay(ctx context.Context, id string, from, to uint64) iter.Seq2[persistence.Event, error] {
	return a.next().Replay(ctx, id, from, to)
}

func (a *alternating) HighestSeq(ctx context.Context, id string) (uint64, error) {
	return a.next().HighestSeq(ctx, id)
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.txt")
	require.NoError(t, os.WriteFile(plain, []byte(strings.Repeat("not a database\n", 1000)), 0o600))
	foreign := filepath.Join(dir, "foreign.db")
	execute(t, foreign, "CREATE TABLE customers (id INTEGER)")
	newer := filepath.Join(dir, "newer.db")
	require.NoError(t, open(t, newer, sqlite.Config{}).Close())
	execute(t, newer, "INSERT INTO schema_version VALUES (1000, 'from the future')")

	for name, c := range map[string]struct {
		path string
		cfg  sqlite.Config
		says string
	}{
		"no path":                 {"", sqlite.Config{}, "persistence.NewMemory"},
		"memory":                  {":memory:", sqlite.Config{}, "persistence.NewMemory"},
		"no directory":            {filepath.Join(dir, "nope", "x.db"), sqlite.Config{}, "nope does not exist; create it"},
		"directory is a file":     {filepath.Join(plain, "x.db"), sqlite.Config{}, "plain.txt"},
		"path is a directory":     {dir, sqlite.Config{}, "it is a directory"},
		"not a database":          {plain, sqlite.Config{}, "not an SQLite database"},
		"somebody else's":         {foreign, sqlite.Config{}, "database of another program; choose another path"},
		"of a newer program":      {newer, sqlite.Config{}, "schema version 1000"},
		"unknown durability":      {file(t), sqlite.Config{Durability: 7}, "Durability(7)"},
		"negative busy timeout":   {file(t), sqlite.Config{BusyTimeout: -1}, "BusyTimeout"},
		"queue out of range":      {file(t), sqlite.Config{QueueMax: -1}, "QueueMax"},
		"batch out of range":      {file(t), sqlite.Config{BatchMax: -1}, "BatchMax"},
		"readers out of range":    {file(t), sqlite.Config{Readers: 5000}, "Readers"},
		"not writable (on sysfs)": {"/sys/troupe.db", sqlite.Config{}, "this user may write"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(c.path, "/sys") && runtime.GOOS != "linux" {
				t.Skip("needs a file system that refuses even root")
			}
			_, err := sqlite.Open(c.path, c.cfg)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "open journal "+c.path)
		})
	}
}

func TestAnyCharacterInThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=ro&x#y%20ü'.db")
	require.NoError(t, open(t, path, sqlite.Config{}).Append(context.Background(), "x", actor.Epoch{}, one(1)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// execute runs SQL on a file behind the store's back.
func execute(t testing.TB, path, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.Exec(statement, args...)
	require.NoError(t, err)
}

func TestDamagedEventsAreNoticed(t *testing.T) {
	for statement, says := range map[string]string{
		"UPDATE event SET payload = x'00' WHERE seq = 3":                 "checksum",
		"UPDATE event SET name = 'kit.Other' WHERE seq = 3":              "checksum",
		"UPDATE event SET at = at + 1 WHERE seq = 3":                     "checksum",
		"UPDATE event SET at = NULL WHERE seq = 3":                       "checksum",
		"UPDATE event SET tags = NULL WHERE seq = 3":                     "checksum",
		"UPDATE event SET tags = '{' WHERE seq = 3":                      "tags",
		"UPDATE event SET epoch = x'00' WHERE seq = 3":                   "epoch",
		"UPDATE event SET crc = crc + 1 WHERE seq = 3":                   "checksum",
		"UPDATE event SET seq = 30 WHERE seq = 3":                        "checksum",
		"DELETE FROM event WHERE seq = 3":                                "event 3 of \"x\" is missing",
		"DELETE FROM event WHERE seq >= 3":                               "event 3 of \"x\" is missing",
		"UPDATE event SET payload = (SELECT payload FROM event LIMIT 1)": "checksum",
	} {
		t.Run(statement, func(t *testing.T) {
			path := file(t)
			store := open(t, path, sqlite.Config{})
			events := persistencetest.Events("x", actor.Epoch{}, 1, 5)
			require.NoError(t, store.Append(context.Background(), "x", actor.Epoch{}, events))
			execute(t, path, statement)
			var last uint64
			var failure error
			for e, err := range store.Replay(context.Background(), "x", 1, persistence.SeqMax) {
				if failure = err; err == nil {
					last = e.Seq
				}
			}
			require.ErrorIs(t, failure, persistence.ErrCorrupt)
			require.ErrorContains(t, failure, says)
			require.LessOrEqual(t, last, uint64(2), "what comes after the damage is not shown")
		})
	}
}

// PS-5, P083: the newest sound snapshot is taken.
func TestDamagedSnapshotsArePassedOver(t *testing.T) {
	path := file(t)
	store := open(t, path, sqlite.Config{})
	ctx := context.Background()
	for seq := uint64(1); seq <= 3; seq++ {
		require.NoError(t, store.SaveSnapshot(ctx, persistence.Snapshot{PersistenceID: "x", Seq: seq, Name: "n", Payload: []byte("p")}))
	}
	execute(t, path, "UPDATE snapshot SET payload = x'00' WHERE seq = 3")
	execute(t, path, "UPDATE snapshot SET epoch = x'00' WHERE seq = 2")
	snap, err := store.LoadSnapshot(ctx, "x", persistence.SeqMax)
	require.NoError(t, err)
	require.Equal(t, uint64(1), snap.Seq)
	require.Equal(t, 2, snap.Skipped)
	execute(t, path, "UPDATE snapshot SET crc = 0")
	snap, err = store.LoadSnapshot(ctx, "x", persistence.SeqMax)
	require.NoError(t, err)
	require.Equal(t, persistence.Snapshot{Skipped: 3}, snap)
}

// lockFile takes the write lock as another process would; the function that is
// returned gives it back.
func lockFile(t testing.TB, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	conn, err := db.Conn(context.Background())
	require.NoError(t, err)
	_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() {
		t.Helper()
		require.NoError(t, conn.Close())
		require.NoError(t, db.Close())
	}
}

func TestLockedByAnotherProcess(t *testing.T) {
	path := file(t)
	store := open(t, path, sqlite.Config{BusyTimeout: 30 * time.Millisecond})
	ctx := context.Background()
	unlock := lockFile(t, path)
	err := store.Append(ctx, "x", actor.Epoch{}, one(1))
	require.ErrorIs(t, err, persistence.ErrUnavailable)
	require.NotErrorIs(t, err, persistence.ErrInDoubt)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "stuck in a transaction")
	highest, err := store.HighestSeq(ctx, "x")
	require.NoError(t, err, "readers don't wait for writers")
	require.Zero(t, highest)
	unlock()
	require.NoError(t, store.Append(ctx, "x", actor.Epoch{}, one(1)))
}

func TestContextEndsTheWaitForTheLock(t *testing.T) {
	path := file(t)
	store := open(t, path, sqlite.Config{BusyTimeout: time.Hour})
	unlock := lockFile(t, path)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := store.Append(ctx, "x", actor.Epoch{}, one(1))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, persistence.ErrInDoubt, "the caller knows that nothing was written")
	unlock()
	highest, err := store.Claim(context.Background(), "x", actor.Epoch{})
	require.NoError(t, err)
	require.Zero(t, highest, "an append given up is not carried out later")
}

// Every append that was acknowledged before or while the store closed is
// there; every other one is not.
func TestCloseWritesWhatIsQueued(t *testing.T) {
	path := file(t)
	store := open(t, path, sqlite.Config{})
	unlock := lockFile(t, path) // nothing gets done yet
	var started, group sync.WaitGroup
	results := make([]error, 50)
	for i := range results {
		started.Add(1)
		group.Go(func() {
			started.Done()
			results[i] = store.Append(context.Background(), strconv.Itoa(i), actor.Epoch{}, one(1))
		})
	}
	started.Wait()
	closed := make(chan error)
	go func() { closed <- store.Close() }()
	unlock()
	require.NoError(t, <-closed)
	group.Wait()
	again := open(t, path, sqlite.Config{})
	for i, err := range results {
		want := uint64(1)
		if err != nil {
			require.ErrorIs(t, err, persistence.ErrClosed)
			want = 0
		}
		highest, err := again.HighestSeq(context.Background(), strconv.Itoa(i))
		require.NoError(t, err)
		require.Equal(t, want, highest, "append %d", i)
	}
}
