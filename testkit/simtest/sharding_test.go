package simtest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/sharding"
	"github.com/troupe-go/troupe/singleton"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// clerk is the id of the singleton's tally; all others are entities.
const clerk = "clerk"

// service is the program under test: a cluster whose nodes shard tallies and
// have one clerk, all of them persistent, and clients that send through any
// node and try again elsewhere when no answer comes.
type service struct {
	*ledger
	nodes    []*simtest.Node
	client   *simtest.Node // where the clients live; never hurt
	r        *rand.Rand
	shards   int
	passive  time.Duration
	entities *simtest.Live
	clerks   *simtest.Live
	doors    map[*simtest.Node]*door
	adjust   func(n *simtest.Node, cfg *cluster.Config)
	opened   func(n *simtest.Node, cl *cluster.Cluster) error
	began    func(n *simtest.Node, id string, epoch actor.Epoch) // is told of every life of a tally
	stopped  bool
}

// door is how one process of a node takes commands.
type door struct {
	tallies *sharding.Sharding[command]
	clerk   actor.Ref[command]
}

func (d *door) ref(id string) actor.Ref[command] {
	if id == clerk {
		return d.clerk
	}
	return d.tallies.Ref(id)
}

// tryFor is how long a client waits for one node.
const tryFor = 3 * time.Second

var errNoAnswer = errors.New("no answer from the node")

func newService(w *simtest.World, size int) *service {
	s := &service{ledger: newLedger(w), r: w.Rand("service"), doors: map[*simtest.Node]*door{}}
	s.shards = 1 + s.r.IntN(30)
	s.passive = time.Duration(1+s.r.IntN(60)) * time.Second
	s.entities = simtest.NewLive(w, "entity", w.Members())
	s.clerks = simtest.NewLive(w, "singleton", w.Members())
	s.entities.About = func(id string) []string {
		for _, d := range s.doors {
			shard := d.tallies.ShardOf(id) // the same everywhere
			return []string{fmt.Sprintf("Shard:%d ", shard), fmt.Sprintf("/%d:", shard)}
		}
		return []string{id}
	}
	s.clerks.About = func(string) []string { return []string{"singleton.", "singleton-" + clerk} }
	s.client = w.Node("client")
	s.nodes = fleet(w, size, simtest.Clustered{Then: s.open, Adjust: s.configure})
	return s
}

func (s *service) configure(n *simtest.Node, cfg *cluster.Config) {
	if s.adjust != nil {
		s.adjust(n, cfg)
	}
}

// open starts the service on a node that is Up.
func (s *service) open(n *simtest.Node, cl *cluster.Cluster) error {
	if err := registerTally(n.System().Registry()); err != nil {
		return err
	}
	tallies, err := sharding.Start(cl, sharding.Config[command]{
		Name: "tally", Shards: s.shards, PassivateAfter: s.passive,
		New: func(e *sharding.Entity) actor.Receiver[command] {
			return s.hosted(n, s.entities, e.ID(), e.Epoch())
		},
	})
	if err != nil {
		return err
	}
	one, err := singleton.Start(cl, singleton.Config[command]{
		Name: clerk, NewFenced: func(epoch actor.Epoch) actor.Receiver[command] {
			return s.hosted(n, s.clerks, clerk, epoch)
		},
	})
	if err != nil {
		return err
	}
	s.doors[n] = &door{tallies: tallies, clerk: one}
	if s.opened != nil {
		return s.opened(n, cl)
	}
	return nil
}

// hosted is a persistent tally whose life the oracle is told of.
func (s *service) hosted(n *simtest.Node, live *simtest.Live, id string, epoch actor.Epoch) actor.Receiver[command] {
	h := &hosted{ended: func() { live.Ended(n, id) }}
	h.Receiver = newTally(s.ledger, n, "tally/"+id, epoch, func() {
		h.began = true
		live.Began(n, id, epoch)
		if s.began != nil {
			s.began(n, id, epoch)
		}
	})
	return h
}

// hosted passes everything on to the receiver that it wraps.
type hosted struct {
	actor.Receiver[command]
	began bool
	ended func()
}

func (h *hosted) PreStart(ctx *actor.Context) error {
	return h.Receiver.(actor.PreStarter).PreStart(ctx)
}

func (h *hosted) PostStop(ctx *actor.Context) {
	if h.began {
		h.ended()
	}
	if p, ok := h.Receiver.(actor.PostStopper); ok {
		p.PostStop(ctx)
	}
}

func (h *hosted) Signal(ctx *actor.Context, sig any) {
	if s, ok := h.Receiver.(actor.Signaler); ok {
		s.Signal(ctx, sig)
	}
}

// ask sends a command to a tally through a node drawn for this try, as an HTTP
// client does through a load balancer: the node may die with the answer. The
// next try goes elsewhere.
func (s *service) ask(id string) asking {
	var last *simtest.Node
	return func(c actor.Request[result]) (r result, err error) {
		n := s.nodes[s.r.IntN(len(s.nodes))]
		for n == last {
			n = s.nodes[s.r.IntN(len(s.nodes))]
		}
		last = n
		d := s.doors[n]
		if d == nil || !n.Alive() || n.Cluster() == nil || !n.Cluster().Up().IsOpen() {
			return result{}, errNoAnswer
		}
		return s.try(n, d.ref(id), c)
	}
}

// try asks from one node, for as long as a client waits.
func (s *service) try(n *simtest.Node, ref actor.Ref[command], c actor.Request[result]) (r result, err error) {
	answered := &actor.Gate{}
	n.Go(func() {
		answer, failure := through(ref)(c)
		if answered.Open() {
			r, err = answer, failure
		}
	})
	err = errNoAnswer
	timeout := s.client.Clock().AfterFunc(tryFor, func() { answered.Open() })
	s.client.Executor().Wait(answered)
	timeout.Stop()
	return r, err
}

// run lets so many clients send to so many ids until the service is stopped.
func (s *service) run(clients, ids int) {
	for i := range clients {
		s.client.Go(func() {
			r := s.client.Rand(fmt.Sprint("client ", i))
			for !s.stopped {
				id := clerk
				if k := r.IntN(ids); k > 0 {
					id = fmt.Sprint("e", k)
				}
				if r.IntN(4) == 0 {
					s.look("tally/"+id, s.ask(id))
				} else {
					s.put(s.client, "tally/"+id, s.ask(id))
				}
				sleep(s.client, time.Duration(r.IntN(1000))*time.Millisecond)
			}
		})
	}
}

// all demands one more acknowledged operation of every id.
func (s *service) all(bound time.Duration, ids int) {
	left := ids
	for k := range ids {
		id := clerk
		if k > 0 {
			id = fmt.Sprint("e", k)
		}
		s.client.Go(func() { s.put(s.client, "tally/"+id, s.ask(id)); left-- })
	}
	s.w.Until("every id takes commands", bound, func() string {
		if left == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d ids", left, ids)
	})
}

const idCount = 12

// tour sums up what happened in all worlds of a test, to see that they were
// not dull: each line of it is to be met by a campaign.
type tour struct {
	mu                                               sync.Mutex
	worlds, acked, unanswered, processes, clusters   int
	twoEntities, twoClerks, fenced, conflicts, doubt int
	strict                                           int
}

func (u *tour) add(s *service) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.worlds++
	u.acked += s.count
	u.unanswered += s.failed
	for _, n := range s.nodes {
		u.processes += n.Process()
	}
	u.clusters += len(s.w.Members().Clusters())
	for _, is := range []struct {
		so bool
		n  *int
	}{{s.entities.Most > 1, &u.twoEntities}, {s.clerks.Most > 1, &u.twoClerks}, {s.entities.Strict, &u.strict}} {
		if is.so {
			*is.n++
		}
	}
	d := s.w.DiskStats()
	u.fenced += d.Fenced
	u.conflicts += d.Conflicts
	u.doubt += d.Applied + d.Lost + d.Late
	s.w.Sometimes("a write was fenced", d.Fenced)
	s.w.Sometimes("a write in doubt had taken effect", d.Applied)
	s.w.Sometimes("a write in doubt was lost", d.Lost)
	s.w.Sometimes("a write in doubt came late", d.Late)
	s.w.Sometimes("an operation was acknowledged", s.count)
}

func (u *tour) String() string {
	return fmt.Sprintf("%d worlds (%d strict): %d operations acknowledged, %d tries without answer, %d processes, %d clusters; "+
		"worlds with two instances of an entity at once: %d, of the clerk: %d; writes fenced: %d, in conflict: %d, in doubt: %d",
		u.worlds, u.strict, u.acked, u.unanswered, u.processes, u.clusters, u.twoEntities, u.twoClerks, u.fenced, u.conflicts, u.doubt)
}

// The target: a five-node cluster with sharded persistent entities and a
// persistent singleton under random faults. No invariant of MB, SG, SH and PS
// is broken, every acknowledged write is there when it is over, and the
// service makes progress again.
func TestShardedPersistentEntitiesSurviveChaos(t *testing.T) {
	u := &tour{}
	defer func() { t.Log(u) }()
	simtest.Run(t, 40, func(w *simtest.World) {
		r := w.Rand("swarm")
		swarm, strict := simtest.DrawSwarm(r), r.IntN(5) == 0
		if strict {
			swarm = swarm.OnlyCrashes()
		}
		survive(w, u, swarm, strict)
	})
}

// Crashes, departures and partitions that are clean: whoever is cut off from the
// majority has stopped by the time that its entities start there, so that none
// ever runs twice.
func TestNothingRunsTwiceUnderCleanPartitions(t *testing.T) {
	u := &tour{}
	defer func() { t.Log(u) }()
	simtest.Run(t, 25, func(w *simtest.World) {
		swarm := simtest.DrawSwarm(w.Rand("swarm")).OnlyCrashes()
		swarm.Partition = 20 * time.Second
		survive(w, u, swarm, true)
	})
}

// survive runs the service through the faults of a swarm. Strict worlds never
// have two of anything.
func survive(w *simtest.World, u *tour, swarm simtest.Swarm, strict bool) {
	w.SetSwarm(swarm)
	s := newService(w, 5)
	s.entities.Strict, s.clerks.Strict = strict, strict
	s.verifying = s.r.IntN(2) == 0
	s.exact = s.verifying || strict
	s.run(6, idCount)
	w.Chaos(2*time.Minute, s.nodes...)
	w.Until("all in one cluster", 3*time.Minute, w.AllUp(s.nodes...))
	s.all(time.Minute, idCount)
	s.stopped = true
	w.Run(20 * time.Second)
	w.Until("nothing lives twice", time.Second, s.entities.Single())
	w.Until("there is one clerk", time.Second, s.clerks.Single())
	w.Until("everything is given back", 90*time.Second, w.AtRest(s.nodes...))
	s.audit()
	u.add(s)
}

// Nothing goes wrong: every command is answered at the first try, once the
// cluster has formed.
func TestACalmServiceAnswersAtOnce(t *testing.T) {
	simtest.Run(t, 6, func(w *simtest.World) {
		s := newService(w, 5)
		w.Until("all up", 10*time.Second, w.AllUp(s.nodes...))
		s.all(20*time.Second, idCount)
		s.failed = 0
		s.entities.Strict, s.clerks.Strict = true, true
		s.run(6, idCount)
		w.Run(2 * time.Minute)
		require.Zero(w.T(), s.failed)
		s.audit()
	})
}
