package core

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

const (
	simShards = 12
	simMargin = 3 * time.Second
	simRetry  = 2 * time.Second
)

// userMsg is a message from one sender to the one entity of a shard.
type userMsg struct {
	sender string
	n      int
	shard  uint32
	hops   int
}

// simSlot is what the shell keeps per shard: the door for messages of the node
// itself, and the entity if it is hosted.
type simSlot struct {
	open   bool
	closed bool
	target Node
	held   []userMsg

	hosted    bool
	accepting bool
	epoch     actor.Epoch
}

type simNode struct {
	node   Node
	proxy  bool
	up     uint64
	alive  bool
	left   bool
	going  bool
	seen   int
	roster *roster.Roster
	region *Region
	slots  [simShards]simSlot
	quit   []Node
	coord  *Coordinator
	zombie *Coordinator // replaced, but doesn't know it
	starts uint64
	count  uint64
}

// sim is a cluster of regions and a coordinator under random delays, losses
// and deaths. Its oracles check SH-1, SH-2 and SH-3 at every step.
type sim struct {
	t        *testing.T
	seed     uint64
	random   *rand.Rand
	now      time.Time
	versions [][]membership.Member
	nodes    []*simNode
	events   []simEvent
	seq      int
	ups      uint64
	loss     float64
	stale    float64              // the chance that a protocol message comes again, or for the first time, much later
	lane     map[string]time.Time // user messages keep their order per pair of nodes

	sent, handled map[string]int // per sender and shard: the last number
	lost          int
	done          int
	total         int
	newest        [simShards]actor.Epoch
	upTo          uint64 // how far the last coordinator that left had seen
	log           []string
	quiet         bool // no more traffic
}

type simEvent struct {
	at  time.Time
	seq int
	f   func()
}

func newSim(t *testing.T, seed uint64) *sim {
	return &sim{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 2)), now: time.Unix(1000, 0), versions: [][]membership.Member{nil},
		lane: map[string]time.Time{}, sent: map[string]int{}, handled: map[string]int{}}
}

func (s *sim) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%8.3f ", s.now.Sub(time.Unix(1000, 0)).Seconds())+fmt.Sprintf(format, args...))
}

func (s *sim) require(ok bool, format string, args ...any) {
	if !ok {
		s.t.Helper()
		from := max(0, len(s.log)-400)
		for _, l := range s.log[from:] {
			s.t.Log(l)
		}
		require.FailNow(s.t, fmt.Sprintf(format, args...))
	}
}

func (s *sim) after(d time.Duration, f func()) {
	s.seq++
	s.events = append(s.events, simEvent{s.now.Add(d), s.seq, f})
}

func (s *sim) jitter(most time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(most) + 1))
}

func (s *sim) run(d time.Duration) {
	end := s.now.Add(d)
	for len(s.events) > 0 {
		i := 0
		for j, e := range s.events {
			if cmp.Or(e.at.Compare(s.events[i].at), cmp.Compare(e.seq, s.events[i].seq)) < 0 {
				i = j
			}
		}
		e := s.events[i]
		if e.at.After(end) {
			break
		}
		s.events = slices.Delete(s.events, i, i+1)
		s.now = e.at
		e.f()
	}
	s.now = end
}

// late draws how long a message may be under way: half of them for seconds, some
// for so long that everything it was about is over.
func (s *sim) late() time.Duration {
	return s.jitter(time.Second << s.random.IntN(7))
}

// ---- membership

func (s *sim) publish(change func([]membership.Member) []membership.Member) {
	s.versions = append(s.versions, change(slices.Clone(s.versions[len(s.versions)-1])))
	at := len(s.versions) - 1
	for _, n := range s.nodes {
		s.after(s.jitter(time.Second), func() { s.see(n, at) })
	}
}

func (s *sim) see(n *simNode, version int) {
	if !n.alive || version <= n.seen {
		return
	}
	n.seen = version
	n.roster.Update(s.now, s.versions[version])
	n.region.Members(s.now, n.roster)
	if n.coord != nil {
		n.coord.Members(s.now, n.roster, nil)
	}
	s.carryOut(n)
}

func (s *sim) set(node Node, status membership.Status) {
	s.publish(func(ms []membership.Member) []membership.Member {
		i := slices.IndexFunc(ms, func(m membership.Member) bool { return m.Node == node })
		switch {
		case i < 0:
		case status == membership.Removed:
			return slices.Delete(ms, i, i+1)
		default:
			ms[i].Status = max(ms[i].Status, status)
		}
		return ms
	})
	s.note("%v is %v", node.Addr, status)
}

func (s *sim) remove(node Node) {
	want := len(s.versions) - 1
	var try func()
	try = func() {
		for _, n := range s.nodes {
			if n.alive && n.node != node && n.seen < want {
				s.after(200*time.Millisecond, try)
				return
			}
		}
		s.set(node, membership.Removed)
	}
	try()
}

func (s *sim) join(proxy bool) *simNode {
	s.ups++
	n := &simNode{node: Node{Addr: fmt.Sprintf("n%d:1", s.ups), UID: s.ups}, up: s.ups, proxy: proxy, alive: true}
	role := []string{"host"}
	if proxy {
		role = []string{"web"}
	}
	n.roster = roster.New("host", n.node)
	n.region = NewRegion(RegionSettings{Self: n.node, Shards: simShards, Proxy: proxy, Retry: simRetry, Refresh: 8 * time.Second})
	s.nodes = append(s.nodes, n)
	up := s.ups
	s.note("%v joins, proxy %v", n.node.Addr, proxy)
	s.publish(func(ms []membership.Member) []membership.Member {
		return append(ms, membership.Member{Node: n.node, Status: membership.Up, UpNumber: up, Roles: role})
	})
	s.every(n, 250*time.Millisecond, func() {
		n.region.Tick(s.now)
		for _, c := range []*Coordinator{n.coord, n.zombie} {
			if c != nil {
				c.Tick(s.now)
			}
		}
		s.carryOut(n)
	})
	return n
}

func (s *sim) every(n *simNode, d time.Duration, f func()) {
	var tick func()
	tick = func() {
		if n.alive {
			f()
			s.after(d, tick)
		}
	}
	s.after(s.jitter(d), tick)
}

func (s *sim) leave(n *simNode) {
	if n.going {
		return
	}
	n.going = true
	s.set(n.node, membership.Leaving)
	s.after(s.jitter(2*time.Second), func() {
		if n.alive {
			n.region.Leave(s.now)
			s.carryOut(n)
		}
	})
	deadline := s.now.Add(60 * time.Second)
	var poll func()
	poll = func() {
		switch {
		case !n.alive:
		case !n.left:
			s.require(s.now.Before(deadline), "seed %d: %v can't leave", s.seed, n.node)
			s.after(100*time.Millisecond, poll)
		default:
			if n.coord != nil { // the hand-over of the singleton
				n.count, n.coord = n.coord.LastCount(), nil
				s.upTo = max(s.upTo, n.roster.UpTo())
			}
			s.set(n.node, membership.Exiting)
			s.remove(n.node)
			// It lives on for long enough to pass on what arrives late.
			s.after(8*time.Second, func() { s.die(n) })
		}
	}
	s.after(100*time.Millisecond, poll)
}

func (s *sim) crash(n *simNode) {
	if n.going {
		return
	}
	n.going = true
	s.note("%v crashes", n.node.Addr)
	s.die(n)
	s.after(s.jitter(3*time.Second), func() {
		s.set(n.node, membership.Down)
		s.remove(n.node)
	})
}

// cut declares a live node dead; it learns so within less than the margin.
func (s *sim) cut(n *simNode) {
	if n.going {
		return
	}
	n.going = true
	s.set(n.node, membership.Down)
	down := len(s.versions) - 1
	s.after(s.jitter(1500*time.Millisecond), func() { s.see(n, down) })
	s.remove(n.node)
}

func (s *sim) die(n *simNode) {
	if !n.alive {
		return
	}
	n.alive = false
	n.coord, n.zombie = nil, nil
	for i := range n.slots {
		if held := n.slots[i].held; len(held) > 0 {
			s.lost += len(held)
			s.note("lost: %d at %v for %d; %+v", len(held), n.node, i, n.region.places[i])
		}
		n.slots[i] = simSlot{}
	}
}

// watchSingleton is the singleton, as an oracle: the coordinator runs on the
// oldest host that is Up and alive, the next one when the one before has gone,
// for the margin if it has died.
func (s *sim) watchSingleton() {
	s.after(300*time.Millisecond, s.watchSingleton)
	for _, n := range s.nodes {
		if n.coord != nil && (!n.going || n.roster.Self().Status != membership.Down && n.roster.Self().Status != membership.Removed && n.alive) {
			return
		}
		if n.coord != nil && n.alive { // it knows that it is down
			n.coord = nil
		}
	}
	for _, n := range s.nodes {
		if !n.proxy && n.alive && !n.going && n.roster.UpTo() >= s.upTo && n.roster.Self().Status == membership.Up {
			for _, o := range n.roster.Hosts() {
				if o.Older(n.roster.Self()) && o.Status != membership.Exiting && o.Status != membership.Leaving {
					return
				}
			}
			for _, g := range n.roster.Gone(s.now, simMargin) {
				if g.Older(n.roster.Self()) && !slices.Contains(n.quit, g.Node) {
					return
				}
			}
			s.startCoordinator(n)
			return
		}
	}
}

func (s *sim) startCoordinator(n *simNode) {
	n.starts++
	term := actor.Epoch{Cluster: 7, Node: n.up, Count: n.starts}
	s.note("coordinator %v at %v", term, n.node.Addr)
	n.coord = NewCoordinator(s.now, CoordinatorSettings{
		Self: n.node, Term: term, Shards: simShards, Margin: simMargin, Retry: simRetry,
		RebalanceEvery: 5 * time.Second, HoldMax: 60 * time.Second, Settle: 8 * time.Second, HandOffsMax: 4, Count: n.count,
	}, n.roster, n.quit)
	n.coord.Tick(s.now)
	s.carryOut(n)
}

// restartCoordinator ends the coordinator and begins a new one on its node; at
// times the old one goes on without knowing it.
func (s *sim) restartCoordinator() {
	for _, n := range s.nodes {
		if n.coord != nil && !n.going {
			n.count = n.coord.LastCount()
			if s.random.IntN(2) == 0 {
				n.zombie = n.coord
			}
			s.startCoordinator(n)
			return
		}
	}
}

// ---- messages

func (s *sim) carryOut(n *simNode) {
	for _, c := range []*Coordinator{n.coord, n.zombie} {
		if c != nil {
			for _, e := range c.Take() {
				s.effect(n, e)
			}
		}
	}
	for _, e := range n.region.Take() {
		s.effect(n, e)
	}
}

func (s *sim) effect(n *simNode, e Effect) {
	switch e := e.(type) {
	case Send:
		s.send(n, e.To, e.Msg)
	case Hold:
		n.slots[e.Shard].open = false
	case Open:
		slot := &n.slots[e.Shard]
		slot.open, slot.target = true, e.Node
		held := slot.held
		slot.held = nil
		for _, m := range held {
			s.straight(n, m)
		}
	case Close:
		n.slots[e.Shard].closed, n.slots[e.Shard].open, n.slots[e.Shard].held = true, false, nil
	case StartShard:
		s.started(n, e.Grant)
	case StopShard:
		slot := &n.slots[e.Shard]
		slot.accepting = false
		d := s.jitter(600 * time.Millisecond)
		if e.Now {
			d = 0
		}
		s.after(d, func() {
			if n.alive && slot.hosted && !slot.accepting {
				slot.hosted = false
				n.region.ShardStopped(s.now, e.Shard)
				s.carryOut(n)
			}
		})
	case LeaveDone:
		n.left = true
	case Note:
		s.note("%v: %s (%v %d)", n.node.Addr, e.Text, e.Node.Addr, e.Shard)
	}
}

// started checks SH-1 and SH-2.
func (s *sim) started(n *simNode, g Grant) {
	s.note("%v hosts %d under %v", n.node.Addr, g.Shard, g.Epoch)
	for _, o := range s.nodes {
		s.require(!o.alive || !o.slots[g.Shard].hosted, "SH-1 seed %d: %v hosts shard %d while %v begins to", s.seed, o.node, g.Shard, n.node)
	}
	s.require(s.newest[g.Shard].Older(g.Epoch), "SH-2 seed %d: shard %d under %v after %v", s.seed, g.Shard, g.Epoch, s.newest[g.Shard])
	s.newest[g.Shard] = g.Epoch
	slot := &n.slots[g.Shard]
	slot.hosted, slot.accepting, slot.epoch = true, true, g.Epoch
}

// send carries a protocol message: control messages may be lost, late and
// doubled; markers travel with the user's messages.
func (s *sim) send(n *simNode, to Node, msg any) {
	deliver := func() {
		for _, o := range s.nodes {
			if o.node == to && o.alive {
				s.receive(o, msg)
			}
		}
	}
	if _, marker := msg.(LastSent); marker {
		s.inLane(n.node.Addr+">"+to.Addr, 150*time.Millisecond, deliver)
		return
	}
	if s.random.Float64() < s.stale { // it comes again, perhaps in another term
		s.after(s.late(), deliver)
	}
	for range 1 + s.random.IntN(20)/19 {
		switch {
		case s.random.Float64() < s.loss:
		case s.random.Float64() < s.stale/2:
			s.after(s.late(), deliver)
		case s.random.IntN(10) == 0: // as over an old and a new connection
			s.after(s.jitter(200*time.Millisecond), deliver)
		default:
			s.inLane("control "+n.node.Addr+">"+to.Addr, 80*time.Millisecond, deliver)
		}
	}
}

func (s *sim) inLane(key string, most time.Duration, f func()) {
	at := s.now.Add(s.jitter(most))
	if at.Before(s.lane[key]) {
		at = s.lane[key]
	}
	s.lane[key] = at
	s.after(at.Sub(s.now), f)
}

func (s *sim) receive(o *simNode, msg any) {
	switch m := msg.(type) {
	case Register, GetHomes, Started, Stopped, Held:
		for _, c := range []*Coordinator{o.coord, o.zombie} {
			if c != nil {
				c.Receive(s.now, msg)
			}
		}
	case Retired:
		o.quit = append(o.quit, m.From)
		if o.coord != nil {
			o.coord.Retire(s.now, m.From)
		}
	default:
		o.region.Receive(s.now, msg)
	}
	s.carryOut(o)
}

// tell sends a numbered message from one of the two senders of a node.
func (s *sim) tell(n *simNode, shard uint32) {
	sender := fmt.Sprintf("%s/%d", n.node.Addr, s.random.IntN(2))
	key := fmt.Sprintf("%s>%d", sender, shard)
	s.sent[key]++
	s.total++
	s.dispatch(n, userMsg{sender: sender, n: s.sent[key], shard: shard})
	s.carryOut(n)
}

// dispatch is what the shell does with a message of its own node.
func (s *sim) dispatch(n *simNode, m userMsg) {
	slot := &n.slots[m.shard]
	if slot.open {
		s.straight(n, m)
		return
	}
	if slot.closed {
		return // declared: nobody is left who could take it
	}
	slot.held = append(slot.held, m)
	n.region.Want(s.now, m.shard)
}

func (s *sim) straight(n *simNode, m userMsg) {
	slot := &n.slots[m.shard]
	if slot.target == n.node {
		s.require(slot.accepting, "seed %d: %v routes shard %d to itself and doesn't host it", s.seed, n.node, m.shard)
		s.handle(m)
		return
	}
	m.hops++
	if m.hops > 8 {
		s.lost++
		s.note("lost: %+v goes round at %v", m, n.node)
		return
	}
	to := slot.target
	s.inLane(n.node.Addr+">"+to.Addr, 150*time.Millisecond, func() {
		for _, o := range s.nodes {
			if o.node == to && o.alive {
				s.arrive(o, m)
				s.carryOut(o)
				return
			}
		}
		s.lost++
		s.note("lost: %+v on the way to %v", m, to)
	})
}

// arrive is what the shell does with a message of another node.
func (s *sim) arrive(n *simNode, m userMsg) {
	if slot := &n.slots[m.shard]; slot.accepting {
		s.handle(m)
		return
	}
	s.dispatch(n, m)
}

// handle checks SH-3: in order and at most once.
func (s *sim) handle(m userMsg) {
	key := fmt.Sprintf("%s>%d", m.sender, m.shard)
	s.require(m.n > s.handled[key], "SH-3 seed %d: %s handled %d after %d", s.seed, key, m.n, s.handled[key])
	s.handled[key] = m.n
	s.done++
}
