// Package actor runs actors in one process, and is the ground on which the
// packages that join processes stand.
//
// # Guarantees
//
//   - An actor handles one message at a time; what one turn wrote, the next sees.
//   - Between one sender and one receiver messages keep their order and are
//     delivered at most once. Nothing is lost silently: a message is handled,
//     still queued, or has become a dead letter with a reason and is counted.
//   - A panic, an error given to [Context.Fail] and even runtime.Goexit in a
//     handler reach the actor's supervisor and nobody else.
//   - PreStart comes before the first message, PostStop after the last and after
//     the children have stopped. A restart keeps ref, mailbox and watches; it stops
//     the children, and watching them ends with that.
//   - A watcher gets exactly one [Terminated] for every actor incarnation that it
//     watches, after the messages that the actor had sent to it.
//   - Blocking in Receive is allowed; it holds up that actor and nobody else.
//   - The package starts no goroutine, reads no clock and draws no random number
//     except through the [Executor], the [Clock] and the seed of its [Config].
//
// # Duties
//
//   - Messages are values that nobody changes after sending them.
//   - A [Context] is used on the actor's own turn only. What has to wait for
//     something goes through [Go].
//   - A system is stopped by whoever made it, with [System.Stop].
//
// # Tour
//
// [NewSystem] makes a system, [System.Spawn] and [SpawnTyped] start actors in
// it, [Ref.Tell] and [Ask] talk to them. Inside, [Context] has everything an
// actor can do: spawn and supervise children, watch, set timers, stash, change
// its behaviour. [Subscribe] listens to events such as [DeadLetter].
// [System.OnStop] takes part in an orderly end.
//
// Beyond that: [Context.Schedule] for timers, [FSM] for state machines,
// [System.Select] for actors by path, [ServiceKey] and [Topic] for actors by what
// they offer, [Adapt] and [Intercept] for what stands between an actor and its
// messages, [Guard] and [Retry] for what fails outside, [Dedicated] and [Pinned]
// for what blocks, [System.Tree] and [Inspect] to see what goes on.
//
// Read the files in this order: actor, ref, context, cell, turn, deliver, mailbox,
// discipline, budget, signal, supervise, parent, watch, end, ask, asklimit, timer,
// idle, pipe, session, fsm, intercept, adapter, selection, receptionist, extension,
// breaker, retry, system, family, events, shutdown, interrupt, executor, workers,
// monitor, watchdog, bulkhead, inspect, tree, observe, clock, memory, remoting, refwire, message,
// epoch.
package actor
