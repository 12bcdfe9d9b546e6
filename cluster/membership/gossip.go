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
			c.receiveGossip(m)
		}
	case Digest:
		switch {
		case !c.isForUs(m.From, m.To, m.Created):
		case c.knows(m.From, State{}):
			c.receiveDigest(m)
		case !c.state.has(m.From) && !c.state.Buried(m.From):
			c.sendDigest(m.From) // it will send its whole state, which tells what it is
		}
	case Seen:
		if c.isForUs(m.From, m.To, m.Created) && m.Value == c.valueHash() {
			c.adopt(c.state.seenBy(m.From))
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
		c.warn("%v sends messages of another cluster of the same name: two clusters were formed", from)
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

func (c *Core) receiveGossip(m Gossip) {
	if m.State.Buried(c.me.Node) {
		c.evicted()
		return
	}
	if !m.State.has(c.me.Node) {
		return // from before this node joined
	}
	merged := Merge(c.state, m.State)
	news := !merged.equalValue(c.state)
	tellAll := !merged.equalValue(m.State)
	tellSeen := news || !m.State.Seen(c.me.Node)
	c.adopt(merged.seenBy(c.me.Node))
	switch {
	case c.ended:
	case tellAll:
		c.send(m.From, Gossip{c.me.Node, m.From, c.state})
	case tellSeen:
		c.sendSeen(m.From)
	}
}

func (c *Core) receiveDigest(m Digest) {
	if m.Value != c.valueHash() {
		c.send(m.From, Gossip{c.me.Node, m.From, c.state})
		return
	}
	c.adopt(c.state.seenBy(m.From)) // it holds this value, so it has seen it
	if m.SeenBy != c.state.seenDigest() {
		c.send(m.From, Gossip{c.me.Node, m.From, c.state})
	}
}

func (c *Core) sendDigest(to Node) {
	c.send(to, Digest{c.me.Node, to, c.state.Created, c.valueHash(), c.state.seenDigest()})
}

func (c *Core) sendSeen(to Node) {
	c.send(to, Seen{c.me.Node, to, c.state.Created, c.valueHash()})
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
// often than PushEvery.
func (c *Core) push() {
	if c.heat == 0 || !c.pushed.IsZero() && c.now.Before(c.pushed.Add(c.cfg.PushEvery)) {
		return
	}
	view := c.View()
	unseen := unseenTargets(view, gossipTargets(view))
	if len(unseen) == 0 {
		c.heat = 0
		return
	}
	c.heat--
	c.pushed = c.now
	for _, m := range pick(c.cfg.Rand, unseen, pushFanout) {
		c.send(m.Node, Gossip{c.me.Node, m.Node, c.state})
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
		c.send(m.Node, Gossip{c.me.Node, m.Node, c.state})
	}
}

// roundInterval is shorter while most members haven't seen the state, or one
// that is down may not know it yet.
func (c *Core) roundInterval(v View) time.Duration {
	hurry := len(v.seen) < (len(v.members)+1)/2
	for _, m := range v.members {
		hurry = hurry || m.Status == Down
	}
	if hurry {
		return c.cfg.GossipEvery / 3
	}
	return c.cfg.GossipEvery
}
