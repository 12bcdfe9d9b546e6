// Package persistence keeps the state of actors as the events that led to it.
//
// # Guarantees
//
// An event is stored when its append has returned nil, and from then on every
// replay returns it, in order and byte by byte. The events of one persistence
// id are numbered without gaps; of two writers that use the same number, one
// is refused. Whoever claims an id under a newer epoch shuts out all older
// owners before it reads, so that a replaced owner can't write, however late
// it learns of it. A write whose outcome isn't known says so and is never
// reported as failed or done.
//
// # Duties
//
// One persistence id has one owner at a time. A cluster's shards and
// singletons see to that and pass their epoch on; a program that runs in one
// process may go without epochs. An owner that gets any error from a write
// stops and recovers by reading.
//
// # Tour
//
// [Journal] and [SnapshotStore] are what a store offers; [Memory] is the one
// without a disk, package persistence/sqlite the one with a file. A plug-in
// builds on [Head], which has the rules as pure functions, [CheckAppend] and
// [Event.Checksum], and proves itself with package persistencetest.
//
// Read event.go, head.go, journal.go, memory.go, errors.go.
package persistence
