package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/persistence"
)

// writer is the goroutine through which all writes of a store go. It takes
// whatever is waiting into one transaction, so that a hundred actors share one
// wait for the disk, and answers each write on its own after the commit.
type writer struct {
	path   string
	cfg    Config
	db     *sql.DB
	id     string // of the journal
	place  place
	queue  chan *request
	quit   chan struct{} // closed: no new requests
	gone   chan struct{} // closed: the goroutine has ended
	tx     *transaction  // nil: no usable connection
	health health
}

// A request belongs to the caller until the writer takes it, from then on the
// writer: who moves its state first wins. A caller that gives up before knows
// that nothing was written; after, it doesn't know.
const (
	waiting int32 = iota
	taken
	abandoned
)

type request struct {
	apply func(tx *transaction) error
	size  int
	state atomic.Int32
	done  chan error
}

func (r *request) move(to int32) bool { return r.state.CompareAndSwap(waiting, to) }

func startWriter(path string, cfg Config, db *sql.DB, id string, place place) *writer {
	w := &writer{
		path: path, cfg: cfg, db: db, id: id, place: place,
		queue:  make(chan *request, cfg.queueMax()),
		quit:   make(chan struct{}),
		gone:   make(chan struct{}),
		health: health{onChange: cfg.OnChange},
	}
	go w.run()
	return w
}

// do hands apply to the writer and returns its error, or that of the commit.
// apply may be called more than once; only its last call counts.
func (w *writer) do(ctx context.Context, size int, apply func(tx *transaction) error) error {
	r := &request{apply: apply, size: size, done: make(chan error, 1)}
	select {
	case <-w.quit:
		return persistence.ErrClosed
	default:
	}
	select {
	case w.queue <- r:
	case <-w.quit:
		return persistence.ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("%w: %d writes are waiting: %w", persistence.ErrUnavailable, len(w.queue), ctx.Err())
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.move(abandoned) {
			return fmt.Errorf("%w: the write was still waiting: %w", persistence.ErrUnavailable, ctx.Err())
		}
	case <-w.gone:
		if r.move(abandoned) {
			return persistence.ErrClosed
		}
	}
	select {
	case err := <-r.done: // it was answered in the same moment
		return err
	default:
		return fmt.Errorf("%w: the write was under way: %w", persistence.ErrInDoubt, ctx.Err())
	}
}

// close lets the writer finish what is queued and closes its connection.
func (w *writer) close() error {
	close(w.quit)
	<-w.gone
	if w.place.check() == nil { // or it would be another's log, or another's file
		// Others may be using the file; then it is theirs to empty the log.
		_, _ = w.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return w.db.Close()
}

func (w *writer) run() {
	defer close(w.gone)
	defer func() { w.drop() }()
	batch := make([]*request, 0, w.cfg.batchMax())
	probes := time.NewTicker(probeEvery)
	probes.Stop()
	for failing := false; ; {
		if now := w.health.err() != nil; now != failing {
			if failing = now; failing {
				probes.Reset(probeEvery)
			} else {
				probes.Stop()
			}
		}
		select {
		case r := <-w.queue:
			batch = w.collect(append(batch[:0], r))
			w.process(batch)
		case <-probes.C:
			w.probe()
		case <-w.quit:
			w.drain(batch)
			return
		}
		clear(batch)
	}
}

// drain writes what was queued before the end. A request that slips in later
// stays in the queue, and its caller sees that the writer is gone.
func (w *writer) drain(batch []*request) {
	for {
		select {
		case r := <-w.queue:
			w.process(w.collect(append(batch[:0], r)))
		default:
			return
		}
	}
}

// collect fills the batch with what is waiting.
func (w *writer) collect(batch []*request) []*request {
	// The callers answered after the last commit are runnable now and about
	// to write again: let them, or every other commit is of one write only.
	runtime.Gosched()
	size := batch[0].size
	for len(batch) < w.cfg.batchMax() && size < batchBytesMax {
		select {
		case r := <-w.queue:
			size += r.size
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// process writes a batch in one transaction and answers everybody in it.
func (w *writer) process(batch []*request) {
	if err := w.lock(batch); err != nil {
		err = explain(w.path, err)
		w.health.failed(err)
		for _, r := range batch {
			if r.move(taken) {
				r.done <- err
			}
		}
		return
	}
	live := batch[:0:0]
	for _, r := range batch {
		if r.move(taken) {
			live = append(live, r)
		}
	}
	results, err := w.applyAll(live)
	if err != nil {
		// Something in the batch, or about the disk, made a statement fail.
		// Nothing was written; alone, each gets what it deserves.
		w.rollback(err)
		w.one(live, err)
		return
	}
	w.commit(live, results)
}

// lock begins the transaction. While another process has the lock it waits for
// as long as anybody in the batch does, BusyTimeout at most.
func (w *writer) lock(batch []*request) error {
	return w.enter(func() bool {
		for _, r := range batch {
			if r.state.Load() == waiting {
				return true
			}
		}
		return false
	})
}

// enter begins a transaction on the file that was opened, if it is still this
// owner's. While another process has the lock it waits for as long as wanted
// says so, BusyTimeout at most; nil means that.
func (w *writer) enter(wanted func() bool) error {
	err := w.place.check()
	if err == nil {
		err = w.connect()
	}
	if err != nil {
		return err
	}
	if err := patiently(w.cfg.busyTimeout(), wanted, w.tx.begin); err != nil {
		if !isBusy(err) {
			w.drop()
		}
		return err
	}
	s, err := w.tx.self()
	if err == nil {
		err = s.check(w.id, w.cfg)
	}
	if err != nil {
		w.rollback(err)
		w.drop()
	}
	return err
}

// applyAll makes every request write. A refusal by the rules of the journal is
// a result; any other error ends it, and the transaction must be rolled back.
func (w *writer) applyAll(live []*request) ([]error, error) {
	results := make([]error, len(live))
	for i, r := range live {
		if err := r.apply(w.tx); refused(err) {
			results[i] = err
		} else if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// one writes the requests of a failed batch one by one.
func (w *writer) one(live []*request, cause error) {
	for _, r := range live {
		if len(live) > 1 {
			cause = w.alone(r)
			if cause == nil {
				continue
			}
		}
		cause = explain(w.path, cause)
		w.health.failed(cause)
		r.done <- cause
	}
}

// alone writes one request in a transaction of its own and answers it, unless
// it returns the error with which the request is to be answered.
func (w *writer) alone(r *request) error {
	if err := w.enter(nil); err != nil {
		return err
	}
	results, err := w.applyAll([]*request{r})
	if err != nil {
		w.rollback(err)
		return err
	}
	w.commit([]*request{r}, results)
	return nil
}

// commit commits and answers.
func (w *writer) commit(live []*request, results []error) {
	err := w.seal()
	if err != nil {
		err = explain(w.path, err)
		w.health.failed(err)
	}
	for i, r := range live {
		if results[i] != nil {
			r.done <- results[i]
			continue
		}
		r.done <- err
	}
}

// seal commits the transaction to the file that was opened, and makes sure that
// it is still in its place. When the commit itself fails nobody knows what is on
// the disk: the log may already hold the transaction and a later recovery of the
// file may find it. The connection is not used again.
func (w *writer) seal() error {
	if err := w.place.check(); err != nil {
		w.rollback(err)
		return err
	}
	if err := w.tx.commit(); err != nil {
		w.rollback(err)
		w.drop()
		return fmt.Errorf("%w: the commit failed: %w", persistence.ErrInDoubt, explain(w.path, err))
	}
	if err := w.place.check(); err != nil {
		return fmt.Errorf("%w: it was committed, but %w", persistence.ErrInDoubt, err)
	}
	return nil
}

// rollback undoes the transaction. SQLite may have done so by itself; if it
// can't be done, the connection is not used again.
func (w *writer) rollback(cause error) {
	if w.tx == nil {
		return
	}
	if err := w.tx.rollback(); err != nil || errors.Is(cause, driver.ErrBadConn) {
		w.drop()
	}
}

func (w *writer) connect() error {
	if w.tx != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.cfg.busyTimeout()+time.Second)
	defer cancel()
	tx, err := newTransaction(ctx, w.db)
	if err != nil {
		return err
	}
	w.tx = tx
	return nil
}

func (w *writer) drop() {
	if w.tx != nil {
		w.tx.discard()
		w.tx = nil
	}
}
