package main

import (
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// GroupMessage is what a group of devices understands.
type GroupMessage interface{ isGroupMessage() }

// Track asks for the device with the id, which is started if it isn't there. The
// manager understands it, too, and passes it on to the group.
type Track struct {
	actor.Returns[actor.Ref[DeviceMessage]]
	Group, Device string
}

// Devices asks for the ids of the devices, sorted.
type Devices struct{ actor.Returns[[]string] }

// Temperatures asks for the temperatures of all devices. The answer comes when
// all have answered, and at the latest after Within.
type Temperatures struct {
	actor.Returns[map[string]Answer]
	Within time.Duration
}

// deviceEnded tells a group that one of its devices has stopped.
type deviceEnded struct{ id string }

func (Track) isGroupMessage()        {}
func (Devices) isGroupMessage()      {}
func (Temperatures) isGroupMessage() {}
func (deviceEnded) isGroupMessage()  {}

// Group is the parent of the devices of one place.
type Group struct {
	id      string
	devices map[string]actor.Ref[DeviceMessage]
	make    func(id string) actor.Receiver[DeviceMessage]
}

// NewGroup returns a group without devices; newDevice makes those to come.
func NewGroup(id string, newDevice func(id string) actor.Receiver[DeviceMessage]) actor.Receiver[GroupMessage] {
	return &Group{id: id, devices: map[string]actor.Ref[DeviceMessage]{}, make: newDevice}
}

// Receive handles one message.
func (g *Group) Receive(ctx *actor.Context, msg GroupMessage) {
	switch m := msg.(type) {
	case Track:
		g.track(ctx, m)
	case Devices:
		actor.Reply(ctx, m, slices.Sorted(maps.Keys(g.devices)))
	case Temperatures:
		g.query(ctx, m)
	case deviceEnded:
		delete(g.devices, m.id)
	}
}

func (g *Group) track(ctx *actor.Context, m Track) {
	if m.Group != g.id {
		ctx.Log().Warn().Str("group", m.Group).Msg("that device belongs to another group")
		return
	}
	device, known := g.devices[m.Device]
	if !known {
		var err error
		device, err = actor.SpawnTyped(ctx, m.Device, func() actor.Receiver[DeviceMessage] { return g.make(m.Device) })
		if err != nil {
			ctx.Reply(actor.Failure{Err: err})
			return
		}
		ctx.WatchWith(device, deviceEnded{m.Device})
		g.devices[m.Device] = device
	}
	actor.Reply(ctx, m, device)
}

// query leaves the asking to an actor of its own, so that the group goes on with
// other messages meanwhile.
func (g *Group) query(ctx *actor.Context, m Temperatures) {
	devices, asker := maps.Clone(g.devices), ctx.Sender()
	_, err := actor.SpawnTyped(ctx, "", func() actor.Receiver[queryMessage] {
		return newQuery(devices, asker, m.Within)
	})
	if err != nil {
		ctx.Reply(actor.Failure{Err: err})
	}
}
