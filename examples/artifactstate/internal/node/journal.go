package node

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/sqlite"
)

// journal is a journal that finishes what was begun and notices when this node
// was replaced.
//
// Finishing: a write whose entity is stopped meanwhile is not called off, since
// its outcome would be unknown then. The store bounds how long it takes.
type journal struct {
	persistence.Journal
	log zerolog.Logger
	// fenced gets the first refusal of an epoch; it must have room for it.
	fenced chan<- error
}

// Append stores events, whatever becomes of ctx.
func (j *journal) Append(ctx context.Context, id string, epoch actor.Epoch, events []persistence.Event) error {
	return j.notice(id, epoch, j.Journal.Append(context.WithoutCancel(ctx), id, epoch, events))
}

// Claim takes an id over, whatever becomes of ctx.
func (j *journal) Claim(ctx context.Context, id string, epoch actor.Epoch) (uint64, error) {
	highest, err := j.Journal.Claim(context.WithoutCancel(ctx), id, epoch)
	return highest, j.notice(id, epoch, err)
}

// notice tells of a refusal by epoch. Only an owner that came later can have
// caused it: the cluster has given our entities away, or another one has the file.
func (j *journal) notice(id string, epoch actor.Epoch, err error) error {
	if !errors.Is(err, persistence.ErrFenced) {
		return err
	}
	what := "a write was refused: this node was replaced as the owner"
	if errors.Is(err, sqlite.ErrOwned) {
		what = "a write was refused: another cluster has taken the data file over"
	}
	select {
	case j.fenced <- err:
		j.log.Error().Err(err).Str("id", id).Stringer("epoch", epoch).Msg(what)
	default: // one is enough
	}
	return err
}
