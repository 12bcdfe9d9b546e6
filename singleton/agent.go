package singleton

import (
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
)

// tickEvery is the time between two looks of an agent at what is due.
const tickEvery = 200 * time.Millisecond

// Messages of the agent to itself.
type (
	tick      struct{}
	forceStop struct{}
	// leaveNow begins the hand-over; the gate opens when it is done.
	leaveNow struct{ done *actor.Gate }
)

// held is a message that waits for the instance to be found.
type held struct {
	msg  any
	from actor.PID
}

// agent is the actor that every node has for a singleton: its manager and its
// proxy. It drives the core and carries its effects out.
type agent struct {
	setup
	core     *core
	instance actor.PID
	buffer   []held
	leaving  []*actor.Gate
}

// setup is what an agent is made of.
type setup struct {
	name      string
	settings  settings
	bufferMax int
	stopMax   time.Duration
	spawn     func(ctx *actor.Context, epoch actor.Epoch) (actor.PID, error)
	subscribe func(self actor.PID)
}

// newAgent makes the actor. The core outlives it: an agent that is restarted
// must not count its instances anew.
func newAgent(s setup, c *core) *agent { return &agent{setup: s, core: c} }

// PreStart subscribes to the membership.
func (a *agent) PreStart(ctx *actor.Context) error {
	if a.core.running != notRunning { // its instance has died with the last agent
		a.core.stopped(ctx.Now())
	}
	a.subscribe(ctx.Self())
	ctx.Every(tickEvery, tick{})
	a.carryOut(ctx)
	return nil
}

// PostStop lets go what still waits.
func (a *agent) PostStop(ctx *actor.Context) {
	for _, h := range a.buffer {
		ctx.System().Drop(ctx.Self(), h.msg, h.from, actor.DropStopped)
	}
	for _, g := range a.leaving {
		g.Open()
	}
}

// Receive takes the protocol, the membership, and the users' messages.
func (a *agent) Receive(ctx *actor.Context) {
	now := ctx.Now()
	switch m := ctx.Message().(type) {
	case cluster.Change:
		a.core.members(now, uint64(m.View.Created), m.View.Members())
	case tick:
		a.core.tick(now)
	case handOverToMe, handOverDone, where, here, pause, paused:
		a.core.message(now, m)
	case carried:
		a.arrived(ctx, m.Msg)
	case actor.Terminated:
		if m.Ref == a.instance {
			a.instance = actor.PID{}
			ctx.CancelKey(forceStop{})
			a.core.stopped(now)
		}
	case forceStop:
		if !a.instance.IsZero() {
			ctx.Log().Warn().Str("singleton", a.name).Stringer("after", a.stopMax).Msg("instance has not stopped in time; it is stopped without what waits for it")
			ctx.Stop(a.instance)
		}
	case leaveNow:
		a.leaving = append(a.leaving, m.done)
		a.core.leave(now)
	default:
		a.deliver(ctx, held{msg: actor.WithTrace(m, ctx.Trace()), from: ctx.Sender()})
	}
	a.carryOut(ctx)
}

// arrived takes a message that another node's proxy has sent to the instance.
func (a *agent) arrived(ctx *actor.Context, msg any) {
	msg = actor.WithTrace(msg, ctx.Trace())
	switch {
	case !a.instance.IsZero() && (a.core.running == isRunning || a.core.running == isPausing):
		_ = a.instance.TellFrom(msg, ctx.Sender()) // a drop has been counted
	case a.core.phase == phaseOldest: // it is being started again
		a.deliver(ctx, held{msg: msg, from: ctx.Sender()})
	default:
		ctx.System().Drop(ctx.Self(), msg, ctx.Sender(), actor.DropStopped)
	}
}

// deliver sends a message to where the instance is, or keeps it.
func (a *agent) deliver(ctx *actor.Context, h held) {
	if a.core.proxy.host != (membership.Node{}) && len(a.buffer) == 0 {
		a.send(ctx, h)
		return
	}
	if a.core.roster.SelfEnded() || a.bufferMax <= 0 {
		ctx.System().Drop(ctx.Self(), h.msg, h.from, actor.DropBufferFull)
		return
	}
	if len(a.buffer) >= a.bufferMax {
		// The oldest has waited longest: whoever sent it has given up first.
		old := a.buffer[0]
		a.buffer[0] = held{}
		a.buffer = a.buffer[1:]
		ctx.System().Drop(ctx.Self(), old.msg, old.from, actor.DropBufferFull)
	}
	a.buffer = append(a.buffer, h)
	a.core.want(ctx.Now(), true)
}

func (a *agent) send(ctx *actor.Context, h held) {
	if a.core.proxy.host == a.settings.self {
		_ = a.instance.TellFrom(h.msg, h.from)
		return
	}
	msg, trace := actor.TraceOf(h.msg)
	_ = a.peer(ctx, a.core.proxy.host).TellFrom(actor.WithTrace(carried{Msg: msg}, trace), h.from)
}

// peer returns the agent of another node.
func (a *agent) peer(ctx *actor.Context, n membership.Node) actor.PID {
	sys := ctx.System()
	return sys.RefOf(actor.Location{System: sys.Name(), Addr: n.Addr, UID: n.UID, Path: "/system/" + actorName(a.name)})
}

// carryOut does what the core wants done, in order, until it wants nothing.
func (a *agent) carryOut(ctx *actor.Context) {
	for effects := a.core.take(); len(effects) > 0; effects = a.core.take() {
		for _, e := range effects {
			a.carry(ctx, e)
		}
	}
}

func (a *agent) carry(ctx *actor.Context, e effect) {
	switch e := e.(type) {
	case sendTo:
		ctx.Tell(a.peer(ctx, e.to), e.msg)
	case startInstance:
		a.start(ctx, e.epoch)
	case stopInstance:
		a.stop(ctx, e.now)
	case route:
		if e.host == (membership.Node{}) || e.host != a.core.proxy.host {
			break // lost again in the meantime
		}
		buffer := a.buffer
		a.buffer = nil
		for _, h := range buffer {
			a.send(ctx, h)
		}
		a.core.want(ctx.Now(), false)
	case leaveDone:
		for _, g := range a.leaving {
			g.Open()
		}
		a.leaving = nil
	case moved:
		ctx.Log().Info().Str("singleton", a.name).Stringer("from", e.from).Stringer("to", e.to).Msg("singleton manager changes phase")
	}
}

func (a *agent) start(ctx *actor.Context, epoch actor.Epoch) {
	pid, err := a.spawn(ctx, epoch)
	if err != nil {
		ctx.Log().Error().Str("singleton", a.name).Err(err).Msg("instance can't be started; it is tried again")
		a.core.stopped(ctx.Now())
		return
	}
	ctx.Log().Info().Str("singleton", a.name).Stringer("epoch", epoch).Msg("singleton starts here")
	a.instance = pid
	ctx.Watch(pid)
}

func (a *agent) stop(ctx *actor.Context, now bool) {
	switch {
	case a.instance.IsZero():
		a.core.stopped(ctx.Now())
	case now:
		ctx.Stop(a.instance)
	default:
		a.instance.Tell(actor.PoisonPill{})
		ctx.AfterKey(forceStop{}, a.stopMax, forceStop{})
	}
}
