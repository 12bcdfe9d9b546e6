package actor

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// SlowTurn is published when an actor has been at one turn for longer than
// Config.SlowTurn: it computes for long, or waits for something. It comes once
// for a turn, which may still be under way.
type SlowTurn struct {
	Actor PID
	// For is how long the turn has lasted when it was noticed.
	For time.Duration
	// Stack is what the actor's goroutine is doing; empty when there are so
	// many goroutines that it wasn't found.
	Stack string
}

// watchdog knows since when the goroutines of the workers have been at their
// turns. It costs a turn nothing: a queue notes its cell under the lock that it
// takes anyway, and the monitor looks now and then.
type watchdog struct {
	p     *workers
	limit time.Duration

	mu    sync.Mutex
	apart map[*worker]*vigil // turns of goroutines without a queue
	begun uint64

	// The monitor's.
	queues []vigil
	last   time.Time // when it looked
	dumped time.Time // when it took stacks
	logged int       // reports in the log since hushed
	hushed time.Time
}

// vigil is a turn that may become a long one.
type vigil struct {
	cell      *cell
	turn      uint64
	goroutine uint64
	since     time.Time
	reported  bool
}

const (
	// A slow turn is noticed after the limit and at most a quarter of it.
	looksPerLimit = 8
	// slowTurnsLogged of them are logged in a slowTurnHush.
	slowTurnsLogged = 10
	slowTurnHush    = time.Minute
	// dumpMax bounds the text of all goroutines among which one is looked for.
	dumpMax = 4 << 20
	// dumpsApart is how far apart such texts are: each stops the process for
	// a moment.
	dumpsApart = 10 * time.Second
)

// begin notes a turn of a goroutine without a queue.
func (d *watchdog) begin(w *worker, c *cell) {
	if d.limit <= 0 || c == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.apart == nil {
		d.apart = map[*worker]*vigil{}
	}
	d.begun++
	d.apart[w] = &vigil{cell: c, turn: d.begun, goroutine: w.goroutine.Load(), since: time.Now()}
	if d.p.monitor.parked.Load() {
		d.p.monitor.rouse() // never blocks
	}
}

// end forgets the turn.
func (d *watchdog) end(w *worker) {
	if d.limit <= 0 {
		return
	}
	d.mu.Lock()
	delete(d.apart, w)
	d.mu.Unlock()
}

// needed reports whether a turn is under way that may become a slow one.
func (d *watchdog) needed() bool {
	if d.limit <= 0 {
		return false
	}
	for i, q := range d.p.queues {
		current, turn := q.running(), q.looks
		if v := &d.queues[i]; current != nil && !(v.reported && v.cell == current && v.turn == turn) {
			return true
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.apart { //det:ok any one will do
		if !v.reported {
			return true
		}
	}
	return false
}

// look reports the turns that have become slow, when it is time to look.
func (d *watchdog) look() {
	if d.limit <= 0 {
		return
	}
	now := time.Now()
	if now.Sub(d.last) < d.limit/looksPerLimit {
		return
	}
	d.last = now
	var slow []vigil
	for i, q := range d.p.queues {
		current, turn, goroutine := q.running(), q.looks, q.owner.Load().goroutine.Load()
		v := &d.queues[i]
		if current == nil || v.cell != current || v.turn != turn {
			*v = vigil{cell: current, turn: turn, goroutine: goroutine, since: now}
		} else if now.Sub(v.since) >= d.limit && !v.reported {
			v.reported = true
			slow = append(slow, *v)
		}
	}
	slow = d.lookApart(now, slow)
	if len(slow) > 0 {
		d.report(now, slow)
	}
}

// running returns the cell that the owner is running, if it is.
func (q *queue) running() *cell {
	if !q.busy.Load() {
		return nil
	}
	return q.current.Load()
}

func (d *watchdog) lookApart(now time.Time, slow []vigil) []vigil {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.apart { //det:ok sorted by the caller
		if !v.reported && now.Sub(v.since) >= d.limit {
			v.reported = true
			slow = append(slow, *v)
		}
	}
	slices.SortFunc(slow, func(a, b vigil) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.cell.id, b.cell.id)) })
	return slow
}

func (d *watchdog) report(now time.Time, slow []vigil) {
	var dump []byte
	if d.dumped.IsZero() || now.Sub(d.dumped) >= dumpsApart {
		d.dumped = now
		dump = allStacks()
	}
	if now.Sub(d.hushed) >= slowTurnHush {
		d.hushed, d.logged = now, 0
	}
	loud := min(len(slow), slowTurnsLogged-d.logged)
	d.logged += loud
	d.p.Go(func() { // a subscriber's mailbox may make its senders wait
		for i, v := range slow {
			event := SlowTurn{Actor: PID{p: &v.cell.process}, For: now.Sub(v.since), Stack: stackOf(dump, v.goroutine)}
			sys := v.cell.sys
			if i < loud {
				sys.log.Warn().Str("actor", v.cell.path()).Stringer("for", event.For).Str(stackField, event.Stack).Msg("slow turn")
			}
			sys.Publish(event)
		}
	})
}

// allStacks returns the stacks of all goroutines, as many as fit.
func allStacks() []byte {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= dumpMax {
			return buf[:n]
		}
		buf = make([]byte, 4*len(buf))
	}
}

// stackOf cuts the stack of one goroutine out of the text of all.
func stackOf(dump []byte, goroutine uint64) string {
	head := fmt.Appendf(nil, "goroutine %d ", goroutine)
	for len(dump) > 0 {
		stack, rest, _ := bytes.Cut(dump, []byte("\n\n"))
		if bytes.HasPrefix(stack, head) {
			return string(stack)
		}
		dump = rest
	}
	return ""
}

// goroutineNumber returns the number under which stacks show this goroutine.
func goroutineNumber() (n uint64) {
	var buf [32]byte
	text := buf[:runtime.Stack(buf[:], false)]
	for _, b := range bytes.TrimPrefix(text, []byte("goroutine ")) {
		if b < '0' || b > '9' {
			break
		}
		n = 10*n + uint64(b-'0')
	}
	return n
}
