package persistence

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actor"
)

// saveSnapshot encodes the state at once, so that it can go on changing, and
// stores it while commands are handled. One is under way at a time; what
// becomes due meanwhile is left to the next.
func (a *sourced[S, C, E]) saveSnapshot(ctx *actor.Context) {
	sys := ctx.System()
	name, payload, err := sys.Registry().Encode(sys.Scope(), nil, a.state)
	if err != nil {
		a.snapshotEnded(ctx, a.seq, fmt.Errorf("encode snapshot: %w", err))
		return
	}
	snap := Snapshot{PersistenceID: a.cfg.ID, Seq: a.seq, Epoch: a.cfg.Epoch, Name: name, Payload: payload, Time: ctx.Now()}
	a.saving = true
	actor.Go(ctx, func(c context.Context) (any, error) {
		l := newLimit(c, sys.Clock(), a.cfg.writeTimeout())
		return nil, l.end(a.store(l, snap))
	}, func(_ any, err error) {
		a.saving = false
		a.snapshotEnded(ctx, snap.Seq, err)
	})
}

// store saves a snapshot and deletes what it makes superfluous: the snapshots
// before the kept ones and, if so configured, the events that even the oldest
// kept one contains.
func (a *sourced[S, C, E]) store(l *limit, snap Snapshot) error {
	if err := a.cfg.Snapshots.SaveSnapshot(l, snap); err != nil {
		return err
	}
	l.move()
	kept := uint64(a.cfg.snapshotsKept()) * uint64(a.cfg.SnapshotEvery)
	if snap.Seq <= kept {
		return nil
	}
	last := snap.Seq - kept
	if a.cfg.DeleteEvents {
		if err := a.cfg.Journal.DeleteTo(l, a.cfg.ID, a.cfg.Epoch, last); err != nil {
			return err
		}
		l.move()
		last-- // the snapshot at which the events now begin stays
	}
	return a.cfg.Snapshots.DeleteSnapshots(l, a.cfg.ID, 0, last)
}

func (a *sourced[S, C, E]) snapshotEnded(ctx *actor.Context, seq uint64, err error) {
	switch {
	case err == nil:
		a.signal(ctx, SnapshotSaved{Seq: seq})
	case errors.Is(err, ErrFenced):
		a.fail(ctx, "snapshot", err)
	default:
		ctx.Log().Warn().Str("id", a.cfg.ID).Uint64("event", seq).Err(err).Msg("snapshot failed")
		a.signal(ctx, SnapshotFailed{Seq: seq, Err: err})
	}
}
