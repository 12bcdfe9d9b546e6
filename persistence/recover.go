package persistence

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/actor"
)

// recovered is what a recovery found.
type recovered[S any] struct {
	state    S
	seq      uint64
	snapshot uint64 // where it began
	skipped  int    // damaged snapshots that it passed over
}

// recover rebuilds the state: shut out older owners, begin with the newest
// sound snapshot, replay what came after it. It runs apart from the actor's
// turns, which wait for it, and touches nothing of the actor but what never
// changes.
func (a *sourced[S, C, E]) recover(ctx context.Context, sys *actor.System) (r recovered[S], err error) {
	a.cfg.Permits.acquire(sys.Executor())
	defer a.cfg.Permits.release()
	if err := ctx.Err(); err != nil { // it stopped while it waited
		return r, err
	}
	l := newLimit(ctx, sys.Clock(), a.cfg.recoveryTimeout())
	defer func() { err = l.end(err) }()
	highest, err := a.cfg.Journal.Claim(l, a.cfg.ID, a.cfg.Epoch)
	if err != nil {
		return r, err
	}
	l.move()
	if err := a.loadSnapshot(l, sys, highest, &r); err != nil {
		return r, err
	}
	l.move()
	return r, a.replay(l, sys, highest, &r)
}

// loadSnapshot puts the newest snapshot into r, or the first state.
func (a *sourced[S, C, E]) loadSnapshot(l *limit, sys *actor.System, highest uint64, r *recovered[S]) error {
	if b, ok := any(a.behaviour).(Beginner[S]); ok {
		r.state = b.Begin()
	}
	if a.cfg.Snapshots == nil {
		return nil
	}
	snap, err := a.cfg.Snapshots.LoadSnapshot(l, a.cfg.ID, SeqMax)
	if err != nil {
		return err
	}
	r.skipped = snap.Skipped
	if snap.Seq == 0 {
		return nil
	}
	if snap.Seq > highest {
		// Going on from the journal would number new events as ones that
		// the snapshot contains.
		return fmt.Errorf("%w: snapshot of event %d is ahead of the journal, which ends at %d: "+
			"restore the journal, or delete the snapshots after %d to accept the loss", ErrCorrupt, snap.Seq, highest, highest)
	}
	value, err := sys.Registry().Decode(sys.Scope(), snap.Name, snap.Payload)
	if err != nil {
		return fmt.Errorf("snapshot of event %d: %w", snap.Seq, err)
	}
	state, ok := value.(S)
	if !ok {
		return fmt.Errorf("snapshot of event %d is a %T, not a %T", snap.Seq, value, r.state)
	}
	r.state, r.seq, r.snapshot = state, snap.Seq, snap.Seq
	return nil
}

// replay evolves r by every event from its snapshot to highest.
func (a *sourced[S, C, E]) replay(l *limit, sys *actor.System, highest uint64, r *recovered[S]) error {
	for stored, err := range a.cfg.Journal.Replay(l, a.cfg.ID, r.seq+1, highest) {
		if err != nil {
			return err
		}
		if stored.Seq != r.seq+1 {
			return a.missing(r, stored.Seq)
		}
		value, err := sys.Registry().Decode(sys.Scope(), stored.Name, stored.Payload)
		if err != nil {
			return fmt.Errorf("event %d: %w", stored.Seq, err)
		}
		event, ok := value.(E)
		if !ok {
			return fmt.Errorf("event %d (%s) is a %T, which is no event of %T", stored.Seq, stored.Name, value, a.behaviour)
		}
		r.state = a.behaviour.Evolve(r.state, event)
		r.seq = stored.Seq
		l.move()
	}
	if r.seq != highest {
		return a.missing(r, highest+1)
	}
	return nil
}

func (a *sourced[S, C, E]) missing(r *recovered[S], next uint64) error {
	why := ""
	if r.seq == 0 || r.skipped > 0 {
		why = "; they were deleted, and no sound snapshot contains them"
	}
	return fmt.Errorf("%w: events %d to %d are not in the journal%s", ErrCorrupt, r.seq+1, next-1, why)
}
