package router

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
)

const (
	// grace is how long a routee that was taken out still gets what senders
	// were about to send it, before it is stopped.
	grace = 100 * time.Millisecond
	// refillFirst and refillMax bound how often a pool with a Resizer spawns routees in
	// the place of those that died: the first time at once, then after refillFirst,
	// and after twice as long each time they die again without a calm time in between.
	refillFirst, refillMax = time.Second, 30 * time.Second
)

// pace holds back the spawns of a pool whose routees die. It outlives the head.
type pace struct {
	until time.Time // nothing is spawned before
	delay time.Duration
	lost  bool // routees have died since the last spawn
}

// rest is how long to wait before routees are spawned.
func (p *pace) rest(now time.Time) time.Duration { return max(p.until.Sub(now), 0) }

// spawned notes that routees were.
func (p *pace) spawned(now time.Time) {
	if !p.lost {
		return
	}
	p.lost = false
	calm := now.Sub(p.until) > p.delay
	if p.delay = min(2*p.delay, refillMax); calm {
		p.delay = refillFirst
	}
	p.until = now.Add(p.delay)
}

// head is the actor of a router: it supervises the routees of a pool, follows
// the source of a group, and publishes the table by which senders route.
type head struct {
	front *front
	cfg   config

	members []routee
	names   int // given out
	table   *table
	known   bool // the routees are; in a group, once its source has spoken
	open    bool // senders route by the table
	decider decider
	cancel  func() // ends following the source
}

// routee is a routee as its head sees it.
type routee struct {
	ref     actor.PID
	child   bool // spawned by the pool
	watched bool
	listed  bool // named by the source of a group
}

// PreStart gets the routees.
func (h *head) PreStart(ctx *actor.Context) error {
	h.front.bound()
	if h.cfg.source != nil {
		return h.follow(ctx)
	}
	if rest := h.front.pace.rest(ctx.Now()); h.cfg.resizer != nil && rest > 0 {
		ctx.After(rest, refillDue{}) // messages wait until then
		return nil
	}
	return h.fill(ctx)
}

// fill spawns the first routees of a pool.
func (h *head) fill(ctx *actor.Context) error {
	n := h.cfg.n
	if h.cfg.resizer != nil {
		h.front.pace.spawned(ctx.Now())
		h.decider = h.cfg.resizer.start()
		n = h.cfg.resizer.first(n)
		if _, d := h.cfg.resizer.due(); d > 0 {
			ctx.Every(d, resizeDue{})
		}
	}
	if h.front.queue != nil {
		h.front.queue.start()
	}
	for range n {
		if err := h.spawn(ctx); err != nil {
			return fmt.Errorf("pool: %w", err)
		}
	}
	ctx.UnstashAll()
	h.begin(ctx)
	return nil
}

// follow has the source of a group name the routees.
func (h *head) follow(ctx *actor.Context) error {
	self, over := ctx.Self(), &atomic.Bool{}
	cancel, err := h.cfg.source.Follow(func(refs []actor.PID) {
		if !over.Load() {
			self.Tell(listed{by: h, refs: refs})
		}
	})
	if err != nil {
		return fmt.Errorf("group: follow its source: %w", err)
	}
	h.cancel = func() {
		over.Store(true)
		if cancel != nil {
			cancel()
		}
	}
	return nil
}

// begin publishes the first table as soon as what came before has been routed.
func (h *head) begin(ctx *actor.Context) {
	h.known = true
	h.publish()
	h.front.hold()
	ctx.Tell(ctx.Self(), opened{h})
}

// PreRestart has messages wait in the mailbox for the next incarnation.
func (h *head) PreRestart(*actor.Context, error) {
	h.front.pace.lost = true
	h.end()
}

// PostStop makes dead letters of what comes from now on.
func (h *head) PostStop(*actor.Context) { h.end() }

func (h *head) end() {
	if h.cancel != nil {
		h.cancel()
	}
	h.front.divert()
}

// Receive manages routees, and routes what came through the mailbox.
func (h *head) Receive(ctx *actor.Context) {
	if !h.known && !begins(ctx.Message()) {
		_ = ctx.Stash() // until there are routees; one that doesn't fit is a dead letter
		return
	}
	switch m := ctx.Message().(type) {
	case opened:
		if m.by == h {
			h.open = true
			h.front.open(h.table)
		}
	case listed:
		if m.by == h {
			h.list(ctx, m.refs)
		}
	case GetRoutees:
		actor.Reply(ctx, m, Routees{Refs: h.refs()})
	case AddRoutee:
		h.add(ctx, m.Ref)
	case RemoveRoutee:
		h.remove(ctx, m.Ref)
	case AdjustPoolSize:
		h.adjust(ctx, m.Change)
	case actor.Terminated:
		h.gone(ctx, m.Ref)
	case resizeDue:
		h.resize(ctx)
	case refillDue:
		if !h.known {
			ctx.Fail(h.fill(ctx))
			return
		}
		h.refill(ctx)
	case retireDue:
		m.ref.Tell(actor.PoisonPill{})
	default:
		h.route(ctx, m)
	}
}

// begins reports whether a message brings a router its first routees.
func begins(msg any) bool {
	switch msg.(type) {
	case listed, refillDue:
		return true
	}
	return false
}

// route routes a message that came through the mailbox.
func (h *head) route(ctx *actor.Context, msg any) {
	all := h.table.toAll != nil && h.table.toAll.holds(bare(msg))
	if _, broadcast := msg.(Broadcast); !all && !broadcast && h.table.way == asking {
		h.openSession(ctx, msg, ctx.Sender())
		return
	}
	_ = h.front.route(h.table, msg, ctx.Sender(), ctx.Trace()) // what leads to nobody is a dead letter
}

// spawn adds one routee of the pool's own.
func (h *head) spawn(ctx *actor.Context) error {
	h.names++
	var place *post
	opts := h.cfg.routeeOptions
	if h.front.queue != nil {
		place = &post{queue: h.front.queue}
		opts = append([]actor.SpawnOption{actor.Intercept(place.around)}, opts...)
	}
	ref, err := ctx.Spawn("routee-"+strconv.Itoa(h.names), h.cfg.routee(place), opts...)
	if err != nil {
		return err
	}
	ctx.Watch(ref)
	h.members = append(h.members, routee{ref: ref, child: true, watched: true})
	return nil
}

// add takes in a routee from outside.
func (h *head) add(ctx *actor.Context, ref actor.PID) {
	most := routeesMax
	if h.cfg.resizer != nil {
		_, most = h.cfg.resizer.bounds()
	}
	if ref.IsZero() || h.front.queue != nil || len(h.members) >= most {
		ctx.Unhandled()
		return
	}
	if h.index(ref) < 0 {
		h.members = append(h.members, h.outsider(ctx, ref))
		h.publish()
	}
}

// outsider is a routee that somebody else has spawned. Only one incarnation of
// an actor can be watched: whoever has a path, and what a handler leads to, have
// no end.
func (h *head) outsider(ctx *actor.Context, ref actor.PID) routee {
	m := routee{ref: ref, watched: ref.Location().ID != 0}
	if m.watched {
		ctx.Watch(ref)
	}
	return m
}

func (h *head) remove(ctx *actor.Context, ref actor.PID) {
	if i := h.index(ref); i >= 0 {
		h.retire(ctx, i, i+1)
		h.publish()
		h.checkEmpty(ctx)
	}
}

// retire takes the members from..to-1 out.
func (h *head) retire(ctx *actor.Context, from, to int) {
	for _, m := range h.members[from:to] {
		if m.watched {
			ctx.Unwatch(m.ref)
		}
		if !m.child {
			continue
		}
		if h.front.queue != nil {
			h.front.queue.leave(func(w *worker) bool { return w.pid == m.ref })
		}
		ctx.After(grace, retireDue{m.ref})
	}
	h.members = slices.Delete(h.members, from, to)
}

// adjust changes the size of a pool on request.
func (h *head) adjust(ctx *actor.Context, change int) {
	if h.cfg.source != nil {
		ctx.Unhandled()
		return
	}
	lower, upper := 1, routeesMax
	if h.cfg.resizer != nil {
		lower, upper = h.cfg.resizer.bounds()
	}
	size := len(h.members)
	change = min(max(change, -routeesMax), routeesMax)
	h.grow(ctx, min(max(size+change, lower), upper)-size)
}

// grow changes the size of a pool; the last to come are the first to go.
func (h *head) grow(ctx *actor.Context, change int) {
	for range change {
		if err := h.spawn(ctx); err != nil {
			ctx.Log().Error().Err(err).Msg("pool can't grow")
			break
		}
	}
	if size := len(h.members); change < 0 {
		h.retire(ctx, max(0, size+change), size)
	}
	if change != 0 {
		h.publish()
	}
}

// gone takes out a routee that has stopped.
func (h *head) gone(ctx *actor.Context, ref actor.PID) {
	i := h.index(ref)
	if i < 0 {
		return
	}
	h.front.pace.lost = h.front.pace.lost || h.members[i].child
	h.members = slices.Delete(h.members, i, i+1)
	h.publish()
	h.checkEmpty(ctx)
}

// checkEmpty ends a pool without routees, unless it gets new ones.
func (h *head) checkEmpty(ctx *actor.Context) {
	switch {
	case h.cfg.source != nil:
	case h.cfg.resizer != nil:
		h.refill(ctx)
	case len(h.members) == 0 && !h.cfg.keepEmpty:
		ctx.Stop(ctx.Self())
	}
}

// refill brings a pool with a Resizer back to its lower bound.
func (h *head) refill(ctx *actor.Context) {
	lower, _ := h.cfg.resizer.bounds()
	missing := lower - len(h.members)
	if missing <= 0 {
		return
	}
	if rest := h.front.pace.rest(ctx.Now()); rest > 0 {
		ctx.AfterKey("refill", rest, refillDue{})
		return
	}
	h.front.pace.lost = true // also when somebody has taken them out
	h.front.pace.spawned(ctx.Now())
	h.grow(ctx, missing)
}

// list takes over what the source of a group says.
func (h *head) list(ctx *actor.Context, refs []actor.PID) {
	wanted := make(map[actor.PID]bool, len(refs))
	for _, r := range refs {
		if !r.IsZero() && len(wanted) < routeesMax {
			wanted[r] = true
		}
	}
	for i := len(h.members) - 1; i >= 0; i-- {
		if m := h.members[i]; m.listed && !wanted[m.ref] {
			h.retire(ctx, i, i+1)
		}
	}
	for i, m := range h.members {
		h.members[i].listed = m.listed || wanted[m.ref]
		delete(wanted, m.ref)
	}
	for _, r := range refs {
		if wanted[r] {
			delete(wanted, r)
			m := h.outsider(ctx, r)
			m.listed = true
			h.members = append(h.members, m)
		}
	}
	slices.SortStableFunc(h.members, func(a, b routee) int {
		x, y := a.ref.Location(), b.ref.Location()
		return cmp.Or(cmp.Compare(x.Addr, y.Addr), cmp.Compare(x.Path, y.Path), cmp.Compare(x.ID, y.ID))
	})
	if h.known {
		h.publish()
		return
	}
	ctx.UnstashAll()
	h.begin(ctx)
}

// publish makes a new table of the members.
func (h *head) publish() {
	t := &table{routees: h.refs(), way: wayOf(h.cfg.logic), toAll: h.cfg.broadcastIf}
	t.near = t.routees
	if near := slices.DeleteFunc(h.refs(), elsewhere); h.cfg.preferLocal && len(near) > 0 {
		t.near = near
	}
	if h.cfg.resizer != nil {
		t.resizeEvery, _ = h.cfg.resizer.due()
	}
	if len(t.routees) > 0 {
		t.picker = h.cfg.logic.over(t.near, h.picker(), h.front.random)
	}
	h.table = t
	if h.open {
		h.front.table.Store(t)
	}
}

func elsewhere(r actor.PID) bool { return !r.IsLocal() }

func (h *head) picker() Picker {
	if h.table == nil {
		return nil
	}
	return h.table.picker
}

func (h *head) refs() []actor.PID {
	refs := make([]actor.PID, len(h.members))
	for i, m := range h.members {
		refs[i] = m.ref
	}
	return refs
}

func (h *head) index(ref actor.PID) int {
	return slices.IndexFunc(h.members, func(m routee) bool { return m.ref == ref })
}
