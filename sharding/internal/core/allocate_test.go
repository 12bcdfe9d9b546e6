package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// loadsOf makes regions A, B, C… with that many shards, numbered from 1.
func loadsOf(counts ...int) []Load {
	var loads []Load
	next := uint32(1)
	for i, n := range counts {
		l := Load{Node: Node{Addr: string(rune('a'+i)) + ":1", UID: 1}}
		for range n {
			l.Shards = append(l.Shards, next)
			next++
		}
		loads = append(loads, l)
	}
	return loads
}

// apply moves shards one after another to where a new one would go.
func apply(s LeastShards, loads []Load, moves []uint32) []Load {
	for _, m := range moves {
		for i := range loads {
			loads[i].Shards = slices.DeleteFunc(loads[i].Shards, func(x uint32) bool { return x == m })
		}
		to, _ := s.Allocate(loads)
		for i := range loads {
			if loads[i].Node == to {
				loads[i].Shards = append(loads[i].Shards, m)
				slices.Sort(loads[i].Shards)
			}
		}
	}
	return loads
}

func counts(loads []Load) []int {
	var c []int
	for _, l := range loads {
		c = append(c, len(l.Shards))
	}
	return c
}

func TestAllocateTakesTheFewest(t *testing.T) {
	to, ok := LeastShards{}.Allocate(loadsOf(1, 1, 0))
	require.True(t, ok)
	require.Equal(t, "c:1", to.Addr)
	to, _ = LeastShards{}.Allocate(loadsOf(1, 1))
	require.Equal(t, "a:1", to.Addr, "ties go by address")
	_, ok = LeastShards{}.Allocate(nil)
	require.False(t, ok)
}

func TestRebalance(t *testing.T) {
	free := LeastShards{Absolute: 1000, Relative: 1}
	for _, c := range []struct {
		title  string
		s      LeastShards
		counts []int
		moves  []uint32
		then   []int
	}{
		{"even", free, []int{1, 1, 0}, nil, []int{1, 1, 0}},
		{"one above", free, []int{1, 2, 0}, []uint32{2}, []int{1, 1, 1}},
		{"two on one", free, []int{2, 0, 0}, []uint32{1}, []int{1, 1, 0}},
		{"all on one", free, []int{3, 0, 0}, []uint32{1, 2}, []int{1, 1, 1}},
		{"two full", free, []int{4, 4, 0}, []uint32{1, 5}, []int{3, 3, 2}},
		{"after it", free, []int{3, 3, 2}, nil, []int{3, 3, 2}},
		{"second phase", free, []int{4, 4, 2}, []uint32{1}, []int{3, 4, 3}},
		{"five and five", free, []int{5, 5, 0}, []uint32{1, 6}, []int{4, 4, 2}},
		{"a limit", LeastShards{Absolute: 3, Relative: 1}, []int{1, 9, 0}, []uint32{2, 3, 4}, []int{2, 6, 2}},
		{"a share", LeastShards{Absolute: 5, Relative: 0.3}, []int{1, 9, 0}, []uint32{2, 3, 4}, []int{2, 6, 2}},
		{"the default moves a tenth", LeastShards{}, []int{30, 0, 0}, []uint32{1, 2, 3}, []int{27, 2, 1}},
		{"nobody", free, nil, nil, nil},
	} {
		t.Run(c.title, func(t *testing.T) {
			loads := loadsOf(c.counts...)
			moves := c.s.Rebalance(loads)
			require.Equal(t, c.moves, moves)
			require.Equal(t, c.then, counts(apply(c.s, loads, moves)))
		})
	}
}

// SH-5: it ends, and then nobody has two more than another.
func TestRebalanceEnds(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		s := LeastShards{Absolute: 1 + random.IntN(40), Relative: random.Float64()}
		var c []int
		for range 1 + random.IntN(20) {
			c = append(c, random.IntN(30))
		}
		t.Run(fmt.Sprint(c, s), func(t *testing.T) {
			loads := loadsOf(c...)
			for round := 0; ; round++ {
				require.Less(t, round, 600)
				moves := s.Rebalance(loads)
				if len(moves) == 0 {
					break
				}
				require.LessOrEqual(t, len(moves), s.Absolute)
				loads = apply(s, loads, moves)
			}
			got := counts(loads)
			require.LessOrEqual(t, slices.Max(got)-slices.Min(got), 1)
		})
	}
}
