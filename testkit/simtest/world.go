package simtest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

// start is the instant at which every world begins.
var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// Bounds on a world that has gone astray.
const (
	driveMax   = 3 * time.Hour // virtual time that a blocking call of the script may take
	instantMax = 1_000_000     // events at one virtual instant
)

// World is one simulated universe: nodes, the network between them, one
// database, one clock, one seed. Everything in it runs on the goroutine of the
// test, one event after the other, and every choice is drawn from the seed.
// A World is made by [Run]; it is not safe for concurrent use.
type World struct {
	t     testing.TB
	seed  uint64
	now   int64
	queue queue
	seq   uint64
	ties  *rand.Rand

	trace trace
	beat  atomic.Uint64 // trace.count, for the guard
	logs  logs
	echo  bool // write logs and remarks through to the test's output

	nodes   []*Node // in the order of creation
	current *strand // what runs now; nil for the script and for timer functions
	idle    []*strand
	left    []*strand // whose jobs ended their goroutines
	strands uint64
	// dispatching is set while the world carries out an event, as opposed to
	// while the script runs.
	dispatching bool
	instant     int64
	instantRun  int

	net         *network
	disk        *disk
	swarm       Swarm
	off         []string // fields of Swarm that are not to be
	drawn       Swarm    // what swarm was before the faults ended
	checkers    []Checker
	members     *Membership // made by Members
	faults      timeline
	about       []string // what the broken invariant is about
	ear         *ear     // nil: nobody listens to the messages
	campaign    *campaign
	repeats     int // messages that came again, or late
	failed      bool
	closed      bool
	unevenUntil time.Duration // until when chaos may cut links unevenly, see [Downed]
}

func newWorld(t testing.TB, seed uint64) *World {
	w := &World{t: t, seed: seed}
	w.ties = w.Rand("ties")
	w.SetSwarm(calm())
	w.net = newNetwork(w)
	w.disk = newDisk(w)
	return w
}

// T returns the test that the world runs in. Its FailNow works everywhere in
// the world: in the script, in actors, in checkers.
func (w *World) T() testing.TB { return w.t }

// Seed returns the seed of the world.
func (w *World) Seed() uint64 { return w.seed }

// Now returns the true virtual time; nodes may see another through clock skew.
func (w *World) Now() time.Time { return start.Add(time.Duration(w.now)) }

// Elapsed returns how long the world exists in virtual time.
func (w *World) Elapsed() time.Duration { return time.Duration(w.now) }

// Hash returns the running hash over every event so far: equal for every run
// of the same seed and the same code.
func (w *World) Hash() uint64 { return w.trace.hash }

// Pending returns how many events are still to come.
func (w *World) Pending() int { return len(w.queue.events) }

// Events returns how many events have happened.
func (w *World) Events() uint64 { return w.trace.count }

// Rand returns a source of chance of its own for the given stream: what one
// stream draws doesn't shift what another does.
func (w *World) Rand(stream string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(stream))
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// push puts e into the heap, d from now.
func (w *World) push(e *event, d time.Duration) *event {
	w.seq++
	e.seq = w.seq
	e.tie = w.ties.Uint64()
	e.at = w.now + int64(max(d, 0))
	w.queue.push(e)
	return e
}

// after makes the world itself do something d from now.
func (w *World) after(d time.Duration, k kind, label string, arg uint64, f func()) *event {
	return w.push(&event{kind: k, label: label, arg: arg, call: f}, d)
}

// step carries out the next event. It reports false when there is none.
func (w *World) step() bool {
	for {
		e := w.queue.pop()
		if e == nil {
			return false
		}
		if e.proc != nil {
			if e.proc.dead {
				continue
			}
			if e.proc.paused {
				e.proc.held = append(e.proc.held, e)
				continue
			}
		}
		w.enter(e)
		return true
	}
}

func (w *World) enter(e *event) {
	e.done = true
	w.now = max(w.now, e.at)
	if w.now != w.instant {
		w.instant, w.instantRun = w.now, 0
	} else if w.instantRun++; w.instantRun > instantMax {
		w.fail(fmt.Sprintf("%d events without any time going by; the last: %s", instantMax, w.lastText()))
	}
	r := record{at: w.now, label: e.label, arg: e.arg, seq: e.seq, kind: e.kind}
	if e.proc != nil {
		r.node = e.proc.node.name
	}
	w.trace.add(r, e.task)
	w.beat.Add(1)
	w.dispatching = true
	switch {
	case e.task != nil:
		w.run(e.proc, e.task, nil)
	case e.strand != nil:
		w.resume(e.strand)
	case e.kind == kindGo:
		w.run(e.proc, nil, e.call)
	default:
		e.call()
	}
	w.dispatching = false
	w.check()
}

func (w *World) lastText() string { return w.trace.tail(1) }

// drive runs the world until done: it is what a blocking call of the script
// does.
func (w *World) drive(what string, done func() bool) {
	w.t.Helper()
	limit := w.now + int64(driveMax)
	for !done() {
		if at, ok := w.queue.peek(); !ok || at > limit {
			w.fail(fmt.Sprintf("the script waits for %s, which did not happen within %v of virtual time", what, driveMax))
		}
		w.step()
	}
}

// Run lets virtual time d pass.
func (w *World) Run(d time.Duration) {
	w.t.Helper()
	w.onlyScript("Run")
	limit := w.now + int64(d)
	for {
		at, ok := w.queue.peek()
		if !ok || at > limit {
			break
		}
		w.step()
	}
	w.now = max(w.now, limit)
}

// Cond is something to wait for: it returns "" when it is so, otherwise what
// is still missing, for the message of a timeout.
type Cond func() (pending string)

// That makes a Cond of a plain predicate.
func That(holds func() bool) Cond {
	return func() string {
		if holds() {
			return ""
		}
		return "the condition"
	}
}

// Until runs the world until cond holds. When that takes longer than bound of
// virtual time, the seed fails and the message says what was pending.
func (w *World) Until(why string, bound time.Duration, cond Cond) {
	w.t.Helper()
	w.onlyScript("Until")
	limit := w.now + int64(bound)
	// A cond looks at whole nodes; a look every millisecond is enough.
	const pace = int64(time.Millisecond)
	next := w.now
	for {
		if w.now >= next {
			if cond() == "" {
				return
			}
			next = w.now + pace
		}
		at, ok := w.queue.peek()
		if !ok || at > limit {
			break
		}
		w.step()
	}
	w.now = max(w.now, limit)
	if pending := cond(); pending != "" {
		w.fail(fmt.Sprintf("not within %v of virtual time: %s: pending: %s", bound, why, pending))
	}
}

func (w *World) onlyScript(verb string) {
	if w.current != nil || w.dispatching {
		w.fail(verb + " is for the script, not for what runs inside the world")
	}
}

// Note puts a remark into the trace; it counts for the hash.
func (w *World) Note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.trace.add(record{at: w.now, label: text, kind: kindNote}, nil)
	w.tell(text)
}

// tell adds to the timeline of the seed.
func (w *World) tell(text string) {
	w.faults.add(time.Duration(w.now), text)
	w.line("world", text)
}

// Failf ends the seed as failed, from wherever it is called in the world.
func (w *World) Failf(format string, args ...any) {
	w.t.Helper()
	w.fail(fmt.Sprintf(format, args...))
}

func (w *World) fail(text string) {
	w.t.Helper()
	w.failed = true
	w.t.Fatalf("%s", text)
}

// line adds a line to the log that is printed when the seed fails.
func (w *World) line(who, text string) {
	line := fmt.Sprintf("%14.6f  %-8s %s\n", time.Duration(w.now).Seconds(), who, text)
	w.logs.add(line)
	if w.echo {
		fmt.Print(line)
	}
}

// close ends everything in the world.
func (w *World) close() {
	if w.closed {
		return
	}
	w.closed = true
	for _, n := range w.nodes {
		if n.proc != nil {
			n.proc.kill()
		}
	}
	for _, s := range w.idle {
		s.stop()
	}
	for _, s := range w.left {
		apart(s.stop)
	}
	w.idle, w.left = nil, nil
	// Pools keep what lived in a world for a while; it shall not keep the world.
	w.queue, w.net, w.checkers = queue{}, nil, nil
}
