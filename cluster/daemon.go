package cluster

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/lease"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

// farewellGrace is how long the last messages of a member that left may still
// arrive before its incarnation is shut out.
const farewellGrace = 5 * time.Second

// daemon drives the membership core and the downing of this node: inputs come
// as messages, effects are carried out in their order.
type daemon struct {
	c        *Cluster
	core     *membership.Core
	resolver *downing.Resolver
	cfg      Config
	lease    *lease.Lease // of the cluster; nil without one
	heart    actor.PID
	tickAt   time.Time
	asked    bool // the system was asked to stop because this node leaves
	over     bool
	excuse   string // why this node isn't in a cluster yet
	accord   *accord

	subscribers []actor.PID
}

type (
	// tick says that something of the core or the resolver is due.
	tick struct{}
	// viewChanged is what the heart needs to know.
	viewChanged struct{ view membership.View }
	// accordDue says that it is time to compare what nodes declare.
	accordDue struct{}
	// heartStopped says that the heart has handled everything it had.
	heartStopped struct{}
	// shutOut ends the grace of a member that left.
	shutOut struct{ node membership.Node }
	// giveUp ends a node that can't leave in order.
	giveUp struct{ detail string }
	// subscribe and unsubscribe are those of the Cluster.
	subscribe struct {
		who  actor.PID
		from beginning
	}
	unsubscribe struct{ who actor.PID }
)

const timerTick = "tick"

func newDaemon(c *Cluster, core *membership.Core, cfg Config) (*daemon, error) {
	d := &daemon{c: c, core: core, cfg: cfg, resolver: downing.NewResolver(cfg.downing()), accord: newAccord(c.self)}
	if err := d.declareOwn(); err != nil {
		return nil, err
	}
	if cfg.Lease.Store == nil {
		return d, nil
	}
	var err error
	d.lease, err = lease.New(c.sys, cfg.Lease.Store, cfg.Lease.settings(c.name, c.self))
	return d, err
}

// PreStart starts the heart, listens to remoting and begins to join.
func (d *daemon) PreStart(ctx *actor.Context) error {
	var err error
	h := &heart{c: d.c, daemon: ctx.Self(), pulse: newPulse(d.cfg.Heartbeat.withDefaults(), d.c.self), cfg: d.cfg.Heartbeat.withDefaults()}
	upwards := actor.Supervise{Decide: func(error) actor.Directive { return actor.Escalate }}
	if d.heart, err = ctx.Spawn(heartName, func() actor.Actor { return h }, upwards); err != nil {
		return err
	}
	ctx.WatchWith(d.heart, heartStopped{})
	actor.Subscribe[remote.Gone](d.c.sys, ctx.Self())
	actor.Subscribe[remote.DeclaredDead](d.c.sys, ctx.Self())
	actor.Subscribe[remote.NotConnected](d.c.sys, ctx.Self())
	actor.Subscribe[remote.Connected](d.c.sys, ctx.Self())
	actor.Subscribe[remote.ConnectionLost](d.c.sys, ctx.Self())
	ctx.EveryKey(accordDue{}, accordEvery, accordDue{})
	if !d.cfg.JoinLater {
		d.step(ctx, membership.Start{})
	}
	return nil
}

// PostStop ends the node if nothing has before: its daemon failed.
func (d *daemon) PostStop(ctx *actor.Context) {
	if !d.over {
		d.finish(ctx, membership.Failed, "the cluster daemon has stopped")
	}
	d.c.silent.Open()
	d.c.stopped.Open()
}

// Receive implements actor.Actor.
func (d *daemon) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case membership.Message:
		d.step(ctx, membership.Received{Message: m})
	case membership.Input:
		d.step(ctx, m)
	case Order:
		d.obey(ctx, m)
	case tick:
		d.tickAt = time.Time{}
		d.step(ctx, membership.Tick{})
	case remote.NotConnected:
		d.step(ctx, membership.NoAnswer{
			Addr: m.Addr, UID: m.UID, Why: m.Text, Refused: m.Cause == remote.CauseRefused, Self: m.Cause == remote.CauseSelf, Gone: m.Cause == remote.CauseGone,
		})
	case remote.ConnectionLost:
		if m.Control {
			d.step(ctx, membership.Lost{Addr: m.Addr})
		}
	case remote.Connected:
		d.step(ctx, membership.Met{Node: membership.Node{Addr: m.Addr, UID: m.UID}})
	case remote.DeclaredDead:
		d.step(ctx, membership.QuarantinedBy{Node: membership.Node{Addr: m.By, UID: m.UID}})
	case remote.Gone:
		d.gone(ctx, membership.Node{Addr: m.Addr, UID: m.UID})
	case declared:
		d.declare(ctx, m.Declaration)
	case profile:
		if d.accord.heard(m) && !d.over {
			d.tellProfile(m.From)
		}
	case accordDue:
		d.compare(ctx)
	case heartStopped:
		d.c.silent.Open()
	case leaseAnswer:
		d.answered(ctx, m.err)
	case shutOut:
		d.c.remote.Quarantine(m.node.Addr, m.node.UID)
	case giveUp:
		if !d.over {
			d.finish(ctx, membership.Left, m.detail)
		}
	case subscribe:
		d.subscribe(ctx, m)
	case unsubscribe:
		d.subscribers = slices.DeleteFunc(d.subscribers, func(p actor.PID) bool { return p == m.who })
	default:
		ctx.Unhandled()
	}
}

// gone takes the word of remoting that an incarnation will never be heard of
// again. One that leaves in order says goodbye while it is Exiting: that is
// no reason to hold it for dead.
func (d *daemon) gone(ctx *actor.Context, n membership.Node) {
	if m, ok := d.core.View().Member(n); ok && m.Status != membership.Exiting {
		d.step(ctx, membership.Quarantined{Node: n})
	}
}

// step lets the core take one input, and the resolver look at what came of it.
func (d *daemon) step(ctx *actor.Context, in membership.Input) {
	effects := d.core.Step(ctx.Now(), in)
	if excuse := d.core.Excuse(); excuse != d.excuse {
		d.excuse = excuse
		d.c.excuse.Store(&excuse)
	}
	for _, e := range effects {
		d.carryOut(ctx, e)
	}
	if !d.core.Ended() && d.decide(ctx, d.resolver.Step(ctx.Now(), d.core.View())) {
		return
	}
	d.arm(ctx)
}

// arm sets the timer to whatever is due next.
func (d *daemon) arm(ctx *actor.Context) {
	next := d.core.Next()
	if r := d.resolver.Next(); !r.IsZero() && (next.IsZero() || r.Before(next)) && !d.core.Ended() {
		next = r
	}
	if next.Equal(d.tickAt) {
		return
	}
	d.tickAt = next
	if next.IsZero() {
		ctx.CancelKey(timerTick)
		return
	}
	ctx.AfterKey(timerTick, max(next.Sub(ctx.Now()), 0), tick{})
}

func (d *daemon) carryOut(ctx *actor.Context, e membership.Effect) {
	switch e := e.(type) {
	case membership.Send:
		d.c.refTo(e.To, daemonPath).Tell(e.Message)
	case membership.Changed:
		d.changed(ctx, e)
	case membership.Joined:
		ctx.Log().Info().Msg("joined")
	case membership.ExitStarted:
		d.c.exiting.Open()
	case membership.Shutdown:
		d.finish(ctx, e.Reason, e.Detail)
	case membership.Look:
		d.c.remote.Probe(e.Addr)
	case membership.Warning:
		ctx.Log().Warn().Msg(e.Text)
	case membership.Note:
		ctx.Log().Info().Msg(e.Text)
	}
}

// changed tells everybody of a new view.
func (d *daemon) changed(ctx *actor.Context, e membership.Changed) {
	if !d.over && !d.core.Ended() { // or the heart is gone before it gets there
		d.heart.Tell(viewChanged{e.View})
	}
	for _, ev := range e.Events {
		logEvent(ctx, ev)
	}
	d.accord.setView(e.View)
	d.tell(Change{View: e.View, Events: e.Events})
	for _, ev := range e.Events {
		if removed, ok := ev.(membership.MemberRemoved); ok && removed.Member.Node != d.c.self {
			d.removed(ctx, removed)
		}
		if joined, ok := ev.(membership.MemberJoined); ok {
			d.replaced(joined.Member.Node)
		}
	}
	switch self := e.View.SelfMember(); {
	case self.Status.IsUp():
		d.c.up.Open()
		d.c.settled.Open()
	case self.Status == membership.Leaving || self.Status == membership.Exiting:
		if !d.asked {
			d.asked = true
			d.c.sys.BeginStop("this node leaves the cluster")
		}
	}
}

// removed ends everything with a member that is gone: its watchers get their
// Terminated, and should it still live it is told so when it knocks. The last
// messages of one that left in order may still come.
func (d *daemon) removed(ctx *actor.Context, e membership.MemberRemoved) {
	if e.Before == membership.Exiting || e.Before == membership.Leaving { // the steps in between may not have been seen here
		ctx.After(farewellGrace, shutOut{e.Member.Node})
		return
	}
	d.c.remote.Quarantine(e.Member.Addr, e.Member.UID)
}

// replaced ends the grace of older incarnations of an address.
func (d *daemon) replaced(n membership.Node) {
	for _, t := range d.core.View().Tombstones() {
		if t.Node.Addr == n.Addr {
			d.c.remote.Quarantine(t.Node.Addr, t.Node.UID)
		}
	}
}

// finish ends this node's part: subscribers hear of it first, so that what
// must run only once in the cluster stops before anything else happens.
func (d *daemon) finish(ctx *actor.Context, reason membership.Reason, detail string) {
	d.over = true
	event := membership.Ended{Reason: reason, Detail: detail}
	d.c.last.Store(&event) // the heart gives no sign of life from here on
	d.heart.Tell(actor.PoisonPill{})
	// A lease that this node holds isn't given back: those whom it has declared
	// dead may not have decided yet, and must not find it free.
	logEvent(ctx, event)
	d.tell(Change{View: membership.ViewOf(membership.State{}, d.c.self), Events: []membership.Event{event}})
	d.c.ended.Open()
	d.c.settled.Open()
	d.c.exiting.Open()
	d.c.sys.BeginStop(event.String())
}
