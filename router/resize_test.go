package router

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// loads is what a resizer sees: so many routees for each letter. i: idle,
// b: busy with nothing waiting, q: busy with one waiting, Q: with ten, ?: hidden.
func loads(s string) []Load {
	var loads []Load
	for _, c := range s {
		switch c {
		case 'i':
			loads = append(loads, Load{Known: true})
		case 'b':
			loads = append(loads, Load{Busy: true, Known: true})
		case 'q':
			loads = append(loads, Load{Waiting: 1, Busy: true, Known: true})
		case 'Q':
			loads = append(loads, Load{Waiting: 10, Busy: true, Known: true})
		default:
			loads = append(loads, Load{})
		}
	}
	return loads
}

// A294: capacity, pressure, ramp-up and back-off.
func TestResizeDecides(t *testing.T) {
	for _, test := range []struct {
		pool   string
		resize Resize
		want   int
	}{
		{"qqqqq", Resize{}, 1},
		{"qqqqqq", Resize{}, 2},
		{"qqqqqq", Resize{RampUp: 1}, 4},
		{"qqqqqqqqqq", Resize{}, 0},
		{"qqqqqqqqq", Resize{RampUp: 0.5}, 1},
		{"qqqqi", Resize{}, 0},
		{"qqqqb", Resize{}, 0},
		{"bbbbb", Resize{Queued: -1}, 1},
		{"qqqqq", Resize{Queued: 5, BackoffBelow: -1}, 0},
		{"QQQQQ", Resize{Queued: 5}, 1},
		{"iiiii", Resize{}, -1},
		{"qiiii", Resize{}, -1},
		{"qqiii", Resize{}, 0},
		{"iiiiiiiiii", Resize{Backoff: 0.5}, -5},
		{"iiiii", Resize{Backoff: -1}, 0},
		{"iiiii", Resize{BackoffBelow: -1}, 0},
		{"iiiii", Resize{Lower: 5}, 0},
		{"i", Resize{}, 0},
		{"ii", Resize{Lower: 4}, 2},
		{"iiiiiiiiiiii", Resize{}, -2},
		{"?????", Resize{}, 0},
		{"q?q?", Resize{}, 1},
		{"ii???????", Resize{}, -1},
		{"", Resize{Lower: 2}, 2},
	} {
		t.Run("{"+test.pool+"}", func(t *testing.T) {
			require.Equal(t, test.want, test.resize.start().decide(time.Time{}, loads(test.pool), 0, nil))
		})
	}
}

func TestSettingsOfResizersAreChecked(t *testing.T) {
	for _, test := range []struct {
		resizer Resizer
		want    string
	}{
		{Resize{}, ""},
		{Resize{Lower: 2, Upper: 2}, ""},
		{Resize{Lower: -1}, "Lower and Upper"},
		{Resize{Lower: 5, Upper: 4}, "Lower and Upper"},
		{Resize{Lower: 11}, "Lower and Upper"},
		{Resize{Upper: routeesMax + 1}, "Lower and Upper"},
		{Resize{RampUp: -0.1}, "RampUp"},
		{Resize{BackoffBelow: 1.1}, "BackoffBelow"},
		{Resize{Backoff: 1.1}, "Backoff"},
		{Resize{Messages: -1}, "Messages"},
		{Explore{}, ""},
		{Explore{Lower: 3, Upper: 2}, "Lower and Upper"},
		{Explore{Interval: -1}, "Interval"},
		{Explore{Chance: 1.5}, "Chance"},
		{Explore{Weight: -1}, "Weight"},
	} {
		err := test.resizer.check()
		if test.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, test.want)
		}
	}
}

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A295: what is measured when.
func TestExploreMeasures(t *testing.T) {
	type look struct {
		after    time.Duration // since the start
		pool     string
		received uint64
	}
	for _, test := range []struct {
		title string
		looks []look
		want  map[int]time.Duration
	}{
		{"one look measures nothing", []look{{0, "qq", 10}}, map[int]time.Duration{}},
		{
			"fully used twice: received and what the queues lost",
			[]look{{0, "QQ", 0}, {5 * time.Second, "qq", 32}},
			map[int]time.Duration{2: 100 * time.Millisecond},
		},
		{"nothing processed", []look{{0, "qq", 0}, {5 * time.Second, "QQ", 18}}, map[int]time.Duration{}},
		{"not fully used before", []look{{0, "qi", 0}, {5 * time.Second, "qq", 50}}, map[int]time.Duration{}},
		{"not fully used now", []look{{0, "qq", 0}, {5 * time.Second, "qi", 50}}, map[int]time.Duration{}},
		{
			"weighted with what was known",
			[]look{{0, "qq", 0}, {time.Second, "qq", 10}, {2 * time.Second, "qq", 60}},
			map[int]time.Duration{2: 60 * time.Millisecond},
		},
	} {
		t.Run(test.title, func(t *testing.T) {
			e := Explore{}.start().(*explorer)
			for _, l := range test.looks {
				e.look(start.Add(l.after), loads(l.pool), l.received)
			}
			require.Equal(t, test.want, e.perMessage)
		})
	}
}

// A295: the streak of not being fully used begins, keeps, rises, and ends.
func TestExploreNotesIdleness(t *testing.T) {
	e := Explore{}.start().(*explorer)
	at := func(d time.Duration, pool string) *idleStreak {
		e.look(start.Add(d), loads(pool), 0)
		return e.idle
	}
	require.Nil(t, at(0, "bb"))
	require.Equal(t, &idleStreak{since: start.Add(time.Hour), most: 1}, at(time.Hour, "bi"))
	require.Equal(t, &idleStreak{since: start.Add(time.Hour), most: 1}, at(2*time.Hour, "ii"))
	require.Equal(t, &idleStreak{since: start.Add(time.Hour), most: 2}, at(3*time.Hour, "bib"))
	require.Nil(t, at(4*time.Hour, "qqq"))
}

// A295: what follows from it.
func TestExploreChanges(t *testing.T) {
	known := func(ms ...int) map[int]time.Duration { // size, time, size, time, …
		m := map[int]time.Duration{}
		for i := 0; i < len(ms); i += 2 {
			m[ms[i]] = time.Duration(ms[i+1]) * time.Millisecond
		}
		return m
	}
	never, always := 1e-12, 1.0
	for _, test := range []struct {
		title   string
		explore Explore
		size    int
		idle    *idleStreak
		known   map[int]time.Duration
		want    []int // the least and the most
	}{
		{"nothing is known", Explore{}, 5, nil, nil, []int{0, 0}},
		{"not fully used for a while", Explore{}, 5, &idleStreak{start.Add(-time.Hour), 2}, known(5, 1), []int{0, 0}},
		{"not fully used for long: a part of the most busy", Explore{}, 9, &idleStreak{start.Add(-73 * time.Hour), 6}, nil, []int{-5, -5}},
		{"the same, but never up", Explore{IdleRatio: 1}, 5, &idleStreak{start.Add(-73 * time.Hour), 6}, nil, []int{0, 0}},
		{"try more", Explore{Chance: always, Step: 0.5, ChanceDown: never}, 20, nil, known(20, 1), []int{1, 9}},
		{"try fewer", Explore{Chance: always, Step: 0.5, ChanceDown: always}, 20, nil, known(20, 1), []int{-9, -1}},
		{"try at least one", Explore{Chance: always, ChanceDown: never}, 1, nil, known(1, 1), []int{1, 1}},
		{"half the way up, rounded up", Explore{Chance: never}, 5, nil, known(5, 9, 8, 3), []int{2, 2}},
		{"half the way down, rounded down", Explore{Chance: never}, 8, nil, known(5, 3, 8, 9), []int{-2, -2}},
		{"stay where it is best", Explore{Chance: never}, 5, nil, known(4, 2, 5, 1, 6, 2), []int{0, 0}},
		{"from an unknown size", Explore{Chance: never}, 6, nil, known(2, 1, 7, 5), []int{-2, -2}},
		{"far sizes don't count", Explore{Chance: never, Range: 2}, 5, nil, known(1, 1, 4, 3, 5, 5, 6, 4, 9, 1), []int{-1, -1}},
	} {
		t.Run(test.title, func(t *testing.T) {
			e := test.explore.start().(*explorer)
			e.idle = test.idle
			if test.known != nil {
				e.perMessage = test.known
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range 50 {
				change := e.change(start, test.size, random)
				require.GreaterOrEqual(t, change, test.want[0])
				require.LessOrEqual(t, change, test.want[1])
			}
		})
	}
}

func TestExploreKeepsWithinItsBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	e := Explore{Lower: 2, Upper: 6, Chance: 0.9, Step: 1}.start()
	require.Equal(t, 2, Explore{Lower: 2}.first(9), "begins at the lower bound")
	size, received, sizes := 2, uint64(0), map[int]bool{}
	for i := range 500 {
		received += random.Uint64N(100)
		loads := make([]Load, size)
		for j := range loads {
			loads[j] = Load{Waiting: random.IntN(5), Busy: true, Known: true}
		}
		size += e.decide(start.Add(time.Duration(i)*time.Second), loads, received, random)
		require.GreaterOrEqual(t, size, 2)
		require.LessOrEqual(t, size, 6)
		sizes[size] = true
	}
	require.Len(t, sizes, 5, "every size was tried")
}

// A pool whose routees die one after the other comes back at a limited rate, however many
// messages ask for more of them, and however its routees' failures are decided.
func TestDyingRouteesAreReplacedAtALimitedRate(t *testing.T) {
	for title, opts := range map[string][]Option{
		"they stop":           {RouteeOptions{actor.Supervise{MaxRestarts: -1}}},
		"the router restarts": nil,
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := testkit.Start(t, testkit.Config{Unchecked: true})
				var spawned atomic.Int64
				factory := func() actor.Actor {
					spawned.Add(1)
					return actor.Func(func(*actor.Context) { panic("at once") })
				}
				pool := testkit.Must(Pool(sys, "pool", 2, factory, RoundRobin{}, append(opts, Resize{Lower: 2, Upper: 6})...))
				for range 100 {
					for range 20 {
						pool.Tell(1)
					}
					time.Sleep(10 * time.Millisecond)
				}
				require.LessOrEqual(t, spawned.Load(), int64(8), "in a second")
				for range 100 {
					pool.Tell(1)
					time.Sleep(time.Second)
				}
				require.LessOrEqual(t, spawned.Load(), int64(40), "in two minutes")
				require.Greater(t, spawned.Load(), int64(8), "it goes on")
			})
		})
	}
}
