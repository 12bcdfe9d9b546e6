package leasetest_test

import (
	"testing"

	"github.com/troupe-go/troupe/cluster/lease"
	"github.com/troupe-go/troupe/cluster/lease/leasetest"
)

// The test of a store is one call.
func Example() {
	var t *testing.T // a test has its own
	test := func() {
		leasetest.Run(t, func(*testing.T) lease.Store { return lease.NewMemory() })
	}
	_ = test
}
