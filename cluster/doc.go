// Package cluster makes an actor system a node of a cluster.
//
// # Guarantees
//
//   - A system is in one cluster at most, once in its life. It joins through its
//     seeds, and only the first seed ever forms a cluster.
//   - Everybody who is a member knows all members, with roles, status and age, in
//     the end; what a node knows never goes back. See package membership.
//   - A node that crashes or is cut off is found unreachable about four seconds
//     later. Unless [Config.Downing] says otherwise, the side with the majority
//     declares the rest dead after five more, and the rest ends itself.
//   - A node that ends ([Cluster.Ended]), by leaving or because it was declared
//     dead, tells its subscribers first, sends no sign of life any more, and stops
//     its system. It never comes back; start the process anew.
//   - When a member is removed, everybody who watches an actor of it gets its
//     Terminated, and that incarnation can't talk to this node any more. Another
//     one at the same address can, and replaces the old without a wait.
//   - Heartbeats have their own actor and travel on the control connection: other
//     work of the node, or much gossip, doesn't make it look dead. A node that was
//     paused accuses nobody when it wakes.
//
// # Duties
//
//   - All nodes list the same first seed and have the same downing strategy.
//   - The clocks of nodes may differ, but the clock of a node that forms a
//     cluster must not be behind that of an earlier first node: its creation stamp
//     is the first part of every epoch. Membership.CreatedAfter, with what the
//     journal has seen, takes the clock out of it.
//   - Whoever runs something that may exist only once in the cluster subscribes
//     and stops it when [membership.Ended] comes.
//   - Processes are started anew by somebody when they end, or a [Runner] does
//     it inside.
//   - A process exits only when its system has stopped: what a node says last,
//     such as that its side goes down, has got out by then.
//
// # Tour
//
// [Start] joins and returns when the node is Up; [Open] returns at once.
// [Cluster.State] is the present view, [Cluster.Subscribe] and [Cluster.Events]
// tell of changes, [Cluster.Routees] feeds group routers. [Cluster.Members],
// [Cluster.Unreachable], [Cluster.Down] and their neighbours are for operators,
// [Cluster.Desk] takes orders from other nodes, and [Runner] is a node as one
// call. [Cluster.Leave], or stopping the system, leaves in order;
// parts that have something to hand over add tasks to the phases of the
// system's coordinated shutdown.
//
// Reading order: config.go, cluster.go, daemon.go (drives the membership core and
// the downing), lease.go, pulse.go and heart.go (find the dead), ready.go, declaration.go, accord.go and
// compare.go (what nodes should have in common), events.go, routees.go,
// leave.go, admin.go, order.go, runner.go, wire.go, errors.go.
package cluster
