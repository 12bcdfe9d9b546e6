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

// TestDisciplineIsASortedList compares a mailbox of ranked messages, with those of the
// runtime among them, with a list that is searched from end to end.
func TestDisciplineIsASortedList(t *testing.T) {
	type entry struct {
		priority, order, epoch int
		own                    bool
	}
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		d := newDiscipline(Mailbox{Max: 20, Overflow: DropOldest, Priority: func(msg any) int { return msg.(entry).priority }})
		var twin []entry
		epoch, order := 0, 0
		less := func(a, b entry) int {
			return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.priority, b.priority), cmp.Compare(a.order, b.order))
		}
		pop := func() entry {
			best := slices.IndexFunc(twin, func(e entry) bool { return e.own })
			if best < 0 || slices.ContainsFunc(twin[:best], func(e entry) bool { return !e.own }) {
				best = slices.IndexFunc(twin, func(e entry) bool { return !e.own })
				for i, e := range twin {
					if !e.own && less(e, twin[best]) < 0 {
						best = i
					}
				}
			}
			e := twin[best]
			twin = slices.Delete(twin, best, best+1)
			return e
		}
		for range 3000 {
			switch n := rnd.IntN(10); {
			case n < 5:
				order++
				e := entry{priority: rnd.IntN(4), order: order, epoch: epoch}
				evicted, err := d.push(envelope{msg: e}, d.rank(e))
				require.NoError(t, err)
				if evicted != nil {
					twin = slices.Delete(twin, slices.Index(twin, evicted.msg.(entry)), slices.Index(twin, evicted.msg.(entry))+1)
				}
				twin = append(twin, e)
			case n < 6:
				order++
				e := entry{order: order, own: true}
				require.NoError(t, d.pushOwn(envelope{msg: e}))
				twin = append(twin, e)
			case n < 7 && rnd.IntN(4) == 0:
				order++
				require.NoError(t, d.pushOwn(envelope{msg: Kill{}}))
				twin = append(twin, entry{order: order, own: true, epoch: -1})
				epoch++
			case len(twin) > 0:
				env, ok := d.pop()
				require.True(t, ok)
				want := pop()
				if want.epoch < 0 {
					require.Equal(t, Kill{}, env.msg, "seed %d", seed)
				} else {
					require.Equal(t, want, env.msg, "seed %d", seed)
				}
			}
		}
		require.Len(t, d.close(), len(twin))
	}
}
