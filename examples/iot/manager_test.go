package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func TestManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		_, err := FindManager(t.Context(), sys)
		require.ErrorIs(t, err, errNoManager)
		require.NoError(t, StartManager(sys, newHouseDevice))
		manager, err := FindManager(t.Context(), sys)
		require.NoError(t, err)

		wine, err := actor.Ask(t.Context(), manager, Track{Group: "cellar", Device: "wine"})
		require.NoError(t, err)
		require.Equal(t, "/user/devices/cellar/wine", wine.Path())
		again, err := actor.Ask(t.Context(), manager, Track{Group: "cellar", Device: "wine"})
		require.NoError(t, err)
		require.Equal(t, wine, again)
		_, err = actor.Ask(t.Context(), manager, Track{Group: "attic", Device: "wine"})
		require.NoError(t, err)
		testkit.Answers(t, manager, Groups{}, []string{"attic", "cellar"})

		cellar, err := actor.Ask(t.Context(), manager, GroupOf{Group: "cellar"})
		require.NoError(t, err)
		testkit.Answers(t, cellar, Devices{}, []string{"wine"})
		require.NoError(t, actor.GracefulStop(t.Context(), cellar))
		synctest.Wait()
		testkit.Answers(t, manager, Groups{}, []string{"attic"})
		testkit.Answers(t, manager, GroupOf{Group: "cellar"}, actor.Ref[GroupMessage]{})

		require.NoError(t, actor.GracefulStop(t.Context(), manager))
		synctest.Wait()
		_, err = FindManager(t.Context(), sys)
		require.ErrorIs(t, err, errNoManager, "who has stopped is not found")
	})
}

func TestTour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, tour(t.Context(), testkit.New(t), &out))
		require.Equal(t, `registered /user/devices/greenhouse/window
registered /user/devices/greenhouse/door
registered /user/devices/cellar/wine
registered /user/devices/cellar/cracked
window has measured 12.5 °C
wine has measured 12.5 °C

cellar
  cracked  no answer
  wine     12.5 °C

greenhouse
  door     none yet
  window   12.5 °C

the device at the door is stopped

cellar
  cracked  no answer
  wine     12.5 °C

greenhouse
  window   12.5 °C
`, strings.Replace(out.String(), "  door     gone\n", "", 1), "the group may not have heard of the end when it is queried")
	})
}

func TestInterruptedTour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(200*time.Millisecond, cancel) // in the middle of the first query
		var out bytes.Buffer
		require.ErrorIs(t, tour(ctx, testkit.New(t), &out), context.Canceled)
		require.Contains(t, out.String(), "wine has measured")
		require.NotContains(t, out.String(), "no answer")
	})
}
