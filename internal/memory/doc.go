// Package memory says how much memory this process may have, and how much of it is in
// use that a garbage collection would not give back. It is a door: what comes in here
// differs from process to process, so whoever decides by it lets tests put something
// else in its place.
//
// Guarantees: [Limit] costs next to nothing; [Meter.Needed] takes some microseconds,
// stops nothing and allocates nothing after the first call.
//
// Duties of the caller: keep a [Meter] on one goroutine, or under one lock.
package memory
