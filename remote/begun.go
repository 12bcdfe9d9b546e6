package remote

import (
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// begunChecks is at how many looks in a row a frame has to be found incomplete. It
// takes more than one: when this process was frozen, the first look comes before
// what has arrived meanwhile is read.
const begunChecks = 3

// begun sees to it that a frame whose first byte has arrived is completed in time.
// It costs a store for each piece of data, and a timer now and then.
type begun struct {
	frame  atomic.Uint64 // number of the frame that is incomplete; 0: none is
	looked atomic.Bool   // a look is due
	over   atomic.Bool
	timer  atomic.Pointer[actor.Timer]
}

// note says which frame is incomplete after a piece of data, 0 for none. late is
// called when one has been so for longer than within.
func (b *begun) note(clock actor.Clock, frame uint64, within time.Duration, late func()) {
	if b.frame.Load() != frame {
		b.frame.Store(frame)
	}
	if frame != 0 && !b.looked.Load() && b.looked.CompareAndSwap(false, true) {
		b.lookLater(clock, within, late, frame, begunChecks)
	}
}

func (b *begun) lookLater(clock actor.Clock, within time.Duration, late func(), frame uint64, times int) {
	t := clock.AfterFunc(within/(begunChecks-1), func() { b.look(clock, within, late, frame, times-1) })
	b.timer.Store(&t)
	if b.over.Load() {
		t.Stop()
	}
}

func (b *begun) look(clock actor.Clock, within time.Duration, late func(), frame uint64, times int) {
	now := b.frame.Load()
	switch {
	case b.over.Load():
	case now == 0:
		b.looked.Store(false)
		if next := b.frame.Load(); next != 0 && b.looked.CompareAndSwap(false, true) {
			b.lookLater(clock, within, late, next, begunChecks)
		}
	case now != frame:
		b.lookLater(clock, within, late, now, begunChecks)
	case times <= 0:
		late()
	default:
		b.lookLater(clock, within, late, frame, times)
	}
}

// end stops looking.
func (b *begun) end() {
	b.over.Store(true)
	if t := b.timer.Load(); t != nil {
		(*t).Stop()
	}
}
