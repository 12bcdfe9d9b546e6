package core

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

// CoordinatorSettings are the numbers a coordinator works with.
type CoordinatorSettings struct {
	Self   Node
	Term   actor.Epoch // of the singleton that it is
	Shards uint32
	// Margin is the time between the end of a host and its shards' new home.
	Margin time.Duration
	// Retry is the time between repeats of what was not answered.
	Retry time.Duration
	// RebalanceEvery is the time between two looks at the balance.
	RebalanceEvery time.Duration
	// Settle is how long a new coordinator waits for proxies to come forward
	// before it moves anything.
	Settle time.Duration
	// HoldMax is how long a hand-off waits for regions to hold messages back.
	HoldMax time.Duration
	// HandOffsMax is how many shards of a leaving region move at once.
	HandOffsMax int
	Strategy    LeastShards
	// Count is the last count this node has used in a grant.
	Count uint64
}

// peer is a region as the coordinator sees it.
type peer struct {
	seq     uint64
	proxy   bool
	leaving bool
}

// home is a shard that has an owner.
type home struct {
	node     Node
	epoch    actor.Epoch
	started  bool
	stopping bool // it stops for a hand-off that a predecessor began
	resendAt time.Time
}

// Coordinator decides where shards are. Make one with [NewCoordinator] for
// every term. It is not safe for concurrent use.
type Coordinator struct {
	CoordinatorSettings
	roster      *roster.Roster
	unreachable map[Node]bool

	seq     uint64
	active  bool
	retired bool // somebody has a newer term

	peers   map[Node]*peer // registered in this term
	quit    map[Node]bool  // promised to host nothing any more
	homes   map[uint32]*home
	moves   map[uint32]*move
	losers  map[claim]actor.Epoch
	waiting map[uint32]map[Node]bool // asked for, not answered

	activeAt    time.Time
	queryAt     time.Time
	rebalanceAt time.Time
	losersAt    time.Time
	warnAt      time.Time
	clashAt     time.Time
	releaseAt   map[Node]time.Time

	tell    map[Node][]Home // homes to send at the end of the step
	effects []Effect
}

// homesMax is how many homes go into one message.
const homesMax = 500

// NewCoordinator returns a coordinator that knows nothing yet. Retired are
// the nodes that promised to host nothing any more.
func NewCoordinator(now time.Time, s CoordinatorSettings, members *roster.Roster, retired []Node) *Coordinator {
	c := &Coordinator{
		CoordinatorSettings: s, roster: members, warnAt: now.Add(5 * time.Second),
		peers: map[Node]*peer{}, quit: map[Node]bool{}, homes: map[uint32]*home{}, moves: map[uint32]*move{},
		losers: map[claim]actor.Epoch{}, waiting: map[uint32]map[Node]bool{}, tell: map[Node][]Home{},
		unreachable: map[Node]bool{}, releaseAt: map[Node]time.Time{},
	}
	for _, n := range retired {
		c.quit[n] = true
	}
	return c
}

// Take returns the effects gathered since the last call.
func (c *Coordinator) Take() []Effect {
	e := c.effects
	c.effects = nil
	return e
}

func (c *Coordinator) do(e Effect) { c.effects = append(c.effects, e) }

func (c *Coordinator) note(warn bool, n Node, shard int, format string, args ...any) {
	c.do(Note{Warn: warn, Node: n, Shard: shard, Text: fmt.Sprintf(format, args...)})
}

func (c *Coordinator) head() Head {
	c.seq++
	return Head{From: c.Self, Term: c.Term, Seq: c.seq}
}

// Active reports whether every host has answered, so that shards are granted.
func (c *Coordinator) Active() bool { return c.active }

// LastCount returns the count of the last grant.
func (c *Coordinator) LastCount() uint64 { return c.Count }

// Members takes the membership and who can't be reached. The coordinator only
// reads the roster.
func (c *Coordinator) Members(now time.Time, members *roster.Roster, unreachable []Node) {
	c.roster = members
	clear(c.unreachable)
	for _, n := range unreachable {
		c.unreachable[n] = true
	}
	c.Tick(now)
}

// Retire takes the promise of a node to host nothing any more.
func (c *Coordinator) Retire(now time.Time, n Node) {
	c.quit[n] = true
	c.Tick(now)
}

// Tick repeats what was not answered and does what is due.
func (c *Coordinator) Tick(now time.Time) {
	if c.retired || c.roster.SelfEnded() {
		return
	}
	c.forget()
	if !c.active {
		c.recover(now)
	}
	if c.active {
		c.rehome(now)
		c.advance(now)
		if c.settled(now) {
			c.evacuate(now)
			c.rebalance(now)
		}
		c.serve(now)
		c.remind(now)
	}
	c.flush()
}

// forget drops what is about regions that are no members any more. Their
// homes stay until the margin is over.
func (c *Coordinator) forget() {
	for _, n := range slices.SortedFunc(maps.Keys(c.peers), Node.Compare) {
		if dead(c.roster.Status(n)) {
			delete(c.peers, n)
			delete(c.releaseAt, n)
		}
	}
	for _, asking := range c.waiting {
		maps.DeleteFunc(asking, func(n Node, _ bool) bool { return dead(c.roster.Status(n)) })
	}
	maps.DeleteFunc(c.losers, func(l claim, _ actor.Epoch) bool { return c.roster.Status(l.node) == membership.Removed })
	if len(c.quit) > quitMax {
		maps.DeleteFunc(c.quit, func(n Node, _ bool) bool { return c.roster.Status(n) == membership.Removed })
	}
}

// quitMax is how many promises are kept before old ones are dropped.
const quitMax = 1024

// buried reports whether a host has been out of the membership for the margin.
func (c *Coordinator) buried(now time.Time, n Node) bool {
	if c.roster.Status(n) != membership.Removed {
		return false
	}
	for _, g := range c.roster.Gone(now, c.Margin) {
		if g.Node == n {
			return false
		}
	}
	return true
}

// missing returns the hosts that have to answer, or to be gone for the margin,
// before anything may be granted.
func (c *Coordinator) missing(now time.Time) []Node {
	var nodes []Node
	for _, m := range c.roster.Hosts() {
		if c.peers[m.Node] == nil && !c.quit[m.Node] {
			nodes = append(nodes, m.Node)
		}
	}
	for _, g := range c.roster.Gone(now, c.Margin) {
		// One that answered in this term and then went is dealt with by
		// rehome: what it hosted is known.
		if c.peers[g.Node] == nil && !c.quit[g.Node] && !c.hostsKnown(g.Node) {
			nodes = append(nodes, g.Node)
		}
	}
	return nodes
}

func (c *Coordinator) hostsKnown(n Node) bool {
	for _, h := range c.homes {
		if h.node == n {
			return true
		}
	}
	return false
}

// recover asks the hosts until all have answered.
func (c *Coordinator) recover(now time.Time) {
	missing := c.missing(now)
	if len(missing) == 0 && c.roster.Knows(now, c.Margin) {
		c.active, c.activeAt, c.queryAt = true, now, now
		c.rebalanceAt = now.Add(c.RebalanceEvery)
		c.note(false, c.Self, -1, "shard coordinator %v is active: %d shards at %d regions", c.Term, len(c.homes), len(c.peers))
		c.adopt(now)
		return
	}
	if !now.Before(c.queryAt) {
		c.queryAt = now.Add(c.Retry)
		for _, n := range missing {
			if c.roster.Status(n) != membership.Removed {
				c.do(Send{To: n, Msg: Query{c.head()}})
			}
		}
	}
	if !now.Before(c.warnAt) && len(missing) > 0 {
		c.warnAt = now.Add(10 * time.Second)
		c.note(true, missing[0], -1, "shard coordinator waits for %d regions before it grants anything, first for this one; is sharding of this name started there? If the node is dead, it has to be downed", len(missing))
	}
}

// settled reports whether shards may move. Proxies keep homes, too, so every
// member is asked whether it has one, and given a while to answer, before
// something is moved under its feet.
func (c *Coordinator) settled(now time.Time) bool {
	if now.Sub(c.activeAt) >= c.Settle {
		return true
	}
	var silent []Node
	for _, n := range c.roster.Present() {
		if c.peers[n] == nil && !c.quit[n] {
			silent = append(silent, n)
		}
	}
	if len(silent) > 0 && !now.Before(c.queryAt) {
		c.queryAt = now.Add(c.Retry)
		for _, n := range silent {
			c.do(Send{To: n, Msg: Query{c.head()}})
		}
	}
	return len(silent) == 0
}

// adopt goes on with the hand-offs of a predecessor and tells all regions
// where the shards are.
func (c *Coordinator) adopt(now time.Time) {
	for _, s := range slices.Sorted(maps.Keys(c.homes)) {
		h := c.homes[s]
		if h.stopping {
			c.moves[s] = &move{stage: stopping, owner: h.node, epoch: h.epoch, resendAt: now}
		}
	}
	for _, n := range slices.SortedFunc(maps.Keys(c.peers), Node.Compare) {
		c.tellAll(n)
	}
}

// Receive takes a message of a region.
func (c *Coordinator) Receive(now time.Time, msg any) {
	if c.retired || c.roster.SelfEnded() {
		return
	}
	h, ok := headOf(msg)
	if !ok {
		return
	}
	switch order := h.Term.Compare(c.Term); {
	case order > 0:
		c.retired = true
		c.note(true, h.From, -1, "shard coordinator %v was replaced by %v", c.Term, h.Term)
		return
	case order < 0: // it has not heard of this term yet
		if !dead(c.roster.Status(h.From)) {
			c.do(Send{To: h.From, Msg: Query{c.head()}})
		}
		return
	}
	p := c.peers[h.From]
	switch m := msg.(type) {
	case Register:
		if s := c.roster.Status(h.From); s == membership.Removed || s == membership.Down || p != nil && h.Seq <= p.seq {
			return
		}
		c.register(now, m)
	default:
		if p == nil {
			c.do(Send{To: h.From, Msg: Query{c.head()}})
			return
		}
		if h.Seq <= p.seq {
			return
		}
		p.seq = h.Seq
		c.handle(now, msg)
	}
	c.Tick(now)
}

func headOf(msg any) (Head, bool) {
	switch m := msg.(type) {
	case Register:
		return m.Head, true
	case GetHomes:
		return m.Head, true
	case Started:
		return m.Head, true
	case Stopped:
		return m.Head, true
	case Held:
		return m.Head, true
	}
	return Head{}, false
}

func (c *Coordinator) handle(now time.Time, msg any) {
	switch m := msg.(type) {
	case GetHomes:
		for _, s := range m.Shards {
			if s < c.Shards {
				c.want(s, m.From)
			}
		}
	case Started:
		if h := c.homes[m.Grant.Shard]; h != nil && h.node == m.From && h.epoch == m.Grant.Epoch {
			c.confirm(h, m.Grant.Shard)
		}
	case Stopped:
		c.stopped(now, m.From, m.Grant)
	case Held:
		if mv := c.moves[m.Grant.Shard]; mv != nil && mv.epoch == m.Grant.Epoch && mv.owner == m.From {
			delete(mv.holding, m.Region)
		}
	}
}

// confirm takes it that the owner hosts a shard. Only now is anybody told: what
// was sent to a region that doesn't host yet would have to be sent on if it
// never does, and might then be overtaken.
func (c *Coordinator) confirm(h *home, shard uint32) {
	if h.started {
		return
	}
	h.started = true
	if c.active && c.moves[shard] == nil {
		c.announce(shard)
	}
}

func (c *Coordinator) want(shard uint32, n Node) {
	asking := c.waiting[shard]
	if asking == nil {
		asking = map[Node]bool{}
		c.waiting[shard] = asking
	}
	asking[n] = true
}

// rehome gives the shards of regions that are gone new homes.
func (c *Coordinator) rehome(now time.Time) {
	for _, s := range slices.Sorted(maps.Keys(c.homes)) {
		h := c.homes[s]
		if c.peers[h.node] == nil && (c.buried(now, h.node) || c.quit[h.node] && c.roster.Status(h.node) == membership.Removed) {
			delete(c.homes, s)
			delete(c.moves, s)
			c.allocate(now, s)
		}
	}
}

// serve answers those who asked for shards.
func (c *Coordinator) serve(now time.Time) {
	for _, s := range slices.Sorted(maps.Keys(c.waiting)) {
		h := c.homes[s]
		if h == nil {
			c.allocate(now, s)
			h = c.homes[s]
		}
		if h == nil || !h.started || c.moves[s] != nil || c.peers[h.node] == nil {
			continue
		}
		for _, n := range slices.SortedFunc(maps.Keys(c.waiting[s]), Node.Compare) {
			c.tellOne(n, s)
		}
		delete(c.waiting, s)
	}
}

// loads returns the regions that may get shards, with what they host. Those
// that can't be reached are left out as long as there are others.
func (c *Coordinator) loads() []Load {
	shards := map[Node][]uint32{}
	for _, s := range slices.Sorted(maps.Keys(c.homes)) {
		shards[c.homes[s].node] = append(shards[c.homes[s].node], s)
	}
	var all, reachable []Load
	for _, n := range slices.SortedFunc(maps.Keys(c.peers), Node.Compare) {
		p := c.peers[n]
		m, host := c.roster.Host(n)
		if p.proxy || p.leaving || !host || !m.Status.IsUp() {
			continue
		}
		all = append(all, Load{Node: n, Shards: shards[n]})
		if !c.unreachable[n] {
			reachable = append(reachable, Load{Node: n, Shards: shards[n]})
		}
	}
	if len(reachable) > 0 {
		return reachable
	}
	return all
}

// newest returns those of the regions that have the newest version of the
// application: during a rolling update, shards don't go where they would have
// to leave soon.
func (c *Coordinator) newest(loads []Load) []Load {
	var out []Load
	newest := ""
	for _, l := range loads {
		m, _ := c.roster.Host(l.Node)
		switch order := membership.CompareVersions(m.AppVersion, newest); {
		case order > 0:
			newest, out = m.AppVersion, []Load{l}
		case order == 0:
			out = append(out, l)
		}
	}
	return out
}

// allocate grants a free shard to a region.
func (c *Coordinator) allocate(now time.Time, shard uint32) {
	n, ok := c.Strategy.Allocate(c.newest(c.loads()))
	if !ok {
		return
	}
	c.Count++
	h := &home{node: n, resendAt: now.Add(c.Retry),
		epoch: actor.Epoch{Cluster: c.Term.Cluster, Node: c.Term.Node, Count: c.Count}}
	c.homes[shard] = h
	c.do(Send{To: n, Msg: Host{Head: c.head(), Grant: Grant{Shard: shard, Epoch: h.epoch}}})
}

// announce tells every region where a shard is.
func (c *Coordinator) announce(shard uint32) {
	for _, n := range slices.SortedFunc(maps.Keys(c.peers), Node.Compare) {
		c.tellOne(n, shard)
	}
	delete(c.waiting, shard)
}

func (c *Coordinator) tellOne(n Node, shard uint32) {
	if c.peers[n] == nil {
		return
	}
	h := c.homes[shard]
	c.tell[n] = append(c.tell[n], Home{Shard: shard, Node: h.node, Epoch: h.epoch})
}

// tellAll tells a region where all shards are that stay where they are.
func (c *Coordinator) tellAll(n Node) {
	for _, s := range slices.Sorted(maps.Keys(c.homes)) {
		if h := c.homes[s]; h.started && c.moves[s] == nil && c.peers[h.node] != nil {
			c.tellOne(n, s)
		}
	}
}

// flush sends the homes gathered in this step, after the grants.
func (c *Coordinator) flush() {
	for _, n := range slices.SortedFunc(maps.Keys(c.tell), Node.Compare) {
		for batch := range slices.Chunk(c.tell[n], homesMax) {
			c.do(Send{To: n, Msg: Homes{Head: c.head(), Homes: batch}})
		}
	}
	clear(c.tell)
}

// Allocation returns what every registered region hosts; proxies have nothing.
func (c *Coordinator) Allocation() []Load {
	var all []Load
	for _, n := range slices.SortedFunc(maps.Keys(c.peers), Node.Compare) {
		all = append(all, Load{Node: n})
	}
	for _, s := range slices.Sorted(maps.Keys(c.homes)) {
		if i, ok := slices.BinarySearchFunc(all, c.homes[s].node, func(l Load, n Node) int { return l.Node.Compare(n) }); ok {
			all[i].Shards = append(all[i].Shards, s)
		}
	}
	return all
}
