package main

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Ping is a ball that flies to the other side. It is answered with a [Pong].
type Ping struct {
	actor.Returns[Pong]
	Ball int
}

// Pong is the ball on its way back.
type Pong struct {
	Ball int
	// Returned is how many balls the player has returned since its last start.
	Returned int
}

// What can happen to a player.
var (
	errDropped = errors.New("drops the ball")
	errRacket  = errors.New("breaks the racket")
	errHurt    = errors.New("is hurt")
)

// mishap says which ball goes wrong, and how.
func mishap(ball int) error {
	switch ball {
	case 3:
		return errDropped
	case 5, 6:
		return errRacket
	case 9:
		return errHurt
	}
	return nil
}

// ponger returns balls, most of the time.
type ponger struct {
	*commentary
	returned int
}

// PreStart runs at the start, and at each restart on the fresh ponger.
func (p *ponger) PreStart(*actor.Context) error {
	p.say("pong", "is there with a new racket")
	return nil
}

// Receive returns a ball. One that goes wrong is never answered: the message
// that made an actor fail is not handled again.
func (p *ponger) Receive(ctx *actor.Context, m Ping) {
	switch err := mishap(m.Ball); err {
	case nil:
		p.returned++
		actor.Reply(ctx, m, Pong{Ball: m.Ball, Returned: p.returned})
	case errRacket:
		p.say("pong", "%v", err)
		panic(err)
	default:
		p.say("pong", "%v", err)
		ctx.Fail(err)
	}
}

// pinger serves, and serves the next ball when one doesn't come back.
type pinger struct {
	*commentary
	pong actor.Ref[Ping]
}

// pace is the time between a ball that came back and the next one.
const pace = 100 * time.Millisecond

// serve makes the pinger serve a ball.
type serve struct{ ball int }

// PreStart has the first ball served.
func (p *pinger) PreStart(ctx *actor.Context) error {
	actor.Self[serve](ctx).Tell(serve{1})
	return nil
}

// Receive serves a ball.
func (p *pinger) Receive(ctx *actor.Context, m serve) {
	p.say("ping", "serves ball %d", m.ball)
	actor.AskThen(ctx, p.pong, Ping{Ball: m.ball}, func(back Pong, err error) {
		if err != nil {
			p.say("ping", "gets no answer to ball %d, and serves the next", m.ball)
			actor.Self[serve](ctx).Tell(serve{m.ball + 1})
			return
		}
		p.say("pong", "returns ball %d; returned since the start: %d", back.Ball, back.Returned)
		ctx.After(pace, serve{m.ball + 1})
	})
}
