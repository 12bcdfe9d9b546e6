package node

import (
	"context"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

func TestJournalNoticesThatItWasReplaced(t *testing.T) {
	fenced := make(chan error, 1)
	j := &journal{Journal: persistence.NewMemory(), log: zerolog.Nop(), fenced: fenced}
	ctx := context.Background()
	older, newer := actor.Epoch{Cluster: 1, Count: 1}, actor.Epoch{Cluster: 1, Count: 2}
	event := func(seq uint64) []persistence.Event { return []persistence.Event{{Seq: seq, Name: "x"}} }

	require.NoError(t, j.Append(ctx, "id", older, event(1)))
	require.ErrorIs(t, j.Append(ctx, "id", older, event(1)), persistence.ErrConflict)
	require.Empty(t, fenced, "a conflict is no sign of that")

	highest, err := j.Claim(ctx, "id", newer)
	require.NoError(t, err)
	require.Equal(t, uint64(1), highest)
	for range 2 {
		require.ErrorIs(t, j.Append(ctx, "id", older, event(2)), persistence.ErrFenced)
	}
	require.ErrorIs(t, <-fenced, persistence.ErrFenced)
	_, err = j.Claim(ctx, "id", older)
	require.ErrorIs(t, err, persistence.ErrFenced)
	require.ErrorIs(t, <-fenced, persistence.ErrFenced)
}

func TestJournalFinishesWhatWasBegun(t *testing.T) {
	j := &journal{Journal: persistence.NewMemory(), log: zerolog.Nop(), fenced: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, j.Append(ctx, "id", actor.Epoch{}, []persistence.Event{{Seq: 1, Name: "x"}}))
	highest, err := j.Claim(ctx, "id", actor.Epoch{})
	require.NoError(t, err)
	require.Equal(t, uint64(1), highest)
}
