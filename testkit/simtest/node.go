package simtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// port is the port that every node listens on; its name is its host.
const port = ":2551"

// systemName is the name of every node's actor system.
const systemName = "sim"

// Node is a place where processes of one program run, one after the other: it
// has an address that stays, and a process that a crash takes away and a
// restart brings back with nothing but what it stored. Methods of a Node are
// for the script, and for code that runs in the world.
type Node struct {
	w            *World
	name         string
	addr         string
	boot         func(*Node) error
	relaunch     time.Duration
	proc         *process
	incarnations int
	dark         bool          // the whole machine is off: not even its kernel answers
	wall         time.Duration // how far its clock on the wall was set
}

// NodeOption is one of the options of [World.Node]: [Boot], [Relaunch].
type NodeOption interface{ applyNode(*Node) }

// Boot is the program of a node: it is called in every new process of the
// node, once its system exists, and may block. An error ends the process.
type Boot func(n *Node) error

func (b Boot) applyNode(n *Node) { n.boot = b }

// Relaunch makes somebody start a process that ended by itself anew after so
// much time, as an orchestrator does. The zero value: it stays down.
type Relaunch time.Duration

func (r Relaunch) applyNode(n *Node) { n.relaunch = time.Duration(r) }

// Node adds a node with the given name, which must be new and is also its
// host name, and starts its first process.
func (w *World) Node(name string, opts ...NodeOption) *Node {
	w.t.Helper()
	for _, n := range w.nodes {
		if n.name == name {
			w.fail(fmt.Sprintf("there is a node %q already", name))
		}
	}
	n := &Node{w: w, name: name, addr: name + port}
	for _, o := range opts {
		o.applyNode(n)
	}
	w.nodes = append(w.nodes, n)
	n.start()
	return n
}

// Nodes returns all nodes in the order in which they were added.
func (w *World) Nodes() []*Node { return append([]*Node(nil), w.nodes...) }

// start makes the next process of the node and lets its program begin.
func (n *Node) start() {
	p := newProcess(n)
	n.proc = p
	if n.dark {
		n.dark = false
		n.w.net.nodeBack(n)
	}
	n.w.Note("%s starts process %d with uid %#x", n.name, p.number, p.uid)
	n.begin(p)
}

// begin lets the node's program run in p.
func (n *Node) begin(p *process) {
	boot := n.boot
	if boot == nil {
		return
	}
	p.Go(func() {
		if err := boot(n); err != nil {
			n.exit(p, fmt.Sprintf("boot: %v", err))
		}
	})
}

// Name returns the name of the node.
func (n *Node) Name() string { return n.name }

// Addr returns the "host:port" of the node.
func (n *Node) Addr() string { return n.addr }

// String returns the name.
func (n *Node) String() string { return n.name }

// Alive reports whether the node has a process.
func (n *Node) Alive() bool { return n.proc != nil }

// Paused reports whether the node's process is stopped for the moment.
func (n *Node) Paused() bool { return n.proc != nil && n.proc.paused }

// UID returns the uid of the node's present process, 0 when there is none. A
// new process has a new one.
func (n *Node) UID() uint64 {
	if n.proc == nil {
		return 0
	}
	return n.proc.uid
}

// Process counts the processes that the node has had.
func (n *Node) Process() int { return n.incarnations }

// Clock returns the clock of the node's present process.
func (n *Node) Clock() actor.Clock { return clock{n.running()} }

// Executor returns the executor of the node's present process.
func (n *Node) Executor() actor.Executor { return n.running() }

// Rand returns a source of chance of the node's present process; each stream
// is its own.
func (n *Node) Rand(stream string) *rand.Rand { return n.running().rand(stream) }

// Logger returns the logger of the node's present process. It writes into the
// log that is printed when the seed fails, with the virtual time.
func (n *Node) Logger() zerolog.Logger {
	level := zerolog.InfoLevel
	if n.w.echo {
		level = zerolog.DebugLevel
	}
	return zerolog.New(logWriter{n.running()}).Level(level)
}

// Config returns the configuration of an actor system for the node's present
// process: the world's doors and nothing else.
func (n *Node) Config() actor.Config {
	p := n.running()
	log := n.Logger()
	return actor.Config{
		Clock: clock{p}, Executor: p, Seed: p.rand("system").Uint64() | 1, UID: p.uid, Logger: &log,
		Memory: plenty{}, Observer: n.observer(p),
	}
}

// System returns the actor system of the node's present process. It is made,
// with [Node.Config] and the name "sim", by the first call.
func (n *Node) System() *actor.System {
	p := n.running()
	if p.sys == nil {
		sys, err := actor.NewSystem(systemName, n.Config())
		if err != nil {
			n.w.fail(fmt.Sprintf("system of node %s: %v", n.name, err))
		}
		p.sys = sys
	}
	return p.sys
}

// Go runs f in the node's present process; f may block.
func (n *Node) Go(f func()) { n.running().Go(f) }

// Do runs f in the node's present process and drives the world until f is
// done or the process has died; it reports which. It is for the script.
func (n *Node) Do(f func()) bool {
	p := n.running()
	finished := false
	p.Go(func() { f(); finished = true })
	n.w.drive("a function on "+n.name, func() bool { return finished || p.dead })
	return finished
}

// Exit ends the node's present process from the inside, as os.Exit does. With
// [Relaunch] it is started again.
func (n *Node) Exit(why string) {
	if p := n.proc; p != nil {
		n.exit(p, why)
	}
}

func (n *Node) exit(p *process, why string) {
	n.w.after(0, kindFault, "exit "+n.name, p.uid, func() {
		if p.dead {
			return
		}
		n.w.Note("%s exits: %s", n.name, why)
		n.end(true)
		if n.relaunch > 0 {
			number := n.incarnations
			n.w.after(n.relaunch, kindFault, "relaunch "+n.name, uint64(number), func() {
				if n.proc == nil && n.incarnations == number {
					n.start()
				}
			})
		}
	})
}

// end kills the process; told says whether its machine lives and tells the
// peers that their connections are gone.
func (n *Node) end(told bool) {
	p := n.proc
	if p == nil {
		return
	}
	p.kill()
	n.dark = !told
	n.w.net.processGone(p, told)
}

func (n *Node) running() *process {
	if n.w.current != nil && n.w.current.proc != nil && n.w.current.proc.node == n {
		return n.w.current.proc
	}
	if n.proc == nil {
		n.w.fail("node " + n.name + " has no process")
	}
	return n.proc
}
