package membership

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// history makes views of one cluster as the protocol would: a few nodes change
// their own view at random and now and then hear of another's.
func history(r *rand.Rand, views, steps int) []State {
	self := make([]Node, views)
	states := make([]State, views)
	for i := range self {
		self[i] = Node{string(rune('a'+i)) + ":1", uint64(i + 1)}
		if i == 0 {
			states[0] = formed(Member{Node: self[0]}, 7)
			continue
		}
		states[0] = states[0].with(Member{Node: self[i], Status: Joining, Roles: []string{"r"}}).changedBy(self[0])
	}
	for i := range states {
		states[i] = states[0]
	}
	for range steps {
		i, j := r.IntN(views), r.IntN(views)
		s := states[i]
		switch r.IntN(7) {
		case 0, 1:
			merged := Merge(s, states[j])
			if merged.has(self[i]) {
				merged = merged.seenBy(self[i])
			}
			states[i] = merged
			continue
		case 6:
			s.Closing = s.Closing || r.IntN(20) == 0
		case 2:
			s = s.withReach(s.reach.Change(self[i], self[j], ReachStatus(r.IntN(3))))
			if i == j || !s.has(self[j]) {
				continue
			}
		case 3:
			m, ok := s.Member(self[j])
			next := Status(r.IntN(int(Down)) + 1)
			if !ok || !m.Status.CanBecome(next) {
				continue
			}
			c := Change{m.Node, m.Status, next, 0}
			if next == Up {
				c.UpNumber = s.LastUp + 1
			}
			s = s.apply(self[i], []Change{c}, 0)
		case 4:
			if m, ok := s.Member(self[j]); !ok || i == j || m.Status != Down {
				continue
			}
			s = s.without(self[j], int64(r.IntN(9)+1))
		case 5:
			x := Node{"x:" + string(rune('1'+r.IntN(9))), uint64(r.IntN(3) + 100)}
			if s.has(x) || s.Buried(x) {
				continue
			}
			s = s.with(Member{Node: x, Status: Joining, promised: uint64(r.IntN(3)) * (s.LastUp + 1) / 2})
		}
		if s.has(self[i]) { // who was removed changes nothing any more
			states[i] = s.changedBy(self[i])
		}
	}
	return states
}

func TestMergeLaws(t *testing.T) { // MB-5, MB-6
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 5))
		s := append(history(r, 4, 60), State{})
		for _, a := range s {
			checkInvariants(t, a)
			require.True(t, Merge(a, a).equal(a), "seed %d: idempotent", seed)
			for _, b := range s {
				ab := Merge(a, b)
				checkInvariants(t, ab)
				require.True(t, ab.equal(Merge(b, a)), "seed %d: commutative", seed)
				require.True(t, Merge(ab, a).equalValue(ab), "seed %d: absorbs", seed)
				require.Equal(t, ab.digest(), Merge(b, a).digest(), "seed %d", seed)
				for _, c := range s {
					require.True(t, Merge(ab, c).equal(Merge(a, Merge(b, c))), "seed %d: associative", seed)
				}
			}
		}
	}
}

// dumbMerge is Merge of the members, written for reading only.
func dumbMerge(a, b State) map[Node]Member {
	out := map[Node]Member{}
	for _, s := range []State{a, b} {
		for _, m := range s.members {
			if a.Buried(m.Node) || b.Buried(m.Node) {
				continue
			}
			old, ok := out[m.Node]
			if !ok {
				out[m.Node] = m
				continue
			}
			if m.Status > old.Status {
				old.Status = m.Status
			}
			if m.promised > old.promised {
				old.promised = m.promised
			}
			if old.UpNumber == 0 || m.UpNumber != 0 && m.UpNumber < old.UpNumber {
				old.UpNumber = m.UpNumber
			}
			out[m.Node] = old
		}
	}
	return out
}

func TestMergeAgreesWithItsTwin(t *testing.T) {
	for seed := range uint64(300) {
		s := history(rand.New(rand.NewPCG(seed, 6)), 3, 40)
		merged := Merge(s[0], s[1])
		want := dumbMerge(s[0], s[1])
		require.Len(t, merged.members, len(want), "seed %d", seed)
		for _, m := range merged.members {
			require.True(t, sameMember(want[m.Node], m), "seed %d: %v, want %v", seed, m, want[m.Node])
		}
	}
}

func TestStatusNeverGoesBackInMerge(t *testing.T) { // MB-1
	for seed := range uint64(300) {
		s := history(rand.New(rand.NewPCG(seed, 7)), 3, 40)
		merged := Merge(s[0], s[1])
		for _, side := range s[:2] {
			for _, m := range side.members {
				if after, ok := merged.Member(m.Node); ok {
					require.GreaterOrEqual(t, after.Status, m.Status)
				} else {
					require.True(t, merged.Buried(m.Node), "only a tombstone takes a member out")
				}
			}
		}
	}
}

func TestTombstones(t *testing.T) {
	a, b := Node{"a:1", 1}, Node{"b:1", 2}
	s := formed(Member{Node: a}, 7).with(Member{Node: b, Status: Down}).changedBy(a)
	removed := s.without(b, 100).changedBy(a)
	t.Run("an older view doesn't bring the removed back", func(t *testing.T) {
		merged := Merge(s.changedBy(b), removed)
		require.False(t, merged.has(b))
		require.Zero(t, merged.clock.Count(b))
	})
	t.Run("a new incarnation of the address is somebody else", func(t *testing.T) {
		again := Node{"b:1", 3}
		merged := Merge(removed.with(Member{Node: again, Status: Joining}), removed)
		require.True(t, merged.has(again))
	})
	t.Run("clearing drops those up to the stamp, in merges too", func(t *testing.T) {
		require.Len(t, removed.cleared(99).tombs, 1)
		cleared := removed.cleared(100)
		require.Empty(t, cleared.tombs)
		require.Empty(t, Merge(cleared, removed).tombs)
	})
	t.Run("a stamp the horizon covers is moved beyond it", func(t *testing.T) {
		late := s.cleared(500).without(b, 100)
		require.Equal(t, []Tombstone{{Node: b, At: 501}}, late.Tombstones())
	})
	t.Run("overflow names the stamp that makes room", func(t *testing.T) {
		x := State{tombs: []Tombstone{{Node: a, At: 5}, {Node: b, At: 3}, {Node: Node{"c:1", 1}, At: 9}}}
		require.Zero(t, x.overflow(3))
		require.Equal(t, int64(3), x.overflow(2))
		require.Len(t, x.cleared(x.overflow(1)).tombs, 1)
	})
}
