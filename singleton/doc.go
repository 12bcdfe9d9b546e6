// Package singleton runs one instance of an actor in a whole cluster, and finds
// it.
//
// # Guarantees
//
//   - At most one instance runs among the nodes of a role, as long as the
//     downing strategy lets one side of a partition go on and the nodes on the
//     other stop within [Config].RemovalMargin. Whatever happens, every
//     instance has a newer epoch than all before it, so a store that checks
//     epochs refuses what an old one writes.
//   - It runs on the oldest node of the role that is Up, and doesn't move while
//     that is Up.
//   - When its node leaves, the next instance starts after the last one has
//     stopped, which handles what is in its mailbox first.
//   - When its node dies, the next one starts when that was declared dead and
//     the margin is over. When it ends by itself it is started again, after a
//     growing pause.
//   - Messages from one sender are delivered in their order and at most once.
//     While the instance isn't known they wait, up to [Config].BufferMax; what
//     doesn't fit becomes a dead letter. At a hand-over none is lost; with a
//     node that dies, those on their way to it are.
//   - A node that is declared dead stops its instance at once.
//
// # Duties
//
// Start it on every node of the role: the oldest one runs it or nobody does.
// Types of messages have to be registered with the system's codec registry
// before they cross to another node. One instance for the whole cluster can
// become a bottleneck, and for seconds it isn't there at all when its node dies;
// many actors with ids are the business of package sharding.
//
// # The tour
//
// [Start] returns a ref that leads to the instance, wherever it is.
// [Config].NewFenced gives the instance its epoch.
//
// Every node has one actor for a singleton, which is its manager and its
// proxy. Reading order: phase (the table), core (the manager and the proxy as a
// value), wire (what managers say to each other), agent (the actor), singleton.
package singleton
