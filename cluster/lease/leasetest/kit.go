package leasetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/lease"
)

// Open returns an empty store.
type Open func(t *testing.T) lease.Store

// Run checks a store and leases on it. Leases live in the time of the machine
// here, with TTLs of a second; it takes some seconds.
func Run(t *testing.T, open Open) {
	t.Helper()
	t.Run("store", func(t *testing.T) { checkStore(t, open(t)) })
	t.Run("one of many swaps wins", func(t *testing.T) { s := open(t); checkRace(t, s, s) })
	t.Run("lease", func(t *testing.T) { checkLease(t, open(t)) })
	t.Run("silence", func(t *testing.T) { checkSilence(t, open(t)) })
	t.Run("contenders", func(t *testing.T) { checkContenders(t, open(t)) })
}

// Shared checks that two stores that were opened on the same place are one.
func Shared(t *testing.T, a, b lease.Store) {
	t.Helper()
	ctx := context.Background()
	r := lease.Record{Version: 1, Owner: "a", Token: 1, TTL: time.Second}
	require.NoError(t, a.Swap(ctx, "shared", lease.Record{}, r))
	got, err := b.Get(ctx, "shared")
	require.NoError(t, err)
	require.Equal(t, r, got, "what one has written the other reads")
	require.ErrorIs(t, b.Swap(ctx, "shared", lease.Record{}, r), lease.ErrChanged)
	checkRace(t, a, b)
}

func checkStore(t *testing.T, s lease.Store) {
	ctx := context.Background()
	got, err := s.Get(ctx, "new")
	require.NoError(t, err)
	require.Zero(t, got, "a name that nobody has used has the zero record")
	first := lease.Record{Version: 1, Owner: "me#1 (with spaces)", Token: 7, TTL: 1500 * time.Millisecond}
	require.NoError(t, s.Swap(ctx, "new", lease.Record{}, first))
	got, err = s.Get(ctx, "new")
	require.NoError(t, err)
	require.Equal(t, first, got, "all fields are kept")
	require.ErrorIs(t, s.Swap(ctx, "new", lease.Record{}, first), lease.ErrChanged, "version 0 was swapped before")
	last := first
	for range 50 {
		next := last
		next.Version++
		require.NoError(t, s.Swap(ctx, "new", last, next))
		last = next
	}
	late := first
	late.Version++
	late.Owner = "late"
	require.ErrorIs(t, s.Swap(ctx, "new", first, late), lease.ErrChanged, "a version of long ago")
	got, err = s.Get(ctx, "new")
	require.NoError(t, err)
	require.Equal(t, last, got)
	other, err := s.Get(ctx, "new-too")
	require.NoError(t, err)
	require.Zero(t, other, "names are independent, also when one begins with the other")
	ended, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("enough"))
	require.Error(t, s.Swap(ended, "new", last, late), "a context that has ended")
}

// checkRace lets many swap the same version, again and again.
func checkRace(t *testing.T, stores ...lease.Store) {
	ctx := context.Background()
	const contenders, rounds = 8, 25
	last := lease.Record{}
	for round := range rounds {
		next := func(i int) lease.Record {
			return lease.Record{Version: last.Version + 1, Owner: fmt.Sprintf("owner-%d", i), Token: lease.Token(round + 1), TTL: time.Second}
		}
		errs := make([]error, contenders)
		var all sync.WaitGroup
		for i := range contenders {
			all.Go(func() { errs[i] = stores[i%len(stores)].Swap(ctx, "race", last, next(i)) })
		}
		all.Wait()
		winners := 0
		for i, err := range errs {
			if err == nil {
				winners++
				got, err := stores[0].Get(ctx, "race")
				require.NoError(t, err)
				require.Equal(t, next(i), got, "the record is that of the winner")
				continue
			}
			require.ErrorIs(t, err, lease.ErrChanged)
		}
		require.Equal(t, 1, winners, "of those who swap one version, one succeeds")
		last = lease.Record{Version: last.Version + 1}
	}
}

// system makes an actor system for leases.
func system(t *testing.T) *actor.System {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("lease", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	return sys
}

func newLease(t *testing.T, sys *actor.System, s lease.Store, owner string, ttl time.Duration) *lease.Lease {
	l, err := lease.New(sys, s, lease.Settings{Name: "test", Owner: owner, TTL: ttl})
	require.NoError(t, err)
	return l
}

func checkLease(t *testing.T, s lease.Store) {
	ctx := context.Background()
	sys := system(t)
	a, b := newLease(t, sys, s, "a", time.Minute), newLease(t, sys, s, "b", time.Minute)
	_, ok := a.Check()
	require.False(t, ok, "nobody has it at first")
	require.NoError(t, a.Release(ctx), "to release what one hasn't got is no error")
	first, err := a.Acquire(ctx, nil)
	require.NoError(t, err)
	token, ok := a.Check()
	require.True(t, ok)
	require.Equal(t, first, token)
	again, err := a.Acquire(ctx, nil)
	require.NoError(t, err, "its holder gets it again")
	require.Equal(t, first, again, "with the same token")
	_, err = b.Acquire(ctx, nil)
	require.ErrorIs(t, err, lease.ErrHeld)
	require.ErrorContains(t, err, "a", "the error names the holder")
	require.NoError(t, b.Release(ctx), "who doesn't hold it can't give it back")
	_, ok = a.Check()
	require.True(t, ok)
	require.NoError(t, a.Release(ctx))
	_, ok = a.Check()
	require.False(t, ok)
	second, err := b.Acquire(ctx, nil)
	require.NoError(t, err, "after a release nobody waits")
	require.Greater(t, second, first, "tokens grow")
	require.NoError(t, b.Release(ctx))
	third, err := a.Acquire(ctx, nil)
	require.NoError(t, err)
	require.Greater(t, third, second)
	twin := newLease(t, sys, s, "a", time.Minute) // the same owner in another place
	fourth, err := twin.Acquire(ctx, nil)
	require.NoError(t, err, "an owner is known by its name")
	require.Greater(t, fourth, third)
	require.NoError(t, twin.Release(ctx))
	require.NoError(t, a.Release(ctx))
}

// checkSilence has a holder whose store doesn't answer any more.
func checkSilence(t *testing.T, s lease.Store) {
	const ttl = time.Second
	ctx := context.Background()
	sys := system(t)
	faulty := NewFaulty(s)
	a, b := newLease(t, sys, faulty, "a", ttl), newLease(t, sys, s, "b", ttl)
	var lost chan error
	var first lease.Token
	for kept := false; !kept; { // a machine that stands still for a TTL loses it rightly
		lost = make(chan error, 10)
		var err error
		first, err = a.Acquire(ctx, func(err error) { lost <- err })
		require.NoError(t, err)
		_, err = b.Acquire(ctx, nil)
		require.Error(t, err)
		pause(sys, 2*ttl)
		_, kept = a.Check()
		require.True(t, kept || len(lost) == 1, "a holder keeps it, or is told")
	}
	faulty.Refuse(errors.New("no route to the store"))
	var second lease.Token
	var err error
	ok := true
	for begin := sys.Clock().Now(); ; pause(sys, ttl/10) {
		second, err = b.Acquire(ctx, nil)
		_, ok = a.Check()
		if err == nil {
			break
		}
		require.ErrorIs(t, err, lease.ErrHeld)
		require.Less(t, sys.Clock().Now().Sub(begin), 30*ttl, "another gets it in the end")
	}
	require.False(t, ok, "before another got it, the silent one stopped to believe")
	require.Greater(t, second, first)
	require.ErrorIs(t, <-lost, lease.ErrLost)
	require.Empty(t, lost, "it is told once")
	_, err = a.Acquire(ctx, nil)
	require.ErrorIs(t, err, lease.ErrUnknown)
	faulty.Refuse(nil)
	_, err = a.Acquire(ctx, nil)
	require.ErrorIs(t, err, lease.ErrHeld)
	require.NoError(t, b.Release(ctx))
}

// pause lets time pass in the system.
func pause(sys *actor.System, d time.Duration) {
	var over actor.Gate
	sys.Clock().AfterFunc(d, func() { over.Open() })
	sys.Executor().Wait(&over)
}

// checkContenders has many owners that want the lease, hold it for a moment and
// go; at no time do two hold it.
func checkContenders(t *testing.T, s lease.Store) {
	const owners, turns = 5, 4
	ctx := context.Background()
	sys := system(t)
	var mu sync.Mutex
	holder, newest, failures := "", lease.Token(0), []string{}
	var all sync.WaitGroup
	for i := range owners {
		l := newLease(t, sys, s, fmt.Sprintf("owner-%d", i), time.Minute)
		all.Go(func() {
			for done := 0; done < turns; {
				token, err := l.Acquire(ctx, nil)
				if errors.Is(err, lease.ErrHeld) {
					pause(sys, 2*time.Millisecond)
					continue
				}
				mu.Lock()
				if err != nil || holder != "" || token <= newest {
					failures = append(failures, fmt.Sprintf("%s got %d (%v) while %q had %d", l.Owner, token, err, holder, newest))
				}
				holder, newest = l.Owner, token
				mu.Unlock()
				pause(sys, time.Millisecond)
				mu.Lock()
				holder = ""
				mu.Unlock()
				if err := l.Release(ctx); err != nil {
					mu.Lock()
					failures = append(failures, err.Error())
					mu.Unlock()
				}
				done++
			}
		})
	}
	all.Wait()
	require.Empty(t, failures)
}
