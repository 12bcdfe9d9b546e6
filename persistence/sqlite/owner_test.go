package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/sqlite"
)

func TestTheFileRemembersItsOwner(t *testing.T) {
	path := file(t)
	ctx := context.Background()
	first := open(t, path, sqlite.Config{Owner: "shop@a:1"})
	require.NoError(t, first.Append(ctx, "x", actor.Epoch{Cluster: 7}, one(1)))
	same := open(t, path, sqlite.Config{Owner: "shop@a:1"})
	require.NoError(t, same.Append(ctx, "x", actor.Epoch{Cluster: 7}, one(2)), "the other nodes of the cluster")

	refused := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, sqlite.ErrOwned)
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, `belongs to "shop@a:1"`)
		require.ErrorContains(t, err, "TakeOverFrom")
		var owner *sqlite.OwnerError
		require.ErrorAs(t, err, &owner)
		require.Equal(t, sqlite.OwnerError{Owner: "shop@a:1", Caller: "shop@b:1"}, *owner)
	}
	_, err := sqlite.Open(path, sqlite.Config{Owner: "shop@b:1"})
	refused(err)
	_, err = sqlite.Open(path, sqlite.Config{Owner: "shop@b:1", TakeOverFrom: "shop@c:1"})
	refused(err)

	require.NoError(t, errors.Join(first.Close(), same.Close()))
	_, err = sqlite.Open(path, sqlite.Config{Owner: "shop@b:1"})
	refused(err) // it remembers
	again := open(t, path, sqlite.Config{Owner: "shop@a:1"})
	require.NoError(t, again.Append(ctx, "x", actor.Epoch{Cluster: 8}, one(3)), "all were stopped and started")
}

func TestATakeOverEndsTheFormerOwner(t *testing.T) {
	path := file(t)
	ctx := context.Background()
	former := open(t, path, sqlite.Config{Owner: "a"})
	require.NoError(t, former.Append(ctx, "x", actor.Epoch{Cluster: 7}, one(1)))
	heir := sqlite.Config{Owner: "b", TakeOverFrom: "a"}
	next := open(t, path, heir)
	_, claim := former.Claim(ctx, "x", actor.Epoch{Cluster: 99})
	for _, err := range []error{
		former.Append(ctx, "x", actor.Epoch{Cluster: 7}, one(2)), claim,
		former.Append(ctx, "x", actor.Epoch{Cluster: 7}, nil), // whether it may answer
	} {
		require.ErrorIs(t, err, persistence.ErrFenced)
		require.ErrorIs(t, err, sqlite.ErrOwned)
	}
	require.ErrorIs(t, former.Err(), sqlite.ErrOwned)
	require.NoError(t, next.Append(ctx, "x", actor.Epoch{Cluster: 8}, one(2)))
	require.NoError(t, open(t, path, heir).Close(), "it can stay set")
	_, err := sqlite.Open(path, sqlite.Config{Owner: "a"})
	require.ErrorIs(t, err, sqlite.ErrOwned)
}

func TestNobodyInParticularReadsAndDoesNotWriteWhatIsOwned(t *testing.T) {
	path := file(t)
	ctx := context.Background()
	nobody := open(t, path, sqlite.Config{})
	require.NoError(t, nobody.Append(ctx, "x", actor.Epoch{}, one(1)), "as long as nobody owns it")
	open(t, path, sqlite.Config{Owner: "a"})
	require.ErrorIs(t, nobody.Append(ctx, "x", actor.Epoch{}, one(2)), sqlite.ErrOwned)
	highest, err := nobody.HighestSeq(ctx, "x")
	require.NoError(t, err)
	require.Equal(t, uint64(1), highest)
	require.NoError(t, open(t, path, sqlite.Config{}).Close())
}

// What the next cluster's stamp must exceed.
func TestTheFileKnowsTheNewestStamp(t *testing.T) {
	path := file(t)
	ctx := context.Background()
	s := open(t, path, sqlite.Config{})
	stamp := func(s *sqlite.Store) uint64 {
		t.Helper()
		stamp, err := s.Stamp(ctx)
		require.NoError(t, err)
		return stamp
	}
	require.Zero(t, stamp(s))
	_, err := s.Claim(ctx, "a", actor.Epoch{Cluster: 5, Node: 1})
	require.NoError(t, err)
	require.NoError(t, s.Append(ctx, "b", actor.Epoch{Cluster: 1 << 63, Node: 1}, one(1)))
	require.NoError(t, s.Append(ctx, "c", actor.Epoch{Cluster: 6}, one(1)))
	require.Equal(t, uint64(1<<63), stamp(s))
}

func TestAFileOfAnEarlierReleaseIsBroughtUpToDate(t *testing.T) {
	path := file(t)
	ctx := context.Background()
	s := open(t, path, sqlite.Config{})
	require.NoError(t, s.Append(ctx, "x", actor.Epoch{}, one(1)))
	require.NoError(t, s.Close())
	execute(t, path, "DROP TABLE journal; DELETE FROM schema_version WHERE version = 2")
	s = open(t, path, sqlite.Config{Owner: "a"})
	require.NoError(t, s.Append(ctx, "x", actor.Epoch{}, one(2)))
}

func TestEveryFileHasANameOfItsOwn(t *testing.T) {
	path := file(t)
	one := open(t, path, sqlite.Config{})
	require.Len(t, one.ID(), 32)
	require.Equal(t, one.ID(), open(t, path, sqlite.Config{}).ID())
	require.NotEqual(t, one.ID(), open(t, filepath.Join(t.TempDir(), "other.db"), sqlite.Config{}).ID())
}

func TestOwnersThatCannotBe(t *testing.T) {
	for says, cfg := range map[string]sqlite.Config{
		"at most 1024":  {Owner: strings.Repeat("x", 1025)},
		"without Owner": {TakeOverFrom: "a"},
	} {
		_, err := sqlite.Open(file(t), cfg)
		require.ErrorContains(t, err, says)
	}
}
