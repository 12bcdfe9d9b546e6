package persistence

import (
	"fmt"

	"github.com/troupe-go/troupe/actor"
)

// Head is what a journal knows about one persistence id besides its events.
// It is a value with the rules of a journal as methods, so that every plug-in
// decides alike: read the head, call the method, and store the new head
// together with the events in one transaction. The zero Head is that of an id
// that was never heard of.
type Head struct {
	// Highest is the sequence number of the last event ever appended; it
	// stays when events are deleted.
	Highest uint64
	// DeletedTo is the sequence number up to which events were deleted.
	DeletedTo uint64
	// Fence is the newest epoch that claimed the id or wrote to it.
	Fence actor.Epoch
}

// Claim returns the head after a claim by epoch, or an error wrapping
// [ErrFenced].
func (h Head) Claim(id string, epoch actor.Epoch) (Head, error) {
	if epoch.Older(h.Fence) {
		if epoch.IsZero() {
			return h, fmt.Errorf("%q: %w: it is owned under epoch %v and the caller has none", id, ErrFenced, h.Fence)
		}
		return h, fmt.Errorf("%q: %w: the caller has epoch %v, the owner %v", id, ErrFenced, epoch, h.Fence)
	}
	h.Fence = epoch
	return h, nil
}

// Append returns the head after events were appended under epoch, or an error
// wrapping [ErrFenced] or [ErrConflict]. The events must have passed
// [CheckAppend].
func (h Head) Append(id string, epoch actor.Epoch, events []Event) (Head, error) {
	next, err := h.Claim(id, epoch)
	if err != nil || len(events) == 0 {
		return next, err
	}
	if first := events[0].Seq; first != h.Highest+1 {
		return h, fmt.Errorf("%q: %w: event %d was to be appended, the journal is at %d", id, ErrConflict, first, h.Highest)
	}
	next.Highest = events[len(events)-1].Seq
	return next, nil
}

// Delete returns the head after the events up to and including seq were
// deleted under epoch, or an error wrapping [ErrFenced].
func (h Head) Delete(id string, epoch actor.Epoch, seq uint64) (Head, error) {
	next, err := h.Claim(id, epoch)
	if err != nil {
		return next, err
	}
	next.DeletedTo = max(h.DeletedTo, min(seq, h.Highest))
	return next, nil
}
