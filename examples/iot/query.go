package main

import (
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Answer is what a query finds out about one device.
type Answer struct {
	Outcome Outcome
	Celsius float64 // when the outcome is Measured
}

// Outcome says how the query of one device ended.
type Outcome string

// The outcomes.
const (
	Measured Outcome = "measured"  // it knows a temperature
	NoneYet  Outcome = "none yet"  // it has none so far
	Gone     Outcome = "gone"      // it stopped before it answered
	TimedOut Outcome = "no answer" // it did not answer in time
)

// queryMessage is what a query understands: the readings of the devices among
// others.
type queryMessage interface{ isQueryMessage() }

// gone tells a query that a device has stopped.
type gone struct{ id string }

// timeIsUp ends a query.
type timeIsUp struct{}

func (Reading) isQueryMessage()  {}
func (gone) isQueryMessage()     {}
func (timeIsUp) isQueryMessage() {}

// query asks the devices of one moment for their temperatures and lives as long
// as that takes.
type query struct {
	devices map[string]actor.Ref[DeviceMessage]
	asker   actor.PID
	within  time.Duration
	answers map[string]Answer
}

func newQuery(devices map[string]actor.Ref[DeviceMessage], asker actor.PID, within time.Duration) *query {
	return &query{devices: devices, asker: asker, within: within, answers: map[string]Answer{}}
}

// PreStart asks all of them and watches them.
func (q *query) PreStart(ctx *actor.Context) error {
	for _, id := range slices.Sorted(maps.Keys(q.devices)) {
		ctx.WatchWith(q.devices[id], gone{id})
		ctx.Tell(q.devices[id], Read{}) // the answer comes back as a Reading
	}
	ctx.After(q.within, timeIsUp{})
	q.finishWhenDone(ctx)
	return nil
}

// Receive notes one answer, or the want of one.
func (q *query) Receive(ctx *actor.Context, msg queryMessage) {
	switch m := msg.(type) {
	case Reading:
		a := Answer{Outcome: NoneYet}
		if m.Known {
			a = Answer{Outcome: Measured, Celsius: m.Celsius}
		}
		q.note(m.Device, a)
	case gone:
		q.note(m.id, Answer{Outcome: Gone})
	case timeIsUp:
		for id := range q.devices {
			q.note(id, Answer{Outcome: TimedOut})
		}
	}
	q.finishWhenDone(ctx)
}

// note keeps the first thing that is known about a device: one that answers and
// then stops has answered.
func (q *query) note(id string, a Answer) {
	if _, known := q.answers[id]; !known {
		q.answers[id] = a
	}
}

func (q *query) finishWhenDone(ctx *actor.Context) {
	if len(q.answers) == len(q.devices) {
		ctx.Tell(q.asker, q.answers)
		ctx.Stop(ctx.Self())
	}
}
