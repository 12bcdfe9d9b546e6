package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// Store is a [persistence.Journal] and a [persistence.SnapshotStore] in one
// SQLite file. It is safe for concurrent use. The zero value is not usable;
// make one with [Open].
type Store struct {
	path    string
	id      string
	place   place
	readers *sql.DB
	anchor  *sql.Conn // a reader that stays open, and the log with it
	writer  *writer
	closed  atomic.Bool
}

var (
	_ persistence.Journal       = (*Store)(nil)
	_ persistence.SnapshotStore = (*Store)(nil)
)

// Open opens the file at path, makes it when there is none (readable and
// writable for this user alone), and brings its tables to the present version.
// Any number of processes of one machine may have it open; the file must be on
// a local disk. It blocks for as long as other processes keep the file locked,
// [Config.BusyTimeout] at most. An error says which path it is about and what
// to do. Close the store after use.
func Open(path string, cfg Config) (*Store, error) {
	s, err := open(path, cfg)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return s, nil
}

func open(path string, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	existed, err := checkPath(path)
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	db, err := openWriter(path, cfg)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	err = patiently(cfg.busyTimeout(), nil, func() error { return db.PingContext(ctx) })
	if err == nil && !existed {
		// Before the first byte is in it; the log files take over its mode.
		err = os.Chmod(path, 0o600)
	}
	var known self
	if err == nil {
		known, err = prepare(ctx, db, cfg)
	}
	if err != nil {
		return nil, errors.Join(explain("", err), db.Close())
	}
	readers, err := openReaders(path, cfg)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Store{path: path, id: known.id, readers: readers}
	if s.anchor, err = anchor(ctx, readers, known.id); err == nil {
		s.place, err = locate(path)
	}
	if err != nil {
		return nil, errors.Join(explain("", err), readers.Close(), db.Close())
	}
	s.writer = startWriter(path, cfg, db, known.id, s.place)
	return s, nil
}

// anchor returns a connection that has read the journal with the id. As long as
// it is open SQLite keeps the log, so that this is the same file for the life of
// the store, even when the writer has to connect again.
func anchor(ctx context.Context, readers *sql.DB, id string) (*sql.Conn, error) {
	conn, err := readers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s, err := scanSelf(conn.QueryRowContext(ctx, selectSelf))
	if err == nil && s.id != id {
		err = fmt.Errorf("%w: the file was replaced while it was opened", persistence.ErrUnavailable)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// ID returns the random name of the journal, which was made together with the file
// and is that of no other. Nodes that must share one journal can compare it.
func (s *Store) ID() string { return s.id }

// Stamp returns the largest first number of an epoch ([actor.Epoch.Cluster])
// that the journal has seen; 0 for none. It is what a new cluster's stamp must
// exceed. It reads the head of every persistence id, which takes about half a
// second for a million of them: call it at the start of a node.
func (s *Store) Stamp(ctx context.Context) (uint64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	var fence []byte // they compare as their bytes do
	if err := s.readers.QueryRowContext(ctx, "SELECT max(fence) FROM head").Scan(&fence); err != nil {
		return 0, s.readError(ctx, err)
	}
	if fence == nil {
		return 0, nil
	}
	newest, err := decodeEpoch(fence)
	return newest.Cluster, err
}

// Close refuses new calls, writes and acknowledges what is queued, and closes
// the file. Closing a closed store does nothing. It blocks for as long as the
// queued writes take.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	// The writer's connection is the last: it empties the log file.
	err := errors.Join(s.anchor.Close(), s.readers.Close(), s.writer.close())
	if err != nil {
		return fmt.Errorf("close journal %s: %w", s.path, err)
	}
	return nil
}

// begin is the start of every read.
func (s *Store) begin(ctx context.Context) error {
	if s.closed.Load() {
		return persistence.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.place.check(); err != nil {
		return at(s.path, err)
	}
	return nil
}

// Claim implements [persistence.EventWriter].
func (s *Store) Claim(ctx context.Context, id string, epoch actor.Epoch) (uint64, error) {
	var highest uint64
	err := s.write(ctx, id, 0, func(tx *transaction) error {
		return tx.onHead(id, func(h persistence.Head) (persistence.Head, error) {
			next, err := h.Claim(id, epoch)
			highest = next.Highest
			return next, err
		}, nil)
	})
	if err != nil {
		return 0, fmt.Errorf("claim: %w", err)
	}
	return highest, nil
}

// Append implements [persistence.EventWriter].
func (s *Store) Append(ctx context.Context, id string, epoch actor.Epoch, events []persistence.Event) error {
	if err := persistence.CheckAppend(id, events); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	rows, size, err := eventRows(id, epoch, events)
	if err == nil {
		err = s.write(ctx, id, size, func(tx *transaction) error {
			var insert func(key int64) error
			if len(rows) > 0 {
				insert = func(key int64) error { return tx.insertEvents(key, rows) }
			}
			return tx.onHead(id, func(h persistence.Head) (persistence.Head, error) {
				return h.Append(id, epoch, events)
			}, insert)
		})
	}
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	return nil
}

// DeleteTo implements [persistence.EventWriter].
func (s *Store) DeleteTo(ctx context.Context, id string, epoch actor.Epoch, seq uint64) error {
	err := s.write(ctx, id, 0, func(tx *transaction) error {
		return tx.onHead(id, func(h persistence.Head) (persistence.Head, error) {
			return h.Delete(id, epoch, seq)
		}, func(key int64) error { return tx.exec(tx.deleteEvents, key, bounded(seq)) })
	})
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// SaveSnapshot implements [persistence.SnapshotStore].
func (s *Store) SaveSnapshot(ctx context.Context, snap persistence.Snapshot) error {
	err := snap.Check()
	if err == nil {
		row := snapshotRow(snap)
		err = s.write(ctx, snap.PersistenceID, len(snap.Payload), func(tx *transaction) error {
			return tx.onHead(snap.PersistenceID, func(h persistence.Head) (persistence.Head, error) {
				_, err := h.Claim(snap.PersistenceID, snap.Epoch)
				return h, err
			}, func(key int64) error { return tx.exec(tx.saveSnapshot, append([]any{key}, row...)...) })
		})
	}
	if err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	return nil
}

// DeleteSnapshots implements [persistence.SnapshotStore].
func (s *Store) DeleteSnapshots(ctx context.Context, id string, fromSeq, toSeq uint64) error {
	err := s.write(ctx, id, 0, func(tx *transaction) error {
		return tx.exec(tx.deleteSnapshots, id, bounded(fromSeq), bounded(toSeq))
	})
	if err != nil {
		return fmt.Errorf("delete snapshots: %w", err)
	}
	return nil
}

// write hands f to the writer and waits until it is committed.
func (s *Store) write(ctx context.Context, id string, size int, f func(tx *transaction) error) error {
	if err := persistence.CheckID(id); err != nil {
		return err
	}
	if s.closed.Load() {
		return persistence.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.writer.do(ctx, size, f)
}

// bounded brings a sequence number into the range of SQLite's integers.
func bounded(seq uint64) int64 { return int64(min(seq, persistence.SeqMax)) }
