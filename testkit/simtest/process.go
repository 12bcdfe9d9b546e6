package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/remote"
)

// process is one incarnation of a node: what a crash takes away. It is the
// actor.Executor and, through clock, the actor.Clock of the node's system.
// The doors of a dead process do nothing.
type process struct {
	w       *World
	node    *Node
	number  int // counts the incarnations of the node from 1
	uid     uint64
	sys     *actor.System
	cluster *cluster.Cluster // nil unless the node is Clustered
	remote  *remote.Remote   // nil if unknown
	rng     *rand.Rand
	born    int64
	skew    time.Duration

	dead   bool
	paused bool
	woke   time.Duration // when the last pause ended; 0: there was none
	held   []*event      // what came up during a pause
	parked map[uint64]*strand
}

func newProcess(n *Node) *process {
	n.incarnations++
	p := &process{w: n.w, node: n, number: n.incarnations, born: n.w.now, parked: map[uint64]*strand{}}
	p.rng = p.rand("executor")
	uids := p.rand("uid")
	for p.uid == 0 {
		p.uid = uids.Uint64()
	}
	p.skew = n.w.swarm.skew(p.rand("skew"))
	return p
}

// rand returns the incarnation's own source of chance for a stream.
func (p *process) rand(stream string) *rand.Rand {
	return p.w.Rand(fmt.Sprintf("%s/%d/%s", p.node.name, p.number, stream))
}

// turnDelay is how long what is ready waits for a processor.
func (p *process) turnDelay() time.Duration {
	return time.Duration(p.rng.Int64N(int64(p.w.swarm.TurnMax) + 1))
}

// Schedule implements actor.Executor.
func (p *process) Schedule(t actor.Task) {
	if p.dead || p.w.closed {
		return
	}
	p.w.push(&event{kind: kindTurn, proc: p, task: t}, p.turnDelay())
}

// Go implements actor.Executor.
func (p *process) Go(f func()) {
	if p.dead || p.w.closed {
		return
	}
	p.w.push(&event{kind: kindGo, proc: p, call: f}, p.turnDelay())
}

// Wait implements actor.Executor.
func (p *process) Wait(g *actor.Gate) { p.w.wait(p, g) }

// plenty is the actor.Memory of a process: there is no limit, whatever the machine has.
type plenty struct{}

func (plenty) Limit() int64  { return 0 }
func (plenty) Needed() int64 { return 0 }
func (plenty) Collect()      {}

// clock is the actor.Clock of a process: the world's time, with the node's skew
// on the wall.
type clock struct{ p *process }

func (c clock) Now() time.Time {
	ran := time.Duration(c.p.w.now)
	return instant(start.Add(ran+c.p.skew+c.p.node.wall), ran)
}

func (c clock) AfterFunc(d time.Duration, f func()) actor.Timer {
	p := c.p
	if p.dead || p.w.closed {
		return &event{done: true}
	}
	return p.w.push(&event{kind: kindTimer, proc: p, arg: uint64(d), call: f}, d)
}

// kill ends the process at once: nothing of it ever runs again but the
// deferred functions of what was parked.
func (p *process) kill() {
	if p.dead {
		return
	}
	p.dead = true
	p.held = nil
	ids := make([]uint64, 0, len(p.parked))
	for id := range p.parked {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		p.w.unwind(p.parked[id])
	}
	p.parked = nil
	if p.node.proc == p {
		p.node.proc = nil
	}
}

func (p *process) pause() { p.paused = true }

// resume lets the process go on: everything that came up meanwhile happens
// now, in one burst.
func (p *process) resume() {
	if !p.paused {
		return
	}
	p.paused, p.woke = false, p.w.Elapsed()
	held := p.held
	p.held = nil
	for _, e := range held {
		if e.done {
			p.w.queue.stopped--
			continue
		}
		p.w.push(e, p.turnDelay())
	}
}

// logWriter takes the log lines of one process; it drops the newline that the
// world adds itself.
type logWriter struct{ p *process }

func (l logWriter) Write(line []byte) (int, error) {
	if l.p.dead {
		return len(line), nil // it is being unwound
	}
	l.p.w.line(l.p.node.name, strings.TrimRight(string(line), "\n"))
	return len(line), nil
}
