package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/troupe-go/troupe/persistence"
)

// pageMax and pageBytesMax bound what a replay reads at a time. Between two
// pages it holds neither a connection nor a read transaction, so a slow
// consumer neither starves other readers nor keeps the log from being reset.
const (
	pageMax      = 512
	pageBytesMax = 4 << 20
)

// One statement, so that head and events are of the same instant. The join is
// a left one: a head without events in the range is one row of NULLs.
const pageSQL = `SELECT h.highest, h.deleted_to, e.seq, e.epoch, e.name, e.payload, e.at, e.tags, e.crc
FROM head h LEFT JOIN event e ON e.head = h.key AND e.seq BETWEEN ? AND ?
WHERE h.id = ? ORDER BY e.seq LIMIT ?`

// page is a run of events as one statement saw them.
type page struct {
	known     bool // the id has a head
	highest   uint64
	deletedTo uint64
	events    []persistence.Event
}

// Replay implements [persistence.EventReader].
func (s *Store) Replay(ctx context.Context, id string, fromSeq, toSeq uint64) iter.Seq2[persistence.Event, error] {
	return func(yield func(persistence.Event, error) bool) {
		if err := s.replay(ctx, id, fromSeq, toSeq, func(e persistence.Event) bool { return yield(e, nil) }); err != nil {
			yield(persistence.Event{}, fmt.Errorf("replay: %w", err))
		}
	}
}

// replay yields events until the last one of the range as it was when the
// first page was read, and checks that none is missing.
func (s *Store) replay(ctx context.Context, id string, fromSeq, toSeq uint64, yield func(persistence.Event) bool) error {
	if err := persistence.CheckID(id); err != nil {
		return err
	}
	next, last := max(fromSeq, 1), min(toSeq, persistence.SeqMax)
	for first := true; first || next <= last; first = false {
		p, err := s.page(ctx, id, next, last)
		if err != nil {
			return err
		}
		if !p.known {
			return nil
		}
		if first {
			last = min(last, p.highest)
		}
		// Events may have been deleted since the page before.
		next = max(next, p.deletedTo+1)
		for _, e := range p.events {
			if e.Seq < next || e.Seq > last {
				continue
			}
			if e.Seq != next {
				return missing(id, next)
			}
			if !yield(e) {
				return nil
			}
			next++
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if len(p.events) == 0 && next <= last {
			return missing(id, next)
		}
	}
	return nil
}

func missing(id string, seq uint64) error {
	return fmt.Errorf("%w: event %d of %q is missing; restore the journal from a backup", persistence.ErrCorrupt, seq, id)
}

func (s *Store) page(ctx context.Context, id string, from, to uint64) (p page, err error) {
	if err := s.begin(ctx); err != nil {
		return page{}, err
	}
	rows, err := s.readers.QueryContext(ctx, pageSQL, bounded(from), bounded(to), id, pageMax)
	if err != nil {
		return page{}, s.readError(ctx, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	bytes := 0
	for bytes < pageBytesMax && rows.Next() {
		var c eventColumns
		if err := rows.Scan(append([]any{&p.highest, &p.deletedTo}, c.into()...)...); err != nil {
			return page{}, s.readError(ctx, err)
		}
		p.known = true
		if !c.seq.Valid {
			break
		}
		e, err := c.event(id)
		if err != nil {
			return page{}, err
		}
		p.events = append(p.events, e)
		bytes += len(e.Payload)
	}
	if err := rows.Err(); err != nil {
		return page{}, s.readError(ctx, err)
	}
	return p, nil
}

// HighestSeq implements [persistence.EventReader].
func (s *Store) HighestSeq(ctx context.Context, id string) (uint64, error) {
	highest, err := s.highest(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("highest sequence number: %w", err)
	}
	return highest, nil
}

func (s *Store) highest(ctx context.Context, id string) (uint64, error) {
	if err := persistence.CheckID(id); err != nil {
		return 0, err
	}
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	var highest uint64
	err := s.readers.QueryRowContext(ctx, "SELECT highest FROM head WHERE id = ?", id).Scan(&highest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return highest, s.readError(ctx, err)
}

// LoadSnapshot implements [persistence.SnapshotStore].
func (s *Store) LoadSnapshot(ctx context.Context, id string, toSeq uint64) (persistence.Snapshot, error) {
	snap, err := s.loadSnapshot(ctx, id, toSeq)
	if err != nil {
		return persistence.Snapshot{}, fmt.Errorf("load snapshot: %w", err)
	}
	return snap, nil
}

func (s *Store) loadSnapshot(ctx context.Context, id string, toSeq uint64) (snap persistence.Snapshot, err error) {
	if err := persistence.CheckID(id); err != nil {
		return snap, err
	}
	if err := s.begin(ctx); err != nil {
		return snap, err
	}
	rows, err := s.readers.QueryContext(ctx,
		`SELECT s.seq, s.epoch, s.name, s.payload, s.at, s.crc FROM snapshot s JOIN head h ON h.key = s.head
		 WHERE h.id = ? AND s.seq <= ? ORDER BY s.seq DESC`, id, bounded(toSeq))
	if err != nil {
		return snap, s.readError(ctx, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	skipped := 0
	for rows.Next() {
		var c snapshotColumns
		if err := rows.Scan(c.into()...); err != nil {
			return snap, s.readError(ctx, err)
		}
		if snap, err := c.snapshot(id); err == nil {
			snap.Skipped = skipped
			return snap, nil
		}
		skipped++
	}
	return persistence.Snapshot{Skipped: skipped}, s.readError(ctx, rows.Err())
}

// readError is explain for a read that ctx may have interrupted.
func (s *Store) readError(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(s.path, err)
}
