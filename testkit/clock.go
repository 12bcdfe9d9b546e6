package testkit

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Clock is an [actor.Clock] that stands still until it is advanced. The zero
// value stands at the zero time; [NewClock] gives a more usual one. It is safe
// for concurrent use.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	count uint64
	calls []*call // by time, then in the order in which they were made
}

// call is a pending call of a Clock.
type call struct {
	clock *Clock
	at    time.Time
	order uint64
	f     func()
}

// NewClock returns a clock that stands at the beginning of the year 2000, UTC.
func NewClock() *Clock { return &Clock{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)} }

// Now returns the instant at which the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc notes f for the advance that passes d from now.
func (c *Clock) AfterFunc(d time.Duration, f func()) actor.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	k := &call{clock: c, at: c.now.Add(max(d, 0)), order: c.count, f: f}
	i, _ := slices.BinarySearchFunc(c.calls, k, func(a, b *call) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.order, b.order))
	})
	c.calls = slices.Insert(c.calls, i, k)
	return k
}

// Stop takes the call out.
func (k *call) Stop() bool {
	c := k.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.calls, k)
	if i < 0 {
		return false
	}
	c.calls = slices.Delete(c.calls, i, i+1)
	return true
}

// Advance moves the clock on by d, making every call that falls due on the
// way, at its own instant, on the caller's goroutine.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for len(c.calls) > 0 && !c.calls[0].at.After(end) {
		k := c.calls[0]
		c.calls = c.calls[1:]
		c.now = k.at
		c.mu.Unlock()
		k.f()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

// Pending returns how many calls are waiting.
func (c *Clock) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

// next returns the instant of the next call.
func (c *Clock) next() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.calls) == 0 {
		return time.Time{}, false
	}
	return c.calls[0].at, true
}

// advanceToNext moves the clock to the next call, and reports whether there was
// one.
func (c *Clock) advanceToNext() bool {
	at, ok := c.next()
	if ok {
		c.Advance(at.Sub(c.Now()))
	}
	return ok
}
