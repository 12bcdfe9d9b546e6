package simtest

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/troupe-go/troupe/actor"
)

// traceMax is how many of the last events are kept to be printed when a seed
// fails.
const traceMax = 400

// record is one line of the trace. It holds what an event was without any
// pointer or map in it, so that two runs of one seed have equal records.
type record struct {
	at    int64
	node  string
	label string
	arg   uint64
	seq   uint64
	kind  kind
}

func (r record) String() string {
	node := r.node
	if node == "" {
		node = "-"
	}
	return fmt.Sprintf("%14.6f  %-8s %-7s %s %#x (event %d)",
		time.Duration(r.at).Seconds(), node, r.kind, r.label, r.arg, r.seq)
}

// trace is the running hash over every event that happened, and the last few
// of them in full.
type trace struct {
	hash  uint64
	count uint64
	ring  [traceMax]record
	tasks [traceMax]actor.Task // of the turns in ring, for their names
	// all is kept, or followed, only while a seed is run twice to prove that
	// it runs the same way.
	keep   bool
	all    []record
	follow []record
	differ string
}

// add takes an event. The name of a task is for the reader only: it is costly
// to make, and what is hashed is enough to tell runs apart.
func (t *trace) add(r record, task actor.Task) {
	t.ring[t.count%traceMax], t.tasks[t.count%traceMax] = r, task
	h := t.hash
	h = mix(h^uint64(r.at), uint64(r.kind)+0x9e3779b97f4a7c15)
	h = mix(h^r.arg, r.seq+0xbf58476d1ce4e5b9)
	if r.node != "" {
		h = mix(h^xxhash.Sum64String(r.node), 0x94d049bb133111eb)
	}
	if r.label != "" {
		h = mix(h^xxhash.Sum64String(r.label), 0xd6e8feb86659fd93)
	}
	t.hash = h
	if task != nil && (t.keep || t.follow != nil) {
		r.label = taskName(task)
		t.ring[t.count%traceMax] = r
	}
	if t.keep {
		t.all = append(t.all, r)
	}
	if t.follow != nil && t.differ == "" {
		t.compare(r)
	}
	t.count++
}

// compare notes the first event in which this run leaves the one it follows.
func (t *trace) compare(r record) {
	if t.count >= uint64(len(t.follow)) {
		t.differ = fmt.Sprintf("event %d: the first run had ended, the second goes on with\n  %v", t.count, r)
		return
	}
	if first := t.follow[t.count]; first != r {
		t.differ = fmt.Sprintf("event %d:\n  first run  %v\n  second run %v\nbefore it:\n%s", t.count, first, r, t.tail(12))
	}
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// taskName names a task if it can say its name: cells of package actor do.
func taskName(t actor.Task) string {
	if s, ok := t.(fmt.Stringer); ok {
		return s.String()
	}
	return "task"
}

// tail returns the last n lines, oldest first.
func (t *trace) tail(n int) string {
	var b strings.Builder
	n = min(n, traceMax, int(t.count))
	for i := t.count - uint64(n); i < t.count; i++ {
		r := t.ring[i%traceMax]
		if task := t.tasks[i%traceMax]; task != nil {
			r.label = taskName(task)
		}
		b.WriteString(r.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// logs keeps the last lines that the nodes' loggers wrote.
type logs struct {
	lines []string
	next  int
}

const logsMax = 300

func (l *logs) add(line string) {
	if len(l.lines) < logsMax {
		l.lines = append(l.lines, line)
		return
	}
	l.lines[l.next] = line
	l.next = (l.next + 1) % logsMax
}

func (l *logs) String() string {
	return strings.Join(l.lines[l.next:], "") + strings.Join(l.lines[:l.next], "")
}
