package openloop

import (
	"syscall"
	"time"
)

// sleep asks the kernel: a timer of the runtime is exact to a millisecond when nothing
// else is going on.
func sleep(d time.Duration) {
	ts := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&ts, nil) // whoever waits looks at the clock, when it ends early
}
