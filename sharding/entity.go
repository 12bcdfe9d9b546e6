package sharding

import "github.com/troupe-go/troupe/actor"

// Entity is what the factory of an entity is told about it.
type Entity struct {
	id    string
	shard uint32
	epoch actor.Epoch
}

// ID returns the id by which the entity is addressed.
func (e *Entity) ID() string { return e.id }

// Shard returns the number of the entity's shard.
func (e *Entity) Shard() int { return int(e.shard) }

// Epoch returns the epoch of the grant under which this node hosts the shard.
// It is the entity's fencing token: whatever the entity writes to a place that
// others could write to as well should carry it, and the place should refuse
// an older one than it has seen.
func (e *Entity) Epoch() actor.Epoch { return e.epoch }

// passivateMe is what [Passivate] tells the shard.
type passivateMe struct{}

// Passivate asks for the entity whose context it is to be stopped when it has
// handled what is in its mailbox. Messages that come from now on start it
// again when it has stopped; none is lost. In an actor that is no entity, it
// does nothing.
func Passivate(ctx *actor.Context) { ctx.Tell(ctx.Parent(), passivateMe{}) }
