// Package membership is the protocol by which nodes agree on who is in the
// cluster, as plain values and one step function.
//
// Guarantees:
//
//   - A member's status only moves along joining, weakly up, up, leaving,
//     exiting, down, removed; views of a member that meet keep the later one.
//     Down is final, and a removed incarnation never comes back.
//   - Views of one cluster form a lattice: however gossip is ordered, repeated
//     or lost, nodes that have heard the same know the same.
//   - A node acts as a leader only when everybody who matters has seen exactly
//     the state it acts on. Up-numbers, which tell the age, are given in that
//     way, never used twice and never changed.
//   - Only the first seed forms a cluster, never while another seed answers that
//     it is in one or a member invites it, and by default not while other seeds
//     can't be asked.
//   - A state grows with the members and the recent removals, not with history.
//     A change is told as a difference; while nothing happens, a digest goes to
//     one member now and then, however many there are.
//   - Equal inputs give equal effects: no clock, socket, goroutine, lock, global
//     randomness or map order is involved.
//
// Duties of the owner of a [Core]: call [Core.Step] from one goroutine with
// instants that don't go back; carry the effects out in their order; step with
// [Tick] when [Core.Next] says so; say with [Observed] who can be heard; begin
// heartbeats at [Joined]; after [ExitStarted] hand over and say [ExitDone];
// after [Shutdown] stop all work, since this incarnation can't join again.
//
// A first seed listens before it forms a cluster, and members look for seeds that
// they have lost. Where a second cluster is formed all the same, beside one that
// could not reach its seeds, the two never merge (their creation stamps differ, so
// they refuse each other's gossip); both say so when they meet, and a very young one
// gives way.
//
// Reading order: node.go, status.go, member.go and version.go are the nouns,
// compat.go says who suits a cluster; vclock.go,
// reach.go and state.go the value that is gossiped and its merge; view.go the
// questions (leader, convergence, oldest) and leader.go the leader's decisions;
// core.go steps through join.go, seed.go, answer.go, hail.go, rival.go and gossip.go, with the words of
// effect.go and message.go; trail.go and delta.go make a change small to tell; ring.go says who watches whom, target.go who is told,
// diff.go what happened.
package membership
