package membership

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// carry takes a delta over the wire.
func carry(t testing.TB, d Delta) Delta {
	t.Helper()
	body, err := d.AppendWire(codec.Scope{}, nil)
	require.NoError(t, err)
	var got Delta
	require.NoError(t, got.DecodeWire(codec.Scope{}, body))
	return got
}

// TestADeltaLeadsToTheValueItNames: for any two views of a cluster, in either
// direction, what changed between them makes the other of the one.
func TestADeltaLeadsToTheValueItNames(t *testing.T) {
	a, b := Node{"x:1", 1}, Node{"y:1", 2}
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 11))
		views := history(r, 4, 60)
		for _, base := range views {
			for _, s := range views {
				s = Merge(base, s) // who tells of changes has seen what they start from
				if r.IntN(3) == 0 {
					s = s.cleared(int64(r.IntN(9)))
				}
				part, gone := s.since(base)
				d := carry(t, Delta{From: a, To: b, Created: s.Created, Base: base.digest(), Value: s.digest(),
					Seen: s.bits(), Gone: gone, Part: part})
				got, ok := d.patched(base)
				require.True(t, ok, "seed %d: from\n%+v to\n%+v", seed, base, s)
				require.True(t, got.equal(s), "seed %d", seed)
				d.Value++
				_, ok = d.patched(base)
				require.False(t, ok, "a value that isn't the one named is noticed")
			}
		}
	}
}

func TestBits(t *testing.T) {
	var s State
	for i := range 17 {
		s = s.with(Member{Node: Node{"a:" + string(rune('1'+i%9)) + string(rune('0'+i%10)), uint64(i + 1)}})
	}
	s = s.seenBy(s.members[0].Node).seenBy(s.members[8].Node).seenBy(s.members[16].Node)
	require.Equal(t, []byte{1, 1, 1}, s.bits())
	blank := s
	blank.seen = nil
	require.Equal(t, s.seen, blank.withBits(s.bits()).seen)
	require.Empty(t, blank.withBits([]byte{255, 255}).seen, "a table of another size means nothing")
	require.Len(t, blank.withBits([]byte{255, 255, 255}).seen, 17)
}

func TestTrail(t *testing.T) {
	a := Node{"a:1", 1}
	s := formed(Member{Node: a}, 7)
	s.seen = nil
	var tr trail
	for i := range uint64(trailMax + 3) {
		tr.add(i, s)
	}
	require.Len(t, tr.values, trailMax, "the oldest are forgotten")
	require.Negative(t, tr.find(2))
	_, ok := tr.latestOf(a)
	require.False(t, ok)
	tr.held(1, a) // forgotten
	tr.held(5, a)
	tr.held(9, a)
	latest, ok := tr.latestOf(a)
	require.True(t, ok)
	require.Equal(t, uint64(9), latest.hash)
	tr.add(9, s)
	latest, _ = tr.latestOf(a)
	require.Equal(t, uint64(9), latest.hash, "a value that comes again forgets nobody")
	require.Len(t, tr.values, trailMax)
}

// answers lets n take a message and returns what it sends to that node.
func (w *world) answers(n *simNode, m Message, to Node) (out []Message) {
	for _, e := range n.core.Step(w.now, Received{m}) {
		if s, ok := e.(Send); ok && s.To == to {
			out = append(out, s.Message)
		}
	}
	return out
}

// TestWhoIsBehindIsBroughtUpToDate walks the ways in which two members find out
// what one lacks.
func TestWhoIsBehindIsBroughtUpToDate(t *testing.T) {
	start := func() (w *world, a, b *simNode) {
		w = newWorld(t, 3)
		w.form("a", "b")
		w.run(3 * time.Second)
		return w, w.nodes[addrOf("a")], w.nodes[addrOf("b")]
	}
	letter := func(from, to *simNode) (Node, Node, int64) {
		return from.node, to.node, to.core.state.Created
	}
	t.Run("a digest that isn't known: these are mine", func(t *testing.T) {
		w, a, b := start()
		from, to, created := letter(b, a)
		out := w.answers(a, Digest{from, to, created, 1, 2}, from)
		require.Len(t, out, 1)
		require.Equal(t, a.core.valueHash(), out[0].(Recent).Values[0])
	})
	t.Run("a digest of a value from before: what has changed since", func(t *testing.T) {
		w, a, b := start()
		old := b.core.valueHash()
		a.core.change(a.core.state.withReach(a.core.state.reach.Change(a.node, b.node, Unreachable)))
		a.core.change(a.core.state.withReach(a.core.state.reach.Change(a.node, b.node, Reachable)))
		from, to, created := letter(b, a)
		out := w.answers(a, Digest{from, to, created, old, 2}, from)
		d := out[0].(Delta)
		require.Equal(t, old, d.Base)
		got, ok := carry(t, d).patched(b.core.state)
		require.True(t, ok)
		require.True(t, got.equalValue(a.core.state))
	})
	t.Run("a delta from an unknown value: these are mine", func(t *testing.T) {
		w, a, b := start()
		from, to, created := letter(b, a)
		out := w.answers(a, Delta{From: from, To: to, Created: created, Base: 1, Value: 2, Part: State{Created: created}}, from)
		require.Len(t, out, 1)
		require.Equal(t, a.core.valueHash(), out[0].(Recent).Values[0])
	})
	t.Run("a delta that leads elsewhere: send the whole", func(t *testing.T) {
		w, a, b := start()
		before := a.core.state
		from, to, created := letter(b, a)
		out := w.answers(a, Delta{From: from, To: to, Created: created, Base: a.core.valueHash(), Value: 2, Part: State{Created: created}}, from)
		require.Equal(t, []Message{Recent{a.node, from, created, nil}}, out)
		require.True(t, before.equal(a.core.state))
	})
	t.Run("nothing in common: the whole", func(t *testing.T) {
		w, a, b := start()
		from, to, created := letter(b, a)
		for _, values := range [][]uint64{nil, {1, 2, 3}} {
			out := w.answers(a, Recent{from, to, created, values}, from)
			require.Len(t, out, 1)
			require.True(t, out[0].(Gossip).State.equal(a.core.state))
		}
	})
	t.Run("a stranger in the same cluster is asked for the whole", func(t *testing.T) {
		w, a, _ := start()
		stranger := Node{"c:2551", 3}
		created := a.core.state.Created
		for _, m := range []Message{
			Digest{stranger, a.node, created, 1, 2},
			Delta{From: stranger, To: a.node, Created: created, Base: 1, Value: 2, Part: State{Created: created}},
		} {
			require.Equal(t, []Message{Recent{a.node, stranger, created, nil}}, w.answers(a, m, stranger))
		}
		require.Empty(t, w.answers(a, Recent{stranger, a.node, created, nil}, stranger))
	})
	t.Run("who hears last still learns who heard first", func(t *testing.T) {
		w, a, b := start()
		value := b.core.state.withReach(b.core.state.reach.Change(b.node, a.node, Unreachable)).changedBy(b.node)
		value = value.withReach(value.reach.Change(b.node, a.node, Reachable)).changedBy(b.node)
		from, to, created := letter(b, a)
		out := w.answers(a, Seen{from, to, created, value.digest(), nil}, from)
		require.IsType(t, Digest{}, out[0], "it is asked for what it has")
		value.seen = nil
		w.answers(a, Gossip{from, to, value}, from)
		require.True(t, a.core.state.Seen(b.node))
	})
}
