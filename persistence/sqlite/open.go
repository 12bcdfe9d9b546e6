package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrations embed.FS

// pollMin and pollMax bound the pauses between two attempts to get the lock
// that another process has. They are short because SQLite has no queue for it:
// who asks more often gets it sooner.
const (
	pollMin = 200 * time.Microsecond
	pollMax = 4 * time.Millisecond
)

// checkPath says in plain words what SQLite would call "unable to open". It
// must not open the file: closing it again would drop the locks that other
// connections of this process hold on it.
func checkPath(path string) (existed bool, err error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return false, errors.New("a path of a file is needed; persistence.NewMemory is the store without a file")
	}
	dir := filepath.Dir(path)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("directory %s does not exist; create it or choose another path", dir)
	case err != nil:
		return false, fmt.Errorf("directory %s can't be used: %w", dir, err)
	case !info.IsDir():
		return false, fmt.Errorf("%s is not a directory; choose another path", dir)
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("file can't be used: %w", err)
	case info.IsDir():
		return false, errors.New("it is a directory; choose the path of a file in it")
	}
	return true, nil
}

// dsn names the file to the driver. The path is escaped, so that no character
// of it is taken for a parameter.
func dsn(path string, pragmas ...string) string {
	values := url.Values{}
	for _, p := range pragmas {
		values.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + values.Encode()
}

func (d Durability) pragma() string {
	if d == ProcessCrash {
		return "synchronous(NORMAL)"
	}
	return "synchronous(FULL)"
}

// openWriter opens the one connection that writes. It waits for locks by
// polling (see lock), not by SQLite's handler, which sleeps ever longer.
func openWriter(path string, cfg Config) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "busy_timeout(0)", cfg.Durability.pragma(), "cache_size(-8000)",
		"wal_autocheckpoint(4000)", "journal_size_limit(67108864)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func openReaders(path string, cfg Config) (*sql.DB, error) {
	busy := fmt.Sprintf("busy_timeout(%d)", cfg.busyTimeout().Milliseconds())
	db, err := sql.Open("sqlite", dsn(path, busy, "query_only(1)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(cfg.readers() + 1) // and the anchor
	db.SetMaxIdleConns(cfg.readers())
	return db, nil
}

// patiently repeats f while the file is locked by somebody else, for at most
// limit. keepOn may end it sooner; nil means that nothing does.
func patiently(limit time.Duration, keepOn func() bool, f func() error) error {
	deadline := time.Now().Add(limit)
	for pause := pollMin; ; pause = min(2*pause, pollMax) {
		err := f()
		if err == nil || !isBusy(err) || !time.Now().Before(deadline) || keepOn != nil && !keepOn() {
			return err
		}
		time.Sleep(pause)
	}
}

// prepare makes the file a journal of the present version that belongs to
// cfg.Owner: write-ahead log on, all migrations applied. Several processes may do
// it at the same time.
func prepare(ctx context.Context, db *sql.DB, cfg Config) (s self, err error) {
	var mode string
	err = patiently(cfg.busyTimeout(), nil, func() error {
		return db.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
	})
	if err != nil {
		return self{}, err
	}
	if mode != "wal" {
		return self{}, fmt.Errorf("the write-ahead log can't be turned on (journal mode stays %q); is the file on a network volume?", mode)
	}
	err = patiently(cfg.busyTimeout(), nil, func() error {
		s, err = migrate(ctx, db, cfg)
		return err
	})
	return s, err
}

// migrate applies the numbered files of migrations that the database has not
// seen, and settles who owns it, all in one transaction.
func migrate(ctx context.Context, db *sql.DB, cfg Config) (s self, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return self{}, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return self{}, err
	}
	if err = migrateLocked(ctx, conn); err == nil {
		s, err = settle(ctx, conn, cfg)
	}
	if err != nil {
		_, rollback := conn.ExecContext(ctx, "ROLLBACK")
		return self{}, errors.Join(err, rollback)
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return s, err
}

func migrateLocked(ctx context.Context, conn *sql.Conn) error {
	version, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names) // four digits each: the order of the names is that of the numbers
	if version > len(names) {
		return fmt.Errorf("the file has schema version %d, this program knows versions up to %d; use a newer program", version, len(names))
	}
	for i, name := range names[version:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO schema_version (version, name) VALUES (?, ?)",
			version+i+1, filepath.Base(name)); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	return nil
}

// schemaVersion returns the number of migrations that were applied. It refuses
// a database that belongs to somebody else.
func schemaVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	var tables, ours int
	err := conn.QueryRowContext(ctx,
		"SELECT count(*), count(*) FILTER (WHERE name = 'schema_version') FROM sqlite_schema WHERE type = 'table'").Scan(&tables, &ours)
	if err != nil {
		return 0, err
	}
	if tables == 0 {
		_, err := conn.ExecContext(ctx, "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
		return 0, err
	}
	if ours == 0 {
		return 0, errors.New("it is a database of another program; choose another path")
	}
	var version int
	err = conn.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM schema_version").Scan(&version)
	return version, err
}
