package membership

import (
	"slices"
	"time"
)

// pendingJoin is a node that asked to join while an older incarnation had its
// address.
type pendingJoin struct {
	join  Join
	until time.Time
}

const (
	// pendingMax bounds the nodes that wait for an older incarnation to go.
	pendingMax = 64
	// pendingFor is how long one waits without asking again.
	pendingFor = 10 * time.Second
)

// receiveJoin lets a node in, if nothing is against it.
func (c *Core) receiveJoin(m Join) {
	self := c.View().SelfMember().Status
	if !c.joined() || self == Down || self == Exiting || m.From.Addr == c.me.Addr {
		return
	}
	if c.state.Closing && !c.state.has(m.From) {
		c.warn("%v wants to join: the cluster is about to be shut down and takes nobody in", m.From)
		return
	}
	if m.Cluster != c.cfg.Cluster {
		c.warn("%v wants to join cluster %q, this is %q", m.From, m.Cluster, c.cfg.Cluster)
		return
	}
	if c.state.Buried(m.From) {
		c.send(m.From, Farewell{c.me.Node, m.From, c.state.Created})
		return
	}
	old, ok := c.state.At(m.From.Addr)
	switch {
	case c.state.has(m.From): // the Welcome got lost
		c.send(m.From, Welcome{c.me.Node, m.From, c.state})
	case !ok:
		c.admit(m)
	default:
		c.replace(old, m)
	}
}

func (c *Core) admit(m Join) {
	c.change(c.View().admitted(Member{Node: m.From, Roles: m.Roles, AppVersion: m.AppVersion}))
	if !c.ended {
		c.send(m.From, Welcome{c.me.Node, m.From, c.state})
	}
}

// replace says of the old incarnation of an address that it is over, for the new
// one proves that, and lets the new one in as soon as the old is removed.
func (c *Core) replace(old Member, m Join) {
	if !c.mayReplace() {
		return
	}
	i := slices.IndexFunc(c.pending, func(p pendingJoin) bool { return p.join.From.Addr == m.From.Addr })
	if i >= 0 {
		c.pending = slices.Delete(c.pending, i, i+1)
	}
	if len(c.pending) < pendingMax {
		c.pending = append(c.pending, pendingJoin{m, c.now.Add(pendingFor)})
	}
	if next := c.state.outlived(c.me.Node, old); !next.equalValue(c.state) {
		c.change(next)
	}
}

// mayReplace reports whether this node may say that an incarnation is over. The
// old one may have left, and only members that work wait for each other to know.
func (c *Core) mayReplace() bool {
	return c.View().SelfMember().works() || !slices.ContainsFunc(c.state.members, Member.works)
}

// outlived returns s once self knows that the process of a member is over: it is
// dead, unless it was Exiting. That one has left: the leader removes it as it
// is, since nobody will hear of it again.
func (s State) outlived(self Node, m Member) State {
	if m.Status == Exiting {
		return s.withReach(s.reach.Change(self, m.Node, Terminated))
	}
	return s.declaredDead(self, m.Node)
}

// admitPending lets those in whose address has become free.
func (c *Core) admitPending() {
	waiting := c.pending
	c.pending = nil
	for _, p := range waiting {
		_, taken := c.state.At(p.join.From.Addr)
		switch {
		case c.now.After(p.until) || c.ended || c.state.Closing || c.state.Buried(p.join.From):
		case taken:
			c.pending = append(c.pending, p)
		default:
			c.admit(p.join)
			c.lead()
		}
	}
}

// leave moves the member at addr to Leaving.
func (c *Core) leave(addr string) {
	if !c.joined() {
		if addr == c.me.Addr {
			c.end(Left, "it had not joined")
		}
		return
	}
	m, ok := c.state.At(addr)
	if ok && m.Status.CanBecome(Leaving) {
		c.change(c.state.apply(c.me.Node, []Change{{m.Node, m.Status, Leaving, 0}}, 0))
	}
}

// prepareShutdown makes it known that the whole cluster is about to be shut
// down. Who is Up says so itself from then on; once all others have seen it,
// the leader declares everybody ready.
func (c *Core) prepareShutdown() {
	if !c.joined() || c.state.Closing {
		return
	}
	next := c.state
	next.Closing = true
	for _, m := range next.members {
		if m.Status == Up {
			next = next.apply(c.me.Node, []Change{{m.Node, Up, PreparingForShutdown, 0}}, 0)
		}
	}
	c.change(next)
}

// exitCompleted is called when this node has handed over what it had.
func (c *Core) exitCompleted() {
	if c.exit != exitRunning {
		return
	}
	c.exit = exitDone
	c.exitUntil = c.now.Add(c.cfg.ExitTimeout)
	c.confirm(c.me.Node)
	c.confirmExit()
}

// confirm counts a member out that said it is done.
func (c *Core) confirm(n Node) {
	if !slices.Contains(c.confirmed, n) && c.state.has(n) {
		c.confirmed = mergeSorted(c.confirmed, []Node{n}, compareNodes, keepFirst)
	}
}

// confirmExit tells the member that leads without this node that it can be
// removed, and the one that would lead after that.
func (c *Core) confirmExit() {
	view := c.View()
	for range 2 {
		leader, ok := view.Leader()
		if !ok {
			return
		}
		c.send(leader.Node, ExitingConfirmed{c.me.Node, leader.Node, c.state.Created})
		view.confirmed = mergeSorted(view.confirmed, []Node{leader.Node}, compareNodes, keepFirst)
	}
}

func (c *Core) receiveExitingConfirmed(m ExitingConfirmed) {
	if member, _ := c.state.Member(m.From); member.Status == Exiting {
		c.confirm(m.From)
	}
}

// finishExit ends a node that is done and that nobody is left to remove, or
// that has waited long enough to be removed: the others then find it
// unreachable and Exiting, and remove it without anybody declaring it dead.
func (c *Core) finishExit() {
	if c.exit != exitDone || c.ended {
		return
	}
	_, ok := c.View().Leader()
	if !ok || !c.now.Before(c.exitUntil) {
		c.end(Left, "")
	}
}
