package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/troupe-go/troupe/persistence"
)

// transaction is the writing connection with its prepared statements. Nothing
// on it is ever interrupted, so that a statement's outcome is always known.
type transaction struct {
	conn            *sql.Conn
	beginStmt       *sql.Stmt
	commitStmt      *sql.Stmt
	selectHead      *sql.Stmt
	insertHead      *sql.Stmt
	updateHead      *sql.Stmt
	insertEvent     *sql.Stmt
	deleteEvents    *sql.Stmt
	saveSnapshot    *sql.Stmt
	deleteSnapshots *sql.Stmt
	selectSelf      *sql.Stmt
}

// prepareLimit is for how long a new connection waits for others that are
// opening or recovering the file.
const prepareLimit = time.Second

func newTransaction(ctx context.Context, db *sql.DB) (*transaction, error) {
	var conn *sql.Conn
	err := patiently(prepareLimit, nil, func() (err error) {
		conn, err = db.Conn(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	tx := &transaction{conn: conn}
	for _, s := range tx.statements() {
		err := patiently(prepareLimit, nil, func() (err error) {
			*s.stmt, err = conn.PrepareContext(ctx, s.sql)
			return err
		})
		if err != nil {
			tx.discard()
			return nil, err
		}
	}
	return tx, nil
}

type statement struct {
	stmt **sql.Stmt
	sql  string
}

// statements returns all statements, prepared or not.
func (tx *transaction) statements() []statement {
	return []statement{
		{&tx.beginStmt, "BEGIN IMMEDIATE"},
		{&tx.commitStmt, "COMMIT"},
		{&tx.selectHead, "SELECT key, highest, deleted_to, fence FROM head WHERE id = ?"},
		{&tx.insertHead, "INSERT INTO head (id, highest, deleted_to, fence) VALUES (?, ?, ?, ?)"},
		{&tx.updateHead, "UPDATE head SET highest = ?, deleted_to = ?, fence = ? WHERE key = ?"},
		{&tx.insertEvent, "INSERT INTO event (head, seq, epoch, name, payload, at, tags, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
		{&tx.deleteEvents, "DELETE FROM event WHERE head = ? AND seq <= ?"},
		{&tx.saveSnapshot, "INSERT OR REPLACE INTO snapshot (head, seq, epoch, name, payload, at, crc) VALUES (?, ?, ?, ?, ?, ?, ?)"},
		{&tx.deleteSnapshots, "DELETE FROM snapshot WHERE head = (SELECT key FROM head WHERE id = ?) AND seq BETWEEN ? AND ?"},
		{&tx.selectSelf, selectSelf},
	}
}

func (tx *transaction) begin() error  { return tx.exec(tx.beginStmt) }
func (tx *transaction) commit() error { return tx.exec(tx.commitStmt) }

func (tx *transaction) rollback() error {
	_, err := tx.conn.ExecContext(context.Background(), "ROLLBACK")
	return err
}

// self reads what the file knows of itself.
func (tx *transaction) self() (self, error) {
	return scanSelf(tx.selectSelf.QueryRowContext(context.Background()))
}

// discard closes the connection for good; a transaction that is open on it is
// undone by SQLite. Statements that were prepared on a sql.Conn are closed by
// nobody else, and without that SQLite keeps the connection open. Errors tell
// nothing that is not known already.
func (tx *transaction) discard() {
	for _, s := range tx.statements() {
		if *s.stmt != nil {
			_ = (*s.stmt).Close()
		}
	}
	_ = tx.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = tx.conn.Close()
}

func (tx *transaction) exec(stmt *sql.Stmt, args ...any) error {
	_, err := stmt.ExecContext(context.Background(), args...)
	return err
}

// onHead lets decide turn the head of id into the next one, stores that if it
// differs, and calls write (if there is any) with the head's key. A refusal
// of decide leaves everything as it was.
func (tx *transaction) onHead(
	id string,
	decide func(h persistence.Head) (persistence.Head, error),
	write func(key int64) error,
) error {
	var key int64
	var head persistence.Head
	var fence []byte
	err := tx.selectHead.QueryRowContext(context.Background(), id).Scan(&key, &head.Highest, &head.DeletedTo, &fence)
	known := err == nil
	switch {
	case known:
		if head.Fence, err = decodeEpoch(fence); err != nil {
			return err
		}
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	next, err := decide(head)
	if err != nil {
		return err
	}
	highest, deletedTo := bounded(next.Highest), bounded(next.DeletedTo)
	switch {
	case !known && (write != nil || next != head):
		result, err := tx.insertHead.ExecContext(context.Background(), id, highest, deletedTo, encodeEpoch(next.Fence))
		if err != nil {
			return err
		}
		if key, err = result.LastInsertId(); err != nil {
			return err
		}
	case known && next != head:
		if err := tx.exec(tx.updateHead, highest, deletedTo, encodeEpoch(next.Fence), key); err != nil {
			return err
		}
	}
	if write == nil {
		return nil
	}
	return write(key)
}

func (tx *transaction) insertEvents(key int64, rows [][]any) error {
	for _, row := range rows {
		row[0] = key
		if err := tx.exec(tx.insertEvent, row...); err != nil {
			return err
		}
	}
	return nil
}
