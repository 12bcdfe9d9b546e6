package sharding

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
	"github.com/troupe-go/troupe/sharding/internal/core"
)

// tickEvery is the time between two looks of a region or coordinator at what
// is due.
const tickEvery = 250 * time.Millisecond

// view is the membership at one moment. The roster in it never changes.
type view struct {
	roster      *roster.Roster
	unreachable []membership.Node
}

// Messages to a region's actor from its own node.
type (
	wantShard struct{ shard uint32 }
	tick      struct{}
	// leaveNow begins the hand-over; the gate opens when it is done.
	leaveNow struct{ done *actor.Gate }
	// leaveLate says that the time for the hand-over is up.
	leaveLate struct{}
)

// region is the actor of a node: it drives the core and carries its effects
// out, and it is the parent of the hosted shards.
type region struct {
	*engine
	shards  map[actor.PID]*shard
	leaving []*actor.Gate
}

func newRegion(e *engine) *region { return &region{engine: e, shards: map[actor.PID]*shard{}} }

// PreStart subscribes to the membership.
func (r *region) PreStart(ctx *actor.Context) error {
	// After a failure of this actor its shards are gone; the coordinator
	// learns so from the next registration.
	for _, h := range r.core.Hosted() {
		r.core.ShardStopped(ctx.Now(), h.Shard)
	}
	r.cluster.Subscribe(ctx.Self())
	ctx.Every(tickEvery, tick{})
	r.carryOut(ctx)
	return nil
}

// PostStop drops what waits still.
func (r *region) PostStop(*actor.Context) {
	if r.sys.Stopping() {
		for s := range r.table.slots {
			r.table.shut(uint32(s))
		}
	}
	for _, g := range r.leaving {
		g.Open()
	}
}

// Receive takes the protocol, the membership and what the node itself wants.
func (r *region) Receive(ctx *actor.Context) {
	now := ctx.Now()
	switch m := ctx.Message().(type) {
	case cluster.Change:
		r.members(ctx, m.View)
	case tick:
		r.core.Tick(now)
	case wantShard:
		if r.table.wanted(m.shard) {
			r.core.Want(now, m.shard)
		}
	case core.Register, core.GetHomes, core.Started, core.Stopped, core.Held:
		r.toCoordinator(ctx)
	case core.Retired:
		r.retire(m.From)
		r.toCoordinator(ctx)
	case core.Query, core.Registered, core.Homes, core.Host, core.BeginHandOff, core.HandOff, core.LastSent, core.Released:
		r.core.Receive(now, m)
	case actor.Terminated:
		if sh := r.shards[m.Ref]; sh != nil {
			delete(r.shards, m.Ref)
			r.core.ShardStopped(now, sh.number)
			if r.table.wanted(sh.number) {
				r.core.Want(now, sh.number)
			}
		}
	case leaveNow:
		r.leaving = append(r.leaving, m.done)
		r.core.Leave(now)
	case leaveLate:
		r.core.Force()
	case getCounts:
		ctx.Reply(countsOf(r.table.counts()))
	case getAllocation:
		r.allocation(ctx)
	default:
		ctx.Unhandled()
	}
	r.carryOut(ctx)
}

// toCoordinator passes a message on to the coordinator on this node. Where
// none runs it is forgotten: regions repeat what is not answered.
func (r *region) toCoordinator(ctx *actor.Context) {
	if c := r.coordinator.Load(); c != nil {
		ctx.Forward(*c)
	}
}

// members takes the membership and passes it on to the coordinator.
func (r *region) members(ctx *actor.Context, now membership.View) {
	next := roster.New(r.role, r.self)
	if old := r.view.Load(); old != nil {
		next = old.roster.Clone()
	}
	next.Update(ctx.Now(), now.Members())
	v := &view{roster: next}
	for _, m := range now.Unreachable() {
		v.unreachable = append(v.unreachable, m.Node)
	}
	r.view.Store(v)
	r.core.Members(ctx.Now(), next)
	if c := r.coordinator.Load(); c != nil {
		ctx.Tell(*c, v)
	}
}

// carryOut does what the core wants done, in order, until it wants nothing.
func (r *region) carryOut(ctx *actor.Context) {
	for effects := r.core.Take(); len(effects) > 0; effects = r.core.Take() {
		for _, e := range effects {
			r.carry(ctx, e)
		}
	}
	node, registered := r.core.Coordinator()
	r.known.Store(&coordinatorAt{node: node, registered: registered})
}

func (r *region) carry(ctx *actor.Context, e core.Effect) {
	switch e := e.(type) {
	case core.Send:
		r.send(ctx, e.To, e.Msg)
	case core.Hold:
		r.table.hold(e.Shard)
	case core.Open:
		target := actor.PID{}
		if e.Node != r.self {
			target = r.table.inboxAt(e.Node)
		}
		r.table.lead(e.Shard, target)
	case core.Close:
		r.table.shut(e.Shard)
	case core.StartShard:
		r.startShard(ctx, e.Grant)
	case core.StopShard:
		r.stopShard(ctx, e)
	case core.LeaveDone:
		for _, g := range r.leaving {
			g.Open()
		}
		r.leaving = nil
	case core.Note:
		r.note(ctx, e)
	}
}

// startShard spawns the shard's actor before anything can reach it. It needs a
// name that no actor of an earlier grant can still have.
func (r *region) startShard(ctx *actor.Context, g core.Grant) {
	sh := newShard(r.engine, g.Shard, g.Epoch)
	name := fmt.Sprintf("%d:%d.%d", g.Shard, g.Epoch.Node, g.Epoch.Count)
	pid, err := ctx.Spawn(name, func() actor.Actor { return sh }, actor.Supervise{MaxRestarts: -1})
	if err != nil { // this actor is ending
		ctx.Log().Error().Uint32("shard", g.Shard).Err(err).Msg("shard can't be started")
		r.core.ShardStopped(ctx.Now(), g.Shard)
		return
	}
	sh.pid = pid
	r.shards[pid] = sh
	ctx.Watch(pid)
	r.table.host(sh)
}

func (r *region) stopShard(ctx *actor.Context, e core.StopShard) {
	sh := r.table.quiesce(e.Shard)
	switch {
	case sh == nil: // it has stopped, and the news is on its way
	case e.Now:
		ctx.Stop(sh.pid)
	default:
		ctx.Tell(sh.pid, stopShard{})
	}
}

// send carries a protocol message to the region of a node, which passes it on
// to the coordinator if it is for that.
func (e *engine) send(ctx *actor.Context, to membership.Node, msg any) {
	ctx.Tell(e.regionAt(to), msg)
}

func (e *engine) note(ctx *actor.Context, n core.Note) {
	ev := ctx.Log().Info()
	if n.Warn {
		ev = ctx.Log().Warn()
	}
	ev = ev.Str("sharding", e.name).Stringer("node", n.Node)
	if n.Shard >= 0 {
		ev = ev.Int("shard", n.Shard)
	}
	ev.Msg(n.Text)
}
