package actor

import (
	"sync/atomic"
	"time"
)

// monitor looks for queues that stand still while there is work.
type monitor struct {
	p      *workers
	wake   chan struct{}
	parked atomic.Bool
	// summoned are the workers that the monitor has put to work and that haven't
	// begun.
	summoned atomic.Int32
}

const (
	monitorPeriod = time.Millisecond
	// After a take-over the next looks come sooner: handlers that block
	// rarely come alone.
	monitorHurry   = 50 * time.Microsecond
	monitorHurries = 10
	// A look that finds queues standing still again and again has twice as
	// many cells run aside, up to so many.
	monitorBurstMax = 64
	// monitorIdle is how many looks without waiting work end the watch.
	monitorIdle = 10
)

// rouse makes the monitor look again.
func (m *monitor) rouse() {
	if m.parked.CompareAndSwap(true, false) {
		select {
		case m.wake <- struct{}{}:
		default: // a wake-up is on its way already
		}
	}
}

func (m *monitor) loop() {
	hurry, burst := 0, 0
	for idle := monitorIdle; ; {
		if idle >= monitorIdle {
			m.parked.Store(true)
			// Whoever came just before saw nobody parked and woke nobody.
			if !m.pending() && !m.closed() || !m.parked.CompareAndSwap(true, false) {
				m.sleep()
			}
			idle = 0
		}
		if m.closed() {
			return
		}
		if hurry > 0 {
			hurry--
			time.Sleep(monitorHurry)
		} else {
			time.Sleep(monitorPeriod)
		}
		m.mark()
		m.p.watchdog.look()
		if !m.pending() {
			idle++
			continue
		}
		idle = 0
		if m.look() {
			hurry = monitorHurries
			burst = min(2*burst+1, monitorBurstMax)
			m.p.runExtra(burst)
		} else if hurry == 0 {
			burst = 0
		}
	}
}

// sleep waits until it is roused; while a turn is under way, it rouses itself
// to see how long that lasts.
func (m *monitor) sleep() {
	if m.p.watchdog.needed() {
		defer time.AfterFunc(m.p.watchdog.limit/looksPerLimit, m.rouse).Stop()
	}
	<-m.wake
}

func (m *monitor) closed() bool { return m.p.closed.Load() }

// pending reports whether any cell waits to be run.
func (m *monitor) pending() bool {
	if m.p.available() {
		return true
	}
	for _, q := range m.p.queues {
		if q.next.Load() != nil {
			return true
		}
	}
	return false
}

// needed reports whether there is work that waits for this queue's worker: its
// own, or any when nobody else can be woken.
func (m *monitor) needed(q *queue) bool {
	return q.next.Load() != nil || q.waiting.Load() > 0 || m.p.asleep.Load() == 0 && m.p.available()
}

// mark finds out which queues have begun a turn since the last time. The workers
// take the mark away when they begin one, which costs them next to nothing.
func (m *monitor) mark() {
	for _, q := range m.p.queues {
		if q.still = q.looked.Swap(true); !q.still {
			q.looks++
		}
	}
}

// look gives every queue that stands still to another worker, and reports
// whether there was one. As long as workers that it has put to work before get no
// processor, more of them would not get one either.
func (m *monitor) look() (took bool) {
	if m.summoned.Load() > 0 {
		return false
	}
	for _, q := range m.p.queues {
		if q.still && q.busy.Load() && m.needed(q) {
			m.p.takeOver(q, q.owner.Load(), true)
			took = true
		}
	}
	if m.p.available() {
		m.p.wakeOne()
	}
	return took
}

// runExtra has up to n waiting cells run aside, each by a spare worker.
func (p *workers) runExtra(n int) {
	for range n {
		c := p.anyWaiting()
		if c == nil {
			return
		}
		w, fresh := p.spareWorker()
		if w == nil {
			return // closed: all actors have ended
		}
		w.aside = c // what it sends goes to the inbox
		w.put(fresh, true)
	}
}

// anyWaiting takes a cell from wherever one waits.
func (p *workers) anyWaiting() *cell {
	if p.inboxed.Load() > 0 {
		p.inboxMu.Lock()
		c := p.inbox.pop()
		p.inboxed.Store(int32(p.inbox.len()))
		p.inboxMu.Unlock()
		if c != nil {
			return c
		}
	}
	for _, q := range p.queues {
		if c := q.takeReady(); c != nil {
			return c
		}
	}
	return nil
}
