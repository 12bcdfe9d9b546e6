// Package downing decides which members of a cluster are declared dead when
// some can't talk to others: a crash, or a partition of the network, which look
// the same from outside. Everything in it is plain values.
//
// Guarantees:
//
//   - A decision is a function of the view and the settings: nodes with equal
//     views decide equally.
//   - In a clean partition at most one side survives under [KeepMajority],
//     [StaticQuorum] and [KeepOldest]; the others down themselves. Under
//     [LeaseMajority] that holds in any partition, as far as the lease keeps its
//     promise.
//   - Nobody decides before nothing has changed for StableAfter. If links come
//     and go for longer than that and UnstableFor together, everybody goes down.
//   - When a side can't be sure, because the other may have seen a member go up or
//     leave, more go down rather than fewer, even all.
//   - Nobody is downed twice, nor anybody who is Exiting.
//
// What counts is who can talk to whom, pair by pair. Survivors are the largest
// group in which every pair can talk; so when only one link is broken, one of
// its two ends goes, and a member that alone reaches both sides stays with the
// side that is kept. The word of members that are cut off in the end breaks
// only their own pairs: a partition that comes about link by link ends like one
// that comes at once.
//
// Members that are joining or weakly up have no say and share the fate of
// those they can talk to.
//
// A strategy is wrong in some failure each: [KeepMajority] takes everybody down
// when more than half crash at once, [KeepOldest] may keep two of a hundred,
// [StaticQuorum] fails when the cluster grows, [LeaseMajority] when nobody reaches
// the store, [All] never keeps anybody. Downed
// nodes must be started anew, best by whatever supervises the process.
//
// Duties: the same strategy on every node; StableAfter longer than the longest
// pause of a process; step a [Resolver] with every view and when
// [Resolver.Next] says so, carry its decisions out, and hand the answers for a
// lease to [Resolver.Answer].
//
// Reading order: decision.go, graph.go, strategy.go, resolver.go, lease.go.
package downing
