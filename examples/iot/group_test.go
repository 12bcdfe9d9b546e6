package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func spawnGroup(t *testing.T, sys *actor.System) actor.Ref[GroupMessage] {
	t.Helper()
	group, err := actor.SpawnTyped(sys, "cellar", func() actor.Receiver[GroupMessage] { return NewGroup("cellar", newHouseDevice) })
	require.NoError(t, err)
	return group
}

func track(t *testing.T, group actor.Ref[GroupMessage], device string) actor.Ref[DeviceMessage] {
	t.Helper()
	ref, err := actor.Ask(t.Context(), group, Track{Group: "cellar", Device: device})
	require.NoError(t, err)
	return ref
}

func TestGroupTracksDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := spawnGroup(t, testkit.New(t))
		wine, beer := track(t, group, "wine"), track(t, group, "beer")
		require.NotEqual(t, wine, beer)
		require.Equal(t, wine, track(t, group, "wine"), "the same device again")
		testkit.Answers(t, group, Devices{}, []string{"beer", "wine"})
		testkit.Answers(t, wine, Record{Celsius: 9}, Recorded{})
		testkit.Answers(t, beer, Read{}, Reading{Device: "beer"})
	})
}

func TestGroupRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := spawnGroup(t, testkit.New(t))
		_, err := actor.Ask(t.Context(), group, Track{Group: "attic", Device: "wine"})
		require.ErrorIs(t, err, actor.ErrTimeout, "the device of another group")
		_, err = actor.Ask(t.Context(), group, Track{Group: "cellar", Device: "no/name"})
		require.ErrorIs(t, err, actor.ErrBadName)
		testkit.Answers(t, group, Devices{}, nil)
	})
}

func TestGroupForgetsADeviceThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := spawnGroup(t, testkit.New(t))
		wine := track(t, group, "wine")
		track(t, group, "beer")
		require.NoError(t, actor.GracefulStop(t.Context(), wine))
		synctest.Wait()
		testkit.Answers(t, group, Devices{}, []string{"beer"})
		again := track(t, group, "wine")
		require.NotEqual(t, wine, again, "a new device under the old name")
		testkit.Answers(t, again, Read{}, Reading{Device: "wine"})
	})
}

func TestGroupGoesOnWhileItIsQueried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		group, asker := spawnGroup(t, sys), testkit.NewProbe(t, sys)
		testkit.Answers(t, track(t, group, "wine"), Record{Celsius: 9}, Recorded{})
		track(t, group, "cracked")
		begun := time.Now()
		asker.Tell(group, Temperatures{Within: 8 * time.Second})
		testkit.Answers(t, group, Devices{}, []string{"cracked", "wine"})
		require.Zero(t, time.Since(begun), "nobody waits for the query")
		track(t, group, "late") // is no part of a query that has begun
		asker.Expect(map[string]Answer{"wine": {Measured, 9}, "cracked": {Outcome: TimedOut}})
		require.Equal(t, 8*time.Second, time.Since(begun))
	})
}
