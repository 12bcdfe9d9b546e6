package main

import "github.com/troupe-go/troupe/actor"

// chopstickState is what a chopstick does: it lies on the table, or somebody
// holds it.
type chopstickState string

const (
	lying chopstickState = "lying"
	held  chopstickState = "held"
)

// chopstickMessage is what a chopstick understands.
type chopstickMessage interface{ isChopstickMessage() }

// take asks for the chopstick; it is answered with got or busy.
type take struct{ by actor.Ref[answer] }

// putBack gives it back. Only who holds it can do that.
type putBack struct{ by actor.Ref[answer] }

func (take) isChopstickMessage()    {}
func (putBack) isChopstickMessage() {}

// answer is what a chopstick answers.
type answer interface{ isAnswer() }

// got says that the asker holds the chopstick now.
type got struct{ chopstick actor.Ref[chopstickMessage] }

// busy says that somebody else does.
type busy struct{ chopstick actor.Ref[chopstickMessage] }

func (got) isAnswer()  {}
func (busy) isAnswer() {}

// chopstick is a state machine whose data is who holds it.
type chopstick = actor.Machine[chopstickState, actor.Ref[answer]]

func newChopstick() actor.Actor {
	return actor.FSM[chopstickState, actor.Ref[answer]]{
		Start: lying,
		States: map[chopstickState]actor.State[chopstickState, actor.Ref[answer]]{
			lying: {Handle: whenLying},
			held:  {Handle: whenHeld},
		},
	}.New()
}

func whenLying(m *chopstick, msg any) {
	t, ok := msg.(take)
	if !ok {
		m.Unhandled()
		return
	}
	m.Data = t.by
	m.Watch(t.by)
	m.Tell(t.by, got{actor.Self[chopstickMessage](m.Context)})
	m.Goto(held)
}

func whenHeld(m *chopstick, msg any) {
	switch msg := msg.(type) {
	case take:
		m.Tell(msg.by, busy{actor.Self[chopstickMessage](m.Context)})
	case putBack:
		if msg.by == m.Data {
			m.Unwatch(m.Data)
			m.Data = actor.Ref[answer]{}
			m.Goto(lying)
		}
	case actor.Terminated: // the holder is gone, and can't put it back any more
		m.Data = actor.Ref[answer]{}
		m.Goto(lying)
	default:
		m.Unhandled()
	}
}
