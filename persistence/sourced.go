package persistence

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

// sourced is the actor around a behaviour. Its life:
//
//	recovering → ready        state rebuilt; RecoveryCompleted
//	recovering → failed       as a failed start: stopped, or tried again with backoff
//	ready      → persisting   a command led to events
//	persisting → ready        stored: the state changes, replies go out
//	persisting → failed       not stored or in doubt: a restart recovers by reading
//	ready      → verifying    no events, and Config.VerifyOwner: does it own its id?
//	verifying  → ready        it does: the effect is carried out
//	verifying  → failed       the store can't tell
//	any        → stopped      fenced: somebody else owns the id
//
// While it recovers, persists or verifies, messages wait in the mailbox (actor.Await).
type sourced[S, C, E any] struct {
	behaviour Behaviour[S, C, E]
	cfg       Config[S]

	state  S
	seq    uint64
	saving bool     // a snapshot is under way
	kept   []uint64 // snapshots that are known to be stored, oldest first
}

// New returns an event-sourced actor: a receiver of commands C for
// actor.SpawnTyped, a shard or a singleton. Make one for every start, in the
// factory.
//
// It begins with recovery; commands wait meanwhile, and while events are being
// stored. When a recovery fails, that is a failed start: supervision stops the
// actor, or tries again if it has a backoff. When storing fails, or is in
// doubt, the actor fails: a restart recovers by reading, and where supervision
// says resume it restarts. The sender of the command gets an actor.Failure in
// either case that concerns it. An actor that is fenced stops, whatever its
// supervision says. Each of these failures is an [*Error] and is published as
// [Failed].
//
// A command whose events can't be encoded and read again, or are too large for
// a store, is answered with an actor.Failure too, and the actor goes on: nothing
// was given to the store. Evolve gets an event as it is read from its bytes.
//
// The types of events, and that of the state where there are snapshots, must
// be registered in the system's registry.
func New[S, C, E any](behaviour Behaviour[S, C, E], cfg Config[S]) actor.Receiver[C] {
	return &sourced[S, C, E]{behaviour: behaviour, cfg: cfg}
}

// PreStart begins the recovery.
func (a *sourced[S, C, E]) PreStart(ctx *actor.Context) error {
	if a.behaviour == nil {
		return fmt.Errorf("%w: no behaviour for %q", ErrInvalid, a.cfg.ID)
	}
	if err := a.cfg.Validate(); err != nil {
		return err
	}
	if err := a.checkTypes(ctx.System().Registry()); err != nil {
		return err
	}
	sys := ctx.System()
	actor.Await(ctx, func(c context.Context) (recovered[S], error) { return a.recover(c, sys) },
		func(r recovered[S], err error) { a.recovered(ctx, r, err) })
	return nil
}

// checkTypes reports a type that could not be stored. Where E is an interface
// its implementations show up only as they come.
func (a *sourced[S, C, E]) checkTypes(reg *codec.Registry) error {
	types := []reflect.Type{reflect.TypeFor[E]()}
	if a.cfg.SnapshotEvery > 0 {
		types = append(types, reflect.TypeFor[S]())
	}
	for _, t := range types {
		if t.Kind() == reflect.Interface {
			continue
		}
		if _, err := reg.OfType(t); err != nil {
			return fmt.Errorf("%q can't be stored: %w", a.cfg.ID, err)
		}
	}
	return nil
}

func (a *sourced[S, C, E]) recovered(ctx *actor.Context, r recovered[S], err error) {
	if r.skipped > 0 || r.unread != nil {
		ctx.Log().Warn().Str("id", a.cfg.ID).Int("snapshots", r.skipped).Uint64("used", r.snapshot).AnErr("unreadable", r.unread).
			Msg("damaged or unreadable snapshots were passed over")
	}
	if err != nil {
		a.seq = r.seq
		a.fail(ctx, "recovery", fmt.Errorf("%w: %w", ErrRecovery, err))
		return
	}
	a.state, a.seq = r.state, r.seq
	if r.snapshot > 0 {
		a.kept = []uint64{r.snapshot}
	}
	a.signal(ctx, RecoveryCompleted{Seq: r.seq, Snapshot: r.snapshot})
	if a.cfg.SnapshotEvery > 0 && r.seq-r.snapshot >= uint64(a.cfg.SnapshotEvery) {
		a.saveSnapshot(ctx) // one that was due was never saved
	}
}

// Receive lets the behaviour decide about a command and carries the effect out.
func (a *sourced[S, C, E]) Receive(ctx *actor.Context, command C) {
	e := a.behaviour.Decide(a.state, command)
	switch {
	case e.verdict == stashed:
		_ = ctx.Stash() // a full stash has made it a dead letter
	case e.verdict == unhandled:
		ctx.Unhandled()
	case len(e.events) > 0:
		a.persist(ctx, e)
	case a.cfg.VerifyOwner:
		a.verify(ctx, e)
	default:
		a.finish(ctx, e)
	}
}

// verify carries e out, which has no events, if the actor still owns its id.
func (a *sourced[S, C, E]) verify(ctx *actor.Context, e Effect[S, E]) {
	actor.Await(ctx, a.appending(ctx.System(), nil), func(_ any, err error) {
		switch {
		case err == nil:
			a.finish(ctx, e)
			return
		case errors.Is(err, ErrInDoubt):
			err = fmt.Errorf("%w: %v", ErrUnavailable, err) // there was nothing to store
		}
		a.fail(ctx, "verify", err)
	})
}

// appending returns work that appends events.
func (a *sourced[S, C, E]) appending(sys *actor.System, events []Event) func(context.Context) (any, error) {
	return func(c context.Context) (any, error) {
		_, err := attempt(c, sys, a.cfg.writeTimeout(), func(l *limit) (any, error) {
			return nil, a.cfg.Journal.Append(l, a.cfg.ID, a.cfg.Epoch, events)
		})
		if errors.Is(err, errSilent) {
			err = fmt.Errorf("%w: %w", ErrInDoubt, err)
		}
		return nil, err
	}
}

// persist stores the events of e. The state evolves first, so that an event
// that Evolve can't take is never stored; it is seen only after the store has
// said yes.
func (a *sourced[S, C, E]) persist(ctx *actor.Context, e Effect[S, E]) {
	stored, events, err := a.encode(ctx, e.events)
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	next, err := a.evolved(events)
	if err != nil {
		a.fail(ctx, "persist", err)
		return
	}
	actor.Await(ctx, a.appending(ctx.System(), stored), func(_ any, err error) {
		if err != nil {
			a.fail(ctx, "persist", err)
			return
		}
		before := a.seq
		a.state, a.seq = next, stored[len(stored)-1].Seq
		if every := uint64(a.cfg.SnapshotEvery); every > 0 && before/every != a.seq/every && !a.saving {
			a.saveSnapshot(ctx)
		}
		a.finish(ctx, e)
	})
}

// evolved returns the state after events. Evolve may have used the memory of the state
// before it panicked, so an error ends the incarnation.
func (a *sourced[S, C, E]) evolved(events []E) (next S, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("evolve: %w", &actor.PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	next = a.state
	for _, event := range events {
		next = a.behaviour.Evolve(next, event)
	}
	return next, nil
}

// encode returns events as they are stored, and as a recovery will read them: what can't
// be read again, or what no store takes, is an error.
func (a *sourced[S, C, E]) encode(ctx *actor.Context, events []E) ([]Event, []E, error) {
	sys := ctx.System()
	tagger, _ := any(a.behaviour).(Tagger[E])
	now := ctx.Now()
	stored, read := make([]Event, len(events)), make([]E, len(events))
	for i, event := range events {
		name, payload, err := sys.Registry().Encode(sys.Scope(), nil, event)
		if err != nil {
			return nil, nil, fmt.Errorf("encode event: %w", err)
		}
		stored[i] = Event{Seq: a.seq + uint64(i) + 1, Name: name, Payload: payload, Time: now}
		if read[i], err = a.readEvent(sys, stored[i]); err != nil {
			return nil, nil, fmt.Errorf("it could not be read again, so it isn't stored: %w", err)
		}
		if tagger != nil {
			stored[i].Tags = tagger.Tags(read[i])
		}
	}
	return stored, read, CheckAppend(a.cfg.ID, stored)
}

// refuse answers a command whose events can't be stored. Nothing was given to the store
// and the state is as it was, so the actor goes on.
func (a *sourced[S, C, E]) refuse(ctx *actor.Context, cause error) {
	err := &Error{ID: a.cfg.ID, Step: "persist", Seq: a.seq, Err: cause}
	if ctx.Sender().IsZero() {
		ctx.Log().Warn().Str("id", a.cfg.ID).Err(err).Msg("command refused; nobody waits for its answer")
		return
	}
	ctx.Reply(actor.Failure{Err: err})
}

// finish carries out what comes after the events.
func (a *sourced[S, C, E]) finish(ctx *actor.Context, e Effect[S, E]) {
	for _, after := range e.then {
		switch {
		case after.run != nil:
			after.run(ctx, a.state)
		case !ctx.Sender().IsZero():
			ctx.Reply(after.reply(a.state))
		}
	}
	if e.unstash {
		ctx.UnstashAll()
	}
	if e.stop {
		ctx.Stop(ctx.Self())
	}
}

// fail ends this incarnation because of the store.
func (a *sourced[S, C, E]) fail(ctx *actor.Context, step string, cause error) {
	err := &Error{ID: a.cfg.ID, Step: step, Seq: a.seq, Err: cause}
	if (step == "persist" || step == "verify") && !ctx.Sender().IsZero() {
		ctx.Reply(actor.Failure{Err: err})
	}
	ctx.System().Publish(Failed{ID: a.cfg.ID, Ref: ctx.Self(), Err: err})
	switch {
	case errors.Is(cause, ErrFenced):
		// A fence never goes back: starting again could only fail again.
		ctx.Log().Error().Str("id", a.cfg.ID).Stringer("epoch", a.cfg.Epoch).Err(err).Msg("replaced as owner, stopping")
		// The stop is on its way before the failure, so it comes about whatever
		// the supervisor decides; but that knows, and can wait before it starts
		// another.
		ctx.Stop(ctx.Self())
		ctx.Fail(err)
	case step == "recovery":
		ctx.Fail(&actor.StartError{Path: ctx.Self().Path(), Err: err})
	default:
		ctx.Fail(err)
	}
}

// signal tells the behaviour what happened, if it wants to know.
func (a *sourced[S, C, E]) signal(ctx *actor.Context, sig any) bool {
	s, ok := any(a.behaviour).(Signaler[S])
	if ok {
		s.Signal(ctx, a.state, sig)
	}
	return ok
}

// Signal passes the signals of the runtime on.
func (a *sourced[S, C, E]) Signal(ctx *actor.Context, sig any) {
	if !a.signal(ctx, sig) {
		ctx.Unhandled()
	}
}
