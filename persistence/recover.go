package persistence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/troupe-go/troupe/actor"
)

// recovered is what a recovery found.
type recovered[S any] struct {
	state    S
	seq      uint64
	snapshot uint64 // where it began
	skipped  int    // damaged snapshots that it passed over
	unread   error  // why the newest snapshot that is sound can't be read
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
	return attempt(ctx, sys, a.cfg.recoveryTimeout(), func(l *limit) (recovered[S], error) { return a.rebuild(l, sys) })
}

func (a *sourced[S, C, E]) rebuild(l *limit, sys *actor.System) (r recovered[S], err error) {
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
	for to := SeqMax; to > 0; {
		snap, err := a.cfg.Snapshots.LoadSnapshot(l, a.cfg.ID, to)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return err
		}
		if err != nil {
			r.unread = cmp.Or(r.unread, err)
		}
		r.skipped += snap.Skipped
		if err != nil || snap.Seq == 0 {
			return nil
		}
		if snap.Seq > highest {
			// Going on from the journal would number new events as ones that
			// the snapshot contains.
			return fmt.Errorf("%w: snapshot of event %d is ahead of the journal, which ends at %d: "+
				"restore the journal, or delete the snapshots after %d to accept the loss", ErrCorrupt, snap.Seq, highest, highest)
		}
		state, err := a.readSnapshot(sys, snap)
		if err == nil {
			r.state, r.seq, r.snapshot = state, snap.Seq, snap.Seq
			return nil
		}
		r.unread = cmp.Or(r.unread, err)
		r.skipped++
		to = snap.Seq - 1
		l.move()
	}
	return nil
}

// readSnapshot returns the state that is in a snapshot.
func (a *sourced[S, C, E]) readSnapshot(sys *actor.System, snap Snapshot) (state S, err error) {
	value, err := sys.Registry().Decode(sys.Scope(), snap.Name, snap.Payload)
	if err != nil {
		return state, fmt.Errorf("snapshot of event %d: %w", snap.Seq, err)
	}
	state, ok := value.(S)
	if !ok {
		return state, fmt.Errorf("snapshot of event %d is a %T, not a %v", snap.Seq, value, reflect.TypeFor[S]())
	}
	return state, nil
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
		event, err := a.readEvent(sys, stored)
		if err != nil {
			return err
		}
		if err := l.Err(); err != nil { // left behind
			return err
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

// readEvent returns the event that is stored.
func (a *sourced[S, C, E]) readEvent(sys *actor.System, stored Event) (event E, err error) {
	value, err := sys.Registry().Decode(sys.Scope(), stored.Name, stored.Payload)
	if err != nil {
		return event, fmt.Errorf("event %d: %w", stored.Seq, err)
	}
	event, ok := value.(E)
	if !ok {
		return event, fmt.Errorf("event %d (%s) is a %T, which is no event of %T", stored.Seq, stored.Name, value, a.behaviour)
	}
	return event, nil
}

func (a *sourced[S, C, E]) missing(r *recovered[S], next uint64) error {
	why := ""
	if r.seq == 0 || r.skipped > 0 {
		why = "; they were deleted, and no sound snapshot contains them"
	}
	err := fmt.Errorf("%w: events %d to %d are not in the journal%s", ErrCorrupt, r.seq+1, next-1, why)
	if r.unread != nil {
		err = fmt.Errorf("%w; %w: register the type that it has, or its old name with codec.Alias, so that it can be read", err, r.unread)
	}
	return err
}
