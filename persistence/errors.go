package persistence

import "errors"

// Errors of stores and of event-sourced actors, to be tested with errors.Is.
// Of a failed write, ErrInDoubt alone leaves open whether it took effect;
// after any other error nothing of it was stored, nor will be.
var (
	// ErrConflict: the first event is not the successor of the last stored
	// one. Another writer was there in between, or the caller lost count.
	// Recover by reading.
	ErrConflict = errors.New("sequence number conflict")
	// ErrFenced: a newer epoch has claimed the persistence id. The caller was
	// replaced as its owner and must stop.
	ErrFenced = errors.New("fenced by a newer epoch")
	// ErrInDoubt: the write may or may not be stored. The caller must stop
	// using what it has in memory and recover by reading.
	ErrInDoubt = errors.New("outcome of the write is in doubt")
	// ErrUnavailable: the store can't serve the call now (busy, disk full,
	// I/O error); the same call may succeed later.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrCorrupt: what was read is not what was written: a checksum differs
	// or an event in the middle is missing.
	ErrCorrupt = errors.New("stored data is corrupt")
	// ErrInvalid: the arguments break the contract of the call, for instance
	// an empty persistence id or events that are not numbered one by one.
	ErrInvalid = errors.New("invalid argument")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrRecovery: an event-sourced actor could not rebuild its state.
	ErrRecovery = errors.New("recovery failed")
)
