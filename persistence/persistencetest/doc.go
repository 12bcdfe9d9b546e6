// Package persistencetest checks stores and event-sourced behaviours.
//
// # Guarantees
//
// A journal that passes [Journal], and a snapshot store that passes
// [Snapshots], does what package persistence says about it, as far as one
// process can tell; [Reopened] adds what must outlive a process. A failing
// check names the rule that is broken. The kit uses nothing but testing.TB
// and runs the same checks on every plug-in, so a plug-in's test is one call:
//
//	func TestJournal(t *testing.T) {
//		persistencetest.Journal(t, func(t testing.TB) persistence.Journal { return open(t) })
//	}
//
// # Duties
//
// The function that opens a store returns an empty one every time and
// registers its own cleanup.
//
// # Tour
//
// [Play] gives commands to a behaviour without any actor and returns what they
// led to; [Replay] evolves a state by events.
//
// [Journal], [Snapshots] and [Reopened] check plug-ins. [Faulty] wraps a store
// and makes it refuse, doubt or hang on demand, to see what the code above
// makes of it. [Events] makes events to write.
//
// Read play.go, kit.go, journal.go, fence.go, race.go, snapshot.go, reopen.go, faulty.go.
package persistencetest
