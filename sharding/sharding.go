package sharding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
	"github.com/troupe-go/troupe/sharding/internal/core"
	"github.com/troupe-go/troupe/singleton"
)

// Sharding is a type of entities as one node sees it. Make one with [Start].
// All methods are safe for concurrent use.
type Sharding[M any] struct{ engine *engine }

// engine is everything of a node's part that doesn't depend on the type of
// the messages. It outlives its actors.
type engine struct {
	sys     *actor.System
	cluster *cluster.Cluster
	name    string
	role    string
	self    membership.Node
	proxy   bool

	passivateAfter time.Duration
	handOffTimeout time.Duration
	rebalanceEvery time.Duration
	margin         time.Duration
	retry          time.Duration
	handOffsMax    int
	strategy       LeastShards
	backoff        actor.Backoff
	options        []actor.SpawnOption
	spawn          func(ctx *actor.Context, name string, e *Entity, opts ...actor.SpawnOption) (actor.PID, error)

	table  *table
	refs   *refs
	core   *core.Region // owned by the region's turn
	region actor.PID    // by its path: it is needed before the actor is there

	view        atomic.Pointer[view]
	coordinator atomic.Pointer[actor.PID] // the coordinator on this node
	count       atomic.Uint64             // of the last grant made here
	known       atomic.Pointer[coordinatorAt]

	retiredMu sync.Mutex
	retired   []membership.Node
}

// coordinatorAt is where a region believes the coordinator to be.
type coordinatorAt struct {
	node       membership.Node
	registered bool
}

// handOffsMax is how many shards of a leaving region move at once.
const handOffsMax = 16

// retiredMax is how many promises of regions to host nothing are remembered.
const retiredMax = 1024

func actorName(name string) string { return "sharding-" + name }

// Start begins to shard entities on this node: it hosts some if the node has
// the role, and sends to all. It returns at once; messages wait until shards
// have homes. It fails when the config is out of range or sharding of this name
// is started already. It ends with the system, and hands its shards over first.
func Start[M any](cl *cluster.Cluster, cfg Config[M]) (*Sharding[M], error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("start sharding %q: %w", cfg.Name, err)
	}
	margin, err := cl.RemovalMargin(cfg.RemovalMargin)
	if err != nil {
		return nil, fmt.Errorf("start sharding %q: %w", cfg.Name, err)
	}
	cfg.RemovalMargin = margin
	e := newEngine(cl, cfg)
	if err := e.start(); err != nil {
		return nil, fmt.Errorf("start sharding %q: %w", cfg.Name, err)
	}
	if err := cl.Declare(cluster.Declaration{
		Kind: "sharding", Name: cfg.Name, Role: cfg.Role, Everywhere: true, Proxy: cfg.ProxyOnly,
		Must: []membership.Setting{{Key: "Shards", Value: strconv.Itoa(cfg.shards())}},
		Should: []membership.Setting{
			{Key: "RemovalMargin", Value: e.margin.String()}, {Key: "HandOffTimeout", Value: cfg.handOff().String()},
		},
	}); err != nil {
		return nil, fmt.Errorf("start sharding %q: %w", cfg.Name, err)
	}
	return &Sharding[M]{engine: e}, nil
}

func newEngine[M any](cl *cluster.Cluster, cfg Config[M]) *engine {
	e := &engine{
		sys: cl.System(), cluster: cl, name: cfg.Name, role: cfg.Role, self: cl.Self(),
		proxy:          cfg.ProxyOnly,
		passivateAfter: cfg.passivate(), handOffTimeout: cfg.handOff(), rebalanceEvery: cfg.rebalance(),
		margin: cfg.RemovalMargin, retry: cfg.retry(), handOffsMax: handOffsMax, strategy: cfg.Rebalance,
		backoff: cfg.backoff(), options: slices.Clone(cfg.Options),
		spawn: func(ctx *actor.Context, name string, en *Entity, opts ...actor.SpawnOption) (actor.PID, error) {
			ref, err := actor.SpawnTyped(ctx, name, func() actor.Receiver[M] { return cfg.New(en) }, opts...)
			return ref.PID(), err
		},
	}
	e.table = newTable(e.sys, e.name, cfg.shards(), cfg.bufferMax())
	e.table.want = func(shard uint32) { e.region.Tell(wantShard{shard: shard}) }
	e.table.self = func() actor.PID { return e.region }
	e.refs = newRefs(e.table)
	e.core = core.NewRegion(core.RegionSettings{
		Self: e.self, Shards: uint32(cfg.shards()), Proxy: e.proxy, Retry: e.retry, Refresh: 4 * e.retry,
	})
	return e
}

// start registers, resolves and spawns everything.
func (e *engine) start() error {
	if err := Register(e.sys.Registry()); err != nil {
		return err
	}
	e.region = e.sys.RefAt("", "/system/"+actorName(e.name))
	region, err := e.sys.Internal().Spawn(actorName(e.name), func() actor.Actor { return newRegion(e) })
	if err != nil {
		return err
	}
	in := e.sys.NewRef(inboxPath(e.name), inbox{e.table})
	err = errors.Join(
		e.sys.Resolve(refPrefix(e.name), e.refs.resolve),
		e.sys.Resolve(inboxPath(e.name), func(path string) (actor.PID, bool) { return in, path == inboxPath(e.name) }),
		e.sys.OnStop(actor.PhaseClusterShardingRegion, "hand over shards of "+e.name, e.leave),
	)
	if err == nil {
		// On a proxy, too: it has the role perhaps and is the oldest.
		_, err = singleton.Start(e.cluster, singleton.Config[any]{
			Name: actorName(e.name), Role: e.role, RemovalMargin: e.margin, RetryEvery: min(e.retry, time.Second),
			NewFenced: func(term actor.Epoch) actor.Receiver[any] { return newCoordinator(e, term) },
		})
	}
	if err != nil {
		e.sys.StopActor(region)
	}
	return err
}

// leave hands the shards over and waits for the end of that.
func (e *engine) leave(ctx context.Context) error {
	var done actor.Gate
	e.region.Tell(leaveNow{done: &done})
	err := e.sys.Wait(ctx, &done)
	if err != nil {
		e.region.Tell(leaveLate{})
	}
	return err
}

func (e *engine) emptyRoster() *roster.Roster { return roster.New(e.role, e.self) }

// retire remembers the promise of a region to host nothing any more.
func (e *engine) retire(n membership.Node) {
	e.retiredMu.Lock()
	defer e.retiredMu.Unlock()
	if !slices.Contains(e.retired, n) {
		e.retired = append(e.retired, n)
	}
	if len(e.retired) > retiredMax {
		e.retired = slices.Delete(e.retired, 0, 1)
	}
}

func (e *engine) retirees() []membership.Node {
	e.retiredMu.Lock()
	defer e.retiredMu.Unlock()
	return slices.Clone(e.retired)
}

// Name returns the type of the entities.
func (s *Sharding[M]) Name() string { return s.engine.name }

// Ref returns the ref to an entity, whether it runs at present or not. Refs to
// the same entity are equal. A ref can travel in messages and leads to the
// entity from every node on which sharding of this name is started. The id has
// 1 to 170 bytes; a ref to any other is a dead end.
func (s *Sharding[M]) Ref(id string) actor.Ref[M] { return actor.Narrow[M](s.engine.refs.get(id)) }

// ShardOf returns the shard of an entity: its hash modulo the number of shards.
func (s *Sharding[M]) ShardOf(id string) int { return int(s.engine.table.shardOf(id)) }
