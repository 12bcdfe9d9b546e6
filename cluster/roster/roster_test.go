package roster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
)

func member(name string, up uint64, status membership.Status, roles ...string) membership.Member {
	return membership.Member{Node: membership.Node{Addr: name + ":1", UID: up + 100}, Status: status, UpNumber: up, Roles: roles}
}

func TestHostsAreMembersOfTheRoleThatWereUpByAge(t *testing.T) {
	a := member("z", 1, membership.Leaving, "work")
	b := member("b", 2, membership.Up, "work")
	c := member("a", 3, membership.Up, "work")
	other := member("o", 4, membership.Up, "web")
	young := member("y", 0, membership.Joining, "work")
	r := New("work", c.Node)
	r.Update(time.Unix(1, 0), []membership.Member{young, other, c, b, a})

	require.Equal(t, []membership.Member{a, b, c}, r.Hosts())
	require.Equal(t, []membership.Node{a.Node, b.Node}, r.Candidates())
	oldest, ok := r.Oldest()
	require.True(t, ok)
	require.Equal(t, b, oldest)
	require.Equal(t, membership.Joining, r.Status(young.Node))
	require.EqualValues(t, 4, r.UpTo())
	require.Equal(t, []membership.Node{c.Node, b.Node, other.Node, young.Node, a.Node}, r.Present())
	require.Equal(t, membership.Up, r.Status(other.Node))
	require.False(t, r.SelfEnded())
}

func TestGoneCountsFromTheFirstSightOfDown(t *testing.T) {
	t0 := time.Unix(100, 0)
	self := member("s", 9, membership.Up)
	a, b := member("a", 1, membership.Up), member("b", 2, membership.Up)
	r := New("", self.Node)
	r.Update(t0, []membership.Member{a, b, self})
	a.Status = membership.Down
	r.Update(t0.Add(time.Second), []membership.Member{a, b, self})
	r.Update(t0.Add(3*time.Second), []membership.Member{a, self}) // b vanishes, a stays Down
	r.Update(t0.Add(4*time.Second), []membership.Member{self})

	require.Equal(t, []Gone{{Member: a, Since: t0.Add(time.Second)}, {Member: b, Since: t0.Add(3 * time.Second)}},
		r.Gone(t0.Add(4*time.Second), 5*time.Second))
	require.Equal(t, []Gone{{Member: b, Since: t0.Add(3 * time.Second)}}, r.Gone(t0.Add(6*time.Second), 5*time.Second))
	r.Update(t0.Add(time.Hour), []membership.Member{self})
	require.Empty(t, r.gone, "what is ancient is forgotten")
}

func TestSelfEnded(t *testing.T) {
	self := member("s", 1, membership.Up)
	r := New("", self.Node)
	require.False(t, r.SelfEnded(), "not yet joined")
	r.Update(time.Unix(1, 0), nil)
	require.False(t, r.SelfEnded(), "not yet joined")
	r.Update(time.Unix(1, 0), []membership.Member{self})
	require.False(t, r.SelfEnded())
	down := self
	down.Status = membership.Down
	r.Update(time.Unix(2, 0), []membership.Member{down})
	require.True(t, r.SelfEnded(), "down")
	r.Update(time.Unix(3, 0), nil)
	require.True(t, r.SelfEnded(), "removed")
}

func TestANewcomerDoesNotKnowWhoWentBefore(t *testing.T) {
	t0 := time.Unix(100, 0)
	self := member("s", 5, membership.Up)
	r := New("", self.Node)
	require.False(t, r.Knows(t0, 0))
	r.Update(t0, []membership.Member{self})
	require.False(t, r.Knows(t0.Add(time.Second), 2*time.Second))
	require.True(t, r.Knows(t0.Add(2*time.Second), 2*time.Second))

	first, second := member("f", 1, membership.Up), member("g", 2, membership.Up, "work")
	r = New("work", second.Node)
	r.Update(t0, []membership.Member{second, self})
	require.False(t, r.Knows(t0, time.Hour), "somebody was first")
	r.Update(t0, []membership.Member{first, second, self})
	require.True(t, r.Knows(t0, time.Hour), "everybody before it is there")
}

func TestACloneSharesNothing(t *testing.T) {
	t0 := time.Unix(100, 0)
	a, b := member("a", 1, membership.Up), member("b", 2, membership.Up)
	r := New("", a.Node)
	r.Update(t0, []membership.Member{a, b})
	c := r.Clone()
	b.Status = membership.Down
	r.Update(t0.Add(time.Second), []membership.Member{a, b})
	r.Update(t0.Add(2*time.Second), []membership.Member{a})

	require.Equal(t, membership.Up, c.Status(b.Node))
	require.Len(t, c.Hosts(), 2)
	require.Empty(t, c.Gone(t0, time.Hour))
	require.Len(t, r.Hosts(), 1)
}
