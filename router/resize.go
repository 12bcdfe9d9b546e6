package router

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Resizer is an option of [Pool] that changes the size of the pool with its
// load: [Resize] or [Explore]. Without one the size stays.
type Resizer interface {
	Option
	check() error
	bounds() (lower, upper int)
	// first is the size to begin with, when n was asked for.
	first(n int) int
	// due is what has the size looked at: every so many messages, or every d.
	due() (messages int, d time.Duration)
	// start returns the decider for one life of a router.
	start() decider
}

// decider is a resizer at work: what it remembers, and what it does about a look
// at the pool. It returns by how much the size should change, within the bounds.
type decider interface {
	decide(now time.Time, loads []Load, received uint64, random *rand.Rand) int
}

// Resize is a [Resizer] that watches how many routees are busy: when all are,
// it adds some, and when few are, it takes some away. Zero fields have their
// defaults.
type Resize struct {
	// Lower and Upper are the bounds of the size. Defaults 1 and 10.
	Lower, Upper int
	// Queued is how many messages must wait in the mailbox of a routee for it
	// to count as busy, beside the one at work. Default 1; a negative number
	// makes every routee count that is at work. Higher values grow the pool
	// later.
	Queued int
	// RampUp is by which part of its size the pool grows when all are busy,
	// rounded up. Default 0.2.
	RampUp float64
	// BackoffBelow is the part of busy routees below which the pool shrinks.
	// Default 0.3; a negative number means that it doesn't.
	BackoffBelow float64
	// Backoff is by which part of its size it shrinks, rounded up. Default
	// 0.1; a negative number means not at all.
	Backoff float64
	// Messages is after how many messages the size is looked at. Default 10.
	// Higher values cost less and follow the load later.
	Messages int
}

func (r Resize) apply(c *config) { c.resizers = append(c.resizers, r) }

func (r Resize) bounds() (int, int) { return cmp.Or(r.Lower, 1), cmp.Or(r.Upper, 10) }

func (r Resize) first(n int) int {
	lower, upper := r.bounds()
	return min(max(n, lower), upper)
}

func (r Resize) due() (int, time.Duration) { return cmp.Or(r.Messages, 10), 0 }

func (r Resize) check() error {
	if err := checkBounds("Resize", r); err != nil {
		return err
	}
	switch {
	case !(r.RampUp >= 0):
		return fmt.Errorf("Resize.RampUp is %v: must not be negative", r.RampUp)
	case !(r.BackoffBelow <= 1):
		return fmt.Errorf("Resize.BackoffBelow is %v: must be a part of 1", r.BackoffBelow)
	case !(r.Backoff <= 1):
		return fmt.Errorf("Resize.Backoff is %v: must be a part of 1", r.Backoff)
	case r.Messages < 0:
		return fmt.Errorf("Resize.Messages is %d: must not be negative", r.Messages)
	}
	return nil
}

func checkBounds(name string, r Resizer) error {
	lower, upper := r.bounds()
	if lower < 1 || upper < lower || upper > routeesMax {
		return fmt.Errorf("%s.Lower and Upper are %d and %d: must be 1 <= Lower <= Upper <= %d", name, lower, upper, routeesMax)
	}
	return nil
}

func (r Resize) start() decider { return r }

// pressure counts the busy routees.
func (r Resize) pressure(loads []Load) int {
	queued, busy := cmp.Or(r.Queued, 1), 0
	for _, l := range loads {
		if l.Known && l.Busy && (queued < 0 || l.Waiting >= queued) {
			busy++
		}
	}
	return busy
}

// delta is the change before the bounds count. What can't be seen of a pool, such
// as the load of routees that have failed and not been restarted yet, says nothing.
func (r Resize) delta(busy, known, size int) int {
	change := 0
	if busy >= known && known > 0 {
		change += int(math.Ceil(cmp.Or(r.RampUp, 0.2) * float64(size)))
	}
	below, backoff := cmp.Or(r.BackoffBelow, 0.3), cmp.Or(r.Backoff, 0.1)
	if below > 0 && backoff > 0 && known > 0 && float64(busy)/float64(known) < below {
		change -= int(math.Ceil(backoff * float64(size)))
	}
	return change
}

func (r Resize) decide(_ time.Time, loads []Load, _ uint64, _ *rand.Rand) int {
	size, known := len(loads), 0
	for _, l := range loads {
		if l.Known {
			known++
		}
	}
	lower, upper := r.bounds()
	return min(max(size+r.delta(r.pressure(loads), known, size), lower), upper) - size
}

func (h *head) loads() []Load {
	loads := make([]Load, len(h.members))
	for i, m := range h.members {
		loads[i] = loadOf(m.ref)
	}
	return loads
}

// resize has the resizer look at the pool and does what it says.
func (h *head) resize(ctx *actor.Context) {
	h.front.resizing.Store(false)
	if h.decider == nil {
		return
	}
	change := h.decider.decide(ctx.Now(), h.loads(), h.front.received.Load(), h.front.random)
	if lower, _ := h.cfg.resizer.bounds(); len(h.members) < lower {
		h.refill(ctx)
		return
	}
	if change > 0 {
		if h.front.pace.rest(ctx.Now()) > 0 {
			return // those that came last have died
		}
		h.front.pace.spawned(ctx.Now())
	}
	if change != 0 {
		ctx.Log().Debug().Int("size", len(h.members)).Int("change", change).Msg("pool resized")
		h.grow(ctx, change)
	}
}
