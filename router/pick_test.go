package router

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func picks(p Picker, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = p.Pick("m")
	}
	return out
}

// A296: round robin doesn't skip on removal, and keeps its place over changes.
func TestRoundRobinKeepsItsPlace(t *testing.T) {
	refs, _ := standIns(testkit.New(t), 5)
	a, b, c, d, e := refs[0], refs[1], refs[2], refs[3], refs[4]
	for _, test := range []struct {
		title         string
		before, after []actor.PID
		picked        int
		next          actor.PID
	}{
		{"{a b c}, a's turn, a goes => b", []actor.PID{a, b, c}, []actor.PID{b, c}, 0, b},
		{"{a b c}, b's turn, a goes => b", []actor.PID{a, b, c}, []actor.PID{b, c}, 1, b},
		{"{a b c}, b's turn, b goes => c", []actor.PID{a, b, c}, []actor.PID{a, c}, 1, c},
		{"{a b c}, c's turn, c goes => a", []actor.PID{a, b, c}, []actor.PID{a, b}, 2, a},
		{"{a b c}, b's turn, d comes => b", []actor.PID{a, b, c}, []actor.PID{a, b, c, d}, 1, b},
		{"{b c}, c's turn, a comes before => c", []actor.PID{b, c}, []actor.PID{a, b, c}, 1, c},
		{"{a b}, b's turn, all change => the first", []actor.PID{a, b}, []actor.PID{d, e}, 1, d},
		{"{a b c}, after many rounds", []actor.PID{a, b, c}, []actor.PID{a, b, c}, 301, b},
	} {
		t.Run(test.title, func(t *testing.T) {
			p := RoundRobin{}.over(test.before, nil, nil)
			picks(p, test.picked)
			p = RoundRobin{}.over(test.after, p, nil)
			require.Equal(t, test.next, test.after[p.Pick("m")])
		})
	}
}

func TestRoundRobinWraps(t *testing.T) {
	refs, _ := standIns(testkit.New(t), 3)
	p := RoundRobin{}.over(refs, nil, nil).(*roundRobin)
	require.Equal(t, []int{0, 1, 2, 0, 1}, picks(p, 5))
	p.next.Store(1<<63 - 1) // where a signed number would turn negative
	for _, i := range picks(p, 4) {
		require.Contains(t, []int{0, 1, 2}, i)
	}
}

// A285: random reaches all of them, about equally often.
func TestRandomSpreads(t *testing.T) {
	sys := testkit.New(t, actor.Config{Seed: 7})
	refs, _ := standIns(sys, 10)
	p := Random{}.over(refs, nil, newRandom(sys, "test"))
	counts := make([]int, len(refs))
	for _, i := range picks(p, 10_000) {
		counts[i]++
	}
	for i, n := range counts {
		require.InDelta(t, 1000, n, 150, "routee %d", i)
	}
}

func TestTheSeedDecidesRandomChoices(t *testing.T) {
	draw := func(seed uint64, name string) []uint64 {
		r := newRandom(testkit.New(t, actor.Config{Seed: seed}), name)
		return []uint64{r.Uint64(), r.Uint64(), r.Uint64()}
	}
	require.Equal(t, draw(1, "a"), draw(1, "a"))
	require.NotEqual(t, draw(1, "a"), draw(2, "a"))
	require.NotEqual(t, draw(1, "a"), draw(1, "b"))
}

func TestSmallestMailboxPicks(t *testing.T) {
	idle, hidden := Load{Known: true}, Load{}
	works := func(n int) Load { return Load{Waiting: n, Busy: true, Known: true} }
	for _, test := range []struct {
		title string
		loads []Load
		want  []int // any of them
	}{
		{"idle before working", []Load{works(0), idle}, []int{1}},
		{"the first idle one", []Load{works(3), idle, idle}, []int{1}},
		{"the shortest", []Load{works(3), works(1), works(2)}, []int{1}},
		{"one waiting like one at work", []Load{works(1), {Waiting: 1, Known: true}}, []int{1}},
		{"the first of equals", []Load{works(2), works(2)}, []int{0}},
		{"any known one before the hidden", []Load{hidden, works(1000)}, []int{1}},
		{"all hidden: any", []Load{hidden, hidden}, []int{0, 1}},
	} {
		t.Run(test.title, func(t *testing.T) {
			p := smallest{n: len(test.loads), load: func(i int) Load { return test.loads[i] }, random: rand.New(rand.NewPCG(1, 1))}
			for range 20 {
				require.Contains(t, test.want, p.Pick("m"))
			}
		})
	}
}

// The dumb twin sorts.
func TestSmallestMailboxLikeItsTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		loads := make([]Load, 1+random.IntN(8))
		for i := range loads {
			loads[i] = Load{Waiting: random.IntN(4), Busy: random.IntN(2) == 0, Known: random.IntN(5) > 0}
		}
		score := func(i int) int {
			switch l := loads[i]; {
			case !l.Known:
				return 1 << 30
			case l.Busy:
				return l.Waiting + 1
			default:
				return l.Waiting
			}
		}
		order := make([]int, len(loads))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return score(a) - score(b) })
		got := smallest{n: len(loads), load: func(i int) Load { return loads[i] }, random: random}.Pick("m")
		require.Equal(t, score(order[0]), score(got), "%v", loads)
		if loads[got].Known {
			require.Equal(t, order[0], got, "%v", loads)
		}
	}
}

// pickerFunc is somebody's Picker.
type pickerFunc func(msg any) int

func (f pickerFunc) Pick(msg any) int { return f(msg) }

func TestCustomLogic(t *testing.T) {
	for _, test := range []struct {
		title string
		logic Custom
		want  int
	}{
		{"picks", func([]actor.PID) Picker { return pickerFunc(func(msg any) int { return len(msg.(string)) - 1 }) }, 0},
		{"panics: nobody", func([]actor.PID) Picker { return pickerFunc(func(msg any) int { return msg.(int) }) }, -1},
		{"has no picker: nobody", func([]actor.PID) Picker { return nil }, -1},
	} {
		t.Run(test.title, func(t *testing.T) {
			refs, _ := standIns(testkit.New(t), 2)
			require.Equal(t, test.want, test.logic.over(refs, nil, nil).Pick("m"))
		})
	}
}
