package lease_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/lease"
	"github.com/troupe-go/troupe/cluster/lease/leasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	leasetest.Run(t, func(*testing.T) lease.Store { return lease.NewMemory() })
	one := lease.NewMemory()
	leasetest.Shared(t, one, one)
}

func TestFiles(t *testing.T) {
	open := func(t *testing.T, dir string) lease.Store {
		s, err := lease.NewFiles(dir)
		require.NoError(t, err)
		return s
	}
	leasetest.Run(t, func(t *testing.T) lease.Store { return open(t, t.TempDir()) })
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	leasetest.Shared(t, open(t, dir), open(t, dir))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.LessOrEqual(t, len(entries), 4, "old versions are removed: %v", entries)
}

func TestFilesRefuseWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	s, err := lease.NewFiles(dir)
	require.NoError(t, err)
	ctx := context.Background()
	require.NoError(t, s.Swap(ctx, "x", lease.Record{}, lease.Record{Version: 1, Owner: "a"}))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.v00000000000000000001"), []byte("{"), 0o600))
	_, err = s.Get(ctx, "x")
	require.ErrorContains(t, err, "is damaged: remove it when nobody uses the lease x")
	_, err = s.Get(ctx, "../x")
	require.ErrorContains(t, err, "letters, digits")
	require.ErrorContains(t, s.Swap(ctx, "x", lease.Record{}, lease.Record{Version: 5}), "version 5 after 0")
	_, err = lease.NewFiles(filepath.Join(dir, "x.v00000000000000000001"))
	require.ErrorContains(t, err, "lease files")
}

// inBubble gives a test two owners in virtual time.
func inBubble(t *testing.T, ttl time.Duration, run func(t *testing.T, store *leasetest.Faulty, a, b *lease.Lease)) {
	synctest.Test(t, func(t *testing.T) {
		quiet := zerolog.Nop()
		sys, err := actor.NewSystem("lease", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(context.Background())) }()
		shared := lease.NewMemory()
		faulty := leasetest.NewFaulty(shared)
		a, err := lease.New(sys, faulty, lease.Settings{Name: "x", Owner: "a", TTL: ttl})
		require.NoError(t, err)
		b, err := lease.New(sys, shared, lease.Settings{Name: "x", Owner: "b", TTL: ttl})
		require.NoError(t, err)
		run(t, faulty, a, b)
	})
}

func TestASilentHolderIsReplacedAfterTheTTL(t *testing.T) {
	inBubble(t, 30*time.Second, func(t *testing.T, store *leasetest.Faulty, a, b *lease.Lease) {
		ctx := context.Background()
		lost := make(chan error, 1)
		_, err := a.Acquire(ctx, func(err error) { lost <- err })
		require.NoError(t, err)
		<-time.After(time.Hour)
		_, ok := a.Check()
		require.True(t, ok)
		store.Hang(true)
		hung := time.Now()
		_, err = b.Acquire(ctx, nil)
		require.ErrorIs(t, err, lease.ErrHeld)
		require.ErrorContains(t, <-lost, "could not be renewed")
		require.Less(t, time.Since(hung), 27*time.Second+time.Millisecond)
		<-time.After(29*time.Second - time.Since(hung))
		_, err = b.Acquire(ctx, nil)
		require.ErrorIs(t, err, lease.ErrHeld, "b has watched for 29 s")
		<-time.After(1100 * time.Millisecond)
		_, err = b.Acquire(ctx, nil)
		require.NoError(t, err)
		begin := time.Now()
		_, err = a.Acquire(ctx, nil)
		require.ErrorIs(t, err, lease.ErrUnknown)
		require.ErrorContains(t, err, "no answer of the store within 5s")
		require.Equal(t, 5*time.Second, time.Since(begin))
		store.Hang(false)
	})
}

func TestAnAnswerThatGotLost(t *testing.T) {
	inBubble(t, 30*time.Second, func(t *testing.T, store *leasetest.Faulty, a, b *lease.Lease) {
		ctx := context.Background()
		store.Doubt(errors.New("connection reset"))
		_, err := a.Acquire(ctx, nil)
		require.ErrorIs(t, err, lease.ErrUnknown)
		_, ok := a.Check()
		require.False(t, ok)
		store.Doubt(nil)
		_, err = b.Acquire(ctx, nil)
		require.ErrorIs(t, err, lease.ErrHeld, "the store has it")
		require.NoError(t, a.Release(ctx), "what it may have got is given back")
		_, err = b.Acquire(ctx, nil)
		require.NoError(t, err)
		require.NoError(t, b.Release(ctx))

		lost := make(chan error, 1)
		token, err := a.Acquire(ctx, func(err error) { lost <- err })
		require.NoError(t, err)
		store.Doubt(errors.New("connection reset"))
		<-time.After(10 * time.Second) // renewals are carried out, and nobody is told
		store.Doubt(nil)
		<-time.After(time.Hour)
		got, ok := a.Check()
		require.True(t, ok, "it finds its own renewal and goes on")
		require.Equal(t, token, got)
		require.Empty(t, lost)
	})
}

func TestALeaseThatWasTakenIsLost(t *testing.T) {
	inBubble(t, 30*time.Second, func(t *testing.T, store *leasetest.Faulty, a, b *lease.Lease) {
		ctx := context.Background()
		lost := make(chan error, 1)
		_, err := a.Acquire(ctx, func(err error) { lost <- err })
		require.NoError(t, err)
		now, err := store.Get(ctx, "x")
		require.NoError(t, err)
		next := now
		next.Version++
		next.Owner = "an operator"
		require.NoError(t, store.Swap(ctx, "x", now, next))
		require.ErrorContains(t, <-lost, "an operator has it now")
		_, ok := a.Check()
		require.False(t, ok)
	})
}

func TestSettings(t *testing.T) {
	for want, s := range map[string]lease.Settings{
		"letters, digits":        {Name: "a b", Owner: "o"},
		"want 1 to 300 bytes":    {Name: "a"},
		"want positive times":    {Name: "a", Owner: "o", TTL: -1},
		"a third of the TTL":     {Name: "a", Owner: "o", TTL: 3 * time.Second, RenewEvery: 2 * time.Second},
		"no dot first":           {Name: ".a", Owner: "o"},
		"no store: hand in one,": {Name: "a", Owner: "o"},
	} {
		_, err := lease.New(nil, nil, s)
		require.ErrorContains(t, err, want, fmt.Sprint(s))
	}
}
