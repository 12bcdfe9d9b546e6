package main

import (
	"errors"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

type (
	// Transform asks a worker to transform a text; the answer is Transformed.
	Transform struct {
		actor.Returns[Transformed]
		Text string
	}
	// Transformed is a text in capitals, and who made it.
	Transformed struct {
		Text   string
		Worker string
	}
	// Available is how a worker tells a front end that it wants work. It says so
	// again from time to time, so that one lost message does no harm.
	Available struct{}
)

// register gives the messages their names on the wire.
func register(sys *actor.System) error {
	reg := sys.Registry()
	return errors.Join(
		codec.Register[Transform](reg, "workers.Transform.v1"),
		codec.Register[Transformed](reg, "workers.Transformed.v1"),
		codec.Register[Available](reg, "workers.Available.v1"),
	)
}
