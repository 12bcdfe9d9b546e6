package lease

import (
	"context"
	"sync"
)

// Memory is a [Store] in the memory of one process: for tests, and for leases
// among the parts of one program. What it knows ends with the process.
type Memory struct {
	mu      sync.Mutex
	records map[string]Record
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{records: map[string]Record{}} }

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, name string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[name], nil
}

// Swap implements [Store].
func (m *Memory) Swap(ctx context.Context, name string, old, next Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[name].Version != old.Version {
		return ErrChanged
	}
	m.records[name] = next
	return nil
}
