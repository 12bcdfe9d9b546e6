// Package testkit tests actors: probes that stand in for others, a clock that
// moves by hand, and systems that clean up after themselves.
//
// # Guarantees
//
//   - A system of [New] is stopped at the end of its test; a stop that fails
//     fails the test.
//   - In such a system every message is accounted for: it was handled, or is a
//     dead letter with a reason; see [Ledger]. Every actor's life is in order;
//     see [LifeCycle].
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
// Read the files in this order: kit, ledger, roundtrip, lifecycle, probe, clock. schema.
package testkit
