package singleton

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
)

// simMargin is the margin of the simulated cluster; a node that is declared
// dead while it lives learns that in less.
const simMargin = 3 * time.Second

// simNode is a core with its surroundings: the version of the membership it
// has seen and the instance it runs.
type simNode struct {
	core  *core
	node  membership.Node
	seen  int
	alive bool
	// the instance
	running  bool
	epoch    actor.Epoch
	left     bool // leaveDone came
	stopping bool // its leave has begun
}

// sim is a cluster of cores whose membership is a list of versions. Every node
// sees a prefix of it, later than it was made; a version that removes somebody
// is made only when all live nodes have seen why.
type sim struct {
	t        *testing.T
	random   *rand.Rand
	now      time.Time
	versions [][]membership.Member
	nodes    []*simNode
	events   []simEvent
	seq      int
	upNumber uint64
	newest   actor.Epoch
	stopLag  time.Duration
	loss     float64
	stale    float64 // the chance that a message comes again, or for the first time, much later
	log      []string
}

type simEvent struct {
	at  time.Time
	seq int
	f   func()
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{t: t, random: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1000, 0), versions: [][]membership.Member{nil}}
	s.stopLag = time.Duration(s.random.IntN(800)) * time.Millisecond
	s.loss = []float64{0, 0, 0.05, 0.3}[s.random.IntN(4)]
	s.stale = []float64{0, 0.1, 0.5}[s.random.IntN(3)]
	return s
}

func (s *sim) after(d time.Duration, f func()) {
	s.seq++
	s.events = append(s.events, simEvent{s.now.Add(d), s.seq, f})
}

func (s *sim) jitter(most time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(most) + 1))
}

// run lets d pass.
func (s *sim) run(d time.Duration) {
	end := s.now.Add(d)
	for {
		if len(s.events) == 0 {
			break
		}
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

func (s *sim) latest() []membership.Member { return s.versions[len(s.versions)-1] }

// publish makes a version and lets everybody see it some time later.
func (s *sim) publish(change func([]membership.Member) []membership.Member, lag time.Duration) {
	s.versions = append(s.versions, change(slices.Clone(s.latest())))
	at := len(s.versions) - 1
	for _, n := range s.nodes {
		s.after(s.jitter(lag), func() { s.see(n, at) })
	}
}

func (s *sim) see(n *simNode, version int) {
	if !n.alive || version <= n.seen {
		return
	}
	n.seen = version
	n.core.members(s.now, 7, s.versions[version])
	s.carryOut(n)
}

func (s *sim) set(node membership.Node, status membership.Status) {
	s.publish(func(ms []membership.Member) []membership.Member {
		i := slices.IndexFunc(ms, func(m membership.Member) bool { return m.Node == node })
		if i < 0 {
			return ms
		}
		if status == membership.Removed {
			return slices.Delete(ms, i, i+1)
		}
		ms[i].Status = max(ms[i].Status, status)
		return ms
	}, 2*time.Second)
}

// remove takes a node out when all others have seen the present version.
func (s *sim) remove(node membership.Node) {
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

func (s *sim) join() *simNode {
	s.upNumber++
	n := &simNode{node: membership.Node{Addr: fmt.Sprintf("n%d:1", s.upNumber), UID: s.upNumber}, alive: true}
	n.core = newCore(settings{
		self: n.node, margin: simMargin, retry: time.Second, pauseMax: time.Second,
		backoffMin: 200 * time.Millisecond, backoffMax: 10 * time.Second,
	})
	s.nodes = append(s.nodes, n)
	up := s.upNumber
	s.publish(func(ms []membership.Member) []membership.Member {
		return append(ms, membership.Member{Node: n.node, Status: membership.Up, UpNumber: up})
	}, 2*time.Second)
	var tick func()
	tick = func() {
		if n.alive {
			n.core.tick(s.now)
			s.carryOut(n)
			s.after(200*time.Millisecond, tick)
		}
	}
	s.after(s.jitter(200*time.Millisecond), tick)
	return n
}

// leave takes a node through Leaving, its hand-over, Exiting and removal.
func (s *sim) leave(n *simNode) {
	if n.stopping {
		return
	}
	n.stopping = true
	s.set(n.node, membership.Leaving)
	s.after(s.jitter(3*time.Second), func() {
		if !n.alive {
			return
		}
		n.core.leave(s.now)
		s.carryOut(n)
	})
	var poll func()
	tries := 0
	poll = func() {
		if tries++; !n.alive || !n.left && tries < 150 {
			if n.alive {
				s.after(100*time.Millisecond, poll)
			}
			return
		}
		require.True(s.t, n.left, "the hand-over of %v ends", n.node)
		s.set(n.node, membership.Exiting)
		s.remove(n.node)
		s.after(s.jitter(time.Second), func() { s.die(n) })
	}
	s.after(100*time.Millisecond, poll)
}

// crash ends a node; the others notice after a while.
func (s *sim) crash(n *simNode) {
	n.stopping = true
	s.die(n)
	s.after(2*time.Second+s.jitter(3*time.Second), func() {
		s.set(n.node, membership.Down)
		s.remove(n.node)
	})
}

// cut declares a live node dead; it learns it within the stop bound.
func (s *sim) cut(n *simNode) {
	n.stopping = true
	s.set(n.node, membership.Down)
	down := len(s.versions) - 1
	s.after(s.jitter(1500*time.Millisecond), func() { s.see(n, down) })
	s.remove(n.node)
}

func (s *sim) die(n *simNode) {
	n.alive = false
	n.running = false
}

func (s *sim) carryOut(n *simNode) {
	for _, e := range n.core.take() {
		switch e := e.(type) {
		case sendTo:
			s.send(e.to, e.msg)
		case startInstance:
			s.start(n, e.epoch)
		case stopInstance:
			lag := s.jitter(s.stopLag)
			if e.now {
				lag = min(lag, 500*time.Millisecond)
			}
			s.after(lag, func() { s.stopped(n) })
		case leaveDone:
			n.left = true
		case moved:
			s.log = append(s.log, fmt.Sprintf("%v %v %v->%v", s.now.Sub(time.Unix(1000, 0)), n.node.Addr, e.from, e.to))
			require.True(s.t, e.from.mayBecome(e.to), "%v -> %v\n%v", e.from, e.to, s.log)
		}
	}
}

// send carries a message, which may be lost, late, overtaken and doubled.
func (s *sim) send(to membership.Node, msg any) {
	deliver := func() { s.deliver(to, msg) }
	if s.random.Float64() < s.stale {
		s.after(s.jitter(time.Second<<s.random.IntN(6)), deliver)
	}
	if s.random.Float64() >= s.loss+s.stale/4 {
		s.after(s.jitter(300*time.Millisecond), deliver)
	}
}

func (s *sim) stopped(n *simNode) {
	if n.alive && n.running {
		n.running = false
		n.core.stopped(s.now)
		s.carryOut(n)
	}
}

func (s *sim) deliver(to membership.Node, msg any) {
	for _, n := range s.nodes {
		if n.node == to && n.alive {
			n.core.message(s.now, msg)
			s.carryOut(n)
		}
	}
}

// start checks SG-1, SG-2 and SG-5.
func (s *sim) start(n *simNode, epoch actor.Epoch) {
	for _, o := range s.nodes {
		require.False(s.t, o.running, "SG-1: %v runs while %v starts\n%v", o.node, n.node, s.log)
	}
	require.True(s.t, s.newest.Older(epoch), "SG-5: %v after %v", epoch, s.newest)
	s.newest = epoch
	n.running, n.epoch = true, epoch
}

func (s *sim) runners() (runners, able []*simNode) {
	for _, n := range s.nodes {
		if n.running {
			runners = append(runners, n)
		}
		if n.alive && !n.stopping {
			able = append(able, n)
		}
	}
	return runners, able
}

// Random histories of joins, leaves, crashes and false accusations: SG-1,
// SG-2, SG-3, SG-4, SG-5, R-04, S1, S7.
func TestAtMostOneInstanceUnderRandomHistories(t *testing.T) {
	for seed := range uint64(1000) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := newSim(t, seed)
			for range 1 + s.random.IntN(4) {
				s.join()
			}
			s.run(3 * time.Second)
			for range 3 + s.random.IntN(8) {
				s.disturb()
				s.run(s.jitter(6 * time.Second))
			}
			if _, able := s.runners(); len(able) == 0 {
				s.join()
			}
			s.run(40 * time.Second)
			runners, able := s.runners()
			require.Len(t, runners, 1, "SG-3 %v", s.log)
			require.Equal(t, able[0], runners[0], "it is on the oldest")
			at := runners[0].epoch
			s.join()
			s.run(10 * time.Second)
			require.Equal(t, at, s.newest, "SG-4: a younger host changes nothing")
		})
	}
}

func (s *sim) disturb() {
	runners, able := s.runners()
	pick := func() *simNode {
		if len(runners) > 0 && s.random.IntN(2) == 0 && !runners[0].stopping {
			return runners[0]
		}
		return able[s.random.IntN(len(able))]
	}
	if len(able) == 0 {
		s.join()
		return
	}
	switch s.random.IntN(6) {
	case 0:
		s.join()
	case 1:
		s.leave(pick())
	case 2:
		s.crash(pick())
	case 3:
		s.cut(pick())
	case 4: // several at once
		for _, n := range able[:1+s.random.IntN(len(able))] {
			s.leave(n)
		}
	case 5:
		if len(runners) > 0 {
			s.stopped(runners[0]) // it ends by itself
		}
	}
}
