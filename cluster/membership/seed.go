package membership

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// seeding is how far a node has come with its first join.
type seeding struct {
	phase  joinPhase
	seeds  int      // how many there are
	first  bool     // this node may form the cluster
	others []string // the seeds without this node
	begun  time.Time
	since  time.Time
	ask    time.Time // when to ask the next time
	idle   []idleSeed
	enough time.Time // since when enough seeds say that they are in no cluster
	target Node

	answers []answer // of the other seeds, in their order
	invites []invite // newest last
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

func newSeeding(self Node, seeds []string) seeding {
	s := seeding{seeds: len(seeds), first: len(seeds) > 0 && seeds[0] == self.Addr}
	for _, addr := range seeds {
		if addr != self.Addr {
			s.others = append(s.others, addr)
			s.answers = append(s.answers, answer{addr: addr, text: noAnswer})
		}
	}
	return s
}

// next returns when something is due after now.
func (s seeding) next(cfg Config, now time.Time) time.Time {
	if s.phase != joinAsking && s.phase != joinWaiting {
		return time.Time{}
	}
	next := s.ask
	if deadline := s.enough.Add(cfg.SeedTimeout); s.phase == joinAsking && !s.enough.IsZero() && deadline.After(now) {
		next = earliest(next, deadline)
	}
	if heard := s.since.Add(cfg.ListenFor); s.phase == joinAsking && s.first && heard.After(now) {
		next = earliest(next, heard)
	}
	if cfg.GiveUpAfter > 0 {
		next = earliest(next, s.begun.Add(cfg.GiveUpAfter))
	}
	return next
}

func (c *Core) startSeeding() {
	if c.joined() || c.seeding.seeds == 0 || c.seeding.phase == joinAsking {
		return
	}
	c.begin()
	c.seeding.phase = joinAsking
	c.seeding.since, c.seeding.ask = c.now, c.now
	c.seeding.idle, c.seeding.enough, c.seeding.invites = nil, time.Time{}, nil
}

// begin starts the time after which this node gives up.
func (c *Core) begin() {
	if c.seeding.begun.IsZero() {
		c.seeding.begun = c.now
	}
}

// joinSeeds joins through other seeds than those it was configured with. Who
// names the same again, while this node is on its way, changes nothing.
func (c *Core) joinSeeds(seeds []string) {
	next := newSeeding(c.me.Node, seeds)
	if c.joined() || c.seeding.phase != joinIdle && next.first == c.seeding.first && slices.Equal(next.others, c.seeding.others) {
		return
	}
	if err := ValidSeeds(seeds); err != nil {
		c.warn("join: %v", err)
		return
	}
	next.begun = c.seeding.begun
	c.seeding = next
	c.cfg.Seeds = slices.Clone(seeds)
	c.startSeeding()
}

// joinNode joins through one member that somebody names, and forms a cluster
// when that is this node itself.
func (c *Core) joinNode(addr string) {
	if addr == c.me.Addr && !c.joined() {
		c.form()
		return
	}
	c.joinSeeds([]string{addr})
}

// setVersion sets the version of the application, which others learn when this
// node joins.
func (c *Core) setVersion(v string) {
	if err := ValidVersion(v); err != nil {
		c.warn("application: %v", err)
		return
	}
	if c.seeding.phase != joinIdle {
		c.warn("application version %q comes too late: this node joins with %q", v, c.me.AppVersion)
		return
	}
	c.me.AppVersion = v
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
	if c.seeding.phase != joinIdle && c.cfg.GiveUpAfter > 0 && !c.now.Before(c.seeding.begun.Add(c.cfg.GiveUpAfter)) {
		c.end(NotJoined, fmt.Sprintf("after %v: %s", c.cfg.GiveUpAfter, c.seeding.excuse()))
		return
	}
	if c.seeding.phase == joinWaiting && !c.now.Before(c.seeding.since.Add(c.cfg.JoinTimeout)) {
		// The member that was chosen doesn't let this node in, or is gone. As long as
		// it answers, there is a cluster, and none is to be formed.
		chosen := c.seeding.target
		c.startSeeding()
		c.invited(chosen)
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
		c.tellAnswers()
		for _, addr := range c.seeding.others {
			c.ask(Node{Addr: addr})
		}
		for _, i := range c.freshInvites() {
			c.ask(i.by)
		}
	case c.seeding.phase == joinWaiting:
		c.seeding.ask = c.now.Add(c.cfg.AskEvery)
		c.send(c.seeding.target, Join{c.me.Node, c.cfg.Cluster, c.cfg.Roles, c.me.AppVersion})
	}
}

// ask asks a node whether it is in a cluster.
func (c *Core) ask(to Node) {
	c.send(to, InitJoin{c.me.Node, c.cfg.Cluster, c.seeding.first, c.cfg.Settings})
}

// mayForm reports whether this node may form the cluster: it is the first
// seed, and either all other seeds are known to be in no cluster, or enough of
// them have said so for long enough. That nothing runs at a seed doesn't count
// as its word then: beside a seed that can't be asked, it is the picture that a
// partition of a living cluster gives. And when such a partition heals, those
// who can't tell of the cluster yet may be the first to answer; hence the wait.
// In any case it listens for a while: members of a cluster that has lost its seeds
// look whether they are back.
func (c *Core) mayForm() bool {
	return c.seeding.first && c.enoughIdle() && !c.now.Before(c.seeding.since.Add(c.cfg.ListenFor)) && len(c.freshInvites()) == 0
}

// enoughIdle reports whether enough seeds are in no cluster.
func (c *Core) enoughIdle() bool {
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
	case saySo+1 < c.formQuorum():
		c.seeding.enough = time.Time{}
		return false
	case c.seeding.enough.IsZero():
		c.seeding.enough = c.now
	}
	return !c.now.Before(c.seeding.enough.Add(c.cfg.SeedTimeout))
}

// formQuorum is how many seeds must say that they are in no cluster.
func (c *Core) formQuorum() int {
	if n := max(c.seeding.seeds, 1); c.cfg.FormQuorum == 0 || c.cfg.FormQuorum > n {
		return n
	}
	return c.cfg.FormQuorum
}

// createdMax leaves room above every stamp that a configuration may name.
const createdMax = math.MaxInt64 - 1_000_000

// form makes a new cluster with this node alone in it.
func (c *Core) form() {
	stamp := c.now.UnixNano()
	stamp = max(stamp-stamp%1000, c.cfg.CreatedAfter+1, 1) + c.cfg.Rand.Int64N(1000)
	c.enter(formed(c.me, stamp))
}

// clockTolerance is how far a clock may be behind the stamp of the cluster
// without a word of it: far more than clocks differ that somebody keeps right.
const clockTolerance = 10 * time.Second

// checkClock warns when the clock is behind the stamp of the cluster. Had this
// node to form the next cluster without CreatedAfter, its epochs would be older
// than what the journal has seen.
func (c *Core) checkClock(created int64) {
	if behind := time.Unix(0, created).Sub(c.now); behind > clockTolerance {
		c.out = append(c.out, Warning{fmt.Sprintf("the clock of this node is %v behind the stamp of the cluster: set it right; "+
			"a cluster that this node forms next would refuse writes until its clock has passed the stamp, unless CreatedAfter is set",
			behind.Round(time.Second))})
	}
}

// enter makes this node a member of the cluster of s.
func (c *Core) enter(s State) {
	c.seeding = seeding{phase: joinDone}
	c.watchSeeds()
	c.round = c.now.Add(c.cfg.GossipEvery)
	c.out = append(c.out, Joined{})
	c.checkClock(s.Created)
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
	if status := c.View().SelfMember().Status; status == Down || status == Exiting || c.state.Closing {
		return // another member must answer, if any can
	}
	if old, ok := c.state.At(m.From.Addr); ok && old.Node != m.From && !c.mayReplace() {
		return // the same
	}
	why := ""
	if m.Cluster == c.cfg.Cluster && c.cfg.Compatibility != Ignore {
		why = c.cfg.clash(c.cfg.Settings, m.Settings)
	}
	if why != "" {
		c.warn("%v doesn't suit this cluster: %s", m.From, why)
	}
	c.send(m.From, InitJoinAck{c.me.Node, c.cfg.Cluster, why, c.cfg.Settings})
}

func (c *Core) receiveAck(m InitJoinAck) {
	if c.joined() || c.seeding.phase != joinAsking {
		return
	}
	if m.Cluster != c.cfg.Cluster {
		c.end(Incompatible, fmt.Sprintf("%s belongs to cluster %q, this node to %q: give both the same name, or other addresses", m.From.Addr, m.Cluster, c.cfg.Cluster))
		return
	}
	// Both sides look: each may know of settings that the other doesn't check.
	why := m.Clash
	if why == "" {
		why = c.cfg.clash(m.Settings, c.cfg.Settings)
	}
	switch {
	case why == "" || c.cfg.Compatibility == Ignore:
	case c.cfg.Compatibility == Warn:
		c.warn("this node doesn't suit the cluster of %s and joins all the same: %s", m.From.Addr, why)
	default:
		c.end(Incompatible, m.From.Addr+" says: "+why)
		return
	}
	c.heardOf(m.From.Addr, inCluster)
	c.joinThrough(m.From)
}

func (c *Core) receiveNack(m InitJoinNack) {
	if c.seeding.first && m.First && CompareAddr(m.From.Addr, c.me.Addr) < 0 {
		// Two nodes believe to be the first seed: the lower address goes ahead.
		c.heardOf(m.From.Addr, "believes to be the first seed, too: all nodes must list the same seed first")
		return
	}
	c.heardOf(m.From.Addr, idleToo)
	c.seedIsIdle(m.From.Addr, true)
}

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
