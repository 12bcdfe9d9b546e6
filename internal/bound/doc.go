// Package bound holds decoders to their limits in tests: what comes from a network
// or a disk must not make a process allocate out of proportion to its length.
//
// It guarantees nothing outside tests, and needs that nothing else of the process
// allocates meanwhile: no parallel tests, no systems at work.
//
// [Allocation] is all there is.
package bound
