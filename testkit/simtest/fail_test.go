package simtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/persistence"
)

// failing runs a script that must fail and returns what it reports.
func failing(t *testing.T, script func(w *World)) string {
	t.Helper()
	v := &trial{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runSeed(v, 7, "example.org/pkg", false, script)
	}()
	<-done
	require.True(t, v.failed, "the script had to fail; it said: %s", v.text.String())
	return v.text.String()
}

func TestAFailureTellsHowToReplayIt(t *testing.T) {
	scripts := map[string]func(w *World){
		"from the script": func(w *World) { w.Node("a"); w.Failf("the cause") },
		"from the turn of an actor": func(w *World) {
			pid, err := w.Node("a").System().Spawn("x", func() actor.Actor {
				return actor.Func(func(*actor.Context) { w.Failf("the cause") })
			})
			require.NoError(w.T(), err)
			pid.Tell(1)
			w.Run(time.Second)
		},
		"from a function that panics": func(w *World) {
			w.Node("a").Go(func() { panic("the cause") })
			w.Run(time.Second)
		},
		"from a condition that stays false": func(w *World) {
			w.Until("something", time.Second, func() string { return "the cause" })
		},
		"from a checker": func(w *World) {
			n := w.Node("a")
			w.Watch(&failAfter{n: 3})
			for range 5 {
				n.Go(func() {})
			}
			w.Run(time.Second)
		},
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			text := failing(t, script)
			require.Contains(t, text, "the cause")
			require.Contains(t, text, "replay: go test example.org/pkg -run '^TestAFailure")
			require.Contains(t, text, " -sim.seed=7\n")
			require.Contains(t, text, `"LatencyBase":200000`)
		})
	}
}

// What matters comes first: how to see it again, what broke, what was done to the
// world, the messages that name what it is about, and only then the rest.
func TestAFailureTellsItsStoryFirst(t *testing.T) {
	text := failing(t, func(w *World) {
		n := w.Node("a")
		pid, err := n.System().Spawn("x", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
		require.NoError(w.T(), err)
		w.Run(2500 * time.Millisecond)
		w.Pause(n, 1234567*time.Microsecond)
		for i := range 500 {
			pid.Tell(fmt.Sprint("parcel ", i))
		}
		pid.Tell("letter")
		w.Watch(&failAfter{n: 1, about: []string{"parcel"}})
		w.Run(10 * time.Second)
	})
	last := 0
	for _, part := range []string{
		"seed 7 fails after 3.735s", "replay: go test", "broken:\ninvariant X-1 is broken: the cause", "2.500s  a paused for 1.235s", "3.735s  a goes on",
		"the last 120 of 500 messages about parcel:", "parcel 499", "faults drawn", "events", "last log lines",
	} {
		at := strings.Index(text, part)
		if part == "last log lines" && at < 0 {
			break // there are none
		}
		require.Greater(t, at, last-1, "%q, in its place, in\n%s", part, text)
		last = at
	}
	require.NotContains(t, text, "letter")
	require.NotContains(t, text, "parcel 0\n")
	require.Less(t, len(text), 64<<10)
}

// What never happens in many seeds fails the test; in few it may.
func TestWhatIsToHappenSometimesHappens(t *testing.T) {
	judge := func(seeds int, counts map[string]int) *trial {
		v := &trial{TB: t}
		(&campaign{counts: counts}).finish(v, seeds)
		return v
	}
	require.False(t, judge(campaignMin-1, map[string]int{"a fence": 0}).failed)
	require.False(t, judge(campaignMin, map[string]int{"a fence": 1}).failed)
	dull := judge(campaignMin, map[string]int{"a fence": 0, "a cut": 3})
	require.True(t, dull.failed)
	require.Contains(t, dull.text.String(), "never happened in 200 seeds: a fence")
	require.Contains(t, dull.text.String(), "a cut: 3")

	all := &campaign{counts: map[string]int{}}
	for range 3 {
		require.NoError(t, Measure(1, all.of(func(w *World) { w.Sometimes("a seed", 2) })))
	}
	require.Equal(t, map[string]int{"a seed": 6}, all.counts)
	require.NoError(t, Measure(1, func(w *World) { w.Sometimes("a seed", 2) }), "outside of a campaign nobody counts")
}

func TestATimelineIsBounded(t *testing.T) {
	var l timeline
	for i := range 10_000 {
		l.add(time.Duration(i)*time.Second, fmt.Sprint("fault ", i))
	}
	lines := strings.Split(l.String(), "\n")
	require.Len(t, lines, timelineFirst+1+timelineLast)
	require.Equal(t, "      0.000s  fault 0", lines[0])
	require.Contains(t, lines[timelineFirst], fmt.Sprintf("(%d more)", 10_000-timelineFirst-timelineLast))
	require.Contains(t, lines[len(lines)-1], "fault 9999")
}

type failAfter struct {
	n     int
	about []string
}

func (f *failAfter) Name() string { return "X-1" }
func (f *failAfter) Check(*World) error {
	if f.n--; f.n < 0 {
		return violation(f.about, "the cause")
	}
	return nil
}

func TestAScriptThatBlocksForEverFails(t *testing.T) {
	text := failing(t, func(w *World) {
		var g actor.Gate
		w.Node("a").Executor().Wait(&g)
	})
	require.Contains(t, text, "the script waits for a gate")
}

func TestATimerFunctionMustNotBlock(t *testing.T) {
	text := failing(t, func(w *World) {
		n := w.Node("a")
		n.Clock().AfterFunc(time.Second, func() { n.Executor().Wait(&actor.Gate{}) })
		w.Run(time.Minute)
	})
	require.Contains(t, text, "a timer function of node a blocks")
}

func TestALoopWithoutTimeFails(t *testing.T) {
	text := failing(t, func(w *World) {
		n := w.Node("a")
		s := w.Swarm()
		s.TurnMax = 0
		w.SetSwarm(s)
		var again func()
		again = func() { n.Go(again) }
		again()
		w.Run(time.Second)
	})
	require.Contains(t, text, "without any time going by")
}

func TestASeedThatRunsDifferentlyIsFound(t *testing.T) {
	outside := 0
	*flagTwice = 1
	defer func() { *flagTwice = 0.02 }()
	text := failing(t, func(w *World) {
		n := w.Node("a")
		n.Go(func() {
			outside++
			n.Clock().AfterFunc(time.Duration(outside)*time.Second, func() {})
		})
		w.Run(time.Minute)
	})
	require.Contains(t, text, "seed 7 runs differently each time")
	require.Contains(t, text, "first run")
	require.Contains(t, text, "timer")
}

func TestOraclesSeeWhatIsWrong(t *testing.T) {
	e := func(n uint64) actor.Epoch { return actor.Epoch{Cluster: 1, Node: n} }
	put := func(w *World, n *Node, seq, epoch uint64) {
		for _, f := range w.disk.appends {
			f(Appended{Node: n, UID: n.UID(), ID: "id", Epoch: e(epoch), Events: []persistence.Event{{Seq: seq}}})
		}
	}
	cases := map[string]struct {
		break_ func(w *World, a, b *Node)
		want   string
	}{
		"a gap": {func(w *World, a, _ *Node) {
			NewWrites(w)
			put(w, a, 1, 1)
			put(w, a, 3, 1)
		}, "PS-1"},
		"an older epoch writes": {func(w *World, a, b *Node) {
			NewWrites(w)
			put(w, a, 1, 2)
			put(w, b, 2, 1)
		}, "PS-1"},
		"an older epoch writes after a claim": {func(w *World, a, b *Node) {
			c := NewWrites(w)
			c.appended(Appended{Node: b, UID: b.UID(), ID: "id", Epoch: e(2)})
			put(w, a, 1, 1)
		}, "PS-1"},
		"two write under one epoch": {func(w *World, a, b *Node) {
			NewWrites(w)
			put(w, a, 1, 2)
			put(w, b, 2, 2)
		}, "PS-1"},
		"an owner finds the events of another": {func(w *World, a, _ *Node) {
			NewWrites(w)
			put(w, a, 1, 1)
			require.NoError(w.T(), w.Stored().Append(context.Background(), "x", e(1), []persistence.Event{{PersistenceID: "x", Seq: 1, Name: "e"}}))
			a.Do(func() {
				err := a.Store().Append(context.Background(), "x", e(1), []persistence.Event{{PersistenceID: "x", Seq: 1, Name: "e"}})
				require.ErrorIs(w.T(), err, persistence.ErrConflict)
			})
		}, "PS-1"},
		"an acknowledged event is not recovered": {func(w *World, a, b *Node) {
			c := NewWrites(w)
			put(w, a, 1, 1)
			c.Acked("id", 1)
			c.appended(Appended{Node: b, UID: b.UID(), ID: "id", Epoch: e(2)}) // a claim
			c.Recovered(b, "id", 0)
		}, "PS-2"},
		"an acknowledgement of nothing": {func(w *World, a, _ *Node) { NewWrites(w).Acked("id", 1) }, "PS-2"},
		"two live at once": {func(w *World, a, b *Node) {
			l := NewLive(w, "entity", nil)
			l.Strict = true
			l.Began(a, "id", e(1))
			l.Began(b, "id", e(2))
		}, "SH-1"},
		"one epoch for two processes": {func(w *World, a, b *Node) {
			l := NewLive(w, "entity", nil)
			l.Began(a, "id", e(1))
			l.Ended(a, "id")
			l.Began(b, "id", e(1))
		}, "SH-2"},
		"an older epoch begins": {func(w *World, a, b *Node) {
			l := NewLive(w, "entity", nil)
			l.Strict = true
			l.Began(a, "id", e(2))
			l.Ended(a, "id")
			l.Began(b, "id", e(1))
		}, "SH-2"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := failing(t, func(w *World) {
				a, b := w.Node("a"), w.Node("b")
				w.Run(time.Second)
				c.break_(w, a, b)
				a.Go(func() {})
				w.Run(time.Second)
			})
			require.Contains(t, text, c.want)
		})
	}
}

func TestTheMembershipOracleSeesWhatIsWrong(t *testing.T) {
	one, two := membership.Node{Addr: "a:1", UID: 1}, membership.Node{Addr: "b:1", UID: 2}
	states := map[string]membership.Status{"up": membership.Up, "leaving": membership.Leaving, "down": membership.Down}
	require.True(t, reachable(membership.Joining, states["down"]))
	require.True(t, reachable(membership.Up, membership.Exiting))
	require.False(t, reachable(states["leaving"], states["up"]))
	require.False(t, reachable(states["down"], membership.Exiting))
	m := NewMembership()
	w := &witness{latest: map[membership.Node]membership.Status{one: membership.Down}, gone: map[membership.Node]bool{}}
	view := membership.ViewOf(membership.State{Created: 5}, two)
	require.NoError(t, m.statuses(w, view))
	require.True(t, w.gone[one], "who is missing is gone for good")
	w.begun, w.view = true, membership.ViewOf(membership.State{Created: 4}, two)
	require.ErrorContains(t, m.oneCluster(w, view), "MB-9")

	up := func(created int64, n membership.Node, number uint64) membership.View {
		return membership.ViewOf(membership.Assemble(created, []membership.Member{{Node: n, Status: membership.Up, UpNumber: number}}), n)
	}
	fresh := func() *witness {
		return &witness{latest: map[membership.Node]membership.Status{}, gone: map[membership.Node]bool{}}
	}
	require.NoError(t, m.numbers(fresh(), up(5, one, 1)))
	require.NoError(t, m.numbers(fresh(), up(6, two, 1)), "in another cluster")
	require.ErrorContains(t, m.numbers(fresh(), up(5, two, 1)), "MB-3", "a number given twice, in views of two processes")
	require.ErrorContains(t, m.numbers(fresh(), up(5, one, 2)), "MB-3", "another number in the view of another process")
	require.ErrorContains(t, m.numbers(fresh(), up(5, two, 0)), "MB-3")
	seen := fresh()
	require.NoError(t, m.statuses(seen, up(5, one, 1)))
	require.NoError(t, m.statuses(seen, up(5, two, 2)))
	require.ErrorContains(t, m.statuses(seen, up(5, one, 1)), "MB-4")
	back := fresh()
	back.latest[one] = membership.Exiting
	require.ErrorContains(t, m.statuses(back, up(5, one, 1)), "MB-1")
	m.count, m.last = everyNth-1, up(5, two, 2)
	require.NoError(t, m.sample(fresh(), up(5, one, 1)))
}

func TestWhoIsDownedAndDoesNotStopIsSeen(t *testing.T) {
	script := func(stops bool) func(w *World) {
		return func(w *World) {
			a, b := w.Node("a"), w.Node("b")
			view := func(self *Node, other membership.Status) membership.View {
				first := membership.Member{Node: membership.Node{Addr: a.Addr(), UID: a.UID()}, Status: membership.Up, UpNumber: 1}
				second := membership.Member{Node: membership.Node{Addr: b.Addr(), UID: b.UID()}, Status: other, UpNumber: 2}
				return membership.ViewOf(membership.Assemble(5, []membership.Member{first, second}), membership.Node{Addr: self.Addr(), UID: self.UID()})
			}
			w.Members().Saw(a, view(a, membership.Up))
			w.Members().Saw(b, view(b, membership.Up))
			w.Members().Saw(a, view(a, membership.Down))
			if w.Run(2900 * time.Millisecond); stops {
				w.Members().ended(b)
			}
			w.Run(200 * time.Millisecond)
			a.Go(func() {})
			w.Run(time.Second)
		}
	}
	require.Contains(t, failing(t, script(false)), "SB-5: a declared b")
	Run(t, 1, script(true))
}

func TestShrinkingFindsTheFaultThatMatters(t *testing.T) {
	without := shrink(t, 7, "example.org/pkg", func(w *World) {
		w.SetSwarm(Swarm{Crash: time.Second, Pause: time.Second, PauseMax: time.Second, RestartMax: time.Second,
			Sever: time.Second, SkewMax: time.Second, DiskDoubt: 0.5})
		a, b := w.Node("a"), w.Node("b")
		w.Chaos(time.Minute, a, b)
		if a.Process() > 1 {
			w.Failf("a was restarted")
		}
	})
	require.NotContains(t, without, "Crash")
	require.Len(t, without, len(families())-1)
}
