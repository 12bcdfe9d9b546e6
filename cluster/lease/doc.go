// Package lease gives a right to one owner at a time, for as long as that owner
// gives a sign of life.
//
// # Guarantees
//
//   - Of all owners that use one [Store], at most one holds a lease of a name at
//     any instant: a holder stops to believe that it holds one a tenth of the TTL
//     before anybody else may get it. A process that was paused for longer
//     finds that it holds nothing ([Lease.Check]).
//   - No clock has to agree with another. A holder counts from before its last
//     renewal; who wants the lease counts from when it first saw that renewal. What
//     must agree is how fast clocks run, within a tenth.
//   - Every time a lease changes hands its [Token] grows, so that what is
//     guarded by the lease can refuse a holder of the past.
//   - An answer that didn't come is [ErrUnknown] and never taken for a yes.
//
// # Duties
//
//   - Owners have names that no two processes share, also not one after the
//     other: the address of a node with its incarnation, for instance.
//   - The TTL is longer than any pause of a process, and the renewals fit into it
//     several times.
//   - Release a lease that isn't needed any more. After a holder that died,
//     whoever comes next has to watch for a whole TTL first.
//
// # Tour
//
// [New] makes a [Lease] of a [Store]: [NewMemory] for tests and one process,
// [NewFiles] for processes that share a disk. Stores over the network
// implement Store, two methods, and run package leasetest.
//
// Reading order: store.go, lease.go, renew.go, memory.go, file.go.
package lease
