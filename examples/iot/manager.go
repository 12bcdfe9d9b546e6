package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/troupe-go/troupe/actor"
)

// Managers is the key under which the manager is found.
const Managers actor.ServiceKey[ManagerMessage] = "device-managers"

// ManagerMessage is what the manager understands.
type ManagerMessage interface{ isManagerMessage() }

// Groups asks for the ids of the groups, sorted.
type Groups struct{ actor.Returns[[]string] }

// GroupOf asks for a group, the zero ref when there is none.
type GroupOf struct {
	actor.Returns[actor.Ref[GroupMessage]]
	Group string
}

// groupEnded tells the manager that a group has stopped.
type groupEnded struct{ id string }

func (Track) isManagerMessage()      {}
func (Groups) isManagerMessage()     {}
func (GroupOf) isManagerMessage()    {}
func (groupEnded) isManagerMessage() {}

// Manager is the parent of all groups and where devices come in.
type Manager struct {
	groups map[string]actor.Ref[GroupMessage]
	make   func(id string) actor.Receiver[DeviceMessage]
}

// NewManager returns a manager without groups; newDevice makes the devices to come.
func NewManager(newDevice func(id string) actor.Receiver[DeviceMessage]) actor.Receiver[ManagerMessage] {
	return &Manager{groups: map[string]actor.Ref[GroupMessage]{}, make: newDevice}
}

// Receive handles one message.
func (m *Manager) Receive(ctx *actor.Context, msg ManagerMessage) {
	switch msg := msg.(type) {
	case Track:
		m.track(ctx, msg)
	case Groups:
		actor.Reply(ctx, msg, slices.Sorted(maps.Keys(m.groups)))
	case GroupOf:
		actor.Reply(ctx, msg, m.groups[msg.Group])
	case groupEnded:
		delete(m.groups, msg.id)
	}
}

// StartManager starts the manager of a system and makes it known: whoever looks
// for it afterwards finds it, and no longer when it has stopped.
func StartManager(sys *actor.System, newDevice func(id string) actor.Receiver[DeviceMessage]) error {
	manager, err := actor.SpawnTyped(sys, "devices", func() actor.Receiver[ManagerMessage] { return NewManager(newDevice) })
	if err != nil {
		return err
	}
	return Managers.Register(sys, manager)
}

// errNoManager says that no manager is registered.
var errNoManager = errors.New("no manager is registered")

// FindManager returns the manager of a system.
func FindManager(ctx context.Context, sys *actor.System) (actor.Ref[ManagerMessage], error) {
	found, err := Managers.Find(ctx, sys)
	if err != nil {
		return actor.Ref[ManagerMessage]{}, err
	}
	if len(found.Refs) == 0 {
		return actor.Ref[ManagerMessage]{}, errNoManager
	}
	return found.Refs[0], nil
}

// track hands the request on to its group, with its sender: the group's answer
// goes to who asked the manager.
func (m *Manager) track(ctx *actor.Context, msg Track) {
	group, known := m.groups[msg.Group]
	if !known {
		var err error
		group, err = actor.SpawnTyped(ctx, msg.Group, func() actor.Receiver[GroupMessage] { return NewGroup(msg.Group, m.make) })
		if err != nil {
			ctx.Reply(actor.Failure{Err: err})
			return
		}
		ctx.WatchWith(group, groupEnded{msg.Group})
		m.groups[msg.Group] = group
	}
	ctx.Forward(group)
}
