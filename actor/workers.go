package actor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// workers is the executor that a system makes for itself. As many workers as
// there are processors each run the cells of a queue of their own, so that a
// message from one actor to another needs no switch of goroutines: the
// receiver is run next, by the worker that ran the sender. Workers without
// work steal from the others, and sleep when there is nothing to steal.
//
// A handler may block. A worker that is about to wait for one of our own gates
// gives its queue to a spare worker first; for everything else a monitor sees
// that a queue with work has stood still for about a millisecond, and does the
// same. A worker that comes back from such a turn has no queue any more and
// becomes a spare one, or ends.
type workers struct {
	goroutines sync.WaitGroup
	queues     []*queue

	inbox   fifo // work from outside the workers; guarded by inboxMu
	inboxMu sync.Mutex
	inboxed atomic.Int32

	mu        sync.Mutex // guards sleeping, spare, and the change of closed
	sleeping  []*worker
	spare     []*worker
	closed    atomic.Bool
	asleep    atomic.Int32 // len(sleeping)
	searching atomic.Int32 // workers that were woken and have no work yet

	monitor  monitor
	watchdog watchdog
	lanes    lanes
	waiters  sync.Pool // of channels; see Gate
}

const (
	// sendsPerTurn ends a turn that has sent so much, so that its backlogs
	// are worked off while they are in the cache.
	sendsPerTurn = 1024
	// sendsBeforeSharing is how many sends of a turn may pass before its next
	// cell is offered to other workers.
	sendsBeforeSharing = 256
	// nextInARow is how often a worker prefers the cell it was given last.
	nextInARow = 16
	// spareMax is how many workers without a queue are kept: as many as the
	// monitor has run cells aside at once.
	spareMax = monitorBurstMax
)

// fifo is a queue of cells.
type fifo struct {
	cells []*cell
	head  int
}

func (f *fifo) len() int { return len(f.cells) - f.head }

func (f *fifo) push(c *cell) {
	if f.head > 32 && f.head > len(f.cells)/2 {
		n := copy(f.cells, f.cells[f.head:])
		clear(f.cells[n:])
		f.cells, f.head = f.cells[:n], 0
	}
	f.cells = append(f.cells, c)
}

func (f *fifo) pop() *cell {
	if f.head == len(f.cells) {
		return nil
	}
	c := f.cells[f.head]
	f.cells[f.head] = nil
	f.head++
	if f.head == len(f.cells) {
		f.cells, f.head = f.cells[:0], 0
	}
	return c
}

// queue is the work of one worker. Its owner may change while the old one is in a
// turn; it notices that when it next looks at the owner.
type queue struct {
	owner   atomic.Pointer[worker]
	next    atomic.Pointer[cell] // run first; not for stealing
	current atomic.Pointer[cell] // that the owner is running, if it is busy
	busy    atomic.Bool          // the owner is not asleep
	looked  atomic.Bool          // the monitor has looked since the last turn began

	mu      sync.Mutex // guards ready, and every change of the owner
	ready   fifo
	waiting atomic.Int32 // in ready; read without the lock

	// The monitor's.
	still bool   // no turn began between the last two looks
	looks uint64 // at which a turn had begun since the one before
}

// worker is a goroutine that runs cells.
type worker struct {
	p     *workers
	queue *queue // nil: a spare one
	wake  chan struct{}
	sends int    // of the present turn
	inRow int    // cells taken from next in a row
	turns uint64 // that it took
	look  bool   // counted in searching
	aside *cell  // to be run without a queue; for a spare one before it wakes

	summoned bool // counted in the monitor's summoned; for a spare one before it wakes

	goroutine atomic.Uint64 // its number in stacks
}

// newWorkers starts the workers; turns longer than slow are reported, none if
// that isn't positive.
func newWorkers(slow time.Duration) *workers {
	p := &workers{}
	p.monitor.p, p.watchdog.p = p, p
	p.watchdog.limit = slow
	p.monitor.wake = make(chan struct{}, 1)
	for range runtime.GOMAXPROCS(0) {
		w := p.newWorker()
		q := &queue{}
		q.owner.Store(w)
		w.queue = q
		p.queues = append(p.queues, q)
		p.sleeping = append(p.sleeping, w)
	}
	p.watchdog.queues = make([]vigil, len(p.queues))
	p.asleep.Store(int32(len(p.sleeping)))
	for _, w := range p.sleeping {
		p.goroutines.Go(func() { w.sleep(); w.loop() })
	}
	p.monitor.parked.Store(true)
	p.goroutines.Go(p.monitor.loop)
	return p
}

func (p *workers) newWorker() *worker { return &worker{p: p, wake: make(chan struct{}, 1)} }

// Schedule takes a task from outside the workers.
func (p *workers) Schedule(t Task) {
	c, ok := t.(*cell)
	if !ok {
		p.goroutines.Go(t.Run)
		return
	}
	p.inboxMu.Lock()
	p.inbox.push(c)
	p.inboxed.Add(1)
	p.inboxMu.Unlock()
	p.wakeOne()
}

// Go runs f on a goroutine of its own.
func (p *workers) Go(f func()) { p.goroutines.Go(f) }

// Wait blocks the calling goroutine. A turn says so to its worker first; see
// [System.wait].
func (p *workers) Wait(g *Gate) { g.wait(&p.waiters) }

// close ends the workers. The gate opens when all goroutines of the executor
// have ended.
func (p *workers) close() *Gate {
	p.mu.Lock()
	p.closed.Store(true)
	all := append(p.sleeping, p.spare...)
	p.sleeping, p.spare = nil, nil
	p.asleep.Store(0)
	p.mu.Unlock()
	for _, w := range all {
		w.wake <- struct{}{}
	}
	p.monitor.rouse()
	over := &Gate{}
	go func() {
		p.goroutines.Wait()
		over.Open()
	}()
	return over
}

// wakeOne wakes a sleeping worker, unless one is looking for work already.
func (p *workers) wakeOne() {
	if p.monitor.parked.Load() {
		p.monitor.rouse()
	}
	if p.asleep.Load() == 0 || !p.searching.CompareAndSwap(0, 1) {
		return
	}
	p.mu.Lock()
	n := len(p.sleeping)
	if n == 0 {
		p.mu.Unlock()
		p.searching.Add(-1)
		return
	}
	w := p.sleeping[n-1]
	p.sleeping = p.sleeping[:n-1]
	p.asleep.Store(int32(n - 1))
	w.look = true
	p.mu.Unlock()
	w.wake <- struct{}{}
}

// available reports whether there is work that any worker may take.
func (p *workers) available() bool {
	if p.inboxed.Load() > 0 {
		return true
	}
	for _, q := range p.queues {
		if q.waiting.Load() > 0 {
			return true
		}
	}
	return false
}

// loop runs cells until the executor is closed.
func (w *worker) loop() {
	w.setGoroutine()
	w.come()
	alive := true
	defer func() {
		if alive { // a handler has ended the goroutine: another one goes on
			w.p.goroutines.Go(w.loop)
		}
	}()
	for {
		c := w.find()
		if c == nil {
			alive = false
			return
		}
		w.turn(c)
	}
}

// turn runs a cell.
func (w *worker) turn(c *cell) {
	w.sends = 0
	c.worker = w
	c.Run()
}

// turnApart runs a cell on a goroutine that has no queue.
func (w *worker) turnApart(c *cell) {
	w.p.watchdog.begin(w, c)
	defer w.p.watchdog.end(w)
	w.turn(c)
}

// setGoroutine notes on which goroutine the worker runs.
func (w *worker) setGoroutine() { w.goroutine.Store(goroutineNumber()) }

// find returns the next cell to run, nil when the worker is to end.
func (w *worker) find() *cell {
	for {
		c, mine := w.take()
		if !mine {
			w.p.watchdog.end(w)
			w.queue = nil
			if c = w.takeAside(); c != nil {
				return c
			}
			if !w.becomeSpare() {
				return nil
			}
			continue
		}
		if c == nil {
			if c = w.takeInbox(); c == nil {
				c = w.steal()
			}
		}
		if c != nil {
			w.queue.begin(c)
			w.found()
			return c
		}
		if !w.rest() {
			return nil
		}
	}
}

// begin notes that the owner is about to run c.
func (q *queue) begin(c *cell) {
	q.current.Store(c)
	if q.looked.Load() {
		q.looked.Store(false)
	}
}

// take takes from the worker's own queue, and says whether it still is that.
// Every sixteenth time the oldest cell comes before the newest, and now and
// then what came from outside comes before both.
func (w *worker) take() (c *cell, mine bool) {
	q := w.queue
	if q == nil || q.owner.Load() != w {
		return nil, false
	}
	if w.turns++; w.turns%64 == 0 {
		if c := w.takeInbox(); c != nil {
			return c, true
		}
	}
	if w.inRow < nextInARow || q.waiting.Load() == 0 {
		if c := q.takeNext(); c != nil {
			w.inRow++
			return c, true
		}
	}
	w.inRow = 0
	if c := q.takeReady(); c != nil {
		return c, true
	}
	return q.takeNext(), true // the others were stolen meanwhile
}

func (q *queue) takeNext() *cell {
	if q.next.Load() == nil {
		return nil
	}
	return q.next.Swap(nil)
}

func (q *queue) takeReady() *cell {
	if q.waiting.Load() == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.ready.pop()
	q.waiting.Store(int32(q.ready.len()))
	return c
}

// takeInbox takes the worker's share of what came from outside.
func (w *worker) takeInbox() *cell {
	p := w.p
	if p.inboxed.Load() == 0 {
		return nil
	}
	p.inboxMu.Lock()
	c := p.inbox.pop()
	var more []*cell
	for range min(p.inbox.len()/len(p.queues), 64) {
		more = append(more, p.inbox.pop())
	}
	p.inboxed.Store(int32(p.inbox.len()))
	p.inboxMu.Unlock()
	if len(more) > 0 {
		w.queue.add(more...)
	}
	return c
}

// add appends cells to the queue, whoever owns it by now.
func (q *queue) add(cells ...*cell) {
	q.mu.Lock()
	for _, c := range cells {
		q.ready.push(c)
	}
	q.waiting.Store(int32(q.ready.len()))
	q.mu.Unlock()
}

// steal takes half of the work of another queue.
func (w *worker) steal() *cell {
	for _, q := range w.p.queues {
		if q == w.queue || q.waiting.Load() == 0 {
			continue
		}
		var loot []*cell
		q.mu.Lock()
		for range (q.ready.len() + 1) / 2 {
			loot = append(loot, q.ready.pop())
		}
		q.waiting.Store(int32(q.ready.len()))
		q.mu.Unlock()
		if len(loot) == 0 {
			continue
		}
		if len(loot) > 1 {
			w.queue.add(loot[1:]...)
		}
		return loot[0]
	}
	return nil
}

// found ends the search; when there is more, another worker may look.
func (w *worker) found() {
	if w.look {
		w.look = false
		w.p.searching.Add(-1)
		if w.p.available() {
			w.p.wakeOne()
		}
	}
}

// rest sleeps until there is work; false means that the worker is to end.
func (w *worker) rest() bool {
	p := w.p
	if w.look {
		w.look = false
		p.searching.Add(-1)
	}
	p.mu.Lock()
	if p.closed.Load() {
		p.mu.Unlock()
		return false
	}
	w.queue.busy.Store(false)
	w.queue.current.Store(nil)
	p.sleeping = append(p.sleeping, w)
	p.asleep.Store(int32(len(p.sleeping)))
	p.mu.Unlock()
	// Work that came before the worker was listed found nobody to wake.
	if p.available() {
		p.wakeOne()
	}
	return w.sleep()
}

// sleep waits for the wake-up; false means that the worker is to end.
func (w *worker) sleep() bool {
	<-w.wake
	w.come()
	if w.queue != nil {
		w.queue.busy.Store(true)
	}
	return !w.p.closed.Load()
}

// push makes c runnable, by the worker whose turn sent to it.
func (w *worker) push(c *cell) {
	q := w.queue
	if q == nil {
		w.p.Schedule(c)
		return
	}
	old := q.next.Swap(c)
	switch {
	case q.owner.Load() != w: // it was another one's by then
		if q.next.CompareAndSwap(c, nil) {
			w.p.Schedule(c)
		}
		if old != nil {
			w.p.Schedule(old)
		}
	case old == nil:
		if w.p.monitor.parked.Load() {
			w.p.monitor.rouse()
		}
	default:
		q.add(old)
		w.p.wakeOne()
	}
}

// pushLast makes c runnable again, behind all others.
func (w *worker) pushLast(c *cell) {
	q := w.queue
	if q == nil || q.owner.Load() != w {
		w.p.Schedule(c)
		return
	}
	q.add(c)
	if q.owner.Load() != w || q.next.Load() != nil || q.waiting.Load() > 1 {
		w.p.wakeOne() // otherwise w itself runs it at once
	}
}

// sent counts a send of the present turn. After some of them the cell that
// would be run next is offered to others: the turn may take long. After many, the
// others come first: or a turn that never stops sending would fill the memory.
func (w *worker) sent() {
	if w == nil {
		return
	}
	if w.sends++; w.sends%sendsBeforeSharing == 0 {
		w.share()
	}
}

// exhausted reports whether the present turn has sent enough.
func (w *worker) exhausted() bool { return w != nil && w.sends >= sendsPerTurn }

// share moves the next cell to where it can be stolen. A turn that has sent too
// much and goes on all the same goes on without the queue, and after others.
func (w *worker) share() {
	if q := w.queue; q != nil && q.owner.Load() == w {
		if c := q.takeNext(); c != nil {
			q.add(c)
			w.p.wakeOne()
		}
	}
	if w.sends%sendsPerTurn == 0 {
		w.blocking()
		runtime.Gosched()
	}
}
