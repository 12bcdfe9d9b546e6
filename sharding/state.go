package sharding

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// ShardState is a shard on the node that hosts it.
type ShardState struct {
	// Shard is its number.
	Shard int
	// Entities is how many entities are there: running, stopping, or resting
	// after a failure.
	Entities int
	// Epoch is the grant under which it is hosted.
	Epoch actor.Epoch
}

// RegionState is what a node has of the shards.
type RegionState struct {
	// Node is the node.
	Node membership.Node
	// Shards are the numbers of the shards it hosts, in order, as the
	// coordinator sees it; none at a proxy.
	Shards []int
	// Entities is how many entities it has in all; -1 when it did not answer.
	Entities int
}

// State is what the coordinator and the regions say about a type of entities.
type State struct {
	// Coordinator is the coordinator's node.
	Coordinator membership.Node
	// Active says that the coordinator has heard of all hosts and gives out
	// shards.
	Active bool
	// Regions are the regions of all nodes that sharding of this name is
	// started on, in the order of the nodes.
	Regions []RegionState
}

// Shards returns what this node hosts at the moment, by shard. It never blocks.
func (s *Sharding[M]) Shards() []ShardState { return s.engine.table.counts() }

// EntityIDs returns the entities of a shard that this node hosts, in order;
// none when it doesn't. It never blocks.
func (s *Sharding[M]) EntityIDs(shard int) []string {
	if shard < 0 || shard >= len(s.engine.table.slots) {
		return nil
	}
	return s.engine.table.ids(uint32(shard))
}

// Waiting returns how many messages wait on this node for a shard's home or an
// entity's start.
func (s *Sharding[M]) Waiting() int { return int(s.engine.table.waiting.Load()) }

// Coordinator returns the node of the coordinator, and whether it has taken
// this node's region in: then unknown shards can be found.
func (s *Sharding[M]) Coordinator() (membership.Node, bool) {
	k := s.engine.known.Load()
	if k == nil {
		return membership.Node{}, false
	}
	return k.node, k.registered
}

// State asks the coordinator and all regions. It blocks until they have
// answered, each for no longer than ctx, or the system's ask timeout, allows.
// It fails when there is no coordinator or it doesn't answer.
func (s *Sharding[M]) State(ctx context.Context) (State, error) {
	e := s.engine
	node, registered := s.Coordinator()
	if !registered {
		return State{}, fmt.Errorf("state of sharding %q: no coordinator has been found yet", e.name)
	}
	a, err := actor.AskAs[allocation](ctx, e.regionAt(node), any(getAllocation{}))
	if err != nil {
		return State{}, fmt.Errorf("state of sharding %q: %w", e.name, err)
	}
	state := State{Coordinator: a.Coordinator, Active: a.Active}
	for _, l := range a.Loads {
		r := RegionState{Node: l.Node, Entities: -1}
		for _, n := range l.Shards {
			r.Shards = append(r.Shards, int(n))
		}
		if c, err := actor.AskAs[counts](ctx, e.regionAt(l.Node), any(getCounts{})); err == nil {
			r.Entities = 0
			for _, n := range c.Entities {
				r.Entities += int(n)
			}
		}
		state.Regions = append(state.Regions, r)
	}
	return state, nil
}

// regionAt returns the region of a node.
func (e *engine) regionAt(n membership.Node) actor.PID {
	if n == e.self {
		return e.region
	}
	return e.sys.RefOf(actor.Location{System: e.sys.Name(), Addr: n.Addr, UID: n.UID, Path: "/system/" + actorName(e.name)})
}

// allocation answers for the coordinator, or passes the question to it.
func (r *region) allocation(ctx *actor.Context) {
	if r.coordinator.Load() == nil {
		ctx.Reply(actor.Failure{Err: fmt.Errorf("sharding %q: the coordinator is not on this node any more: %w", r.name, actor.ErrStopped)})
		return
	}
	r.toCoordinator(ctx)
}
