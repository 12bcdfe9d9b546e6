package simtest_test

import (
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(800) // worlds are small and short-lived
	debug.SetMemoryLimit(2 << 30)
	goleak.VerifyTestMain(m)
}
