// Package wire appends and reads the primitive values of Troupe's own
// protocols: fixed and variable integers, strings and byte runs.
//
// Guarantees:
//
//   - What was appended reads back as the same values in the same order.
//   - Appending never fails and never keeps what it was given.
//   - A [Reader] has a sticky error: after the first malformed value every later
//     read returns the zero value, so a decoder reads all its fields and checks
//     [Reader.Err] once, or [Reader.Done] when nothing may follow.
//   - A Reader never allocates more than the bytes it was given: lengths and
//     counts are checked against what is left before anything is made.
//   - No input makes a Reader panic or loop.
//
// Duties of the caller: [Reader.Bytes] and [Reader.Rest] alias the input, so
// copy what outlives the frame; take the number of elements from [Reader.Count]
// with an honest least size, and let nothing else decide how much to make.
//
// Varints may come in a longer form than necessary, so equal values need not
// mean equal bytes: never compare or hash what was received, only what was read.
package wire
