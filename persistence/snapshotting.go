package persistence

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	kept := a.kept
	actor.Go(ctx, func(c context.Context) ([]uint64, error) {
		return attempt(c, sys, a.cfg.writeTimeout(), func(l *limit) ([]uint64, error) { return a.store(l, sys, snap, kept) })
	}, func(kept []uint64, err error) {
		a.saving, a.kept = false, kept
		a.snapshotEnded(ctx, snap.Seq, err)
	})
}

// store saves a snapshot that can be read again, and deletes what it makes superfluous:
// the snapshots before the kept ones, and, if so configured, the events that even the
// oldest one contains. kept are the snapshots that are known to be there, oldest first; it
// returns those that are now.
func (a *sourced[S, C, E]) store(l *limit, sys *actor.System, snap Snapshot, kept []uint64) ([]uint64, error) {
	if _, err := a.readSnapshot(sys, snap); err != nil {
		return kept, fmt.Errorf("it could not be read again, so it isn't stored: %w", err)
	}
	l.move()
	if err := a.cfg.Snapshots.SaveSnapshot(l, snap); err != nil {
		return kept, err
	}
	l.move()
	most := a.cfg.snapshotsKept()
	if a.cfg.DeleteEvents {
		most++ // the one at which the events now begin stays too
	}
	kept, err := a.count(l, sys, append(slices.Clone(kept), snap.Seq), most)
	if err != nil || len(kept) < most {
		return kept, err
	}
	kept = kept[len(kept)-most:]
	if a.cfg.DeleteEvents {
		if err := a.cfg.Journal.DeleteTo(l, a.cfg.ID, a.cfg.Epoch, kept[0]); err != nil {
			return kept, err
		}
		l.move()
	}
	return kept, a.cfg.Snapshots.DeleteSnapshots(l, a.cfg.ID, 0, kept[0]-1)
}

// count looks for snapshots that are stored and can be read before those that are known,
// until there are enough to delete something.
func (a *sourced[S, C, E]) count(l *limit, sys *actor.System, kept []uint64, most int) ([]uint64, error) {
	for to := kept[0] - 1; len(kept) < most && to > 0; {
		older, err := a.cfg.Snapshots.LoadSnapshot(l, a.cfg.ID, to)
		if err != nil || older.Seq == 0 {
			return kept, err
		}
		l.move()
		if _, err := a.readSnapshot(sys, older); err == nil {
			kept = append([]uint64{older.Seq}, kept...)
		}
		to = older.Seq - 1
	}
	return kept, nil
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
