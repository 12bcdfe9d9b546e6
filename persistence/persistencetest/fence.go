package persistencetest

import (
	"context"
	"errors"
	"testing"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

var fenceChecks = []check[persistence.Journal]{
	{"PS-1: a claim refuses older epochs from then on", claimFences},
	{"PS-1: an append raises the fence", appendFences},
	{"epochs are ordered by cluster, node and count", epochOrder},
	{"without an epoch nothing is fenced until somebody has one", zeroEpoch},
	{"a fenced append is told so, whatever its numbers", fencedFirst},
	{"an append without events asks who the owner is", ownershipQuestion},
	{"a fence holds for its own id only", ownFence},
	{"a refused call doesn't move the fence", refusedKeepsFence},
}

// kind returns which of the sentinels err is; nil for nil.
func kind(err error) error {
	for _, sentinel := range []error{
		persistence.ErrConflict, persistence.ErrFenced, persistence.ErrInDoubt, persistence.ErrUnavailable,
		persistence.ErrCorrupt, persistence.ErrInvalid, persistence.ErrClosed,
	} {
		if errors.Is(err, sentinel) {
			return sentinel
		}
	}
	return err
}

func claimFences(t testing.TB, j persistence.Journal) {
	const id = "claimed"
	ctx := context.Background()
	mustAppend(t, j, id, epoch(1), 1, 3)
	mustClaim(t, j, id, epoch(2), 3)
	wantError(t, "append of the old owner before the new one wrote",
		j.Append(ctx, id, epoch(1), Events(id, epoch(1), 4, 4)), persistence.ErrFenced)
	_, err := j.Claim(ctx, id, epoch(1))
	wantError(t, "claim of the old owner", err, persistence.ErrFenced)
	wantError(t, "delete of the old owner", j.DeleteTo(ctx, id, epoch(1), 2), persistence.ErrFenced)
	mustClaim(t, j, id, epoch(2), 3)
	wantStored(t, j, id, Events(id, epoch(1), 1, 3))
	mustAppend(t, j, id, epoch(2), 4, 4)
	wantStored(t, j, id, append(Events(id, epoch(1), 1, 3), Events(id, epoch(2), 4, 4)...))

	mustClaim(t, j, "empty", epoch(5), 0)
	wantError(t, "first append ever, by an old owner",
		j.Append(ctx, "empty", epoch(4), Events("empty", epoch(4), 1, 1)), persistence.ErrFenced)
}

func appendFences(t testing.TB, j persistence.Journal) {
	const id = "appended"
	ctx := context.Background()
	mustAppend(t, j, id, epoch(1), 1, 1)
	mustAppend(t, j, id, epoch(3), 2, 2)
	wantError(t, "append under an older epoch", j.Append(ctx, id, epoch(2), Events(id, epoch(2), 3, 3)), persistence.ErrFenced)
	_, err := j.Claim(ctx, id, epoch(2))
	wantError(t, "claim under an older epoch", err, persistence.ErrFenced)
	if err := j.DeleteTo(ctx, id, epoch(4), 1); err != nil {
		t.Fatalf("delete under a newer epoch: %v", err)
	}
	wantError(t, "append after a delete under a newer epoch",
		j.Append(ctx, id, epoch(3), Events(id, epoch(3), 3, 3)), persistence.ErrFenced)
	mustAppend(t, j, id, epoch(4), 3, 3)
}

func epochOrder(t testing.TB, j persistence.Journal) {
	const id = "order"
	ascending := []actor.Epoch{
		{Cluster: 1},
		{Cluster: 1, Count: 255},
		{Cluster: 1, Count: 256},
		{Cluster: 1, Count: 1 << 63},
		{Cluster: 1, Node: 1},
		{Cluster: 1, Node: 1, Count: 7},
		{Cluster: 1, Node: 1 << 40},
		{Cluster: 256},
		{Cluster: 1 << 63, Node: 2, Count: 3},
	}
	for i, e := range ascending {
		mustClaim(t, j, id, e, 0)
		for _, older := range ascending[:i] {
			_, err := j.Claim(context.Background(), id, older)
			wantError(t, "claim under "+older.String()+" after "+e.String(), err, persistence.ErrFenced)
		}
	}
}

func zeroEpoch(t testing.TB, j persistence.Journal) {
	const id = "zero"
	ctx := context.Background()
	none := actor.Epoch{}
	mustClaim(t, j, id, none, 0)
	mustAppend(t, j, id, none, 1, 2)
	mustClaim(t, j, id, none, 2)
	wantStored(t, j, id, Events(id, none, 1, 2))
	mustClaim(t, j, id, epoch(1), 2)
	_, err := j.Claim(ctx, id, none)
	wantError(t, "claim without an epoch of a claimed id", err, persistence.ErrFenced)
	wantError(t, "append without an epoch to a claimed id", j.Append(ctx, id, none, Events(id, none, 3, 3)), persistence.ErrFenced)
	wantError(t, "delete without an epoch on a claimed id", j.DeleteTo(ctx, id, none, 1), persistence.ErrFenced)
	wantStored(t, j, id, Events(id, none, 1, 2))
}

func fencedFirst(t testing.TB, j persistence.Journal) {
	const id = "first"
	mustAppend(t, j, id, epoch(2), 1, 3)
	for _, seq := range []uint64{1, 4, 9} {
		wantError(t, "append of an old owner", j.Append(context.Background(), id, epoch(1), Events(id, epoch(1), seq, seq)), persistence.ErrFenced)
	}
}

func ownershipQuestion(t testing.TB, j persistence.Journal) {
	const id = "question"
	ctx := context.Background()
	mustAppend(t, j, id, epoch(1), 1, 1)
	if err := j.Append(ctx, id, epoch(1), nil); err != nil {
		t.Fatalf("the owner's append without events: %v", err)
	}
	if err := j.Append(ctx, id, epoch(2), nil); err != nil {
		t.Fatalf("a newer owner's append without events: %v", err)
	}
	wantError(t, "the old owner's append without events", j.Append(ctx, id, epoch(1), nil), persistence.ErrFenced)
	wantStored(t, j, id, Events(id, epoch(1), 1, 1))
}

func ownFence(t testing.TB, j persistence.Journal) {
	mustClaim(t, j, "a", epoch(9), 0)
	mustAppend(t, j, "b", epoch(1), 1, 1)
	mustAppend(t, j, "c", actor.Epoch{}, 1, 1)
}

func refusedKeepsFence(t testing.TB, j persistence.Journal) {
	const id = "keeps"
	mustAppend(t, j, id, epoch(1), 1, 1)
	wantError(t, "conflicting append under a newer epoch",
		j.Append(context.Background(), id, epoch(2), Events(id, epoch(2), 5, 5)), persistence.ErrConflict)
	mustAppend(t, j, id, epoch(1), 2, 2)
}
