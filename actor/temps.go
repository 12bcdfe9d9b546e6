package actor

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// tempPrefix begins the paths of asks and of others that aren't actors; the names of
// those that take more than one message begin with lastingMark.
const (
	tempPrefix  = "/temp/"
	lastingMark = "~"
)

const (
	tempsFirst = 64   // slots at first
	tempsKept  = 4096 // slots that are kept when nothing has a name any more
)

// temps are the replies, and others that aren't actors, that other nodes know of.
// Their numbers can't be guessed from those that one has seen: whoever knows one
// may answer. As the numbers are drawn here, each is drawn so that the slot to which it
// leads is free: finding takes no search, and a table of twice the size has no clashes.
type temps struct {
	mu      sync.Mutex
	numbers *rand.ChaCha8
	slots   []temp // as many as a power of two
	count   int
}

// tempOver stands in place of a number for what is over without ever having had a name:
// whoever asks for its name later, to write a log line or to send on what it had sent,
// must not give it one, which nobody would take back.
const tempOver = ^uint64(0)

type temp struct {
	n uint64
	p *process
}

// slot is where the number leads to. The lock is held, and there are slots.
func (t *temps) slot(n uint64) *temp { return &t.slots[n&uint64(len(t.slots)-1)] }

// name returns the number of p, which it keeps in id, and gives it one if it
// has none. What is over gets one that leads to nobody.
func (t *temps) name(p *process, id *atomic.Uint64) uint64 {
	if n := id.Load(); n != 0 {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if 2*t.count >= len(t.slots) {
		t.grow()
	}
	for {
		n := t.numbers.Uint64()
		if s := t.slot(n); n != 0 && n != tempOver && s.p == nil {
			if !id.CompareAndSwap(0, n) {
				return id.Load() // it has one, or is over since
			}
			*s = temp{n, p}
			t.count++
			return n
		}
	}
}

func (t *temps) grow() {
	old := t.slots
	t.slots = make([]temp, max(2*len(old), tempsFirst))
	for _, s := range old {
		if s.p != nil {
			*t.slot(s.n) = s
		}
	}
}

// get returns what has the number n, nil if nothing has.
func (t *temps) get(n uint64) *process {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == 0 {
		return nil
	}
	if s := t.slot(n); s.n == n {
		return s.p
	}
	return nil
}

// TempNames returns how many asks, and others that aren't actors, have a name at
// present because other nodes know of them. A system at rest has none.
func (s *System) TempNames() int {
	s.temps.mu.Lock()
	defer s.temps.mu.Unlock()
	return s.temps.count
}

func (t *temps) remove(r *reply) { t.release(&r.temp) }

// release forgets the name; there will be no other.
func (t *temps) release(id *atomic.Uint64) {
	if id.CompareAndSwap(0, tempOver) {
		return
	}
	n := id.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == 0 || t.slot(n).n != n {
		return // it is forgotten already
	}
	*t.slot(n) = temp{}
	if t.count--; t.count == 0 && len(t.slots) > tempsKept {
		t.slots = nil
	}
}
