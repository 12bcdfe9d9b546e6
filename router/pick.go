package router

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Logic says which routees get a message: [RoundRobin], [Random],
// [SmallestMailbox], [ConsistentHash], [Rendezvous], [FanOut], [ScatterGather],
// [TailChopping], [Balancing], or one of your own as [Custom]. A Logic is a
// value without state; what it has to remember, each router keeps for itself.
type Logic interface {
	// check says what is wrong with the settings.
	check(pool bool) error
	// over returns the picker for routees, of which there is at least one.
	// before is the picker so far, nil at first.
	over(routees []actor.PID, before Picker, random *rand.Rand) Picker
}

// Picker chooses among the routees it was made for.
type Picker interface {
	// Pick returns the index of the routee that gets msg; a number that is no
	// index means nobody. It runs on the goroutine of the sender: it must not
	// block and must be safe for concurrent use.
	Pick(msg any) int
}

// way is how messages get to the routees.
type way uint8

const (
	toOne  way = iota // the picked one, from the sender's side
	toAll             // all of them, from the sender's side
	asking            // a session of the router asks them for the sender
	queued            // whoever is free takes it from a queue
)

func wayOf(l Logic) way {
	switch l.(type) {
	case FanOut:
		return toAll
	case ScatterGather, TailChopping:
		return asking
	case Balancing:
		return queued
	}
	return toOne
}

// RoundRobin gives each routee its turn. When the routees change, it goes on
// with the one whose turn it was.
type RoundRobin struct{}

func (RoundRobin) check(bool) error { return nil }

func (RoundRobin) over(routees []actor.PID, before Picker, _ *rand.Rand) Picker {
	p := &roundRobin{routees: routees}
	if old, ok := before.(*roundRobin); ok {
		p.next.Store(old.position(routees))
	}
	return p
}

type roundRobin struct {
	routees []actor.PID
	next    atomic.Uint64
}

// Pick takes the next in turn.
func (p *roundRobin) Pick(any) int { return int((p.next.Add(1) - 1) % uint64(len(p.routees))) }

// position is the index in routees of the first one, beginning with whose turn
// it is, that is still there.
func (p *roundRobin) position(routees []actor.PID) uint64 {
	first := int(p.next.Load() % uint64(len(p.routees)))
	index := make(map[actor.PID]int, len(routees))
	for i, r := range routees {
		index[r] = i
	}
	for i := range p.routees {
		if at, ok := index[p.routees[(first+i)%len(p.routees)]]; ok {
			return uint64(at)
		}
	}
	return 0
}

// Random gives each message to any routee, all of them equally likely.
type Random struct{}

func (Random) check(bool) error { return nil }

func (Random) over(routees []actor.PID, _ Picker, random *rand.Rand) Picker {
	return randomPicker{len(routees), random}
}

type randomPicker struct {
	n      int
	random *rand.Rand
}

// Pick draws one.
func (p randomPicker) Pick(any) int { return p.random.IntN(p.n) }

// SmallestMailbox gives each message to the routee with the fewest messages,
// the one at work included; an idle one is taken at once. Routees whose mailbox
// can't be seen, such as those of other nodes, get something only when there are
// no others. Looking costs time in proportion to the number of routees.
type SmallestMailbox struct{}

func (SmallestMailbox) check(bool) error { return nil }

func (SmallestMailbox) over(routees []actor.PID, _ Picker, random *rand.Rand) Picker {
	return smallest{
		n: len(routees), random: random,
		load: func(i int) Load { return loadOf(routees[i]) },
	}
}

// Load is what a routee has to do.
type Load struct {
	// Waiting is how many messages are in its mailbox.
	Waiting int
	// Busy says that it is at work on one, or about to be.
	Busy bool
	// Known is false for a routee whose mailbox can't be seen.
	Known bool
}

func loadOf(routee actor.PID) Load {
	waiting, busy, ok := routee.Pending()
	return Load{waiting, busy, ok}
}

type smallest struct {
	n      int
	load   func(i int) Load
	random *rand.Rand
}

// Pick looks for the smallest; the first of equals wins.
func (p smallest) Pick(any) int {
	best, least := -1, math.MaxInt
	for i := range p.n {
		l := p.load(i)
		if !l.Known {
			continue
		}
		score := l.Waiting
		if l.Busy {
			score++
		}
		if score == 0 {
			return i
		}
		if score < least {
			best, least = i, score
		}
	}
	if best < 0 {
		return p.random.IntN(p.n)
	}
	return best
}

// FanOut gives every message to all routees. Who asks gets the first answer.
type FanOut struct{}

func (FanOut) check(bool) error { return nil }

func (FanOut) over([]actor.PID, Picker, *rand.Rand) Picker { return nil }

// Custom is a logic of one's own: a function that is called whenever the routees
// have changed, there being at least one, and returns a [Picker] for them. It
// must not keep state outside the Picker. A panic in Pick makes that message a
// dead letter.
type Custom func(routees []actor.PID) Picker

func (c Custom) check(bool) error {
	if c == nil {
		return errors.New("Custom is nil: give it a function that returns a Picker")
	}
	return nil
}

func (c Custom) over(routees []actor.PID, _ Picker, _ *rand.Rand) Picker {
	if p := c(slices.Clone(routees)); p != nil {
		return guarded{p}
	}
	return nobody{}
}

// guarded keeps a panic of somebody's Pick from the sender.
type guarded struct{ p Picker }

// Pick picks nobody instead of panicking.
func (g guarded) Pick(msg any) (i int) {
	defer func() {
		if recover() != nil {
			i = -1
		}
	}()
	return g.p.Pick(msg)
}

type nobody struct{}

// Pick picks nobody.
func (nobody) Pick(any) int { return -1 }

// ScatterGather asks all routees and hands the first answer to the sender. A
// [actor.Failure] counts as an answer. The others' answers are received and
// ignored. Without a routee the answer is a Failure with [ErrNoRoutee].
type ScatterGather struct {
	// Within is how long to wait for the first answer; then the sender gets a
	// Failure with [actor.ErrTimeout]. Default 5 s. Larger values keep the
	// router busy with what nobody answers, smaller ones give up earlier.
	Within time.Duration
}

func (s ScatterGather) check(bool) error { return checkWithin("ScatterGather", s.Within) }

func (ScatterGather) over([]actor.PID, Picker, *rand.Rand) Picker { return nil }

// TailChopping asks one routee, and another one each time Every has passed
// without an answer; the order is random. The first answer goes to the sender.
// It trades some extra work for short waits when single routees are slow at
// times. Without a routee the answer is a Failure with [ErrNoRoutee].
type TailChopping struct {
	// Within is how long to wait for an answer altogether; then the sender
	// gets a Failure with [actor.ErrTimeout]. Default 5 s.
	Within time.Duration
	// Every is how long to wait before the next routee is asked. Default
	// 10 ms. Shorter waits cost more extra work.
	Every time.Duration
}

func (t TailChopping) check(bool) error {
	if t.Every < 0 {
		return fmt.Errorf("TailChopping.Every is %v: must not be negative", t.Every)
	}
	return checkWithin("TailChopping", t.Within)
}

func (TailChopping) over([]actor.PID, Picker, *rand.Rand) Picker { return nil }

func checkWithin(logic string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s.Within is %v: must not be negative", logic, d)
	}
	return nil
}
