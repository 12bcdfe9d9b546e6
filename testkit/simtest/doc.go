// Package simtest runs whole clusters on one goroutine, from one seed, in
// virtual time: the production code of many nodes, with only the five doors
// replaced (clock, executor, chance, wire, disk).
//
// # Guarantees
//
//   - A seed fixes everything: the same code run with the same seed does the
//     same things in the same order, and has the same [World.Hash]. A share of
//     all seeds is run twice to prove it.
//   - Nothing waits for real time, and nothing runs after [Run] has returned.
//   - A seed that fails prints the command that replays it, the faults it drew,
//     and what happened last.
//   - The network keeps the promises of TCP and no others: order within a
//     connection, loss only as the end of one, and knowledge of that end late
//     or never.
//   - The database keeps the promises of [persistence.Journal]: fences and
//     sequence numbers are honoured; a write in doubt took effect, or didn't, or
//     will.
//
// # Duties
//
// Code under test enters the world through the doors only. A bare go
// statement, a channel that another goroutine fills, time.Now, or the order of
// a map that reaches a decision makes seeds unrepeatable. Blocking is legal
// where it goes through [actor.Executor]; a lock held across such a wait hangs
// the seed, which is reported after a while of real time. Scripts use [World.T]
// for their requirements, not an outer test.
//
// # The tour
//
// [Run] makes a [World] for each seed and calls the script. [World.Node] adds a
// node, whose program is a [Boot] function; [Node.System] is its actor system.
// The script lets time pass with [World.Run] and [World.Until], hurts the world
// with [World.Partition], [World.Crash], [World.Pause] and the like, or lets
// [World.Chaos] do so as the seed's [Swarm] has it. Oracles are [Checker]
// values that look on after every event.
//
// Reading order: world, queue, strand, process, node, cluster, net, conn, disk,
// swarm, faults, trace, run, shrink; checker, then the check files, one oracle
// each.
package simtest
