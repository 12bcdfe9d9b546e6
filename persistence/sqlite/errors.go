package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/troupe-go/troupe/persistence"
)

// code returns SQLite's primary result code of err, 0 when it has none.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func isBusy(err error) bool { return code(err) == lib.SQLITE_BUSY || code(err) == lib.SQLITE_LOCKED }

// refused reports whether err is a decision by the rules of the journal, as
// opposed to a failure of the store.
func refused(err error) bool {
	return errors.Is(err, persistence.ErrConflict) || errors.Is(err, persistence.ErrFenced) || errors.Is(err, persistence.ErrInvalid)
}

// explain turns a failure of SQLite into one of persistence's errors that says
// what to do about it. Other errors pass unchanged.
func explain(path string, err error) error {
	switch {
	case err == nil, refused(err),
		errors.Is(err, persistence.ErrCorrupt), errors.Is(err, persistence.ErrClosed), errors.Is(err, persistence.ErrUnavailable),
		errors.Is(err, persistence.ErrInDoubt),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed":
		return persistence.ErrClosed
	}
	advice := ""
	switch code(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		advice = "another process keeps it locked; look for one that is stuck in a transaction"
	case lib.SQLITE_FULL:
		advice = "the disk is full; free some space on its volume, nothing has to be restarted"
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		advice = "make the file, its directory and its -wal and -shm files writable for this user"
	case lib.SQLITE_IOERR:
		advice = "the disk reported an error; look at the system's log"
	case lib.SQLITE_CANTOPEN:
		advice = "check that the directory exists and that this user may write to it"
	case lib.SQLITE_NOTADB:
		return at(path, fmt.Errorf("%w: it is not an SQLite database (%w); choose another path", persistence.ErrCorrupt, err))
	case lib.SQLITE_CORRUPT:
		return at(path, fmt.Errorf("%w (%w); restore it from a backup, or try the .recover command of the sqlite3 shell",
			persistence.ErrCorrupt, err))
	}
	if advice == "" {
		return at(path, fmt.Errorf("%w: %w", persistence.ErrUnavailable, err))
	}
	return at(path, fmt.Errorf("%w: %w: %s", persistence.ErrUnavailable, err, advice))
}

func at(path string, err error) error {
	if path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
