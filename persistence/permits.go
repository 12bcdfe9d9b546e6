package persistence

import (
	"sync"

	"github.com/troupe-go/troupe/actor"
)

// PermitsDefault is how many recoveries at a time suit most stores.
const PermitsDefault = 50

// Permits bounds how many recoveries run at the same time, first come, first
// served. After the crash of a node thousands of actors recover elsewhere;
// without a bound they would all replay at once. Make one with [NewPermits].
// It is safe for concurrent use.
type Permits struct {
	mu      sync.Mutex
	free    int
	waiting []*actor.Gate
}

// NewPermits returns permits for so many recoveries at a time; less than one
// means [PermitsDefault].
func NewPermits(most int) *Permits {
	if most < 1 {
		most = PermitsDefault
	}
	return &Permits{free: most}
}

// acquire waits for a permit. A nil Permits grants every one. Whoever waits is
// not interrupted: every holder ends in bounded time.
func (p *Permits) acquire(exec actor.Executor) {
	if p == nil {
		return
	}
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return
	}
	gate := &actor.Gate{}
	p.waiting = append(p.waiting, gate)
	p.mu.Unlock()
	exec.Wait(gate)
}

// release gives a permit back, or on to the one who has waited longest.
func (p *Permits) release() {
	if p == nil {
		return
	}
	p.mu.Lock()
	if len(p.waiting) == 0 {
		p.free++
		p.mu.Unlock()
		return
	}
	gate := p.waiting[0]
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
	p.mu.Unlock()
	gate.Open()
}
