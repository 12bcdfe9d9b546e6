package remote

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	pollAdaptive = 50 * time.Microsecond // how long to look for more, where that is worth it
	pollPatience = 10                    // after so many failures in a row it is tried once in 2 to the power of that
	pollTurns    = 32                    // after so many successes the thread waits for all connections once
)

// poller decides how long a connection looks for more before its thread may sleep. It is
// used by one goroutine.
type poller struct {
	fixed time.Duration // 0: as long as it is worth it; negative: never

	shared   *polling
	number   uint64
	turns    int // that were worth it
	failures int // in a row
	skip     int // so many reads go without
}

// polling is what the pollers of a transport share. Who looks for more on one connection
// doesn't see what comes on others. So only that one looks on which the last two pieces came.
type polling struct {
	made   atomic.Uint64 // pollers: their numbers
	latest atomic.Uint64 // the one whose piece was the last
}

// poller returns one that lets the first read wait: nothing has come yet that could be
// followed by more.
func (s *polling) poller(fixed time.Duration) poller {
	return poller{fixed: fixed, skip: 1, number: s.made.Add(1), shared: s}
}

// poll calls try until it has found something, for as long as that is worth it, or until
// it says by a negative number that there is nothing to be found. It returns what try
// has found, 0 if nothing.
func (p *poller) poll(now func() time.Time, try func() int) int {
	switch {
	case p.fixed < 0:
		return 0
	case p.fixed > 0:
		n, _ := p.look(now().Add(p.fixed), now, try)
		return n
	case p.shared.latest.Load() != p.number:
		p.shared.latest.Store(p.number)
		return 0
	case p.skip > 0:
		p.skip--
		return 0
	}
	n, found := p.look(now().Add(pollAdaptive), now, try)
	if !found {
		p.failures = min(p.failures+1, pollPatience)
		p.skip = 1<<p.failures - 1
		return 0
	}
	p.failures = 0
	if p.turns++; p.turns%pollTurns == 0 {
		p.skip = 1
	}
	return n
}

// look reports whether something was found in time, if only that there is nothing to be
// found.
func (p *poller) look(until time.Time, now func() time.Time, try func() int) (n int, found bool) {
	for ; ; runtime.Gosched() {
		if n := try(); n != 0 {
			return max(n, 0), true
		}
		if now().After(until) {
			return 0, false
		}
	}
}
