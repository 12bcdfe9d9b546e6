package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

func testStore(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "journal.db"), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func event(seq uint64, payload int) []persistence.Event {
	return []persistence.Event{{Seq: seq, Name: "n", Payload: make([]byte, payload)}}
}

// sabotage runs f in the writer, inside a transaction of its own batch.
func sabotage(t *testing.T, s *Store, f func(tx *transaction) error) {
	t.Helper()
	require.NoError(t, s.writer.do(context.Background(), 0, f))
}

// F-19: disk full then freed.
func TestDiskFull(t *testing.T) {
	s := testStore(t, Config{})
	ctx := context.Background()
	require.NoError(t, s.Append(ctx, "x", actor.Epoch{}, event(1, 10)))
	limit := func(pages int) {
		sabotage(t, s, func(tx *transaction) error {
			var now int
			return tx.conn.QueryRowContext(ctx, fmt.Sprintf("PRAGMA max_page_count=%d", pages)).Scan(&now)
		})
	}
	limit(1) // no more than there are
	err := s.Append(ctx, "x", actor.Epoch{}, event(2, 100_000))
	require.ErrorIs(t, err, persistence.ErrUnavailable)
	require.NotErrorIs(t, err, persistence.ErrInDoubt)
	require.ErrorContains(t, err, "free some space")
	require.ErrorContains(t, err, s.path)
	limit(1 << 30)
	require.NoError(t, s.Append(ctx, "x", actor.Epoch{}, event(2, 100_000)))
	require.Equal(t, []uint64{1, 2}, stored(t, s, "x"))
}

func stored(t *testing.T, s *Store, id string) (seqs []uint64) {
	t.Helper()
	for e, err := range s.Replay(context.Background(), id, 1, persistence.SeqMax) {
		require.NoError(t, err)
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// PS-3: what a failed commit left behind is in doubt, and both can be true.
func TestFailedCommitIsInDoubt(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(tx *transaction) error
		want []uint64
	}{
		{"it was written", func(tx *transaction) error { return tx.commit() }, []uint64{1, 2}},
		{"it was not written", func(tx *transaction) error { return tx.commitStmt.Close() }, []uint64{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testStore(t, Config{})
			ctx := context.Background()
			require.NoError(t, s.Append(ctx, "x", actor.Epoch{}, event(1, 10)))
			rows, size, err := eventRows("x", actor.Epoch{}, event(2, 10))
			require.NoError(t, err)
			err = s.writer.do(ctx, size, func(tx *transaction) error {
				err := tx.onHead("x", func(h persistence.Head) (persistence.Head, error) {
					return h.Append("x", actor.Epoch{}, event(2, 10))
				}, func(key int64) error { return tx.insertEvents(key, rows) })
				require.NoError(t, err)
				return c.harm(tx)
			})
			require.ErrorIs(t, err, persistence.ErrInDoubt)
			highest, err := s.Claim(ctx, "x", actor.Epoch{})
			require.NoError(t, err, "the writer goes on with a new connection")
			require.Equal(t, uint64(len(c.want)), highest)
			require.Equal(t, c.want, stored(t, s, "x"))
			require.NoError(t, s.Append(ctx, "x", actor.Epoch{}, event(highest+1, 10)))
		})
	}
}

// A write that fails by itself doesn't take those down that share its batch,
// and one that is refused isn't there afterwards.
func TestOneBadWriteInABatch(t *testing.T) {
	s := testStore(t, Config{})
	ctx := context.Background()
	held, release := make(chan struct{}), make(chan struct{})
	go func() {
		// Keeps the writer busy until the batch has gathered behind it.
		_ = s.writer.do(ctx, 0, func(*transaction) error { close(held); <-release; return nil })
	}()
	<-held
	var group sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		group.Go(func() {
			id := fmt.Sprint(i)
			switch i {
			case 7:
				results[i] = s.writer.do(ctx, 0, func(tx *transaction) error { return tx.exec(tx.insertEvent, nil, nil, nil, nil, nil, nil, nil, nil) })
			case 9:
				results[i] = s.Append(ctx, id, actor.Epoch{}, event(5, 10))
			default:
				results[i] = s.Append(ctx, id, actor.Epoch{}, event(1, 10))
			}
		})
	}
	for len(s.writer.queue) < len(results) {
		yield()
	}
	close(release)
	group.Wait()
	for i, err := range results {
		switch i {
		case 7:
			require.ErrorIs(t, err, persistence.ErrUnavailable)
		case 9:
			require.ErrorIs(t, err, persistence.ErrConflict)
			require.Empty(t, stored(t, s, fmt.Sprint(i)))
		default:
			require.NoError(t, err)
			require.Equal(t, []uint64{1}, stored(t, s, fmt.Sprint(i)))
		}
	}
}

func TestGivingUpIsDefiniteOnlyBeforeTheWriteBegins(t *testing.T) {
	s := testStore(t, Config{})
	held, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	underWay := make(chan error)
	go func() {
		underWay <- s.writer.do(ctx, 0, func(*transaction) error { close(held); <-release; return nil })
	}()
	<-held
	queued := make(chan error)
	go func() { queued <- s.Append(ctx, "x", actor.Epoch{}, event(1, 10)) }()
	for len(s.writer.queue) == 0 {
		yield()
	}
	cancel()
	err := <-underWay
	require.ErrorIs(t, err, persistence.ErrInDoubt)
	require.ErrorIs(t, err, context.Canceled)
	err = <-queued
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, persistence.ErrInDoubt)
	close(release)
	highest, err := s.Claim(context.Background(), "x", actor.Epoch{})
	require.NoError(t, err)
	require.Zero(t, highest)
}

func TestFullQueueWaitsForRoom(t *testing.T) {
	s := testStore(t, Config{QueueMax: 1})
	held, release := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.writer.do(context.Background(), 0, func(*transaction) error { close(held); <-release; return nil })
	}()
	<-held
	first := make(chan error)
	go func() { first <- s.Append(context.Background(), "x", actor.Epoch{}, event(1, 10)) }()
	for len(s.writer.queue) == 0 {
		yield()
	}
	ctx, cancel := context.WithCancel(context.Background())
	second := make(chan error)
	go func() { second <- s.Append(ctx, "x", actor.Epoch{}, event(2, 10)) }()
	cancel()
	require.ErrorIs(t, <-second, context.Canceled)
	close(release)
	require.NoError(t, <-first)
	require.Equal(t, []uint64{1}, stored(t, s, "x"))
}
