package actor

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRankedHeapIsASortedList compares it with one on random steps.
func TestRankedHeapIsASortedList(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var h rankedHeap
		var twin []ranked
		forget := func(r ranked) {
			i := slices.IndexFunc(twin, func(o ranked) bool { return o.order == r.order })
			twin = slices.Delete(twin, i, i+1)
		}
		for step := range 2000 {
			switch {
			case rnd.IntN(5) < 3 || len(h) == 0:
				r := ranked{priority: rnd.IntN(4), order: uint64(step)}
				h.push(r)
				twin = append(twin, r)
				slices.SortFunc(twin, func(a, b ranked) int {
					return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.order, b.order))
				})
			case rnd.IntN(4) > 0:
				want := twin[0]
				require.Equal(t, want, h.pop(), "seed %d", seed)
				forget(want)
			default:
				i := rnd.IntN(len(h))
				want := h[i]
				require.Equal(t, want, h.remove(i), "seed %d", seed)
				forget(want)
			}
			require.Len(t, h, len(twin))
		}
		for len(twin) > 0 {
			require.Equal(t, twin[0], h.pop(), "seed %d", seed)
			twin = twin[1:]
		}
		require.Empty(t, h)
	}
}
