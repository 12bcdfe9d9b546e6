// Package netfault puts faults between two ends of real TCP connections: a
// proxy that delays, slices, throttles, damages, holds or swallows what passes,
// each direction on its own, and that breaks connections in the ways networks
// do. It knows nothing of what it carries.
//
// It guarantees that with no [Faults] set every byte arrives, in order, and that
// a fault which is taken back leaves connections as it found them, except that
// what was dropped or damaged stays so. After [Proxy.Close] none of its
// goroutines is left.
//
// Its user gives it the address of a listener and lets the dialers connect to
// the proxy's instead. For a node that means: listen at one address, advertise
// the proxy's.
//
//	p, err := netfault.Start("127.0.0.1:0", target)
//	p.Set(netfault.Faults{Out: netfault.Direction{Latency: 40 * time.Millisecond, Slice: 1}})
//	p.Set(netfault.Faults{Back: netfault.Direction{Hold: true}}) // one-way partition
//	p.Reset()                                                    // all connections break
//
// The simulator (package simtest) is the place for protocols; this package is for
// the few tests that need the kernel's own sockets.
package netfault
