package main

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// match is the parent of the two players.
type match struct{ *commentary }

// PreStart lets the players begin, at the start and at a restart, when those of
// before have been stopped.
func (m *match) PreStart(ctx *actor.Context) error {
	m.say("match", "begins")
	pong, err := spawnPong(ctx, m.commentary)
	if err != nil {
		return err
	}
	_, err = actor.SpawnTyped(ctx, "ping",
		func() actor.Receiver[serve] { return &pinger{commentary: m.commentary, pong: pong} })
	return err
}

// spawnPong starts a ponger, and says what happens when it fails.
func spawnPong(parent actor.Spawner, c *commentary) (actor.Ref[Ping], error) {
	return actor.SpawnTyped(parent, "pong",
		func() actor.Receiver[Ping] { return &ponger{commentary: c} },
		actor.Supervise{
			Decide:  decide,
			Backoff: actor.Backoff{Min: 200 * time.Millisecond, Max: 2 * time.Second},
		})
}

// decide says what a failure of pong needs. It is pure.
func decide(err error) actor.Directive {
	switch {
	case errors.Is(err, errDropped):
		return actor.Resume // go on as if nothing had happened
	case errors.Is(err, errHurt):
		return actor.Escalate // not for us to decide
	}
	return actor.Restart // a fresh one takes over, after the backoff
}

// PreRestart runs when a failure was escalated, on the match that is given up.
func (m *match) PreRestart(_ *actor.Context, cause error) {
	m.say("match", "has to begin again: %v", cause)
}

// Receive has nothing to do: a match only looks after its players.
func (m *match) Receive(ctx *actor.Context) { ctx.Unhandled() }

// referee lets the match be played, again if need be, but only once.
type referee struct{ *commentary }

// PreStart begins the match.
func (r *referee) PreStart(ctx *actor.Context) error {
	pid, err := ctx.Spawn("match", func() actor.Actor { return &match{r.commentary} },
		actor.Supervise{MaxRestarts: 1, Within: time.Minute})
	if err != nil {
		return err
	}
	ctx.Watch(pid)
	return nil
}

// Receive hears of the end of the match: of an end, not of a restart.
func (r *referee) Receive(ctx *actor.Context) {
	end, ok := ctx.Message().(actor.Terminated)
	if !ok {
		ctx.Unhandled()
		return
	}
	r.say("referee", "ends it: %v", end.Cause)
	ctx.System().BeginStop("the match is over")
}
