package actor

import "sync"

// askLimits watches over the deadlines of asks that wait for the system's ask
// timeout, which is most of them: the oldest is the first to be over, so one timer
// does for all. A timer for each would cost more than the rest of the ask. It counts
// for the machine's clock only: the others are for tests, which count timers.
type askLimits struct {
	mu          sync.Mutex
	first, last *reply // oldest first
	timer       Timer  // that is pending, even when no ask is any more
}

func (l *askLimits) add(r *reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.prev = l.last; r.prev != nil {
		r.prev.next = r
	} else {
		l.first = r
	}
	l.last = r
	if l.timer == nil {
		l.timer = r.sys.clock.AfterFunc(r.sys.askTimeout, func() { l.look(r.sys) })
	}
}

// remove reports whether the ask was still watched.
func (l *askLimits) remove(r *reply) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unlink(r)
}

// unlink takes r out. The lock is held.
func (l *askLimits) unlink(r *reply) bool {
	if r.prev == nil && l.first != r {
		return false
	}
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		l.last = r.prev
	}
	r.prev, r.next = nil, nil
	return true
}

// look ends the asks whose time is over, and comes again for the others.
func (l *askLimits) look(s *System) {
	now := s.clock.Now()
	var over []*reply
	l.mu.Lock()
	for r := l.first; r != nil && !r.deadline.After(now); r = l.first {
		l.unlink(r)
		over = append(over, r)
	}
	l.timer = nil
	if l.first != nil {
		l.timer = s.clock.AfterFunc(l.first.deadline.Sub(now), func() { l.look(s) })
	}
	l.mu.Unlock()
	for _, r := range over {
		r.timeout(s.askTimeout)
	}
}

// close stops the timer of a system without actors, unless some ask still waits.
func (l *askLimits) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil && l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}
