package remote

import (
	"runtime"
	"time"
)

const (
	pollAdaptive = 20 * time.Microsecond // how long to look for more, where that is worth it
	pollPatience = 10                    // after so many failures in a row it is tried once in 2 to the power of that
)

// poller decides how long a connection looks for more before its thread may sleep. It is
// used by one goroutine.
type poller struct {
	fixed time.Duration // 0: as long as it is worth it; negative: never

	failures int // in a row
	skip     int // so many reads go without
}

// newPoller returns one that lets the first read wait: nothing has come yet that could be
// followed by more.
func newPoller(fixed time.Duration) poller { return poller{fixed: fixed, skip: 1} }

// poll calls try until it has found something, for as long as that is worth it, or until
// it says by a negative number that there is nothing to be found. It returns what try
// has found, 0 if nothing.
func (p *poller) poll(now func() time.Time, try func() int) int {
	most := p.fixed
	switch {
	case most < 0:
		return 0
	case most == 0 && p.skip > 0:
		p.skip--
		return 0
	case most == 0:
		most = pollAdaptive
	}
	for until := now().Add(most); ; runtime.Gosched() {
		if n := try(); n != 0 {
			p.failures = 0
			return max(n, 0)
		}
		if now().After(until) {
			break
		}
	}
	p.failures = min(p.failures+1, pollPatience)
	p.skip = 1<<p.failures - 1
	return 0
}
