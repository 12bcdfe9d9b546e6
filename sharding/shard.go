package sharding

import (
	"errors"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// state is where an entity is.
//
//	starting → active          its actor was spawned
//	active → passivating       idle, or it asked to stop
//	active → (gone) | resting  it stopped by itself | failed
//	passivating → (gone)       stopped, and nothing waits for it
//	passivating → starting     stopped, and messages wait
//	resting → starting         the backoff is over, and messages wait or come
//	resting → (gone)           its failures don't count any more
type state uint8

const (
	starting state = iota
	active
	passivating
	resting
)

// record is what a shard keeps of an entity. The slot's lock guards what
// senders use, above the line; the rest belongs to the shard's turn.
type record struct {
	state state
	pid   actor.PID
	held  []held
	busy  bool // a message has come since the last look

	ready bool  // resting is over: the next message starts it
	why   error // it rests because it could not start: asks learn it at once

	idle     int // looks without a message
	failures int
	failure  error     // why the actor was stopped
	since    time.Time // of the last start
	until    time.Time // end of the rest, or of the memory of it
}

// shard hosts the entities of one shard under one grant. It is an actor, the
// parent of its entities; senders reach its records under the slot's lock.
type shard struct {
	engine *engine
	number uint32
	epoch  actor.Epoch

	// guarded by the slot's lock
	admitted bool // it has got what waited for it
	stopping bool
	entities map[string]*record
	pid      actor.PID

	// owned by the turn
	byPID map[actor.PID]string
}

// Messages to a shard's actor.
type (
	startEntity struct{ id string }
	stopShard   struct{}
	forceStop   struct{}
	lookAround  struct{}
	rested      struct{ id string }
)

func newShard(e *engine, number uint32, epoch actor.Epoch) *shard {
	return &shard{engine: e, number: number, epoch: epoch, entities: map[string]*record{}, byPID: map[actor.PID]string{}}
}

func (sh *shard) slot() *slot { return &sh.engine.table.slots[sh.number] }

// deliver takes a message for an entity, under the slot's lock.
func (sh *shard) deliver(h held) error {
	r := sh.entities[h.id]
	if r != nil && r.state == active {
		r.busy = true
		return r.pid.TellFrom(h.msg, h.from)
	}
	if r != nil && r.state == resting && !r.ready && r.why != nil && actor.IsAsk(h.from.Location().Path) {
		return sh.engine.table.refuse(h, r.why)
	}
	if !sh.engine.table.reserve() {
		return sh.engine.table.drop(h, actor.DropBufferFull)
	}
	switch {
	case r == nil:
		r = &record{}
		sh.entities[h.id] = r
		sh.pid.Tell(startEntity{id: h.id})
	case r.state == resting && r.ready:
		r.state, r.ready = starting, false
		sh.pid.Tell(startEntity{id: h.id})
	}
	r.held = append(r.held, h)
	return nil
}

// leftovers takes what waits for entities, under the slot's lock. The order
// of one entity's messages is kept.
func (sh *shard) leftovers() []held {
	ids := make([]string, 0, len(sh.entities))
	for id := range sh.entities {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var all []held
	for _, id := range ids {
		all = append(all, sh.entities[id].held...)
		sh.entities[id].held = nil
	}
	return all
}

// PreStart begins to look for idle entities.
func (sh *shard) PreStart(ctx *actor.Context) error {
	if d := sh.engine.passivateAfter; d > 0 {
		ctx.Every(d/2, lookAround{})
	}
	return nil
}

// PostStop gives back what waited for entities.
func (sh *shard) PostStop(*actor.Context) { sh.engine.table.retire(sh) }

// Receive starts, stops and passivates entities.
func (sh *shard) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case startEntity:
		sh.start(ctx, m.id)
	case actor.Terminated:
		sh.ended(ctx, m.Ref)
	case rested:
		sh.rested(ctx, m.id)
	case passivateMe:
		if id, ok := sh.byPID[ctx.Sender()]; ok {
			sh.passivate(id)
		}
	case lookAround:
		sh.look(ctx)
	case stopShard:
		sh.drain(ctx)
	case forceStop:
		ctx.Log().Warn().Uint32("shard", sh.number).Int("entities", len(sh.byPID)).
			Msg("entities have not stopped in time for the hand-off; they are stopped without what waits for them")
		for _, child := range ctx.Children() {
			ctx.Stop(child)
		}
	default:
		ctx.Unhandled()
	}
}

// with runs f under the slot's lock with the entity's record, if there is one.
func (sh *shard) with(id string, f func(r *record)) {
	s := sh.slot()
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := sh.entities[id]; r != nil {
		f(r)
	}
}

// start spawns an entity and hands it what waited.
func (sh *shard) start(ctx *actor.Context, id string) {
	var r *record
	stopping := false
	sh.with(id, func(found *record) { r, stopping = found, sh.stopping })
	if r == nil || stopping || r.state != starting {
		return
	}
	r.failure, r.idle, r.since = nil, 0, ctx.Now()
	e := &Entity{id: id, shard: sh.number, epoch: sh.epoch}
	// The decision is made on this turn, the parent's.
	fail := actor.Supervise{Decide: func(err error) actor.Directive { r.failure = err; return actor.Stop }}
	pid, err := sh.engine.spawn(ctx, escape(id), e, append(slices.Clone(sh.engine.options), fail)...)
	if errors.Is(err, actor.ErrNameTaken) {
		// Its end is known already, but the name isn't free yet.
		ctx.After(time.Millisecond, startEntity{id: id})
		return
	}
	if err != nil {
		ctx.Log().Error().Str("entity", id).Err(err).Msg("entity can't be started")
		sh.forget(id)
		return
	}
	ctx.Watch(pid)
	sh.byPID[pid] = id
	sh.with(id, func(r *record) {
		r.pid, r.state = pid, active
		sh.engine.table.waiting.Add(-int64(len(r.held)))
		for _, h := range r.held {
			_ = pid.TellFrom(h.msg, h.from) // a drop has been counted
		}
		r.held = nil
	})
}

// forget drops an entity that can't be, with what waited for it.
func (sh *shard) forget(id string) {
	var waiting []held
	sh.with(id, func(r *record) {
		waiting = r.held
		delete(sh.entities, id)
	})
	sh.engine.table.release(waiting)
}

// ended goes on when an entity's actor has stopped.
func (sh *shard) ended(ctx *actor.Context, pid actor.PID) {
	id, ok := sh.byPID[pid]
	if !ok {
		return
	}
	delete(sh.byPID, pid)
	now := ctx.Now()
	restart, rest := false, time.Duration(0)
	sh.with(id, func(r *record) {
		r.pid, r.why = actor.PID{}, nil
		if _, unstarted := errors.AsType[*actor.StartError](r.failure); unstarted {
			r.why = r.failure
		}
		if r.failure == nil {
			r.failures = 0
		} else {
			rest = sh.backoff(now, r)
		}
		switch {
		case sh.stopping:
			// What waits goes back to the slot when the shard has stopped.
		case rest > 0:
			r.state, r.ready, r.until = resting, false, now.Add(rest)
		case len(r.held) > 0:
			r.state, restart = starting, true
		default:
			delete(sh.entities, id)
		}
	})
	switch {
	case restart:
		sh.start(ctx, id)
	case rest > 0:
		ctx.After(rest, rested{id: id})
	}
	sh.stopIfDrained(ctx)
}

// backoff returns how long an entity that failed stays down: it doubles with
// every failure and begins anew after a while without one.
func (sh *shard) backoff(now time.Time, r *record) time.Duration {
	b := sh.engine.backoff
	if now.Sub(r.since) > b.Max {
		r.failures = 0
	}
	d := b.Min
	for range r.failures {
		if d *= 2; d >= b.Max {
			d = b.Max
			break
		}
	}
	r.failures++
	return d
}

// rested ends the backoff of an entity. Its failures are remembered for as long
// as they count, though the next message starts it at once.
func (sh *shard) rested(ctx *actor.Context, id string) {
	restart, now := false, ctx.Now()
	sh.with(id, func(r *record) {
		switch {
		case r.state != resting || sh.stopping || now.Before(r.until):
		case r.ready:
			delete(sh.entities, id)
		case len(r.held) > 0:
			r.state, restart = starting, true
		default:
			r.ready, r.until = true, now.Add(sh.engine.backoff.Max)
			ctx.After(sh.engine.backoff.Max, rested{id: id})
		}
	})
	if restart {
		sh.start(ctx, id)
	}
}

// passivate stops an entity behind what is in its mailbox; what comes from now
// on waits for the next incarnation.
func (sh *shard) passivate(id string) {
	sh.with(id, func(r *record) {
		if r.state == active && !sh.stopping {
			r.state = passivating
			r.pid.Tell(actor.PoisonPill{})
		}
	})
}

// look passivates the entities that had no message in two looks.
func (sh *shard) look(*actor.Context) {
	s := sh.slot()
	s.mu.Lock()
	var idle []string
	for id, r := range sh.entities {
		switch {
		case r.state != active:
		case r.busy:
			r.busy, r.idle = false, 0
		default:
			if r.idle++; r.idle >= 2 {
				idle = append(idle, id)
			}
		}
	}
	s.mu.Unlock()
	slices.Sort(idle)
	for _, id := range idle {
		sh.passivate(id)
	}
}

// drain stops all entities behind what is in their mailboxes. No message
// reaches them any more: the slot holds what comes.
func (sh *shard) drain(ctx *actor.Context) {
	ctx.AfterKey(forceStop{}, sh.engine.handOffTimeout, forceStop{})
	for _, child := range ctx.Children() {
		if id, ok := sh.byPID[child]; ok {
			sh.with(id, func(r *record) {
				if r.state == active {
					r.state = passivating
					child.Tell(actor.PoisonPill{})
				}
			})
		}
	}
	sh.stopIfDrained(ctx)
}

func (sh *shard) stopIfDrained(ctx *actor.Context) {
	s := sh.slot()
	s.mu.Lock()
	stopping := sh.stopping
	s.mu.Unlock()
	if stopping && len(sh.byPID) == 0 {
		ctx.Stop(ctx.Self())
	}
}
