// Package persistence keeps the state of actors as the events that led to it.
//
// # Guarantees
//
//   - A reply or a function given to [Effect.Then] comes after the events of
//     its command are stored. From then on every recovery finds them, in order
//     and byte by byte.
//   - The state after a recovery is the state before it, as far as Evolve is
//     pure. Commands are handled one at a time, in the order in which they came;
//     those that come during a recovery or a write wait.
//   - An actor never goes on from a write that failed or is in doubt: it ends
//     and recovers by reading, whatever its supervisor says.
//   - What can't be read again is never stored, and Evolve sees a new event as a
//     recovery will see it. A command whose events no store takes is an error of
//     that command alone.
//   - A store that doesn't answer, or doesn't mind its context, holds up an actor
//     for no longer than the timeouts in [Config].
//   - The events of one persistence id are numbered without gaps; of two
//     writers that use the same number, one is refused. Whoever claims an id
//     under a newer epoch shuts out all older owners before it reads, so that a
//     replaced owner can't write, however late it learns of it; it then stops.
//   - A snapshot only ever saves time. One that is damaged or can't be read any
//     more is passed over, and events
//     are deleted only when a stored snapshot contains them.
//
// # Duties
//
//   - One persistence id has one owner at a time. A cluster's shards and
//     singletons see to that and pass their epoch on in [Config]; a program
//     that runs in one process may go without.
//   - Decide and Evolve are pure; what has to happen in the world is an effect.
//   - Types of events and states are registered under names that stay the same
//     for ever, and what was ever stored can be decoded for ever.
//   - Spawn the actor with a backoff (actor.Supervise), so that it comes back
//     when its store does; without one a failed recovery is its end.
//
// # Tour
//
// A [Behaviour] is Decide and Evolve; [New] makes an actor of it, a [Config]
// says where its events are kept. [Effects], embedded in the behaviour, makes
// the effects that Decide returns. Package persistencetest plays commands to a
// behaviour without any actor.
//
// [Journal] and [SnapshotStore] are what a store offers; [Memory] is the one
// without a disk, package persistence/sqlite the one with a file. A plug-in
// builds on [Head], which has the rules as pure functions, [CheckAppend] and
// [Event.Checksum], and proves itself with package persistencetest.
//
// Read behaviour.go, effect.go, config.go, sourced.go, recover.go,
// snapshotting.go, limit.go, permits.go; for stores event.go, head.go,
// journal.go, memory.go, errors.go.
package persistence
