// Package core is the protocol of sharding as values: the shard coordinator,
// the region of a node, and where shards go. It reads no clock, sends nothing
// and locks nothing; inputs go into methods, effects come out in order.
//
// # Guarantees
//
//   - A shard is hosted by at most one region per grant, and every grant has an
//     epoch above all before it (SH-2). Regions obey only the newest
//     coordinator that they have heard of, so an old one can't grant anything.
//   - A coordinator grants nothing before it knows what every live host hosts
//     under the newest term, so a grant never meets an owner (SH-1, SH-4).
//   - Messages held back during a hand-off follow those sent before it (SH-3):
//     every region puts a marker behind what it has sent to the old owner, and
//     the owner gives up the shard when all markers are there.
//   - Everything is repeated until it is answered, and every message may be
//     lost, doubled or late.
//
// # How a coordinator knows
//
// Nothing is stored. A new coordinator asks every host, waits until each has
// answered or has been out of the membership for the margin, and takes what
// they host as the truth. A claim to the same shard by two regions is decided
// for the newer epoch; the other is told to stop.
//
// Read message.go, region.go, coordinator.go, claim.go, move.go, allocate.go.
package core
