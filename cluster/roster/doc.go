// Package roster keeps what a singleton or a shard coordinator has to know of
// the membership: who hosts a role, from the oldest to the youngest, and who
// hosted it until a moment ago.
//
// # Guarantees
//
//   - The order is by age and the same on every node that has seen the same
//     members: nobody ever comes to stand before a host that is there already.
//   - A host that disappears is remembered, with the moment from which it
//     counts as gone: when it was first seen Down, else when it was first
//     missing. Whoever replaces what it ran waits for a margin from then on.
//   - A Roster is a value driven by its owner: no clock, no lock, no goroutine.
//     It is bounded by the members present and those gone recently.
//
// # Duties
//
// [Roster.Update] wants every change of the membership, with instants that
// never go back. A node that joins learns nothing of hosts that went before:
// whoever is to replace something asks [Roster.Knows] first.
package roster
