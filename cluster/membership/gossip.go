package membership

import "time"

// receive takes a message of another core.
func (c *Core) receive(m Message) {
	switch m := m.(type) {
	case InitJoin:
		c.receiveInitJoin(m)
	case InitJoinAck:
		c.receiveAck(m)
	case InitJoinNack:
		c.receiveNack(m)
	case Join:
		c.receiveJoin(m)
	case Welcome:
		c.receiveWelcome(m)
	case Gossip:
		if c.isForUs(m.From, m.To, m.State.Created) && c.knows(m.From, m.State) {
			c.receiveState(m.From, m.State, 0)
		}
	case Delta:
		c.receiveDelta(m)
	case Recent:
		if c.isForUs(m.From, m.To, m.Created) && c.knows(m.From, State{}) {
			c.receiveRecent(m)
		}
	case Digest:
		if c.isForUs(m.From, m.To, m.Created) && c.knowsOrAsks(m.From) {
			c.receiveDigest(m)
		}
	case Seen:
		if c.isForUs(m.From, m.To, m.Created) {
			c.receiveSeen(m)
		}
	case ExitingConfirmed:
		if c.isForUs(m.From, m.To, m.Created) && c.knows(m.From, State{}) {
			c.receiveExitingConfirmed(m)
		}
	case Farewell:
		if !c.joined() && m.To == c.me.Node {
			c.refusedForGood(m.From)
		}
		// Only a member's word counts: what was removed here may say what it likes.
		if from, ok := c.state.Member(m.From); c.isForUs(m.From, m.To, m.Created) && ok && from.Status != Down {
			c.evicted()
		}
	case Hail:
		c.receiveHail(m)
	case Rival:
		c.receiveRival(m)
	default:
		c.warn("message %T is unknown", m)
	}
}

// isForUs reports whether a message between members of one cluster is meant
// for this incarnation, in this cluster.
func (c *Core) isForUs(from, to Node, created int64) bool {
	if !c.joined() || to != c.me.Node || from == c.me.Node {
		return false
	}
	if created != c.state.Created {
		c.contact(from, created)
		return false
	}
	return true
}

// knows reports whether this node listens to from: it is a member, or its view
// proves that it became one since. A node that was removed and doesn't know is
// told so.
func (c *Core) knows(from Node, theirs State) bool {
	if c.state.has(from) {
		// What others say of it doesn't matter, or a pair that can talk again
		// would stay apart for ever.
		return c.state.reach.Status(c.me.Node, from) == Reachable
	}
	if c.state.Buried(from) {
		c.send(from, Farewell{c.me.Node, from, c.state.Created})
		return false
	}
	if theirs.IsZero() {
		return false
	}
	// If from was removed and its tombstone cleared away, this node's horizon
	// lies beyond the removal and the horizon of from before it. A newcomer has
	// the newest horizon; it may be all that is left of those this node knew.
	if theirs.has(from) && theirs.Horizon >= c.state.Horizon {
		return true
	}
	if c.coversJoinOf(from, theirs) {
		c.send(from, Farewell{c.me.Node, from, c.state.Created})
	}
	return false
}

// coversJoinOf reports whether this node has seen everything that theirs
// contains by others than from. Then it has seen from join, and since from is
// no member it was removed since. It tells a removed node, whose tombstone is
// cleared away, from one whose joining hasn't got here yet.
func (c *Core) coversJoinOf(from Node, theirs State) bool {
	for _, e := range theirs.clock.entries {
		if e.node != from && (!c.state.has(e.node) || c.state.clock.Count(e.node) < e.count) {
			return false
		}
	}
	return true
}

// knowsOrAsks is knows for messages that don't tell what their sender is: one
// that isn't known is asked for its whole state, which does.
func (c *Core) knowsOrAsks(from Node) bool {
	if c.knows(from, State{}) {
		return true
	}
	if !c.state.has(from) && !c.state.Buried(from) {
		c.send(from, Recent{From: c.me.Node, To: from, Created: c.state.Created})
	}
	return false
}

// receiveState merges the state of another member; hash is its digest, 0 when
// that isn't known.
func (c *Core) receiveState(from Node, theirs State, hash uint64) {
	if theirs.Buried(c.me.Node) {
		c.evicted()
		return
	}
	if !theirs.has(c.me.Node) {
		return // from before this node joined
	}
	merged := Merge(c.state, theirs)
	news := !merged.equalValue(c.state)
	tellAll := !merged.equalValue(theirs)
	tellSeen := news || !theirs.Seen(c.me.Node)
	if !news && c.heat > 0 {
		c.heat-- // the news gets around without this node
	}
	c.adopt(merged.seenBy(c.me.Node))
	if news && !tellAll {
		c.hash = hash
	}
	switch {
	case c.ended:
	case tellAll:
		if hash == 0 {
			hash = theirs.digest()
		}
		c.send(from, c.wordSince(past{hash, theirs}, from, c.state, c.valueHash()))
	case tellSeen:
		c.sendSeen(from)
	}
}

// receiveDelta rebuilds the state that the sender has, and merges it.
func (c *Core) receiveDelta(m Delta) {
	if !c.isForUs(m.From, m.To, m.Created) {
		return
	}
	base, ok := c.value(m.Base)
	if !ok {
		if c.knowsOrAsks(m.From) {
			c.sendRecent(m.From)
		}
		return
	}
	theirs, ok := m.patched(base)
	if !ok {
		c.warn("%v sends changes that don't lead to the value it names", m.From)
		if c.knowsOrAsks(m.From) {
			c.send(m.From, Recent{From: c.me.Node, To: m.From, Created: c.state.Created})
		}
		return
	}
	if c.knows(m.From, theirs) {
		c.receiveState(m.From, theirs, m.Value)
	}
}

// value returns the value with the digest, if this node has or remembers it.
func (c *Core) value(hash uint64) (State, bool) {
	if hash == c.valueHash() {
		return c.state, true
	}
	if i := c.past.find(hash); i >= 0 {
		return c.past.values[i].state, true
	}
	return State{}, false
}

// receiveDigest answers with what the sender lacks. If it has a value that this
// node doesn't know, it must find out what both have in common.
func (c *Core) receiveDigest(m Digest) {
	switch i := c.past.find(m.Value); {
	case m.Value == c.valueHash():
		c.adopt(c.state.seenBy(m.From)) // it holds this value, so it has seen it
		if m.SeenBy != c.state.seenDigest() {
			c.sendWitnesses(m.From)
		}
	case i >= 0:
		c.past.held(m.Value, m.From)
		c.send(m.From, c.wordSince(c.past.values[i], m.From, c.state, c.valueHash()))
	default:
		c.sendRecent(m.From)
	}
}

// receiveRecent brings the sender up to date from the newest value that both
// know, or with the whole state.
func (c *Core) receiveRecent(m Recent) {
	for i, hash := range m.Values {
		if hash == c.valueHash() {
			if i == 0 {
				c.adopt(c.state.seenBy(m.From))
				return
			}
			c.sendDigest(m.From) // it is ahead
			return
		}
		if at := c.past.find(hash); at >= 0 {
			c.past.held(hash, m.From)
			c.send(m.From, c.wordSince(c.past.values[at], m.From, c.state, c.valueHash()))
			return
		}
	}
	c.send(m.From, Gossip{c.me.Node, m.From, c.state})
}

// receiveSeen notes who has seen the present value, or one before it, or one
// that is still on its way here.
func (c *Core) receiveSeen(m Seen) {
	if m.Value != c.valueHash() {
		if c.past.find(m.Value) >= 0 {
			c.past.held(m.Value, m.From)
		} else if c.knows(m.From, State{}) {
			c.seenEarly(m)
		}
		return
	}
	theirs := c.state
	theirs.seen = nil
	theirs = theirs.withBits(m.By).seenBy(m.From)
	next := c.state
	next.seen = mergeSorted(c.state.seen, theirs.seen, compareNodes, keepFirst)
	if len(m.By) > 0 && len(next.seen) == len(c.state.seen) && c.heat > 0 {
		c.heat--
	}
	c.adopt(next)
	if len(m.By) > 0 && len(next.seen) > len(theirs.seen) && !c.ended {
		c.sendWitnesses(m.From)
	}
}

// early is who said that it has seen a value before this node had it: those
// who hear of news tell the leader, which may be the last to hear of it.
type early struct {
	value uint64
	nodes []Node
}

func (c *Core) seenEarly(m Seen) {
	if c.early.value != m.Value {
		c.early = early{value: m.Value}
		c.sendDigest(m.From) // it is ahead
	}
	if len(c.early.nodes) <= len(c.state.members) {
		c.early.nodes = append(c.early.nodes, m.From)
	}
}

// takeEarly adds those to the seen table who had seen the value first.
func (c *Core) takeEarly() {
	if c.early.value == 0 || c.early.value != c.valueHash() {
		return
	}
	for _, n := range c.early.nodes {
		c.state = c.state.seenBy(n)
	}
	c.early = early{}
}

// tell tells a member what this node knows.
func (c *Core) tell(to Node) { c.tellOf(to, c.state, c.valueHash()) }

// tellOf tells a member of a state in the cheapest way: by what has changed
// since a value that it had, or whole if that is little. Otherwise it first
// asks for what both have in common.
func (c *Core) tellOf(to Node, s State, hash uint64) {
	if base, ok := c.past.latestOf(to); ok {
		c.send(to, c.wordSince(base, to, s, hash))
		return
	}
	if len(s.members) <= wholeMax || !c.state.equalValue(s) {
		c.send(to, Gossip{c.me.Node, to, s})
		return
	}
	c.sendDigest(to)
}

// wholeMax is up to how many members a state is sent whole to one who may need
// less: it fits into a packet.
const wholeMax = 16

// wordSince returns the message by which one who has base gets to know s.
func (c *Core) wordSince(base past, to Node, s State, hash uint64) Message {
	part, gone := s.since(base.state)
	if len(part.members) > (len(s.members)+1)/2 {
		return Gossip{c.me.Node, to, s}
	}
	return Delta{From: c.me.Node, To: to, Created: s.Created, Base: base.hash, Value: hash, Seen: s.bits(), Gone: gone, Part: part}
}

func (c *Core) sendDigest(to Node) {
	c.send(to, Digest{c.me.Node, to, c.state.Created, c.valueHash(), c.state.seenDigest()})
}

// sendRecent tells which values this node knows, the present one first.
func (c *Core) sendRecent(to Node) {
	values := []uint64{c.valueHash()}
	for i := len(c.past.values) - 1; i >= 0; i-- {
		values = append(values, c.past.values[i].hash)
	}
	c.send(to, Recent{c.me.Node, to, c.state.Created, values})
}

// sendWitnesses tells who has seen the present value, as far as is known here.
func (c *Core) sendWitnesses(to Node) {
	c.send(to, Seen{c.me.Node, to, c.state.Created, c.valueHash(), c.state.bits()})
}

func (c *Core) sendSeen(to Node) {
	c.send(to, Seen{From: c.me.Node, To: to, Created: c.state.Created, Value: c.valueHash()})
	leader, ok := c.View().Leader()
	if ok && leader.Node == to {
		c.acked, c.ackHash = to, c.valueHash()
	}
}

// acknowledge tells the leader, once for each value, that this node has seen
// it: the leader waits for that, and rounds of gossip take their time.
func (c *Core) acknowledge() {
	leader, ok := c.View().Leader()
	if !ok || leader.Node == c.me.Node || c.state.reach.Status(c.me.Node, leader.Node) != Reachable {
		return
	}
	if !c.state.Seen(c.me.Node) || c.acked == leader.Node && c.ackHash == c.valueHash() {
		return
	}
	c.sendSeen(leader.Node)
}

// push passes news on to members that haven't seen it, at once but not more
// often than PushEvery. That all have seen it is news too.
func (c *Core) push() {
	if c.heat == 0 || !c.pushed.IsZero() && c.now.Before(c.pushed.Add(c.cfg.PushEvery)) {
		return
	}
	view := c.View()
	targets := gossipTargets(view)
	unseen := unseenTargets(view, targets)
	c.heat--
	c.pushed = c.now
	switch {
	case len(unseen) > 0:
		for _, m := range pick(c.cfg.Rand, unseen, pushFanout) {
			c.tell(m.Node)
		}
	case c.state.seenByAll():
		for _, m := range pick(c.cfg.Rand, targets, pushFanout) {
			c.sendWitnesses(m.Node)
		}
	}
}

// gossipRound is the periodic exchange that repairs whatever was lost.
func (c *Core) gossipRound() {
	if !c.round.IsZero() && c.now.Before(c.round) {
		return
	}
	view := c.View()
	c.round = c.now.Add(c.roundInterval(view))
	if c.exit == exitDone {
		c.confirmExit()
	}
	m, ok := roundTarget(c.cfg.Rand, view)
	switch {
	case !ok:
	case c.state.Seen(m.Node):
		c.sendDigest(m.Node)
	default:
		c.tell(m.Node)
	}
}

// roundInterval is shorter while most members haven't seen the state, or one
// that is down may not know it yet, and longer when all have seen it.
func (c *Core) roundInterval(v View) time.Duration {
	hurry := len(v.seen) < (len(v.members)+1)/2
	for _, m := range v.members {
		hurry = hurry || m.Status == Down
	}
	switch {
	case hurry:
		return c.cfg.GossipEvery / 3
	case len(v.seen) == len(v.members):
		return 2 * c.cfg.GossipEvery
	}
	return c.cfg.GossipEvery
}
