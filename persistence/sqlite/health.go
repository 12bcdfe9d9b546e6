package sqlite

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/troupe-go/troupe/persistence"
)

// probeEvery is how often a store that has failed tries to write by itself. It
// bounds how often its health changes, too: a write that succeeds among others
// that don't proves nothing.
const probeEvery = time.Second

// probeBytes is what a probe writes: enough that a disk with a few free sectors
// isn't taken for one with room.
const probeBytes = 64 << 10

// health is whether writing works, as the last attempts have shown.
type health struct {
	trouble  atomic.Pointer[error] // nil: none
	onChange func(err error)       // nil: nobody asked
}

func (h *health) err() error {
	if err := h.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// failed notes an error of a write, unless it is the fault of what was written.
// It is called by the writer alone, as is works.
func (h *health) failed(err error) {
	if !troubling(err) {
		return
	}
	if h.trouble.Swap(&err) == nil && h.onChange != nil {
		h.onChange(err)
	}
}

// works notes that a probe was written.
func (h *health) works() {
	if h.trouble.Swap(nil) != nil && h.onChange != nil {
		h.onChange(nil)
	}
}

// troubling reports whether err is about the store, and not about one write.
func troubling(err error) bool {
	switch code(err) {
	case lib.SQLITE_TOOBIG, lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_RANGE:
		return false
	}
	return !refused(err) || errors.Is(err, ErrOwned)
}

// probe writes something to find out whether the cause of a failure is gone. It
// is random, because SQLite doesn't write what is there already.
func (w *writer) probe() {
	err := w.enter(nil)
	if err == nil {
		_, err = w.tx.conn.ExecContext(context.Background(), "UPDATE journal SET filler = randomblob(?)", probeBytes)
		if err != nil {
			w.rollback(err)
		} else {
			err = w.seal()
		}
	}
	if err != nil {
		w.health.failed(explain(w.path, err))
		return
	}
	w.health.works()
}

// Err returns why the store can't be written to, or nil: what a node says when
// it is asked whether it is ready. The file is looked for at its path, and for
// the rest the last attempt to write counts; a store that has failed tries again
// by itself every second. It doesn't block.
func (s *Store) Err() error {
	if s.closed.Load() {
		return persistence.ErrClosed
	}
	if err := s.place.check(); err != nil {
		return at(s.path, err)
	}
	return s.writer.health.err()
}
