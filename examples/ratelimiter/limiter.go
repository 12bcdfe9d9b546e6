package main

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Acquire asks the limiter for a permit; the answer comes when there is one.
type Acquire struct {
	actor.Returns[Permit]
	// Client is who asks: all clients get the same share.
	Client string
}

// Permit allows one piece of work.
type Permit struct{}

// errTooMany is the answer to a client that has too many requests waiting.
var errTooMany = errors.New("too many requests of this client wait already")

// refill brings a permit. It is the limiter's message to itself.
type refill struct{}

// limiterState says whether permits are left.
type limiterState string

const (
	open   limiterState = "open"   // who asks gets one at once
	closed limiterState = "closed" // who asks waits
)

// tokens is the data of the limiter.
type tokens struct {
	left int
	wait queue
}

// limiter is a state machine.
type limiter = actor.Machine[limiterState, tokens]

// rate is what the limiter allows.
type rate struct {
	perSecond int
	burst     int // permits that are saved up while nobody asks
	waitMax   int // requests of one client that may wait
}

// newLimiter describes a limiter that is full at the beginning.
func newLimiter(r rate) actor.FSM[limiterState, tokens] {
	return actor.FSM[limiterState, tokens]{
		Start: open,
		Data:  tokens{left: r.burst, wait: queue{most: r.waitMax}},
		States: map[limiterState]actor.State[limiterState, tokens]{
			open:   {Handle: r.whenOpen},
			closed: {Handle: r.whenClosed},
		},
	}
}

func (r rate) whenOpen(m *limiter, msg any) {
	switch msg := msg.(type) {
	case Acquire:
		m.Data.left--
		actor.Reply(m.Context, msg, Permit{})
		r.keepRefilling(m)
		if m.Data.left == 0 {
			m.Goto(closed)
		}
	case refill:
		m.Data.left = min(m.Data.left+1, r.burst)
		if m.Data.left == r.burst {
			m.CancelKey(refill{}) // full: an idle limiter has no timer
		}
	default:
		m.Unhandled()
	}
}

func (r rate) whenClosed(m *limiter, msg any) {
	switch msg := msg.(type) {
	case Acquire:
		until, _ := m.Deadline()
		if !m.Data.wait.push(waiter{client: msg.Client, asker: m.Sender(), until: until}) {
			m.Reply(actor.Failure{Err: errTooMany})
		}
	case refill:
		next, ok := m.Data.wait.pop(m.Now())
		if ok {
			m.Tell(next.asker, Permit{})
			return
		}
		m.Data.left++
		m.Goto(open)
	default:
		m.Unhandled()
	}
}

// keepRefilling has a permit come at a fixed rate until the limiter is full. A
// fixed rate makes up for what a busy machine delays, so that the rate is kept.
func (r rate) keepRefilling(m *limiter) {
	if !m.HasTimer(refill{}) {
		m.Schedule(actor.Schedule{Key: refill{}, Every: time.Second / time.Duration(r.perSecond), FixedRate: true}, refill{})
	}
}
