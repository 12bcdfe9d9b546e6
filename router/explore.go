package router

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Explore is a [Resizer] that looks for the size with the best throughput: while
// all routees are busy it measures the time per message, now and then tries
// another size, and otherwise moves towards the best size nearby. A pool that
// hasn't been fully used for long shrinks. Zero fields have their defaults.
//
// It is for pools whose routees wait for something shared, such as a database,
// so that more of them don't mean more throughput. It begins at the lower bound.
type Explore struct {
	// Lower and Upper are the bounds of the size. Defaults 1 and 10.
	Lower, Upper int
	// Interval is how often the size is looked at. Default 5 s. Shorter ones
	// follow changes sooner and measure less exactly.
	Interval time.Duration
	// Chance is how likely it is that another size is tried instead of
	// moving towards the best one known. Default 0.4.
	Chance float64
	// Step is by how much at most a size to try differs, as a part of the
	// present one. Default 0.1.
	Step float64
	// ChanceDown is how likely a size to try is smaller. Default 0.2.
	ChanceDown float64
	// IdleAfter is how long the pool must not have been fully used before it
	// shrinks. Default 72 h.
	IdleAfter time.Duration
	// IdleRatio says to what: to that part of the most that were busy at once
	// in that time. Default 0.8.
	IdleRatio float64
	// Range is how many known sizes around the present one are compared, half
	// of them on each side. Default 16.
	Range int
	// Weight is that of the latest measurement of a size against the earlier
	// ones. Default 0.5.
	Weight float64
}

func (e Explore) apply(c *config) { c.resizers = append(c.resizers, e) }

func (e Explore) bounds() (int, int) { return cmp.Or(e.Lower, 1), cmp.Or(e.Upper, 10) }

func (e Explore) first(int) int { return cmp.Or(e.Lower, 1) }

func (e Explore) due() (int, time.Duration) { return -1, cmp.Or(e.Interval, 5*time.Second) }

func (e Explore) check() error {
	if err := checkBounds("Explore", e); err != nil {
		return err
	}
	if e.Interval < 0 || e.IdleAfter < 0 || e.Range < 0 {
		return fmt.Errorf("Explore.Interval, IdleAfter and Range are %v, %v and %d: must not be negative", e.Interval, e.IdleAfter, e.Range)
	}
	for _, part := range []struct {
		name string
		v    float64
	}{{"Chance", e.Chance}, {"Step", e.Step}, {"ChanceDown", e.ChanceDown}, {"IdleRatio", e.IdleRatio}, {"Weight", e.Weight}} {
		if !(part.v >= 0 && part.v <= 1) {
			return fmt.Errorf("Explore.%s is %v: must be 0 to 1", part.name, part.v)
		}
	}
	return nil
}

// withDefaults returns e with its defaults filled in.
func (e Explore) withDefaults() Explore {
	e.Lower, e.Upper = e.bounds()
	_, e.Interval = e.due()
	e.Chance, e.Step = cmp.Or(e.Chance, 0.4), cmp.Or(e.Step, 0.1)
	e.ChanceDown = cmp.Or(e.ChanceDown, 0.2)
	e.IdleAfter, e.IdleRatio = cmp.Or(e.IdleAfter, 72*time.Hour), cmp.Or(e.IdleRatio, 0.8)
	e.Range, e.Weight = cmp.Or(e.Range, 16), cmp.Or(e.Weight, 0.5)
	return e
}

func (e Explore) start() decider {
	return &explorer{Explore: e.withDefaults(), perMessage: map[int]time.Duration{}}
}

// explorer is an Explore at work.
type explorer struct {
	Explore
	looked     bool // at least once
	at         time.Time
	received   uint64
	waiting    int
	idle       *idleStreak           // since when it hasn't been fully used
	perMessage map[int]time.Duration // by size
}

// idleStreak is a time in which not all routees were busy at any look.
type idleStreak struct {
	since time.Time
	most  int // busy at once
}

func (e *explorer) decide(now time.Time, loads []Load, received uint64, random *rand.Rand) int {
	e.look(now, loads, received)
	size := len(loads)
	return min(max(size+e.change(now, size, random), e.Lower), e.Upper) - size
}

// look takes down what the pool is like now. A measurement needs two looks in a
// row at a fully used pool.
func (e *explorer) look(now time.Time, loads []Load, received uint64) {
	waiting, busy := 0, 0
	for _, l := range loads {
		n := l.Waiting
		if l.Busy {
			n++
		}
		waiting += n
		if n > 0 {
			busy++
		}
	}
	full := busy == len(loads) && busy > 0
	if full && e.looked && e.idle == nil {
		if processed := int(received-e.received) + e.waiting - waiting; processed > 0 {
			e.measured(len(loads), now.Sub(e.at)/time.Duration(processed))
		}
	}
	switch {
	case full:
		e.idle = nil
	case e.idle == nil:
		e.idle = &idleStreak{since: now, most: busy}
	default:
		e.idle.most = max(e.idle.most, busy)
	}
	e.looked, e.at, e.received, e.waiting = true, now, received, waiting
}

func (e *explorer) measured(size int, d time.Duration) {
	if old, ok := e.perMessage[size]; ok {
		d = time.Duration(e.Weight*float64(d) + (1-e.Weight)*float64(old))
	}
	e.perMessage[size] = d
}

// change is the change before the bounds count.
func (e *explorer) change(now time.Time, size int, random *rand.Rand) int {
	switch {
	case e.idle != nil && now.Sub(e.idle.since) > e.IdleAfter:
		return min(int(math.Floor(float64(e.idle.most)*e.IdleRatio))-size, 0)
	case e.idle != nil || len(e.perMessage) == 0:
		return 0
	case random.Float64() < e.Chance:
		return e.try(size, random)
	}
	return e.towardsBest(size)
}

// try is a step to somewhere else.
func (e *explorer) try(size int, random *rand.Rand) int {
	step := max(1, random.IntN(max(1, int(math.Ceil(float64(size)*e.Step)))))
	if random.Float64() < e.ChanceDown {
		return -step
	}
	return step
}

// towardsBest is half the way to the best size nearby, rounded away from zero.
func (e *explorer) towardsBest(size int) int {
	sizes := slices.Sorted(maps.Keys(e.perMessage))
	at, known := slices.BinarySearch(sizes, size)
	above := at
	if known {
		above++
	}
	near := sizes[max(0, at-e.Range/2):min(len(sizes), above+e.Range/2)]
	best := slices.MinFunc(near, func(a, b int) int { return cmp.Compare(e.perMessage[a], e.perMessage[b]) })
	way := float64(best-size) / 2
	if way < 0 {
		return int(math.Floor(way))
	}
	return int(math.Ceil(way))
}
