// Package testkit tests actors: one alone, with its effects as values; many, with
// probes that stand in for others; clocks that move by hand, and systems that clean
// up after themselves and keep books of every message.
//
// # Guarantees
//
//   - A system of [New] is stopped at the end of its test; a stop that fails
//     fails the test.
//   - In such a system every message is accounted for: it was handled, or is a
//     dead letter with a reason; see [Ledger]. Every actor's life is in order;
//     see [LifeCycle].
//   - A [Solo] runs the real actor, and nothing but what its test asks for.
//   - A [Probe] sees every message it was sent, in order, and every expectation
//     that is not met says what came instead.
//   - With a [Clock] nothing happens by the passing of time but what
//     [Clock.Advance] makes happen, in the order in which it falls due.
//
// # Duties
//
//   - Expectations are for the test's own goroutine: they end the test.
//   - Inside a bubble of testing/synctest use neither probe nor clock across its
//     border.
//
// [Schema] holds the registered messages still: it shows how they differ from
// those of the last release, and which differences break.
//
// The package needs nothing but testing.TB: it brings no assertion library.
//
// Read the files in this order: kit, ledger, roundtrip, lifecycle, probe, expect,
// await, logs, clock, solo, effect, inbox, stepper.
package testkit
