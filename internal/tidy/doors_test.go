package tidy

// core tells whether the rules of the five doors hold in a folder: everything
// that also runs in the simulator.
func core(dir string) bool {
	for _, tree := range []string{
		"actor", "codec", "remote", "router", "cluster", "singleton", "sharding", "ddata", "pubsub", "receptionist",
		"delivery", "testkit", "persistence", "internal/memory", "internal/phi", "internal/wire",
	} {
		if within(dir, tree) {
			return !within(dir, "persistence/sqlite") && !within(dir, "testkit/multinode")
		}
	}
	return false
}

// The kinds of things that enter through a door.
const (
	clock      = "clock"      // package time, context deadlines
	chance     = "chance"     // random numbers that no seed decides
	goroutine  = "goroutine"  // go statements and what makes goroutines
	choice     = "choice"     // select over several channels
	machine    = "machine"    // environment, process, host
	allocation = "allocation" // unsafe
)

// door is a file that lets something in which the rest of the core must not
// touch.
type door struct {
	path   string
	kind   string
	reason string
}

var doors = []door{
	{"actor/clock.go", clock, "the production clock"},
	{"actor/ending.go", goroutine, "the context of an ask is the caller's: its end comes on a goroutine of package context"},
	{"actor/refwire.go", machine, "refs to other nodes are forgotten when nobody holds one; nothing depends on when"},
	{"actor/system.go", chance, "the UID and the seed of a system whose Config names none"},
	{"actor/system.go", goroutine, "the context of Stop is the caller's: its end comes on a goroutine of package context"},
	{"actor/workers.go", goroutine, "the workers of the production executor"},
	{"actor/spare.go", goroutine, "spare workers of the production executor"},
	{"actor/watchdog.go", clock, "the watchdog over slow turns times those of the production executor"},
	{"actor/monitor.go", clock, "the monitor that brings in a spare worker looks at its watch"},
	{"cluster/lease/leasetest/kit.go", goroutine, "the conformance kit provokes real races; it runs in tests only"},
	{"internal/memory/memory.go", machine, "the limit and the use of memory are those of the process"},
	{"persistence/persistencetest/race.go", goroutine, "the conformance kit provokes real races; it runs in tests only"},
	{"remote/nonce.go", chance, "what strangers must not foresee can't come from a seed"},
	{"remote/disuse.go", machine, "peers of which nothing is known are forgotten when nobody refers to one; nothing depends on when"},
	{"remote/memnet.go", goroutine, "the wire in memory: a goroutine for each direction, as TCP has"},
	{"remote/memnet.go", choice, "a direction has bytes to write, or is over"},
	{"remote/tcp.go", goroutine, "the production wire: reading and writing block"},
	{"remote/tcp.go", clock, "deadlines of sockets are in the time of the machine"},
	{"remote/tcp.go", choice, "a socket has bytes to write, or is over"},
	{"sharding/ref.go", machine, "refs to entities are forgotten when nobody holds one; nothing depends on when"},
	{"testkit/netfault/link.go", clock, "it delays bytes of real sockets"},
	{"testkit/netfault/link.go", goroutine, "writing to a real socket blocks"},
	{"testkit/netfault/proxy.go", goroutine, "reading from real sockets blocks"},
	{"testkit/await.go", clock, "looks again at what nobody tells of, for a while of the test's own time"},
	{"testkit/logs.go", clock, "a line of a log comes when it comes; a test waits for it in its own time"},
	{"testkit/ledger.go", clock, "before it fails a test, it gives time to senders that no system runs"},
	{"testkit/probe.go", clock, "a probe waits on the goroutine of its test, which no clock of a system moves"},
	{"testkit/probe.go", choice, "a probe waits for a message or for the end of its patience"},
	{"testkit/stepper.go", goroutine, "a turn of an actor alone may end its goroutine, which must not be the test's"},
	{"testkit/simtest/run.go", clock, "reports seeds per minute and ends a seed that hangs; nothing inside the world sees it"},
	{"testkit/simtest/run.go", machine, "ends a seed that takes too much memory; nothing inside the world sees it"},
	{"testkit/simtest/wall.go", allocation, "only so can an instant be made whose clock on the wall was set"},
	{"testkit/simtest/strand.go", goroutine, "a strand is a coroutine: exactly one of them runs"},
}
