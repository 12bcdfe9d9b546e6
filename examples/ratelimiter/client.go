package main

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// client works as fast as it gets permits, and keeps so many requests under way
// at once.
type client struct {
	name     string
	underWay int
	limiter  actor.Ref[Acquire]
	meter    actor.Ref[report]
}

// again makes a client ask once more, after a refusal.
type again struct{}

// breath is how long a refused client waits.
const breath = 500 * time.Millisecond

// PreStart begins with all requests at once.
func (c *client) PreStart(ctx *actor.Context) error {
	for range c.underWay {
		c.acquire(ctx)
	}
	return nil
}

// Receive asks again.
func (c *client) Receive(ctx *actor.Context, _ again) { c.acquire(ctx) }

// acquire asks for a permit without waiting for it: then runs as a turn of the
// client when the answer is there.
func (c *client) acquire(ctx *actor.Context) {
	actor.AskThen(ctx, c.limiter, Acquire{Client: c.name}, func(_ Permit, err error) {
		switch {
		case err == nil:
			c.meter.Tell(worked{c.name})
			c.acquire(ctx)
		case errors.Is(err, errTooMany):
			c.meter.Tell(refused{c.name})
			ctx.After(breath, again{})
		default: // no answer in time
			ctx.After(breath, again{})
		}
	})
}
