package downing

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
)

// unheard is the view of a in a cluster {a b c d e} that is cut into {a d} and
// {b c e} just after {a d} has declared somebody dead, which the others never
// heard of.
func unheard(dead byte) membership.View {
	var members []membership.Member
	node := func(name byte) membership.Node {
		return membership.Node{Addr: string(name) + ":1", UID: uint64(name)}
	}
	for i, name := range []byte("abcde") {
		m := membership.Member{Node: node(name), Status: membership.Up, UpNumber: uint64(i + 1)}
		if name == dead {
			m.Status = membership.Down
		}
		members = append(members, m)
	}
	var cut [][2]membership.Node
	for _, x := range []byte("ad") {
		for _, y := range []byte("bce") {
			cut = append(cut, [2]membership.Node{node(x), node(y)})
		}
	}
	return membership.ViewOf(membership.Assemble(1, members, cut...), node('a'))
}

// Who is down and not removed may still have a say on the other side: both
// sides would otherwise find that they have a majority.
func TestWhoIsDownHereMayHaveASayThere(t *testing.T) { // SB-1
	t.Run("{a d} has downed e, {b c e} don't know: 2 of 4 isn't enough", func(t *testing.T) {
		d := KeepMajority{}.Decide(unheard('e'))
		require.Equal(t, DownAll, d.Verdict, "%v", d)
		require.Equal(t, DownOthers, KeepMajority{}.Decide(asB(unheard('x'))).Verdict, "the three go on")
	})
	t.Run("keep-oldest: the others may follow the oldest, which is down here", func(t *testing.T) {
		d := KeepOldest{}.Decide(asB(unheard('a')))
		require.Equal(t, DownAll, d.Verdict, "%v", d)
		require.Equal(t, DownOthers, KeepOldest{}.Decide(unheard('e')).Verdict, "a younger one doesn't matter")
	})
}

// asB is the same view as seen by b.
func asB(v membership.View) membership.View {
	return membership.ViewOf(v.State, membership.Node{Addr: "b:1", UID: 'b'})
}
