package persistencetest

import (
	"reflect"
	"testing"

	"github.com/troupe-go/troupe/persistence"
)

// Step is what one command led to.
type Step[S, E any] struct {
	// Events are the events that were stored.
	Events []E
	// Replies are what was sent to the command's sender.
	Replies []any
	// State is the state afterwards.
	State S
	// Stashed, Unhandled and Stopped say what else became of the command and
	// the actor.
	Stashed, Unhandled, Stopped bool
}

// Played is what a list of commands led to.
type Played[S, E any] struct {
	// State is the state at the end.
	State S
	// Events are all events in order.
	Events []E
	// Steps has one entry for each time that a command was decided; a stashed
	// command has another when it came back.
	Steps []Step[S, E]
}

// Play gives commands to a behaviour one after another, without any actor,
// journal or clock, as the actor would: a stashed command comes back when a
// later one unstashes, and after a stop nothing is decided any more. Functions
// given to Effect.Then are not run.
//
// It fails the test when Decide or Evolve turn out not to be pure: deciding
// again must store the same events, and evolving by all events from the
// beginning must lead to the same state (PS-4).
func Play[S, C, E any](t testing.TB, b persistence.Behaviour[S, C, E], commands ...C) Played[S, E] {
	t.Helper()
	p := Played[S, E]{State: begin(b)}
	var stash []C
	for queue := commands; len(queue) > 0; {
		command := queue[0]
		queue = queue[1:]
		effect := b.Decide(p.State, command)
		if again := b.Decide(p.State, command); !reflect.DeepEqual(effect.Events(), again.Events()) {
			t.Errorf("deciding %+v twice stores %+v and %+v: Decide is not pure", command, effect.Events(), again.Events())
		}
		step := Step[S, E]{
			Events: effect.Events(), Stashed: effect.Stashes(), Unhandled: effect.IsUnhandled(), Stopped: effect.Stops(),
		}
		if step.Stashed {
			stash = append(stash, command)
		}
		for _, event := range step.Events {
			p.State = b.Evolve(p.State, event)
		}
		p.Events = append(p.Events, step.Events...)
		step.State, step.Replies = p.State, effect.Replies(p.State)
		p.Steps = append(p.Steps, step)
		if effect.Unstashes() {
			queue, stash = append(stash, queue...), nil
		}
		if step.Stopped {
			break
		}
	}
	if replayed := Replay(b, p.Events...); !reflect.DeepEqual(replayed, p.State) {
		t.Errorf("replaying the events leads to %+v, the commands led to %+v: Evolve is not pure", replayed, p.State)
	}
	return p
}

// Replay returns the state that a recovery finds after events.
func Replay[S, C, E any](b persistence.Behaviour[S, C, E], events ...E) S {
	state := begin(b)
	for _, event := range events {
		state = b.Evolve(state, event)
	}
	return state
}

func begin[S, C, E any](b persistence.Behaviour[S, C, E]) S {
	if beginner, ok := any(b).(persistence.Beginner[S]); ok {
		return beginner.Begin()
	}
	var zero S
	return zero
}
