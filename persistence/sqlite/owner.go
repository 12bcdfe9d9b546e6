package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/persistence"
)

// ErrOwned is wrapped by the error of an [Open] and of writes that were refused
// because the file belongs to somebody else; see [Config.Owner].
var ErrOwned = errors.New("the file belongs to another owner")

// OwnerError says to whom a file belongs. It wraps [ErrOwned] and
// persistence.ErrFenced.
type OwnerError struct {
	// Owner is who owns the file.
	Owner string
	// Caller is who wanted to have it or to write to it; empty for nobody in
	// particular.
	Caller string
}

// Error says what to do, too.
func (e *OwnerError) Error() string {
	if e.Caller == "" {
		return fmt.Sprintf("the file belongs to %q, and only that may write to it; set Config.Owner", e.Owner)
	}
	return fmt.Sprintf("the file belongs to %q, and %q may not write to it; use a file of your own, or, "+
		"when nothing of %q runs any more, take it over with Config.TakeOverFrom", e.Owner, e.Caller, e.Owner)
}

// Unwrap returns the errors that it is as well.
func (e *OwnerError) Unwrap() []error { return []error{ErrOwned, persistence.ErrFenced} }

// self is what the file knows of itself.
type self struct {
	id    string
	owner string
}

const selectSelf = "SELECT id, owner FROM journal"

func scanSelf(row *sql.Row) (s self, err error) {
	if err = row.Scan(&s.id, &s.owner); errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: the file doesn't know itself any more; restore it from a backup", persistence.ErrCorrupt)
	}
	return s, err
}

// check says whether the caller may write to a file that was opened with the id.
func (s self) check(id string, cfg Config) error {
	switch {
	case s.id != id:
		return fmt.Errorf("%w: another journal is in its place; stop all processes that use it and start them again", persistence.ErrUnavailable)
	case s.owner != cfg.Owner:
		return &OwnerError{Owner: s.owner, Caller: cfg.Owner}
	}
	return nil
}

// settle makes cfg.Owner the owner of the file if it may be, in the transaction
// that is open, and returns what the file knows of itself.
func settle(ctx context.Context, conn *sql.Conn, cfg Config) (self, error) {
	s, err := scanSelf(conn.QueryRowContext(ctx, selectSelf))
	switch {
	case err != nil:
		return self{}, err
	case cfg.Owner == "" || cfg.Owner == s.owner:
		return s, nil
	case s.owner != "" && s.owner != cfg.TakeOverFrom:
		return self{}, &OwnerError{Owner: s.owner, Caller: cfg.Owner}
	}
	_, err = conn.ExecContext(ctx, "UPDATE journal SET owner = ?", cfg.Owner)
	return s, err
}
