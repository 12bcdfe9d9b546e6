package testkit

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// awaitPace is how long Await and Hold wait from one look to the next.
const awaitPace = 10 * time.Millisecond

// Await looks again and again until check returns nil, and fails the test with its
// last error when that takes longer than most. It is for what nobody tells of; an
// expectation of a [Probe] needs no looking.
func Await(t testing.TB, most time.Duration, check func() error) {
	t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(awaitPace) {
		err := check()
		if err == nil {
			return
		}
		if !time.Now().Before(end) {
			t.Fatalf("not within %v: %v", most, err)
		}
	}
}

// Hold looks again and again for so long, and fails the test with the first error
// that check returns.
func Hold(t testing.TB, long time.Duration, check func() error) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(awaitPace) {
		if err := check(); err != nil {
			t.Fatalf("after %v of %v: %v", time.Since(began), long, err)
		}
		if time.Since(began) >= long {
			return
		}
	}
}

// NoLeaks fails the test if at its end there are goroutines that weren't there
// when NoLeaks was called. Call it first, so that it looks after all that the test
// cleans up; goroutines of tests that run in parallel count, too.
func NoLeaks(t testing.TB) {
	t.Helper()
	known := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(known); err != nil {
			t.Errorf("goroutines are left: %v", err)
		}
	})
}
