package main

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// All times are those of a bubble: they cost nothing, and a goroutine that is
// left at the end fails the test.

// spawnDevice starts a device without a group.
func spawnDevice(t *testing.T, sys *actor.System, id string) actor.Ref[DeviceMessage] {
	t.Helper()
	device, err := actor.SpawnTyped(sys, id, func() actor.Receiver[DeviceMessage] { return NewDevice(id) })
	require.NoError(t, err)
	return device
}

func TestDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := spawnDevice(t, testkit.New(t), "window")
		testkit.Answers(t, device, Read{}, Reading{Device: "window"})
		testkit.Answers(t, device, Record{Celsius: 24}, Recorded{})
		testkit.Answers(t, device, Read{}, Reading{Device: "window", Celsius: 24, Known: true})
		testkit.Answers(t, device, Record{Celsius: -3}, Recorded{})
		testkit.Answers(t, device, Read{}, Reading{Device: "window", Celsius: -3, Known: true})
	})
}
