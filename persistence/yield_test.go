package persistence_test

import "runtime"

// yield lets other goroutines run while a test waits for something that it can
// only look at.
func yield() { runtime.Gosched() }
