package lease

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Store keeps one [Record] for each name. Implementations are safe for
// concurrent use, by many processes if that is what they are for.
type Store interface {
	// Get returns the record of a name; the zero Record if there is none yet.
	// It may be one that was replaced a moment ago.
	Get(ctx context.Context, name string) (Record, error)
	// Swap puts next in the place of old, if the version of the record is still
	// that of old; next has the version that follows. Of several that swap one
	// version, one succeeds and all others get [ErrChanged]. Another error says
	// that it isn't known whether it was done.
	Swap(ctx context.Context, name string, old, next Record) error
}

// Record is what a store knows of one lease.
type Record struct {
	// Version counts the changes; renewals are changes. 0: there was none.
	Version uint64
	// Owner holds the lease; empty if nobody does.
	Owner string
	// Token is that of the last owner.
	Token Token
	// TTL is how long the owner may be silent.
	TTL time.Duration
}

// Token numbers the holders of a lease: whoever gets it after another has a
// larger one. What is guarded by the lease keeps the largest token it has seen
// and refuses smaller ones.
type Token uint64

// What an error of a lease is, to be tested with errors.Is.
var (
	// ErrChanged: the record isn't the one any more that was to be swapped.
	ErrChanged = errors.New("the record has changed")
	// ErrHeld: another owner holds the lease, or may hold it.
	ErrHeld = errors.New("lease is held by another")
	// ErrUnknown: the store gave no answer, so it isn't known who holds the
	// lease. Take it for no.
	ErrUnknown = errors.New("it isn't known who holds the lease")
	// ErrLost: the lease was held and isn't any more.
	ErrLost = errors.New("lease was lost")
)

// HeldError is an [ErrHeld] that says who holds the lease.
type HeldError struct{ Owner string }

// Error names the owner.
func (e *HeldError) Error() string { return ErrHeld.Error() + ": " + e.Owner }

// Unwrap returns ErrHeld.
func (e *HeldError) Unwrap() error { return ErrHeld }

// Bounds of names and owners, so that every store can keep them.
const (
	nameMax  = 100
	ownerMax = 300
)

// ValidName says what is wrong with the name of a lease: it wants 1 to 100 of
// the letters a to z, digits, dots, dashes and underscores, and doesn't begin
// with a dot.
func ValidName(name string) error {
	bad := name == "" || len(name) > nameMax || name[0] == '.'
	for _, r := range name {
		bad = bad || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
	}
	if bad {
		return fmt.Errorf("lease name %q: want 1 to %d letters, digits, dots, dashes or underscores, and no dot first", name, nameMax)
	}
	return nil
}
