package cluster

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// heart sends and answers heartbeats, and tells the daemon who is silent. It
// is an actor of its own, so that a daemon with much to do doesn't look dead.
type heart struct {
	c      *Cluster
	daemon actor.PID
	pulse  *pulse
	cfg    Heartbeat
	seq    uint64
	beats  bool
	late   time.Time // when it was last said that heartbeats are late
}

type (
	beatDue struct{}
	reapDue struct{}
)

// lateEvery bounds how often late heartbeats are logged.
const lateEvery = time.Minute

// Receive implements actor.Actor.
func (h *heart) Receive(ctx *actor.Context) {
	if h.c.last.Load() != nil {
		return // this node is out
	}
	now := ctx.Now()
	switch m := ctx.Message().(type) {
	case heartbeat:
		if h.pulse.answers(m.From) {
			h.c.refTo(m.From, heartPath).Tell(heartbeatAck{h.c.self, m.Seq})
		}
	case heartbeatAck:
		if m.Seq <= h.seq { // otherwise it is one to the heart before this one
			h.heard(ctx, m.From, m.Seq)
		}
	case viewChanged:
		h.viewChanged(ctx, m.view)
	case beatDue:
		h.beat(h.pulse.beat(now))
	case reapDue:
		if o := h.pulse.reap(now); len(o.Unreachable)+len(o.Reachable) > 0 {
			h.daemon.Tell(o)
		}
	default:
		ctx.Unhandled()
	}
}

// viewChanged greets new targets at once: the sooner they answer, the sooner
// their rhythm is known.
func (h *heart) viewChanged(ctx *actor.Context, v membership.View) {
	before := h.pulse.active()
	h.pulse.setView(ctx.Now(), v)
	var fresh []membership.Node
	for _, n := range h.pulse.active() {
		if !slices.Contains(before, n) {
			fresh = append(fresh, n)
		}
	}
	h.beat(fresh)
	if !h.beats && v.SelfMember().Status != membership.Removed {
		h.beats = true
		ctx.EveryKey(beatDue{}, h.cfg.Every, beatDue{})
		ctx.EveryKey(reapDue{}, h.cfg.ReapEvery, reapDue{})
	}
}

func (h *heart) beat(to []membership.Node) {
	if len(to) == 0 {
		return
	}
	h.seq++
	for _, n := range to {
		h.c.refTo(n, heartPath).Tell(heartbeat{h.c.self, h.seq})
	}
}

func (h *heart) heard(ctx *actor.Context, n membership.Node, seq uint64) {
	interval := h.pulse.heard(ctx.Now(), n, seq)
	if h.pulse.fd.Late(interval) && ctx.Now().Sub(h.late) >= lateEvery {
		h.late = ctx.Now()
		ctx.Log().Warn().Stringer("node", n).Stringer("after", interval).
			Msg("a heartbeat came late: one of the two nodes, or the network between them, is overloaded or was paused")
	}
}
