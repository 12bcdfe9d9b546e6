package singleton

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
)

func TestNothingMovesBeforeAShutdownOfAll(t *testing.T) { // S6
	now := time.Unix(1000, 0)
	a, b := membership.Node{Addr: "a:1", UID: 1}, membership.Node{Addr: "b:1", UID: 2}
	view := func(first, second membership.Status) (out []membership.Member) {
		if first != membership.Removed {
			out = append(out, membership.Member{Node: a, Status: first, UpNumber: 1})
		}
		return append(out, membership.Member{Node: b, Status: second, UpNumber: 2})
	}
	old, next := newCore(settings{self: a, margin: simMargin, retry: time.Second}), newCore(settings{self: b, margin: simMargin, retry: time.Second})
	for _, status := range []membership.Status{membership.Up, membership.PreparingForShutdown, membership.ReadyForShutdown} {
		for _, c := range []*core{old, next} {
			c.members(now, 7, view(status, status))
			c.take()
		}
		require.Equal(t, isRunning, old.running, "%v: it stays where it is", status)
		require.Equal(t, phaseYounger, next.phase)
		now = now.Add(time.Second)
	}
	old.stopped(now) // it failed
	now = now.Add(time.Minute)
	old.tick(now)
	require.Equal(t, isRunning, old.running, "it is started again where it was")

	next.members(now, 7, view(membership.Exiting, membership.ReadyForShutdown))
	next.message(now, handOverDone{From: a, UpTo: 2})
	next.members(now, 7, view(membership.Removed, membership.ReadyForShutdown))
	next.tick(now.Add(time.Minute))
	require.Equal(t, phaseYounger, next.phase)
	require.Equal(t, notRunning, next.running, "nobody takes over")
	next.members(now, 7, view(membership.Removed, membership.Leaving))
	require.Equal(t, phaseEnded, next.phase)
}
