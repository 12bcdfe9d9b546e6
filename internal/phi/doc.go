// Package phi holds the failure detectors that cluster and remote watch peers
// with. They are plain values: no clock, goroutine or lock in them.
//
// Guarantees:
//
//   - The answer of a detector depends only on its settings and on the instants
//     it was handed. The same instants give the same answers on every machine
//     of one architecture.
//   - Nothing overflows and no answer is NaN or infinite, whatever instants
//     come in: clocks that jump either way, years of silence, thousands of
//     heartbeats in one nanosecond.
//   - Memory is bounded: at most [Settings.Samples] intervals for each detector.
//   - A peer that nobody has heard of yet counts as available.
//
// Duties of the caller: pass instants of one clock; keep each detector on one
// goroutine (or under one lock); feed a first heartbeat for a peer that was
// greeted and never answered, or it counts as available for ever; remove a
// [Registry] entry when its peer is gone.
//
// [Detector] is the phi accrual detector of N. Hayashibara, X. Défago, R. Yared
// and T. Katayama, "The φ Accrual Failure Detector", SRDS 2004: instead of a
// yes or no it gives a level of suspicion that grows with the silence, on a
// scale set by the rhythm seen so far. Phi 1 means that calling the peer dead
// would be wrong about once in ten times, phi 8 once in a hundred million.
// [Deadline] is the plain alternative for links where rhythm means little.
// [Registry] keeps one detector for each peer.
//
// Reading order: settings.go, phi.go, window.go, deadline.go, registry.go.
package phi
