package persistence

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Memory is a [Journal] and a [SnapshotStore] in memory: for tests, for
// examples, and as the plain model that other stores are compared with. What
// it keeps is gone with the process. Several systems of one process may share
// one. The zero value is ready for use; a Memory must not be copied. It is safe for
// concurrent use, never blocks, and never fails but by the rules.
type Memory struct {
	mu  sync.Mutex
	ids map[string]*memoryID
}

type memoryID struct {
	head      Head
	events    []Event    // from DeletedTo+1 to Highest
	snapshots []Snapshot // by ascending Seq
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{} }

// Claim implements [EventWriter].
func (m *Memory) Claim(ctx context.Context, id string, epoch actor.Epoch) (uint64, error) {
	if err := ready(ctx, id); err != nil {
		return 0, fmt.Errorf("claim: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.entry(id)
	head, err := entry.head.Claim(id, epoch)
	if err != nil {
		return 0, fmt.Errorf("claim: %w", err)
	}
	entry.head = head
	return head.Highest, nil
}

// Append implements [EventWriter].
func (m *Memory) Append(ctx context.Context, id string, epoch actor.Epoch, events []Event) error {
	if err := CheckAppend(id, events); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	if err := ready(ctx, id); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.entry(id)
	head, err := entry.head.Append(id, epoch, events)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	entry.head = head
	for _, e := range events {
		e.PersistenceID, e.Epoch = id, epoch
		entry.events = append(entry.events, copyEvent(e))
	}
	return nil
}

// DeleteTo implements [EventWriter].
func (m *Memory) DeleteTo(ctx context.Context, id string, epoch actor.Epoch, seq uint64) error {
	if err := ready(ctx, id); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.entry(id)
	head, err := entry.head.Delete(id, epoch, seq)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	entry.events = slices.Clone(entry.events[head.DeletedTo-entry.head.DeletedTo:])
	entry.head = head
	return nil
}

// Replay implements [EventReader].
func (m *Memory) Replay(ctx context.Context, id string, fromSeq, toSeq uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := ready(ctx, id); err != nil {
			yield(Event{}, fmt.Errorf("replay: %w", err))
			return
		}
		for _, e := range m.between(id, fromSeq, toSeq) {
			if err := ctx.Err(); err != nil {
				yield(Event{}, fmt.Errorf("replay: %w", err))
				return
			}
			if !yield(copyEvent(e), nil) {
				return
			}
		}
	}
}

// between returns the stored events themselves; they are never changed.
func (m *Memory) between(id string, fromSeq, toSeq uint64) []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.ids[id]
	if entry == nil {
		return nil
	}
	first := entry.head.DeletedTo + 1
	fromSeq, toSeq = max(fromSeq, first), min(toSeq, entry.head.Highest)
	if fromSeq > toSeq {
		return nil
	}
	return slices.Clone(entry.events[fromSeq-first : toSeq-first+1])
}

// HighestSeq implements [EventReader].
func (m *Memory) HighestSeq(ctx context.Context, id string) (uint64, error) {
	if err := ready(ctx, id); err != nil {
		return 0, fmt.Errorf("highest sequence number: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if entry := m.ids[id]; entry != nil {
		return entry.head.Highest, nil
	}
	return 0, nil
}

// SaveSnapshot implements [SnapshotStore].
func (m *Memory) SaveSnapshot(ctx context.Context, s Snapshot) error {
	if err := s.Check(); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	if err := ready(ctx, s.PersistenceID); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	s.Payload, s.Time, s.Skipped = copyBytes(s.Payload), utc(s.Time), 0
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.entry(s.PersistenceID)
	if _, err := entry.head.Claim(s.PersistenceID, s.Epoch); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	at := entry.snapshotAt(s.Seq)
	if at < len(entry.snapshots) && entry.snapshots[at].Seq == s.Seq {
		entry.snapshots[at] = s
		return nil
	}
	entry.snapshots = slices.Insert(entry.snapshots, at, s)
	return nil
}

// LoadSnapshot implements [SnapshotStore].
func (m *Memory) LoadSnapshot(ctx context.Context, id string, toSeq uint64) (Snapshot, error) {
	if err := ready(ctx, id); err != nil {
		return Snapshot{}, fmt.Errorf("load snapshot: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.ids[id]
	if entry == nil {
		return Snapshot{}, nil
	}
	after := entry.after(toSeq)
	if after == 0 {
		return Snapshot{}, nil
	}
	s := entry.snapshots[after-1]
	s.Payload = copyBytes(s.Payload)
	return s, nil
}

// DeleteSnapshots implements [SnapshotStore].
func (m *Memory) DeleteSnapshots(ctx context.Context, id string, fromSeq, toSeq uint64) error {
	if err := ready(ctx, id); err != nil {
		return fmt.Errorf("delete snapshots: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.ids[id]
	if entry == nil || fromSeq > toSeq {
		return nil
	}
	entry.snapshots = slices.Delete(entry.snapshots, entry.snapshotAt(fromSeq), entry.after(toSeq))
	return nil
}

func (m *Memory) entry(id string) *memoryID {
	entry := m.ids[id]
	if entry == nil {
		entry = &memoryID{}
		if m.ids == nil {
			m.ids = make(map[string]*memoryID)
		}
		m.ids[id] = entry
	}
	return entry
}

// snapshotAt returns the index of the first snapshot at seq or later.
func (e *memoryID) snapshotAt(seq uint64) int {
	return sort.Search(len(e.snapshots), func(i int) bool { return e.snapshots[i].Seq >= seq })
}

// after returns the index of the first snapshot later than seq.
func (e *memoryID) after(seq uint64) int {
	return sort.Search(len(e.snapshots), func(i int) bool { return e.snapshots[i].Seq > seq })
}

func ready(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return CheckID(id)
}

// copyEvent makes e independent of its original and brings it into the form in
// which every store returns it.
func copyEvent(e Event) Event {
	e.Payload, e.Tags, e.Time = copyBytes(e.Payload), append([]string(nil), e.Tags...), utc(e.Time)
	return e
}

// copyBytes copies p; an empty p becomes nil.
func copyBytes(p []byte) []byte { return append([]byte(nil), p...) }

// utc drops zone and monotonic reading but keeps the zero time.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(0, t.UnixNano()).UTC()
}
