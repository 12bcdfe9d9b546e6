// Package sqlite keeps events and snapshots in one SQLite file. It is written
// in Go alone: no C compiler, no shared library.
//
// # Guarantees
//
// A write that returned nil is there after a kill -9, a crash of the operating
// system or a loss of power; [ProcessCrash] trades the latter two for speed.
// Sequence numbers and fences are checked in the transaction that writes, so
// they hold among all the processes that have the file open. Every event and
// snapshot has a checksum that is compared when it is read. A full disk, a
// locked file or an I/O error fails the calls that it hits, loudly; when it is
// over the next call works, and nothing needs a restart. A failed commit is
// reported as persistence.ErrInDoubt, and so is a call whose context ended
// while its commit was under way. [Store.Err] says whether writing works, and a
// store that has failed finds out by itself when it does again.
//
// A store whose file, or its -wal or -shm file, was removed, moved or replaced
// fails; nothing is acknowledged that nobody could find again. A file that has an
// owner ([Config.Owner]) is refused to others, and taken over only by hand.
//
// # Duties
//
// The file belongs on a local disk: network volumes don't keep the promises
// that the shared log is built on. Back it up with the sqlite3 shell's .backup
// command, or copy it together with its -wal file while no process has it
// open. Close the store, after the actors that use it have stopped. The file
// is made for the user who runs the program; to share it among users, make an
// empty file with the mode you want first.
//
// # Tour
//
// [Open] gives a [Store], which is a persistence.Journal and a
// persistence.SnapshotStore. Writes of all callers pass through one goroutine
// that takes whatever is waiting into one transaction: a hundred actors that
// write at the same time share one wait for the disk. Reads go to a pool of
// connections and never wait for writers.
//
// The tables are head (one row for each persistence id), event and snapshot;
// migrations/ has them with comments. Schema changes are numbered scripts that
// [Open] applies; a file of a newer program is refused. The table journal has what
// the file knows of itself: a random id and its owner.
//
// Read store.go, writer.go, transaction.go, read.go, row.go, open.go, place.go,
// owner.go, health.go, config.go, errors.go.
package sqlite
