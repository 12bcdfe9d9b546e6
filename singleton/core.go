package singleton

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

// settings are the numbers a core works with.
type settings struct {
	self       membership.Node
	role       string
	margin     time.Duration // between a host's end and its replacement
	retry      time.Duration // between repeats of anything unanswered
	pauseMax   time.Duration // how long a hand-over waits for proxies to pause
	backoffMin time.Duration // before an instance that failed is started again
	backoffMax time.Duration
}

// clearedMax is how many promises are kept before the old ones are dropped.
const clearedMax = 1024

// running says what there is of an instance on this node.
type running uint8

const (
	notRunning running = iota
	isRunning
	isPausing  // proxies are asked to hold back
	isStopping // it was told to stop
)

// core is the manager and the proxy of one node as a value: inputs go into its
// methods, effects come out, in order. It reads no clock and sends nothing.
//
// The safety argument: a node starts the instance only when every older host
// is cleared, that is, has promised never to run it again (a handOverDone,
// given only by a node that is leaving and runs nothing), or has been out of
// the membership for the margin. Age is the same everywhere and nobody comes
// to stand before a node that is there, so of two nodes the younger always
// waits for the older, whatever else their views differ in. The promise says
// how far its maker had seen, and the next instance waits until its node has
// seen as much: whomever the last one dealt with, the next one knows.
type core struct {
	settings
	roster  *roster.Roster
	created uint64 // stamp of the cluster
	starts  uint64 // instances this node has started, ever

	phase   phase
	running running
	epoch   actor.Epoch
	leaving bool // the node's leave has come to the hand-over
	cleared map[membership.Node]bool
	upTo    uint64 // how far those who cleared themselves had seen

	failures  int
	restartAt time.Time
	startedAt time.Time
	askAt     time.Time

	askers  map[membership.Node]bool // proxies waiting for an instance here
	clients map[membership.Node]bool // proxies that know of it
	pausing map[membership.Node]bool
	pauseBy time.Time

	proxy proxyCore

	effects []effect
}

// proxyCore is what a node knows of where the instance is.
type proxyCore struct {
	host    membership.Node // zero: unknown
	epoch   actor.Epoch     // newest instance heard of
	wanted  bool            // messages are waiting
	whereAt time.Time
}

// effect is something for the shell to carry out.
type effect interface{ isEffect() }

type (
	// sendTo sends a protocol message to the manager of another node.
	sendTo struct {
		to  membership.Node
		msg any
	}
	// startInstance starts the instance under the epoch.
	startInstance struct{ epoch actor.Epoch }
	// stopInstance stops the instance; now means without handling what waits.
	stopInstance struct{ now bool }
	// route says where messages go from now on; zero means that they wait.
	route struct{ host membership.Node }
	// leaveDone says that this node has nothing to hand over any more.
	leaveDone struct{}
	// moved reports a change of phase, for the log.
	moved struct{ from, to phase }
)

func (sendTo) isEffect()        {}
func (startInstance) isEffect() {}
func (stopInstance) isEffect()  {}
func (route) isEffect()         {}
func (leaveDone) isEffect()     {}
func (moved) isEffect()         {}

func newCore(s settings) *core {
	return &core{
		settings: s, roster: roster.New(s.role, s.self),
		cleared: map[membership.Node]bool{}, askers: map[membership.Node]bool{},
		clients: map[membership.Node]bool{}, pausing: map[membership.Node]bool{},
	}
}

// hostable reports whether this node may run the instance.
func (c *core) hostable() bool { return c.roster.Self().HasRole(c.role) }

// take returns the effects gathered so far.
func (c *core) take() []effect {
	e := c.effects
	c.effects = nil
	return e
}

func (c *core) do(e effect) { c.effects = append(c.effects, e) }

func (c *core) send(to membership.Node, msg any) {
	if to != c.self {
		c.do(sendTo{to: to, msg: msg})
	}
}

// members takes the present members.
func (c *core) members(now time.Time, created uint64, members []membership.Member) {
	c.created = created
	c.roster.Update(now, members)
	for _, set := range []map[membership.Node]bool{c.askers, c.clients, c.pausing} {
		for n := range set {
			if gone(c.roster.Status(n)) {
				delete(set, n)
			}
		}
	}
	if c.proxy.host != (membership.Node{}) && c.proxy.host != c.self && gone(c.roster.Status(c.proxy.host)) {
		c.lose(now)
	}
	c.settle(now)
}

func gone(s membership.Status) bool { return s == membership.Removed || s == membership.Down }

// tick repeats what was not answered and starts what is due.
func (c *core) tick(now time.Time) {
	c.settle(now)
	if c.phase == phaseBecomingOldest && !now.Before(c.askAt) {
		c.ask(now)
	}
	c.seek(now)
}

// leave says that this node's leave has come to the hand-over.
func (c *core) leave(now time.Time) {
	c.leaving = true
	if c.phase == phaseEnded {
		c.do(leaveDone{})
		return
	}
	c.settle(now)
}

// stopped says that the instance on this node has stopped.
func (c *core) stopped(now time.Time) {
	if c.running == isRunning { // by itself
		if now.Sub(c.startedAt) > c.backoffMax {
			c.failures = 0
		}
		c.failures++
		c.restartAt = now.Add(c.backoff())
	}
	c.running = notRunning
	if c.proxy.host == c.self {
		c.lose(now)
	}
	c.settle(now)
}

// backoff doubles from the minimum to the maximum.
func (c *core) backoff() time.Duration {
	d := c.backoffMin
	for i := 1; i < c.failures && d < c.backoffMax; i++ {
		d *= 2
	}
	return min(d, c.backoffMax)
}

// settle brings the phase in line with everything known and acts on it.
func (c *core) settle(now time.Time) {
	if c.running == isPausing && (len(c.pausing) == 0 || !now.Before(c.pauseBy)) {
		c.running = isStopping
		c.do(stopInstance{})
	}
	next := c.compute(now)
	if next == c.phase {
		c.startIfDue(now)
		return
	}
	from := c.phase
	c.phase = next
	c.do(moved{from: from, to: next})
	switch next {
	case phaseBecomingOldest:
		c.ask(now)
	case phaseOldest:
		c.startIfDue(now)
	case phaseHandingOver:
		c.pause(now)
	case phaseReverted:
		c.pause(now)
	case phaseStopping:
		if c.running != isStopping {
			c.route(membership.Node{})
		}
		c.running = isStopping
		c.do(stopInstance{now: true})
	case phaseEnded:
		c.end()
	}
}

// compute returns the phase that everything known amounts to.
func (c *core) compute(now time.Time) phase {
	self := c.roster.Self()
	if c.phase == phaseEnded {
		return phaseEnded
	}
	if c.roster.SelfEnded() {
		if c.running != notRunning {
			return phaseStopping
		}
		return phaseEnded
	}
	going := self.Status == membership.Leaving || self.Status == membership.Exiting || c.leaving
	if going {
		if c.running == notRunning {
			return phaseEnded
		}
		if c.leaving || self.Status == membership.Exiting || c.phase == phaseHandingOver {
			return phaseHandingOver
		}
		if c.phase == phaseReverted {
			return phaseReverted
		}
		return phaseWasOldest
	}
	if !self.Status.IsUp() || self.UpNumber == 0 || !c.hostable() {
		return phaseStart
	}
	older, up := c.uncleared(now)
	switch {
	case self.Status.Closing() && c.running == notRunning && c.phase != phaseOldest:
		return phaseYounger // the whole cluster is about to end: nothing moves here any more
	case c.running != notRunning && (older || c.phase == phaseReverted):
		return phaseReverted
	case c.running != notRunning || !older:
		return phaseOldest
	case up:
		return phaseYounger
	}
	return phaseBecomingOldest
}

// uncleared reports whether an older host may run the instance still, perhaps
// one that went before this node came, and whether one of those is Up.
func (c *core) uncleared(now time.Time) (older, up bool) {
	self := c.roster.Self()
	older = !c.roster.Knows(now, c.margin) || c.roster.UpTo() < c.upTo
	for _, m := range c.roster.Hosts() {
		if m.Node == c.self {
			break
		}
		if c.cleared[m.Node] {
			continue
		}
		older = true
		up = up || m.Status.IsUp()
	}
	for _, g := range c.roster.Gone(now, c.margin) {
		older = older || g.Older(self) && !c.cleared[g.Node]
	}
	return older, up
}

// startIfDue starts the instance when this node is to run it and doesn't.
func (c *core) startIfDue(now time.Time) {
	if c.phase != phaseOldest || c.running != notRunning || now.Before(c.restartAt) {
		return
	}
	c.starts++
	c.epoch = actor.Epoch{Cluster: c.created, Node: c.roster.Self().UpNumber, Count: c.starts}
	c.running, c.startedAt = isRunning, now
	c.do(startInstance{epoch: c.epoch})
	c.found(c.self, c.epoch)
	for _, n := range sorted(c.askers) {
		c.clients[n] = true
	}
	clear(c.askers)
	for _, n := range sorted(c.clients) {
		c.send(n, here{From: c.self, Epoch: c.epoch})
	}
}

// pause asks the proxies to hold their messages back, so that what they have
// sent is handled before the instance stops and the rest goes to the next one.
func (c *core) pause(now time.Time) {
	if c.running != isRunning {
		return
	}
	c.running, c.pauseBy = isPausing, now.Add(c.pauseMax)
	c.lose(now)
	for _, n := range sorted(c.clients) {
		c.pausing[n] = true
		c.send(n, pause{From: c.self, Epoch: c.epoch})
	}
	clear(c.clients)
	c.settle(now)
}

// end makes the promise never to run the instance again, unless this node was
// declared dead: then nobody listens, and the margin is what the others wait.
func (c *core) end() {
	if !c.roster.SelfEnded() && c.hostable() {
		for _, m := range c.roster.Hosts() {
			if m.Status.IsUp() {
				c.send(m.Node, handOverDone{From: c.self, UpTo: c.roster.UpTo()})
			}
		}
	}
	if c.leaving || c.roster.SelfEnded() {
		c.do(leaveDone{})
	}
}

// ask asks every older host that may run the instance to hand it over.
func (c *core) ask(now time.Time) {
	c.askAt = now.Add(c.retry)
	for _, m := range c.roster.Hosts() {
		if m.Node == c.self {
			return
		}
		if !c.cleared[m.Node] && m.Status != membership.Down {
			c.send(m.Node, handOverToMe{From: c.self})
		}
	}
}

// message takes a protocol message of another node's manager.
func (c *core) message(now time.Time, msg any) {
	switch m := msg.(type) {
	case handOverToMe:
		// Only the promise answers; until it can be given the other asks again.
		if c.phase == phaseEnded && !c.roster.SelfEnded() {
			c.send(m.From, handOverDone{From: c.self, UpTo: c.roster.UpTo()})
		}
	case handOverDone:
		c.cleared[m.From] = true
		c.upTo = max(c.upTo, m.UpTo)
		c.forget(now)
		c.settle(now)
	case where:
		c.where(m)
	case here:
		c.found(m.From, m.Epoch)
	case pause:
		if c.proxy.host == m.From && !m.Epoch.Older(c.proxy.epoch) {
			c.proxy.epoch = m.Epoch
			c.lose(now)
		}
		c.send(m.From, paused{From: c.self, Epoch: m.Epoch})
	case paused:
		if m.Epoch == c.epoch {
			delete(c.pausing, m.From)
			c.settle(now)
		}
	}
}

// forget drops promises of nodes that nobody remembers, so that the table
// stays as small as the cluster.
func (c *core) forget(now time.Time) {
	if len(c.cleared) < clearedMax {
		return
	}
	kept := map[membership.Node]bool{}
	for _, m := range c.roster.Hosts() {
		kept[m.Node] = c.cleared[m.Node]
	}
	for _, g := range c.roster.Gone(now, c.margin) {
		kept[g.Node] = c.cleared[g.Node]
	}
	c.cleared = kept
}

// where answers a proxy that looks for the instance, now or when it starts.
func (c *core) where(m where) {
	if gone(c.roster.Status(m.From)) {
		return
	}
	switch {
	case c.running == isRunning:
		c.clients[m.From] = true
		c.send(m.From, here{From: c.self, Epoch: c.epoch})
	case c.phase != phaseEnded && c.phase != phaseStopping && c.hostable():
		c.askers[m.From] = true
	}
}

// found takes the place of an instance, unless a newer one is known.
func (c *core) found(host membership.Node, epoch actor.Epoch) {
	if host != c.self && (epoch.Older(c.proxy.epoch) || gone(c.roster.Status(host))) {
		return
	}
	c.proxy.epoch = epoch
	c.route(host)
}

func (c *core) route(host membership.Node) {
	if c.proxy.host != host {
		c.proxy.host = host
		c.do(route{host: host})
	}
}

// lose forgets where the instance is and looks for it when it is needed.
func (c *core) lose(now time.Time) {
	// An equal epoch would be the instance that is going.
	c.proxy.epoch.Count++
	c.route(membership.Node{})
	c.proxy.whereAt = now
	c.seek(now)
}

// want says whether messages wait for the instance to be found.
func (c *core) want(now time.Time, wanted bool) {
	c.proxy.wanted = wanted
	c.seek(now)
}

// seek asks the nodes that may run the instance, while messages wait.
func (c *core) seek(now time.Time) {
	if c.proxy.host != (membership.Node{}) || !c.proxy.wanted || now.Before(c.proxy.whereAt) || c.roster.SelfEnded() {
		return
	}
	c.proxy.whereAt = now.Add(c.retry)
	for _, n := range c.roster.Candidates() {
		c.send(n, where{From: c.self})
	}
}

func sorted(set map[membership.Node]bool) []membership.Node {
	nodes := make([]membership.Node, 0, len(set))
	for n := range set {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, membership.Node.Compare)
	return nodes
}
