package main

import "github.com/troupe-go/troupe/actor"

// DeviceMessage is what a device understands.
type DeviceMessage interface{ isDeviceMessage() }

// Record tells a device a temperature that was measured. It is answered when
// the device knows it.
type Record struct {
	actor.Returns[Recorded]
	Celsius float64
}

// Recorded says that a temperature was recorded.
type Recorded struct{}

// Read asks a device for its last temperature.
type Read struct{ actor.Returns[Reading] }

// Reading is the last temperature of a device, if it knows one.
type Reading struct {
	Device  string
	Celsius float64
	Known   bool
}

func (Record) isDeviceMessage() {}
func (Read) isDeviceMessage()   {}

// Device keeps the last temperature of one sensor.
type Device struct {
	id   string
	last Reading
}

// NewDevice returns a device that knows no temperature yet.
func NewDevice(id string) actor.Receiver[DeviceMessage] {
	return &Device{id: id, last: Reading{Device: id}}
}

// Receive handles one message.
func (d *Device) Receive(ctx *actor.Context, msg DeviceMessage) {
	switch m := msg.(type) {
	case Record:
		d.last = Reading{Device: d.id, Celsius: m.Celsius, Known: true}
		actor.Reply(ctx, m, Recorded{})
	case Read:
		actor.Reply(ctx, m, d.last)
	}
}
