// Package node is one process of the artifactstate example: where the domain
// meets Troupe.
//
// What it guarantees:
//
//   - A set is answered once its event is in the journal, under the epoch of the
//     grant by which this node hosts the entity's shard.
//   - A node that is asked to leave stops taking requests, answers those it has,
//     hands its shards over, is removed from the cluster, and only then ends.
//   - A node that was removed by the others, or whose write was refused because
//     somebody else owns the entity now, stops its entities and ends with an
//     error that wraps [ErrRemoved].
//
// What it asks of its users: to start a new process when one ends with
// ErrRemoved; the same seeds for all nodes; and a data file that all entity nodes
// of the cluster share.
//
// The tour: [Run] is the whole life of a node. entity.go is the actor behind a
// pair, entities.go the way to it.
//
// Reading order: config.go, store.go, entity.go, journal.go, entities.go,
// node.go.
package node
