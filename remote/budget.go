package remote

import (
	"slices"
	"sync"
)

// budget is the memory that a node grants to the large messages of all its peers.
// Who finds none left waits in line. It is safe for concurrent use.
type budget struct {
	mu      sync.Mutex
	free    int
	waiting []claim
}

type claim struct {
	owner uint64 // a connection
	bytes int
	then  func()
}

// reserve takes n bytes, or calls then, on whoever's goroutine, when it has them.
func (b *budget) reserve(owner uint64, n int, then func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 && n <= b.free {
		b.free -= n
		return true
	}
	b.waiting = append(b.waiting, claim{owner, n, then})
	return false
}

// release gives n bytes back.
func (b *budget) release(n int) {
	b.mu.Lock()
	b.free += n
	ready := b.ready()
	b.mu.Unlock()
	call(ready)
}

// load returns how much of total is taken, and how many wait in line.
func (b *budget) load(total int) (taken, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return total - b.free, len(b.waiting)
}

// withdraw takes an owner out of the line. It reports false when it isn't there.
func (b *budget) withdraw(owner uint64) bool {
	b.mu.Lock()
	n := len(b.waiting)
	b.waiting = slices.DeleteFunc(b.waiting, func(c claim) bool { return c.owner == owner })
	found := len(b.waiting) < n
	ready := b.ready()
	b.mu.Unlock()
	call(ready)
	return found
}

// ready takes those out of the line who can have what they wait for.
func (b *budget) ready() []claim {
	n := 0
	for n < len(b.waiting) && b.waiting[n].bytes <= b.free {
		b.free -= b.waiting[n].bytes
		n++
	}
	ready := slices.Clone(b.waiting[:n])
	b.waiting = slices.Delete(b.waiting, 0, n)
	return ready
}

func call(ready []claim) {
	for _, c := range ready {
		c.then()
	}
}
