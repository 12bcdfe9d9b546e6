// Package sharding runs entities, actors with an id, spread over the nodes of a
// cluster, and finds them.
//
// # Guarantees
//
//   - At most one instance of an entity runs in the cluster, as long as the
//     downing strategy lets one side of a partition go on and the nodes on the
//     other stop within [Config].RemovalMargin. Whatever happens, of two
//     instances one has the newer [Entity.Epoch], and a journal that checks
//     epochs lets only that one write.
//   - Epochs of an entity only grow: with every hand-off, failover and restart
//     of the cluster.
//   - Messages from one sender to one entity are delivered in their order and
//     at most once. Across hand-offs, rebalancing and passivation, with nodes
//     leaving in order and the coordinator moving, none is lost. When a node
//     dies, those on their way to it are.
//   - What can't be delivered is declared: a dead letter with a reason. Buffers
//     are bounded by [Config].BufferMax.
//   - When a host dies its shards get new homes as soon as it is declared dead
//     and the margin is over; those elsewhere are not touched. Known homes need
//     no coordinator.
//   - A node that is declared dead stops its entities at once.
//   - Rebalancing ends, with no two hosts more than one shard apart.
//
// # Duties
//
// Every node of the role has to start sharding of the name, with the same
// number of shards: a coordinator gives out nothing before all hosts have told
// it what they host. Types of messages have to be registered with the system's
// codec registry before they cross to another node. What an entity must not
// lose has to be persisted, under its epoch: entities move, are stopped when
// idle, and start when the next message comes. An entity should handle what is
// in its mailbox within [Config].HandOffTimeout.
//
// # The tour
//
// [Start] gives a [Sharding]; [Sharding.Ref] gives the ref to an entity, which
// is as good as any: tell it, ask it, send it elsewhere. An id belongs to a
// shard by its hash, and a shard to a node: that is the unit which moves. A node
// that isn't of the role, or says [Config].ProxyOnly, sends and hosts nothing.
// [Sharding.State] tells who hosts what.
//
// Each node has a region. One of them, beside the oldest host's, has the
// coordinator, a singleton that decides which region hosts a shard. Nothing of
// that is stored: a new coordinator asks the regions. A hand-off goes like this:
// all regions hold messages for the shard back and put a marker behind what
// they have sent; when all markers have arrived, the owner lets the entities
// handle what is in their mailboxes and stop; the shard gets its new home under
// a new epoch; and what was held goes there.
//
// Reading order: config, sharding, ref, table, shard, entity, region,
// coordinator, state, wire; then internal/core, which has the protocol as
// values.
package sharding
