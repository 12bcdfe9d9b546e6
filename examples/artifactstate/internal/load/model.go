package load

import (
	"sync"
	"time"
)

// fact is what the model knows of one fact of one pair. The zero fact is known
// to be false.
type fact struct {
	value bool
	// mayBe says, for false and for true, until when a set of that value that
	// failed may still take effect. Not zero: the value may be in force, even
	// after that time, until a set succeeds that was sent later.
	mayBe [2]time.Time
}

func index(v bool) int {
	if v {
		return 1
	}
	return 0
}

// succeeded notes that a set of v, sent then, was acknowledged.
func (f *fact) succeeded(v bool, sent time.Time) {
	f.value = v
	for i, until := range f.mayBe {
		if !until.After(sent) { // it came before this one, or never will
			f.mayBe[i] = time.Time{}
		}
	}
}

// failed notes that a set of v had no clear answer and may take effect until then.
func (f *fact) failed(v bool, until time.Time) {
	if i := index(v); until.After(f.mayBe[i]) {
		f.mayBe[i] = until
	}
}

// allows reports whether v may be the answer.
func (f *fact) allows(v bool) bool {
	return f.value == v || !f.mayBe[index(v)].IsZero()
}

// either reports whether the model knows less than one value.
func (f *fact) either() bool { return f.allows(!f.value) }

// The facts of a pair.
const (
	factRead = iota
	factInFeed
	factCount
)

// pair is one pair of user and artifact, with its model and the requests that
// wait for their turn.
type pair struct {
	user     string
	artifact int64

	// facts belongs to the goroutine that works on the pair.
	facts [factCount]fact

	// mu guards what follows.
	mu      sync.Mutex
	busy    bool
	waiting []arrival
	touched bool
}

// push adds an arrival and reports whether the caller must start working on the
// pair, because nobody is.
func (p *pair) push(a arrival) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.touched = true
	p.waiting = append(p.waiting, a)
	if p.busy {
		return false
	}
	p.busy = true
	return true
}

// pop returns the next arrival; without one, nobody works on the pair any more.
func (p *pair) pop() (arrival, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.busy, p.waiting = false, nil
		return arrival{}, false
	}
	a := p.waiting[0]
	p.waiting = p.waiting[1:]
	return a, true
}
