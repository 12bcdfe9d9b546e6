package membership

import (
	"slices"
	"time"
)

// seeding is how far a node has come with its first join.
type seeding struct {
	phase  joinPhase
	first  bool     // this node may form the cluster
	others []string // the seeds without this node
	since  time.Time
	ask    time.Time // when to ask the next time
	idle   []idleSeed
	enough time.Time // since when enough seeds say that they are in no cluster
	target Node
}

// idleSeed is a seed that is known to be in no cluster.
type idleSeed struct {
	addr   string
	at     time.Time // when that became known
	saidSo bool      // it answered; otherwise nothing runs there
}

type joinPhase uint8

const (
	joinIdle    joinPhase = iota // not asked to join yet
	joinAsking                   // asks the seeds
	joinWaiting                  // asked a member to be let in
	joinDone
)

func newSeeding(cfg Config) seeding {
	s := seeding{first: len(cfg.Seeds) > 0 && cfg.Seeds[0] == cfg.Self.Addr}
	for _, addr := range cfg.Seeds {
		if addr != cfg.Self.Addr {
			s.others = append(s.others, addr)
		}
	}
	return s
}

// next returns when something is due after now.
func (s seeding) next(cfg Config, now time.Time) time.Time {
	if s.phase != joinAsking && s.phase != joinWaiting {
		return time.Time{}
	}
	if deadline := s.enough.Add(cfg.SeedTimeout); s.phase == joinAsking && !s.enough.IsZero() && deadline.After(now) {
		return earliest(s.ask, deadline)
	}
	return s.ask
}

func (c *Core) startSeeding() {
	if c.joined() || len(c.cfg.Seeds) == 0 || c.seeding.phase == joinAsking {
		return
	}
	c.seeding.phase = joinAsking
	c.seeding.since, c.seeding.ask = c.now, c.now
	c.seeding.idle, c.seeding.enough = nil, time.Time{}
}

// joinNode joins through one member that somebody names.
func (c *Core) joinNode(addr string) {
	if c.joined() {
		return
	}
	if err := ValidAddr(addr); err != nil {
		c.warn("join: %v", err)
		return
	}
	if addr == c.me.Addr {
		c.form()
		return
	}
	c.joinThrough(Node{Addr: addr})
}

func (c *Core) joinThrough(target Node) {
	c.seeding.phase = joinWaiting
	c.seeding.target = target
	c.seeding.since, c.seeding.ask = c.now, c.now
}

// seed does what is due on the way into a cluster.
func (c *Core) seed() {
	if c.joined() || c.ended {
		return
	}
	if c.seeding.phase == joinWaiting && !c.now.Before(c.seeding.since.Add(c.cfg.JoinTimeout)) && len(c.cfg.Seeds) > 0 {
		c.startSeeding() // the member that was chosen doesn't answer
	}
	if c.seeding.phase == joinAsking && c.mayForm() {
		c.form()
		return
	}
	due := !c.now.Before(c.seeding.ask)
	switch {
	case !due:
	case c.seeding.phase == joinAsking:
		c.seeding.ask = c.now.Add(c.cfg.AskEvery)
		for _, addr := range c.seeding.others {
			c.send(Node{Addr: addr}, InitJoin{c.me.Node, c.cfg.Cluster, c.seeding.first, c.cfg.Settings})
		}
	case c.seeding.phase == joinWaiting:
		c.seeding.ask = c.now.Add(c.cfg.AskEvery)
		c.send(c.seeding.target, Join{c.me.Node, c.cfg.Cluster, c.cfg.Roles})
	}
}

// mayForm reports whether this node may form the cluster: it is the first
// seed, and either all other seeds are known to be in no cluster, or enough of
// them have said so for long enough. That nothing runs at a seed doesn't count
// as its word then: beside a seed that can't be asked, it is the picture that a
// partition of a living cluster gives. And when such a partition heals, those
// who can't tell of the cluster yet may be the first to answer; hence the wait.
func (c *Core) mayForm() bool {
	if !c.seeding.first {
		return false
	}
	idle, saySo := 0, 0
	for _, s := range c.seeding.idle {
		if c.now.Sub(s.at) > 3*c.cfg.AskEvery { // an old answer may have been overtaken
			continue
		}
		idle++
		if s.saidSo {
			saySo++
		}
	}
	switch {
	case idle == len(c.seeding.others):
		return true
	case saySo+1 < c.cfg.FormQuorum:
		c.seeding.enough = time.Time{}
		return false
	case c.seeding.enough.IsZero():
		c.seeding.enough = c.now
	}
	return !c.now.Before(c.seeding.enough.Add(c.cfg.SeedTimeout))
}

// form makes a new cluster with this node alone in it.
func (c *Core) form() {
	stamp := c.now.UnixNano()
	stamp = max(stamp-stamp%1000+c.cfg.Rand.Int64N(1000), 1)
	c.enter(formed(c.me, stamp))
}

// enter makes this node a member of the cluster of s.
func (c *Core) enter(s State) {
	c.seeding = seeding{phase: joinDone}
	c.round = c.now.Add(c.cfg.GossipEvery)
	c.out = append(c.out, Joined{})
	c.adopt(s)
}

func (c *Core) receiveInitJoin(m InitJoin) {
	if !c.joined() {
		// Silence of a node that is about to join says: wait.
		if m.Cluster == c.cfg.Cluster && c.seeding.phase != joinWaiting {
			c.send(m.From, InitJoinNack{c.me.Node, c.seeding.first})
		}
		return
	}
	if status := c.View().SelfMember().Status; status == Down || status == Exiting {
		return // another member must answer
	}
	why := clash(c.cfg.Cluster, c.cfg.Settings, m.Settings, m.Cluster)
	if why != "" {
		c.warn("%v can't join: %s", m.From, why)
	}
	c.send(m.From, InitJoinAck{c.me.Node, why})
}

func (c *Core) receiveAck(m InitJoinAck) {
	if c.joined() || c.seeding.phase != joinAsking {
		return
	}
	if m.Clash != "" {
		c.end(Incompatible, m.From.Addr+" says: "+m.Clash)
		return
	}
	c.joinThrough(m.From)
}

func (c *Core) receiveNack(m InitJoinNack) {
	if c.seeding.first && m.First && CompareAddr(m.From.Addr, c.me.Addr) < 0 {
		// Two nodes believe to be the first seed: the lower address goes ahead.
		c.warn("%s believes to be the first seed too: all nodes must list the same seed first", m.From.Addr)
		return
	}
	c.seedIsIdle(m.From.Addr, true)
}

func (c *Core) refused(addr string) { c.seedIsIdle(addr, false) }

func (c *Core) seedIsIdle(addr string, saidSo bool) {
	if c.seeding.phase != joinAsking || !slices.Contains(c.seeding.others, addr) {
		return
	}
	c.seeding.idle = slices.DeleteFunc(c.seeding.idle, func(s idleSeed) bool { return s.addr == addr })
	c.seeding.idle = append(c.seeding.idle, idleSeed{addr, c.now, saidSo})
}

// refusedForGood ends a node that a cluster let in and then declared dead before
// it heard its welcome: this incarnation will never get in.
func (c *Core) refusedForGood(by Node) {
	if by.Addr == c.seeding.target.Addr || slices.Contains(c.seeding.others, by.Addr) {
		c.end(Evicted, by.Addr+" has declared this node dead before it could join")
	}
}

func (c *Core) receiveWelcome(m Welcome) {
	if c.joined() || c.seeding.phase != joinWaiting || m.To != c.me.Node || m.From.Addr != c.seeding.target.Addr {
		return
	}
	if !m.State.has(c.me.Node) || !m.State.has(m.From) {
		return
	}
	c.enter(m.State.seenBy(c.me.Node))
	if !c.ended {
		c.sendSeen(m.From)
	}
}
