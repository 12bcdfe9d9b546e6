package persistence

import (
	"slices"

	"github.com/troupe-go/troupe/actor"
)

// Effect is what a command leads to: events to store, and then replies and
// other effects on the world. It is a value: deciding carries nothing out.
// Make one with [Effects]; the zero Effect does nothing.
type Effect[S, E any] struct {
	verdict verdict
	events  []E
	then    []after[S]
	stop    bool
	unstash bool
}

// verdict says what becomes of the command itself.
type verdict uint8

const (
	handled verdict = iota
	stashed
	unhandled
)

// after is one thing to do after the events are stored: a reply or a function.
type after[S any] struct {
	reply func(state S) any
	run   func(ctx *actor.Context, state S)
}

// Effects makes effects. Embed it in a behaviour, so that Decide reads
//
//	return w.Persist(Deposited{10}).Reply(Done{})
type Effects[S, E any] struct{}

// Persist stores events, all or none, and evolves the state by them. Without
// events it is None.
func (Effects[S, E]) Persist(events ...E) Effect[S, E] {
	return Effect[S, E]{events: slices.Clone(events)}
}

// None stores nothing. What is chained to it happens at once.
func (Effects[S, E]) None() Effect[S, E] { return Effect[S, E]{} }

// Reply is None().Reply(msg).
func (Effects[S, E]) Reply(msg any) Effect[S, E] { return Effect[S, E]{}.Reply(msg) }

// Refuse stores nothing and answers the command with an [actor.Failure]: an
// ask returns err.
func (Effects[S, E]) Refuse(err error) Effect[S, E] {
	return Effect[S, E]{}.Reply(actor.Failure{Err: err})
}

// Stop stores nothing and stops the actor.
func (Effects[S, E]) Stop() Effect[S, E] { return Effect[S, E]{}.ThenStop() }

// Stash puts the command aside until an effect with [Effect.ThenUnstash]. When
// the actor's stash is full the command becomes a dead letter.
func (Effects[S, E]) Stash() Effect[S, E] { return Effect[S, E]{verdict: stashed} }

// Unhandled says that the behaviour has no use for the command.
func (Effects[S, E]) Unhandled() Effect[S, E] { return Effect[S, E]{verdict: unhandled} }

// Then runs f, on the actor's turn, after the events are stored; state
// contains them. It runs at most once, and never in a recovery. What is
// chained happens in the order of the chain.
func (e Effect[S, E]) Then(f func(ctx *actor.Context, state S)) Effect[S, E] {
	return e.and(after[S]{run: f})
}

// Reply sends msg to the sender of the command after the events are stored.
func (e Effect[S, E]) Reply(msg any) Effect[S, E] {
	return e.and(after[S]{reply: func(S) any { return msg }})
}

// ReplyWith is Reply with what f makes of the new state. f must be pure.
func (e Effect[S, E]) ReplyWith(f func(state S) any) Effect[S, E] {
	return e.and(after[S]{reply: f})
}

// ThenStop stops the actor after everything else of the effect.
func (e Effect[S, E]) ThenStop() Effect[S, E] { e.stop = true; return e }

// ThenUnstash brings back the stashed commands, before all others, after
// everything else of the effect.
func (e Effect[S, E]) ThenUnstash() Effect[S, E] { e.unstash = true; return e }

func (e Effect[S, E]) and(a after[S]) Effect[S, E] {
	e.then = append(slices.Clip(e.then), a)
	return e
}

// Events returns the events to store.
func (e Effect[S, E]) Events() []E { return slices.Clone(e.events) }

// Replies returns what is sent to the sender of the command when the state
// after the events is state. Functions given to Then are not run.
func (e Effect[S, E]) Replies(state S) []any {
	var replies []any
	for _, a := range e.then {
		if a.reply != nil {
			replies = append(replies, a.reply(state))
		}
	}
	return replies
}

// Stops reports whether the actor stops.
func (e Effect[S, E]) Stops() bool { return e.stop }

// Stashes reports whether the command is put aside.
func (e Effect[S, E]) Stashes() bool { return e.verdict == stashed }

// Unstashes reports whether the commands that were put aside come back.
func (e Effect[S, E]) Unstashes() bool { return e.unstash }

// IsUnhandled reports whether the behaviour had no use for the command.
func (e Effect[S, E]) IsUnhandled() bool { return e.verdict == unhandled }
