package sharding

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/sharding/internal/core"
)

// LeastShards gives new shards to the region with the fewest and evens out
// differences; see its fields.
type LeastShards = core.LeastShards

// Config says what is sharded and how. Name and New (or ProxyOnly) are needed;
// all nodes must have the same Name, Role and Shards.
type Config[M any] struct {
	// Name is the type of the entities, such as "account": 1 to 64 letters,
	// digits, - and _. It is part of the addresses of its entities.
	Name string
	// Role is the role of the nodes that host entities; "" means all nodes.
	// A node without it only sends. Every node of the role has to start
	// sharding of this name: shards are given out when all of them have.
	Role string
	// Shards is the number of shards over which entities are spread. Default
	// 128. Ten times the largest number of hosts is good: with less, hosts get
	// unequal shares; with much more, the coordinator has more to do. It
	// can't be changed while a node of the cluster runs.
	Shards int
	// New makes an entity, when a message for it has come and it isn't there.
	New func(e *Entity) actor.Receiver[M]
	// ProxyOnly makes a node send to entities without hosting any, whatever its
	// roles.
	ProxyOnly bool

	// PassivateAfter is how long an entity stays without a message before it
	// is stopped; up to half as long again. Default 2 minutes; negative means
	// for ever. Raised, more entities are in memory; lowered, they are
	// started more often.
	PassivateAfter time.Duration
	// BufferMax is how many messages may wait on this node, in all, for a
	// shard's home to be known or an entity to start. Default 100 000. More
	// become dead letters with the reason "buffer full". Raised, longer gaps
	// are bridged at the price of memory.
	BufferMax int
	// HandOffTimeout is how long the entities of a shard that moves may take
	// for what is in their mailboxes. Default 8 s. Then they are stopped, and
	// the rest becomes dead letters. The shutdown of a node allows ten seconds
	// for all hand-offs together.
	HandOffTimeout time.Duration
	// Backoff is how long an entity that failed stays down; messages wait
	// meanwhile. It doubles with every failure. Default 200 ms to 10 s.
	Backoff actor.Backoff
	// Options are for the spawn of entities, such as [actor.Bounded]. An
	// [actor.Supervise] among them is ignored: an entity that fails is
	// stopped and started anew by the next message, after Backoff.
	Options []actor.SpawnOption

	// Rebalance says how many shards move at once when hosts have unequal
	// shares.
	Rebalance LeastShards
	// RebalanceEvery is how often shares are compared. Default 10 s. Lowered,
	// a new node gets its share sooner.
	RebalanceEvery time.Duration
	// RemovalMargin is how long after a host was declared dead its shards get
	// a new home, so that it has stopped by itself even if it lives. Default
	// 3 s, or more where the settings of the cluster need it; less than they need
	// is an error of [Start], see [cluster.Cluster.RemovalMargin]. Raised, a crash
	// is bridged later; lowered, a paused process may run an entity a moment
	// longer beside its successor (whose epoch is newer).
	RemovalMargin time.Duration
	// RetryEvery is the time between repeats of what was not answered.
	// Default 2 s. Lowered, lost messages of the protocol cost less time.
	RetryEvery time.Duration
}

func (c Config[M]) shards() int              { return orDefault(c.Shards, 128) }
func (c Config[M]) bufferMax() int           { return orDefault(c.BufferMax, 100_000) }
func (c Config[M]) handOff() time.Duration   { return orDefault(c.HandOffTimeout, 8*time.Second) }
func (c Config[M]) passivate() time.Duration { return orDefault(c.PassivateAfter, 2*time.Minute) }
func (c Config[M]) rebalance() time.Duration { return orDefault(c.RebalanceEvery, 10*time.Second) }
func (c Config[M]) retry() time.Duration     { return orDefault(c.RetryEvery, 2*time.Second) }

func (c Config[M]) backoff() actor.Backoff {
	b := c.Backoff
	b.Min = orDefault(b.Min, 200*time.Millisecond)
	b.Max = max(orDefault(b.Max, 10*time.Second), b.Min)
	return b
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Bounds of what a config may ask for.
const (
	nameMax   = 64
	shardsMax = 1 << 16
)

// Validate says which field is out of range, and what it should be.
func (c Config[M]) Validate() error {
	var errs []error
	if c.Name == "" || len(c.Name) > nameMax || strings.ContainsFunc(c.Name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) {
		errs = append(errs, fmt.Errorf("Name %q: want 1 to %d letters, digits, - and _", c.Name, nameMax))
	}
	if c.Shards < 0 || c.Shards > shardsMax {
		errs = append(errs, fmt.Errorf("Shards %d: want 1 to %d, or 0 for the default", c.Shards, shardsMax))
	}
	if c.New == nil && !c.ProxyOnly {
		errs = append(errs, errors.New("New: want the factory of entities, or ProxyOnly"))
	}
	if c.BufferMax < 0 {
		errs = append(errs, fmt.Errorf("BufferMax %d: want a positive number, or 0 for the default", c.BufferMax))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"HandOffTimeout", c.HandOffTimeout}, {"RebalanceEvery", c.RebalanceEvery}, {"RemovalMargin", c.RemovalMargin},
		{"RetryEvery", c.RetryEvery}, {"Backoff.Min", c.Backoff.Min}, {"Backoff.Max", c.Backoff.Max},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s %v: want a positive time, or 0 for the default", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}
