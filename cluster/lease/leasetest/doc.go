// Package leasetest checks stores of leases.
//
// A store that passes [Run] does what package lease says about it, as far as
// one process can tell, and leases on it behave. A failing check names the rule
// that is broken. The test of a store is one call:
//
//	func TestStore(t *testing.T) {
//		leasetest.Run(t, func(t *testing.T) lease.Store { return open(t) })
//	}
//
// The function that opens a store returns an empty one every time and
// registers its own cleanup. A store that several processes share should
// also be opened twice and pass [Shared].
//
// [Faulty] wraps a store and makes it refuse, hang, or lose its answers.
package leasetest
