package remote

import (
	"sync"
	"time"
)

// liveCount counts connections, attempts, and what is left to do at the end, so that Close can wait for the last.
type liveCount struct {
	mu   sync.Mutex
	n    int
	none func() // called when n is 0, once set
}

func (l *liveCount) begin() {
	l.mu.Lock()
	l.n++
	l.mu.Unlock()
}

func (l *liveCount) end() {
	l.mu.Lock()
	l.n--
	none := l.none
	if l.n > 0 {
		none = nil
	}
	l.mu.Unlock()
	if none != nil {
		none()
	}
}

func (l *liveCount) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// whenNone calls f when nothing is alive, now or later.
func (l *liveCount) whenNone(f func()) {
	l.mu.Lock()
	l.none = f
	now := l.n == 0
	l.mu.Unlock()
	if now {
		f()
	}
}

// Close says goodbye to the other nodes, waits until they have what was sent to
// them (at most Config.FlushTimeout), closes all connections and waits for their
// end. It happens by itself when the system stops. Closing twice is allowed.
func (r *Remote) Close() {
	r.beginClose()
	r.sys.Executor().Wait(&r.closed)
}

func (r *Remote) stoppingNow() refusal {
	return refusal{Code: refusedClosing, UID: r.self.UID, Text: "this node is stopping"}
}

// beginClose starts the goodbye.
func (r *Remote) beginClose() {
	if !r.closing.CompareAndSwap(false, true) {
		return
	}
	r.stopTimers()
	peers := r.sortedPeers()
	r.leavingMu.Lock()
	r.leaving = len(peers) + 1
	r.flushTimer = r.clock.AfterFunc(r.cfg.flushTimeout(), r.finish)
	r.leavingMu.Unlock()
	for _, p := range peers {
		p.post(func(a *association, now time.Time) { a.leave(now, p.outside()) })
	}
	r.left()
}

// left counts the peers that have had their goodbye.
func (r *Remote) left() {
	r.leavingMu.Lock()
	r.leaving--
	r.leavingMu.Unlock()
	r.finishSoon()
}

func (r *Remote) isOver() bool { return r.over.Load() }

// finish closes everything.
func (r *Remote) finish() {
	if !r.over.CompareAndSwap(false, true) {
		return
	}
	r.leavingMu.Lock()
	r.flushTimer.Stop()
	r.leavingMu.Unlock()
	r.listener.Close()
	for _, p := range r.sortedPeers() {
		r.alive.begin()
		p.post(func(*association, time.Time) {
			defer r.alive.end()
			for k := range p.streams {
				p.closeStream(laneKind(k))
			}
			for _, o := range p.leaving {
				o.close()
			}
			p.abandonLanes()
		})
	}
	for _, i := range r.sortedConns() {
		if i.open.Load() {
			i.stop(appendRefusal(nil, r.stoppingNow()))
		} else {
			i.kill()
		}
	}
	late := r.clock.AfterFunc(closeLateBy, func() {
		if r.closed.Open() {
			r.log.Warn().Int("connections", r.alive.count()).Msg("connections did not end in time")
			for _, i := range r.sortedConns() {
				i.kill()
			}
		}
	})
	r.alive.whenNone(func() {
		late.Stop()
		r.closed.Open()
	})
}
