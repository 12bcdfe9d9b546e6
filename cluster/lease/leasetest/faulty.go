package leasetest

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe/cluster/lease"
)

// Faulty is a store that can be made to fail. Make one with [NewFaulty]; it is
// safe for concurrent use.
type Faulty struct {
	store lease.Store

	mu     sync.Mutex
	refuse error
	doubt  error
	hang   bool
}

// NewFaulty wraps a store; at first it does no harm.
func NewFaulty(s lease.Store) *Faulty { return &Faulty{store: s} }

// Refuse makes every operation return err and do nothing; nil ends it.
func (f *Faulty) Refuse(err error) { f.set(func() { f.refuse = err }) }

// Doubt makes every Swap do its work and return err; nil ends it.
func (f *Faulty) Doubt(err error) { f.set(func() { f.doubt = err }) }

// Hang makes every operation wait for the end of its context, or ends that.
func (f *Faulty) Hang(on bool) { f.set(func() { f.hang = on }) }

func (f *Faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *Faulty) fault(ctx context.Context) (doubt, err error) {
	f.mu.Lock()
	doubt, err, hang := f.doubt, f.refuse, f.hang
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return doubt, err
}

// Get implements [lease.Store].
func (f *Faulty) Get(ctx context.Context, name string) (lease.Record, error) {
	if _, err := f.fault(ctx); err != nil {
		return lease.Record{}, err
	}
	return f.store.Get(ctx, name)
}

// Swap implements [lease.Store].
func (f *Faulty) Swap(ctx context.Context, name string, old, next lease.Record) error {
	doubt, err := f.fault(ctx)
	if err != nil {
		return err
	}
	if err := f.store.Swap(ctx, name, old, next); err != nil {
		return err
	}
	return doubt
}
