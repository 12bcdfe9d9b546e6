// Package artifact is the domain of the artifactstate example: two facts about
// a pair of user and artifact, and what may change them.
//
// What it guarantees:
//
//   - Deciding and evolving are pure functions of their arguments. They are
//     tested without any actor, and replaying the events of a pair always gives
//     the same state.
//   - The id of a pair is unambiguous: two different pairs have different ids,
//     whatever characters the user ids are made of.
//   - A change that changes nothing makes no event, so a request may be repeated
//     any number of times.
//   - A change whose asker has given up is not made: a command carries the
//     moment after which nobody waits for it, and [Decide] refuses it from then on.
//
// What it asks of its users: the clocks of the machines agree to well below the
// ask timeout, because the deadline of a command is read on another machine than
// the one that set it.
//
// The tour: a [Pair] names an entity, a [Command] asks it something, [Decide]
// turns a command into events, and [State.Evolve] applies an event.
package artifact
