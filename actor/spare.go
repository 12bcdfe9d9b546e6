package actor

// blocking says that the worker's turn is about to wait: if there is work in
// its queue, a spare worker takes over.
func (w *worker) blocking() {
	q := w.queue
	if q == nil {
		return
	}
	if q.next.Load() != nil || w.p.available() {
		w.p.takeOver(q, w, false)
	}
}

// takeOver gives the queue of a worker that is stuck in its turn to another; summon
// says that the monitor does.
func (p *workers) takeOver(q *queue, from *worker, summon bool) {
	w, fresh := p.spareWorker()
	if w == nil {
		return
	}
	w.queue = q
	if q.pass(from, w) {
		w.put(fresh, summon)
	} else if !fresh {
		p.giveBack(w)
	}
}

// giveBack keeps a spare worker for which there was nothing to do.
func (p *workers) giveBack(w *worker) {
	p.mu.Lock()
	w.queue = nil
	closed := p.closed.Load()
	if !closed {
		p.spare = append(p.spare, w)
	}
	p.mu.Unlock()
	if closed {
		w.wake <- struct{}{} // to end
	}
}

// spareWorker takes a worker without a queue, a fresh one if there is none; nil when
// the executor is closed.
func (p *workers) spareWorker() (w *worker, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return nil, false
	}
	if n := len(p.spare); n > 0 {
		w = p.spare[n-1]
		p.spare = p.spare[:n-1]
		return w, false
	}
	return p.newWorker(), true
}

// put has a spare worker go to work; summon says that it is the monitor who does.
func (w *worker) put(fresh, summon bool) {
	if summon {
		w.summoned = true
		w.p.monitor.summoned.Add(1)
	}
	if fresh {
		w.p.goroutines.Go(w.loop)
		return
	}
	w.wake <- struct{}{}
}

// pass gives the queue to another owner, unless it has another one already.
func (q *queue) pass(from, to *worker) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.owner.Load() != from {
		return false
	}
	from.p.watchdog.begin(from, q.current.Swap(nil)) // first: from may come back at any moment
	q.owner.Store(to)
	if c := q.next.Swap(nil); c != nil {
		q.ready.push(c)
		q.waiting.Store(int32(q.ready.len()))
	}
	q.looked.Store(false)
	return true
}

// come tells the monitor that a worker it has put to work has begun.
func (w *worker) come() {
	if w.summoned {
		w.summoned = false
		w.p.monitor.summoned.Add(-1)
	}
}

// becomeSpare waits for a queue that needs a worker; false means that the
// worker is to end.
func (w *worker) becomeSpare() bool {
	p := w.p
	if w.look {
		w.look = false
		p.searching.Add(-1)
	}
	p.mu.Lock()
	if p.closed.Load() || len(p.spare) >= spareMax {
		p.mu.Unlock()
		return false
	}
	p.spare = append(p.spare, w)
	p.mu.Unlock()
	return w.sleep()
}

// takeAside takes the cell that the worker is to run without a queue.
func (w *worker) takeAside() *cell {
	c := w.aside
	if c != nil {
		w.aside = nil
		w.p.watchdog.begin(w, c)
	}
	return c
}
