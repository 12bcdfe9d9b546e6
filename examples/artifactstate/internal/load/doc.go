// Package load drives the artifactstate service and checks what it says.
//
// What it guarantees:
//
//   - Arrivals don't wait for answers (the load is open-loop). The latency of a
//     request counts from the moment it was meant to arrive, so a service, or a
//     generator, that falls behind shows in the figures.
//   - Every answer is compared with a model of the pair it is about. The requests
//     of one pair go one after the other, so the model knows the answer; only a
//     set that failed leaves both values possible, until a later set succeeds that
//     began after the failed one can no longer take effect.
//   - A failed request is counted by kind, also when a retry made up for it.
//   - What it keeps is bounded: pairs, outstanding requests, intervals, examples
//     of wrong answers.
//
// What it asks of its users: a service whose sets refuse themselves at the latest
// Config.LateWithin after they were sent. Without such a bound no checker could
// tell a write that comes late from a wrong answer.
//
// The tour: [New] makes a [Generator], [Generator.Run] drives it to the end,
// [Generator.Verify] reads every pair back, and the [Result] prints itself as text
// ([Result.WriteText]) or as one HTML page ([Result.WriteHTML]).
//
// Reading order: config.go, model.go, operation.go, client.go, generator.go,
// recorder.go, result.go, progress.go, chart.go, report.go.
package load
