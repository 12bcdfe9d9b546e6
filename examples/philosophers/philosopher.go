package main

import (
	"time"

	"github.com/troupe-go/troupe/actor"
)

// mood is the state of a philosopher.
type mood string

const (
	thinking mood = "thinking" // until the state's time is over
	hungry   mood = "hungry"   // has asked for both chopsticks
	oneHeld  mood = "one held" // has got one, waits for the answer of the other
	denied   mood = "denied"   // was refused one, waits for the answer of the other
	eating   mood = "eating"   // until the state's time is over
)

// plate is what a philosopher remembers.
type plate struct {
	meals int
	first actor.Ref[chopstickMessage] // the one in hand when one is held
}

// philosopher is a state machine.
type philosopher = actor.Machine[mood, plate]

// place is a place at the table: what a philosopher is given.
type place struct {
	left, right actor.Ref[chopstickMessage]
	meals       int                  // leaves after so many
	eat         time.Duration        // how long a meal takes
	think       func() time.Duration // how long to think this time
}

// machine describes the philosopher who sits here.
func (p place) machine() actor.FSM[mood, plate] {
	return actor.FSM[mood, plate]{
		Start: thinking,
		States: map[mood]actor.State[mood, plate]{
			thinking: {Handle: p.whenThinking, Timeout: p.think()},
			hungry:   {Handle: p.whenHungry},
			oneHeld:  {Handle: p.whenOneHeld},
			denied:   {Handle: p.whenDenied},
			eating:   {Handle: p.whenEating, Timeout: p.eat},
		},
	}
}

func (p place) whenThinking(m *philosopher, msg any) {
	if _, ok := msg.(actor.StateTimeout); !ok {
		m.Unhandled()
		return
	}
	self := actor.Self[answer](m.Context)
	m.Tell(p.left, take{self})
	m.Tell(p.right, take{self})
	m.Goto(hungry)
}

func (p place) whenHungry(m *philosopher, msg any) {
	switch msg := msg.(type) {
	case got:
		m.Data.first = msg.chopstick
		m.Goto(oneHeld)
	case busy:
		m.Goto(denied)
	default:
		m.Unhandled()
	}
}

func (p place) whenOneHeld(m *philosopher, msg any) {
	switch msg.(type) {
	case got:
		m.Goto(eating)
	case busy: // nobody waits with a chopstick in hand, so nobody waits for ever
		m.Tell(m.Data.first, putBack{actor.Self[answer](m.Context)})
		p.thinkAgain(m)
	default:
		m.Unhandled()
	}
}

func (p place) whenDenied(m *philosopher, msg any) {
	switch msg := msg.(type) {
	case got:
		m.Tell(msg.chopstick, putBack{actor.Self[answer](m.Context)})
		p.thinkAgain(m)
	case busy:
		p.thinkAgain(m)
	default:
		m.Unhandled()
	}
}

func (p place) whenEating(m *philosopher, msg any) {
	if _, ok := msg.(actor.StateTimeout); !ok {
		m.Unhandled()
		return
	}
	self := actor.Self[answer](m.Context)
	m.Tell(p.left, putBack{self})
	m.Tell(p.right, putBack{self})
	if m.Data.meals++; m.Data.meals == p.meals {
		m.End(nil)
		return
	}
	p.thinkAgain(m)
}

// thinkAgain enters thinking for a time of its own: those who were denied
// together don't come back together for ever.
func (p place) thinkAgain(m *philosopher) {
	m.Data.first = actor.Ref[chopstickMessage]{}
	m.Goto(thinking)
	m.For(p.think())
}
