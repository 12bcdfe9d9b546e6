package core

import (
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// stage is how far the hand-off of a shard is.
type stage uint8

const (
	holding  stage = iota // regions begin to hold messages back
	stopping              // the owner stops the entities
)

// move is a hand-off.
type move struct {
	stage    stage
	owner    Node
	epoch    actor.Epoch
	must     bool          // the owner leaves: it goes on even when not all hold
	holding  map[Node]bool // regions that have not confirmed yet
	resendAt time.Time
	holdBy   time.Time
}

// begin starts the hand-off of a shard.
func (c *Coordinator) begin(now time.Time, shard uint32, must bool) {
	c.flush() // homes gathered before must not undo the hold
	h := c.homes[shard]
	m := &move{owner: h.node, epoch: h.epoch, must: must, holding: map[Node]bool{}, holdBy: now.Add(c.HoldMax)}
	for n := range c.peers {
		m.holding[n] = true
	}
	c.moves[shard] = m
	c.push(now, shard)
}

// push sends what the hand-off is waiting for.
func (c *Coordinator) push(now time.Time, shard uint32) {
	m, h := c.moves[shard], c.homes[shard]
	m.resendAt = now.Add(c.Retry)
	g := Grant{Shard: shard, Epoch: h.epoch}
	if m.stage == stopping {
		c.do(Send{To: h.node, Msg: HandOff{Head: c.head(), Grant: g}})
		return
	}
	for _, n := range slices.SortedFunc(maps.Keys(m.holding), Node.Compare) {
		c.do(Send{To: n, Msg: BeginHandOff{Head: c.head(), Grant: g, Owner: h.node}})
	}
}

// advance takes every hand-off one stage further when it may.
func (c *Coordinator) advance(now time.Time) {
	for _, s := range slices.Sorted(maps.Keys(c.moves)) {
		m := c.moves[s]
		if c.peers[m.owner] == nil {
			continue // gone: rehome ends it
		}
		if m.stage == holding {
			// A leaving owner has little time: it doesn't wait for those who
			// can't answer.
			maps.DeleteFunc(m.holding, func(n Node, _ bool) bool { return c.peers[n] == nil || m.must && c.unreachable[n] })
			late := !now.Before(m.holdBy)
			switch {
			case len(m.holding) == 0 || late && m.must:
				m.stage = stopping
				c.push(now, s)
				continue
			case late:
				// Some region can't be reached. The shard stays, and it is
				// tried again when the balance is looked at next.
				delete(c.moves, s)
				c.announce(s)
				continue
			}
		}
		if !now.Before(m.resendAt) {
			c.push(now, s)
		}
	}
}

// evacuate hands the shards of leaving regions over, some at a time, and lets
// a region go when it has none.
func (c *Coordinator) evacuate(now time.Time) {
	for _, n := range slices.SortedFunc(maps.Keys(c.peers), Node.Compare) {
		asked := c.peers[n].leaving
		if s := c.roster.Status(n); !asked && s != membership.Leaving && s != membership.Exiting {
			continue
		}
		moving, left := 0, 0
		var ready []uint32
		for _, s := range slices.Sorted(maps.Keys(c.homes)) {
			switch h := c.homes[s]; {
			case h.node != n:
				continue
			case c.moves[s] != nil:
				c.moves[s].must = true
				moving++
			case h.started:
				ready = append(ready, s)
			}
			left++
		}
		for _, s := range ready[:min(len(ready), max(0, c.HandOffsMax-moving))] {
			c.begin(now, s, true)
		}
		if asked && left == 0 && len(c.losersOf(n)) == 0 && !c.quit[n] && !now.Before(c.releaseAt[n]) {
			c.flush() // where its shards are now comes first: it may hold messages for them
			c.releaseAt[n] = now.Add(c.Retry)
			c.do(Send{To: n, Msg: Released{c.head()}})
		}
	}
}

// rebalance moves shards to regions that have fewer, when nothing else moves,
// everybody can be reached and has the same version of the application, and the
// cluster isn't about to end.
func (c *Coordinator) rebalance(now time.Time) {
	if now.Before(c.rebalanceAt) {
		return
	}
	c.rebalanceAt = now.Add(c.RebalanceEvery)
	if len(c.moves) > 0 {
		return
	}
	hosts := c.roster.Hosts()
	for _, m := range hosts {
		if !m.Status.IsUp() || m.Status.Closing() || c.unreachable[m.Node] || c.peers[m.Node] == nil {
			return
		}
		if membership.CompareVersions(m.AppVersion, hosts[0].AppVersion) != 0 {
			return // what is moved to an old node is moved again when that is replaced
		}
	}
	for _, s := range c.Strategy.Rebalance(c.loads()) {
		if c.homes[s].started {
			c.begin(now, s, false)
		}
	}
}

// remind repeats grants that were not confirmed and tells losers to stop.
func (c *Coordinator) remind(now time.Time) {
	for _, s := range slices.Sorted(maps.Keys(c.homes)) {
		h := c.homes[s]
		if !h.started && !now.Before(h.resendAt) && c.peers[h.node] != nil {
			h.resendAt = now.Add(c.Retry)
			c.do(Send{To: h.node, Msg: Host{Head: c.head(), Grant: Grant{Shard: s, Epoch: h.epoch}}})
		}
	}
	if now.Before(c.losersAt) {
		return
	}
	c.losersAt = now.Add(c.Retry)
	for _, l := range slices.SortedFunc(maps.Keys(c.losers), compareClaims) {
		c.do(Send{To: l.node, Msg: HandOff{Head: c.head(), Grant: Grant{Shard: l.shard, Epoch: c.losers[l]}}})
	}
}
