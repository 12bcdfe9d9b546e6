package testkit

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// Effect is something that an actor of [Solo] did. Effects are values that can be
// compared.
type Effect interface{ effect() }

type (
	// Spawned: it spawned a child; [Solo.Child] has what was sent to it.
	Spawned struct {
		Name string
		Ref  actor.PID
	}
	// Told: it sent Message, with itself or nobody as the sender.
	Told struct {
		To      actor.PID
		Message any
	}
	// Forwarded: it sent Message with From as the sender.
	Forwarded struct {
		To, From actor.PID
		Message  any
	}
	// Asked: it sent Message and wants an answer.
	Asked struct {
		To      actor.PID
		Message any
	}
	// Answered: it sent Message to somebody who had asked.
	Answered struct{ Message any }
	// Watched: it watches Who; With is what it gets instead of a Terminated.
	Watched struct {
		Who  actor.PID
		With any
	}
	// Unwatched: it ended a watch.
	Unwatched struct{ Who actor.PID }
	// TimerSet: it will be sent Message, as the Schedule says.
	TimerSet struct {
		actor.Schedule
		Message any
	}
	// TimerCancelled: it will not be sent Message after all.
	TimerCancelled struct{ Key, Message any }
	// ReceiveTimeoutSet: it wants to be told when nothing comes for After; zero
	// ends that.
	ReceiveTimeoutSet struct{ After time.Duration }
	// StopAsked: it asked Who to stop, which may be itself.
	StopAsked struct{ Who actor.PID }
	// Stashed: it put Message aside.
	Stashed struct{ Message any }
	// Unhandled: it had no use for Message.
	Unhandled struct{ Message any }
	// Published: it published Event.
	Published struct{ Event any }
	// Dropped: it sent or put aside Message, which is a dead letter.
	Dropped struct {
		Message any
		Reason  actor.DropReason
	}
	// Adapted: it has a further address; see [actor.Adapt].
	Adapted struct{ Ref actor.PID }
	// WorkBegun: it has something done elsewhere; see [actor.Go].
	WorkBegun struct{}
	// Logged: it wrote a line into its log.
	Logged struct {
		Level   zerolog.Level
		Message string
	}
	// Failed: it failed with Err, and its supervisor decides.
	Failed struct{ Err error }
	// Ended: it has stopped.
	Ended struct{}
)

func (Spawned) effect()           {}
func (Told) effect()              {}
func (Forwarded) effect()         {}
func (Asked) effect()             {}
func (Answered) effect()          {}
func (Watched) effect()           {}
func (Unwatched) effect()         {}
func (TimerSet) effect()          {}
func (TimerCancelled) effect()    {}
func (ReceiveTimeoutSet) effect() {}
func (StopAsked) effect()         {}
func (Stashed) effect()           {}
func (Unhandled) effect()         {}
func (Published) effect()         {}
func (Dropped) effect()           {}
func (Adapted) effect()           {}
func (WorkBegun) effect()         {}
func (Logged) effect()            {}
func (Failed) effect()            {}
func (Ended) effect()             {}

// EffectsOf returns those of the effects that are of type E, in order.
func EffectsOf[E Effect](effects []Effect) []E {
	var of []E
	for _, e := range effects {
		if v, ok := e.(E); ok {
			of = append(of, v)
		}
	}
	return of
}

// ExpectEffect returns the one effect of type E, and fails the test when there is
// none, or more than one.
func ExpectEffect[E Effect](t testing.TB, effects []Effect) E {
	t.Helper()
	of := EffectsOf[E](effects)
	if len(of) != 1 {
		t.Fatalf("got %d effects of type %v, want one, among: %s", len(of), reflect.TypeFor[E](), showEffects(effects))
	}
	return of[0]
}

// ExpectEffects fails the test unless the effects are the wanted ones, in order.
func ExpectEffects(t testing.TB, effects []Effect, want ...Effect) {
	t.Helper()
	if len(effects) != len(want) {
		t.Fatalf("got %d effects, want %d: %s", len(effects), len(want), showEffects(effects))
	}
	for i, e := range effects {
		if !reflect.DeepEqual(e, want[i]) {
			t.Fatalf("effect %d is %s, want %s, among: %s", i, show(e), show(want[i]), showEffects(effects))
		}
	}
}

func showEffects(effects []Effect) string {
	if len(effects) == 0 {
		return "nothing"
	}
	lines := make([]string, 0, len(effects))
	for _, e := range effects {
		lines = append(lines, show(e))
	}
	return strings.Join(lines, ", ")
}
