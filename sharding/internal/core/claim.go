package core

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// claim is a shard hosted under a grant that lost against a newer one.
type claim struct {
	node  Node
	shard uint32
}

func compareClaims(a, b claim) int {
	return cmp.Or(a.node.Compare(b.node), cmp.Compare(a.shard, b.shard))
}

// register takes what a region is and hosts as the truth about it.
func (c *Coordinator) register(now time.Time, m Register) {
	if m.Shards != c.Shards {
		// It would send messages to the wrong shards.
		if !now.Before(c.clashAt) {
			c.clashAt = now.Add(10 * time.Second)
			c.note(true, m.From, -1, "refused a region that has %d shards where the coordinator has %d; all nodes must have the same number, stop the odd ones", m.Shards, c.Shards)
		}
		return
	}
	p := c.peers[m.From]
	fresh := p == nil
	if fresh {
		p = &peer{}
		c.peers[m.From] = p
	}
	p.seq, p.proxy, p.leaving = m.Seq, m.Proxy, m.Leaving
	c.do(Send{To: m.From, Msg: Registered{c.head()}})
	claimed := map[uint32]actor.Epoch{}
	for _, h := range m.Hosted {
		if h.Shard < c.Shards {
			claimed[h.Shard] = h.Epoch
			c.claimed(now, m.From, h)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(c.homes)) {
		h := c.homes[s]
		epoch, ok := claimed[s]
		if h.node == m.From && h.started && (!ok || epoch != h.epoch) {
			// It had the shard and has lost it since. A grant that was not
			// confirmed may be on its way still, so it isn't judged by this.
			c.stopped(now, m.From, Grant{Shard: s, Epoch: h.epoch})
		}
	}
	for _, l := range c.losersOf(m.From) {
		if claimed[l.shard] != c.losers[l] {
			delete(c.losers, l)
		}
	}
	if c.active && fresh {
		c.tellAll(m.From)
	}
}

func (c *Coordinator) losersOf(n Node) []claim {
	var all []claim
	for l := range c.losers {
		if l.node == n {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, compareClaims)
	return all
}

// claimed takes one shard of a registration.
func (c *Coordinator) claimed(now time.Time, n Node, hosted Hosted) {
	e := hosted.Epoch
	if e.Cluster == c.Term.Cluster && e.Node == c.Term.Node {
		c.Count = max(c.Count, e.Count)
	}
	h := c.homes[hosted.Shard]
	switch {
	case h == nil:
		c.homes[hosted.Shard] = &home{node: n, epoch: e, started: true, stopping: hosted.Stopping}
		if c.active && hosted.Stopping {
			c.moves[hosted.Shard] = &move{stage: stopping, owner: n, epoch: e, resendAt: now.Add(c.Retry)}
		}
	case h.node == n && h.epoch == e:
		c.confirm(h, hosted.Shard)
	case h.node == n && e.Older(h.epoch):
		c.losers[claim{n, hosted.Shard}] = e
	case h.epoch.Older(e):
		// SH-4: of two claims the newer grant is right.
		c.note(true, h.node, int(hosted.Shard), "two regions claim the shard; the one at %v has the newer grant %v and keeps it", n, e)
		if h.node != n {
			c.losers[claim{h.node, hosted.Shard}] = h.epoch
		}
		delete(c.moves, hosted.Shard)
		c.homes[hosted.Shard] = &home{node: n, epoch: e, started: true, stopping: hosted.Stopping}
		if c.active {
			c.announce(hosted.Shard)
		}
	case h.node != n:
		c.note(true, n, int(hosted.Shard), "two regions claim the shard; the one at %v has the newer grant %v and keeps it", h.node, h.epoch)
		c.losers[claim{n, hosted.Shard}] = e
	}
	c.losersAt = now
}

// stopped says that a region does not host a shard under the grant.
func (c *Coordinator) stopped(now time.Time, n Node, g Grant) {
	if c.losers[claim{n, g.Shard}] == g.Epoch {
		delete(c.losers, claim{n, g.Shard})
	}
	h := c.homes[g.Shard]
	if h == nil || h.node != n || h.epoch != g.Epoch {
		return
	}
	_, moving := c.moves[g.Shard]
	delete(c.homes, g.Shard)
	delete(c.moves, g.Shard)
	if c.active && (moving || h.started) {
		c.allocate(now, g.Shard)
	}
}
