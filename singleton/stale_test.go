package singleton

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// What comes late, twice or from an instance that is gone must change nothing.
// Each script delivers one such message where it would do harm.

var (
	nodeA = membership.Node{Addr: "a:1", UID: 1}
	nodeB = membership.Node{Addr: "b:1", UID: 2}
	nodeC = membership.Node{Addr: "c:1", UID: 3}
)

// stale is the core of one node; a, b and c became Up in this order.
type stale struct {
	*core
	t   *testing.T
	now time.Time
	all []membership.Member
}

func newStale(t *testing.T, self membership.Node) *stale {
	s := &stale{t: t, now: time.Unix(1000, 0)}
	for i, n := range []membership.Node{nodeA, nodeB, nodeC} {
		s.all = append(s.all, membership.Member{Node: n, Status: membership.Up, UpNumber: uint64(i + 1)})
	}
	s.core = newCore(settings{
		self: self, margin: simMargin, retry: time.Second, pauseMax: time.Minute,
		backoffMin: 200 * time.Millisecond, backoffMax: 10 * time.Second,
	})
	s.see()
	return s
}

// see shows the members to the core and returns what it does.
func (s *stale) see() []effect {
	s.members(s.now, 7, s.all)
	return s.take()
}

// set makes a node something else, or nothing.
func (s *stale) set(n membership.Node, status membership.Status) []effect {
	at := slices.IndexFunc(s.all, func(m membership.Member) bool { return m.Node == n })
	if status == membership.Removed {
		s.all = slices.Delete(s.all, at, at+1)
	} else {
		s.all[at].Status = status
	}
	return s.see()
}

func (s *stale) gets(msg any) []effect {
	s.message(s.now, msg)
	return s.take()
}

func (s *stale) after(d time.Duration) []effect {
	s.now = s.now.Add(d)
	s.tick(s.now)
	return s.take()
}

func told[M any](effects []effect) (all []M) {
	for _, e := range effects {
		if s, ok := e.(sendTo); ok {
			if m, ok := s.msg.(M); ok {
				all = append(all, m)
			}
		}
	}
	return all
}

func does[E effect](effects []effect) bool {
	return slices.ContainsFunc(effects, func(e effect) bool { _, ok := e.(E); return ok })
}

func epoch(node, count uint64) actor.Epoch { return actor.Epoch{Cluster: 7, Node: node, Count: count} }

func TestALateAnswerOfAProxyEndsNoPause(t *testing.T) {
	s := newStale(t, nodeA)
	s.gets(where{From: nodeB})
	s.stopped(s.now) // the first instance fails, a second one follows
	s.take()
	require.True(t, does[startInstance](s.after(time.Second)))
	s.gets(where{From: nodeB})
	s.set(nodeA, membership.Leaving)
	s.leave(s.now)
	require.Len(t, told[pause](s.take()), 1)
	require.False(t, does[stopInstance](s.gets(paused{From: nodeB, Epoch: epoch(1, 1)})), "that was the first instance's")
	require.False(t, does[stopInstance](s.gets(paused{From: nodeC, Epoch: epoch(1, 2)})), "one that wasn't asked")
	require.True(t, does[stopInstance](s.gets(paused{From: nodeB, Epoch: epoch(1, 2)})))
	require.False(t, does[stopInstance](s.gets(paused{From: nodeB, Epoch: epoch(1, 2)})), "twice")
}

func TestAProxyFollowsNoLateNews(t *testing.T) {
	t.Run("of an instance that was followed by another", func(t *testing.T) {
		s := newStale(t, nodeC)
		s.gets(here{From: nodeB, Epoch: epoch(2, 1)})
		require.Empty(t, s.gets(here{From: nodeA, Epoch: epoch(1, 9)}))
		require.Equal(t, nodeB, s.proxy.host)
	})
	t.Run("of the instance that pauses", func(t *testing.T) {
		s := newStale(t, nodeC)
		s.gets(here{From: nodeA, Epoch: epoch(1, 1)})
		s.gets(pause{From: nodeA, Epoch: epoch(1, 1)})
		require.Zero(t, s.proxy.host)
		require.Empty(t, s.gets(here{From: nodeA, Epoch: epoch(1, 1)}), "it was sent before the pause")
		s.gets(here{From: nodeB, Epoch: epoch(2, 1)})
		require.Equal(t, nodeB, s.proxy.host)
	})
	t.Run("of an instance of which the pause came first", func(t *testing.T) {
		s := newStale(t, nodeC)
		s.gets(here{From: nodeA, Epoch: epoch(1, 1)})
		s.gets(pause{From: nodeA, Epoch: epoch(1, 2)})
		require.Empty(t, s.gets(here{From: nodeA, Epoch: epoch(1, 2)}))
	})
	t.Run("of a node that is down or gone", func(t *testing.T) {
		for _, status := range []membership.Status{membership.Down, membership.Removed} {
			s := newStale(t, nodeC)
			s.set(nodeA, status)
			require.Empty(t, s.gets(here{From: nodeA, Epoch: epoch(1, 1)}), "%v", status)
		}
	})
	t.Run("and forgets one that goes", func(t *testing.T) {
		for _, status := range []membership.Status{membership.Down, membership.Removed} {
			s := newStale(t, nodeC)
			s.gets(here{From: nodeA, Epoch: epoch(1, 1)})
			s.set(nodeA, status)
			require.Zero(t, s.proxy.host, "%v", status)
		}
	})
	t.Run("a pause of an instance before this one, or of another node", func(t *testing.T) {
		s := newStale(t, nodeC)
		s.gets(here{From: nodeA, Epoch: epoch(1, 2)})
		for _, m := range []pause{{From: nodeA, Epoch: epoch(1, 1)}, {From: nodeB, Epoch: epoch(2, 1)}} {
			effects := s.gets(m)
			require.False(t, does[route](effects))
			require.Equal(t, []paused{{From: nodeC, Epoch: m.Epoch}}, told[paused](effects), "who asks is answered, or it would wait")
		}
		require.Equal(t, nodeA, s.proxy.host)
	})
}

func TestAPromiseOfTheOldHostIsGivenOnlyWhenItIsTrue(t *testing.T) {
	s := newStale(t, nodeA)
	require.Empty(t, s.gets(handOverToMe{From: nodeB}), "it runs the instance")
	s.set(nodeA, membership.Leaving)
	require.Empty(t, s.gets(handOverToMe{From: nodeB}))
	s.leave(s.now)
	require.True(t, does[stopInstance](s.take()))
	require.Empty(t, s.gets(handOverToMe{From: nodeB}), "it stops")
	s.stopped(s.now)
	require.Len(t, told[handOverDone](s.take()), 2, "to both")
	require.Len(t, told[handOverDone](s.gets(handOverToMe{From: nodeB})), 1, "and again to who asks")
	require.False(t, does[startInstance](s.after(time.Minute)), "it never comes back")

	down := newStale(t, nodeA)
	down.set(nodeA, membership.Down)
	down.stopped(down.now)
	require.Empty(t, told[handOverDone](down.take()), "who was declared dead promises nothing: the others wait for the margin")
	require.Empty(t, down.gets(handOverToMe{From: nodeB}))
}

func TestAnInstanceWaitsForAllThatItsPredecessorsSaw(t *testing.T) {
	s := newStale(t, nodeB)
	s.set(nodeA, membership.Exiting)
	require.False(t, does[startInstance](s.gets(handOverDone{From: nodeA, UpTo: 4})), "the last host knew a member that is not seen here")
	require.False(t, does[startInstance](s.gets(handOverDone{From: nodeA, UpTo: 2})), "a late promise that says less")
	s.all = append(s.all, membership.Member{Node: membership.Node{Addr: "d:1", UID: 4}, Status: membership.Up, UpNumber: 4})
	require.True(t, does[startInstance](s.see()))
}

func TestAnOlderHostThatIsOutKeepsTheInstanceAwayForTheMargin(t *testing.T) {
	s := newStale(t, nodeB)
	s.set(nodeA, membership.Down)
	require.False(t, does[startInstance](s.gets(handOverDone{From: nodeC, UpTo: 3})), "a promise of somebody else")
	s.set(nodeA, membership.Removed)
	require.False(t, does[startInstance](s.after(simMargin-time.Millisecond)))
	require.True(t, does[startInstance](s.after(time.Millisecond)))

	promised := newStale(t, nodeB)
	promised.set(nodeA, membership.Exiting)
	require.True(t, does[startInstance](promised.gets(handOverDone{From: nodeA, UpTo: 3})), "who has promised isn't waited for")
	again := newStale(t, nodeB)
	require.False(t, does[startInstance](again.set(nodeA, membership.Removed)))
	require.True(t, does[startInstance](again.gets(handOverDone{From: nodeA, UpTo: 3})), "even when it went before the promise came")
}

func TestWhoAsksForTheInstanceIsAnsweredWhileItRuns(t *testing.T) {
	s := newStale(t, nodeA)
	require.Equal(t, []here{{From: nodeA, Epoch: epoch(1, 1)}}, told[here](s.gets(where{From: nodeB})))
	s.set(nodeC, membership.Down)
	require.Empty(t, s.gets(where{From: nodeC}), "not one that is down")
	s.set(nodeA, membership.Leaving)
	s.leave(s.now)
	s.take()
	require.Empty(t, s.gets(where{From: nodeB}), "what was sent after the pause would be lost")
	s.gets(paused{From: nodeB, Epoch: epoch(1, 1)})
	s.stopped(s.now)
	s.take()
	clear(s.askers)
	require.Empty(t, s.gets(where{From: nodeB}))
	require.Empty(t, s.askers, "nothing is kept for an instance that never comes")
}

func TestWhoHasGoneIsNotWaitedFor(t *testing.T) {
	s := newStale(t, nodeA)
	s.gets(where{From: nodeB})
	s.gets(where{From: nodeC})
	s.set(nodeA, membership.Leaving)
	s.leave(s.now)
	s.take()
	s.gets(paused{From: nodeB, Epoch: epoch(1, 1)})
	require.True(t, does[stopInstance](s.set(nodeC, membership.Down)), "its answer will never come")
}

func TestAHostThatWasDeclaredDeadNeverRunsAgain(t *testing.T) {
	s := newStale(t, nodeA)
	require.True(t, does[stopInstance](s.set(nodeA, membership.Down)))
	s.stopped(s.now)
	s.take()
	s.set(nodeA, membership.Up) // views that were under way
	require.False(t, does[startInstance](s.after(time.Minute)))
	require.Equal(t, phaseEnded, s.phase)
}

func TestOnlyOlderHostsThatLiveAreAskedToHandOver(t *testing.T) {
	s := newStale(t, nodeC)
	s.set(nodeA, membership.Down)
	var asked []membership.Node
	for _, e := range s.set(nodeB, membership.Leaving) {
		if m, ok := e.(sendTo); ok {
			asked = append(asked, m.to)
		}
	}
	require.Equal(t, []membership.Node{nodeB}, asked)
	s.gets(handOverDone{From: nodeB, UpTo: 3})
	require.Empty(t, told[handOverToMe](s.after(2*time.Second)), "who has promised isn't asked again")
}

// An older host that was out of sight for long comes back: the younger one gives the
// instance up, and goes on doing so when the older one has gone again.
func TestAHostThatGivesUpDoesSoToTheEnd(t *testing.T) {
	s := &stale{t: t, now: time.Unix(1000, 0)}
	a := membership.Member{Node: nodeA, Status: membership.Up, UpNumber: 1}
	b := membership.Member{Node: nodeB, Status: membership.Up, UpNumber: 2}
	s.core = newCore(settings{self: nodeB, margin: simMargin, retry: time.Second, pauseMax: time.Minute, backoffMin: time.Second, backoffMax: time.Second})
	s.all = []membership.Member{b}
	s.see()
	require.True(t, does[startInstance](s.after(simMargin)))
	s.gets(where{From: nodeC})
	s.all = []membership.Member{a, b}
	s.see()
	require.Equal(t, phaseReverted, s.phase)
	s.all = []membership.Member{b}
	s.see()
	s.after(2 * simMargin)
	require.Equal(t, phaseReverted, s.phase)
	s.after(time.Minute)
	s.stopped(s.now)
	require.True(t, does[startInstance](s.after(2*time.Second)), "only when the first one has stopped")
}
