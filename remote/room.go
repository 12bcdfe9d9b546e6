package remote

import (
	"sync"

	"github.com/troupe-go/troupe/actor"
)

// room is where patient senders wait when a lane is full: until the other end takes
// something, or has taken nothing for so long that nobody waits for it any more. The
// lane's lock guards it.
type room struct {
	patience func(func()) actor.Timer // nil: nobody waits
	gate     *actor.Gate
	timer    actor.Timer
	stalled  bool
}

// wait returns what opens when it is worth trying again, nil if it isn't. mu is the
// lane's lock, which is held.
func (r *room) wait(mu *sync.Mutex, patient bool) *actor.Gate {
	if !patient || r.stalled || r.patience == nil {
		return nil
	}
	if r.gate == nil {
		gate := &actor.Gate{}
		r.gate = gate
		r.timer = r.patience(func() {
			mu.Lock()
			if r.gate == gate {
				r.gate, r.stalled = nil, true
			}
			mu.Unlock()
			gate.Open()
		})
	}
	return r.gate
}

// found says that there is room. It returns the gate to open without the lock.
func (r *room) found() *actor.Gate {
	gate := r.gate
	r.gate, r.stalled = nil, false
	if gate != nil {
		r.timer.Stop()
	}
	return gate
}
