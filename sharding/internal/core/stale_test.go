package core

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

// What comes late, twice or from another time must change nothing. Each script
// delivers one such message where it would do harm.

// grant is a grant of shard 1 in the present cluster.
func grant(count uint64) Grant {
	return Grant{Shard: 1, Epoch: actor.Epoch{Cluster: 1, Node: 1, Count: count}}
}

func term(count uint64) actor.Epoch { return actor.Epoch{Cluster: 1, Node: 1, Count: count} }

// sends returns the messages of one kind among the effects.
func sends[M any](effects []Effect) (all []M) {
	for _, e := range effects {
		if s, ok := e.(Send); ok {
			if m, ok := s.Msg.(M); ok {
				all = append(all, m)
			}
		}
	}
	return all
}

func has[E Effect](effects []Effect) bool {
	return slices.ContainsFunc(effects, func(e Effect) bool { _, ok := e.(E); return ok })
}

// three are the nodes a, where the coordinator is, b and c.
func three() []membership.Member {
	all := []membership.Member{member("a", "", membership.Up), member("b", "", membership.Up), member("c", "", membership.Up)}
	for i := range all {
		all[i].UpNumber = uint64(i + 1)
	}
	return all
}

// staleRegion is the region of node b, registered with the coordinator of a
// in term 2.
type staleRegion struct {
	*Region
	t    *testing.T
	now  time.Time
	seq  uint64
	a, c Node
	all  []membership.Member
}

func newStaleRegion(t *testing.T) *staleRegion {
	all := three()
	s := &staleRegion{t: t, now: time.Unix(1000, 0), a: all[0].Node, c: all[2].Node, all: all}
	s.Region = NewRegion(RegionSettings{Self: all[1].Node, Shards: 3, Retry: time.Second, Refresh: time.Minute})
	s.member(membership.Up, membership.Up)
	s.Receive(s.now, Registered{s.at(2)})
	s.Take()
	return s
}

// member tells the region what a and c are.
func (s *staleRegion) member(a, c membership.Status) {
	members := slices.Clone(s.all)
	members[0].Status, members[2].Status = a, c
	r := roster.New("", s.Self)
	r.Update(s.now, members)
	s.Members(s.now, r)
}

// at is the head of the coordinator's next message in a term.
func (s *staleRegion) at(count uint64) Head {
	s.seq++
	return Head{From: s.a, Term: term(count), Seq: s.seq}
}

// gets gives the region a message and returns what it does.
func (s *staleRegion) gets(msg any) []Effect {
	s.Receive(s.now, msg)
	return s.Take()
}

// hosts gives the region shard 1.
func (s *staleRegion) hosts(count uint64) {
	s.t.Helper()
	require.True(s.t, has[StartShard](s.gets(Host{Head: s.at(2), Grant: grant(count)})))
}

func TestALateMessageOfACoordinatorChangesNothing(t *testing.T) {
	t.Run("a grant of an older term", func(t *testing.T) {
		s := newStaleRegion(t)
		require.Empty(t, s.gets(Host{Head: s.at(1), Grant: grant(9)}))
		require.Empty(t, s.Hosted())
	})
	t.Run("a grant that arrives twice", func(t *testing.T) {
		s := newStaleRegion(t)
		m := Host{Head: s.at(2), Grant: grant(1)}
		s.gets(m)
		require.Empty(t, s.gets(m), "it is dropped, not answered again: its number was seen")
	})
	t.Run("a grant overtaken by a later message", func(t *testing.T) {
		s := newStaleRegion(t)
		m := Host{Head: s.at(2), Grant: grant(1)}
		s.gets(Homes{Head: s.at(2)})
		require.Empty(t, s.gets(m))
		require.Empty(t, s.Hosted())
	})
	t.Run("a grant that was refused or given up, in a newer message", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		s.gets(HandOff{Head: s.at(2), Grant: grant(2)})
		s.ShardStopped(s.now, 1)
		s.Take()
		for _, count := range []uint64{2, 1, 2} {
			effects := s.gets(Host{Head: s.at(2), Grant: grant(count)})
			require.False(t, has[StartShard](effects), "under count %d", count)
			require.Equal(t, grant(count), sends[Stopped](effects)[0].Grant, "it says so")
		}
		require.True(t, has[StartShard](s.gets(Host{Head: s.at(2), Grant: grant(3)})), "a newer grant is good")
	})
	t.Run("a grant that was said to be in use before it came", func(t *testing.T) {
		s := newStaleRegion(t)
		effects := s.gets(Homes{Head: s.at(2), Homes: []Home{{Shard: 1, Node: s.Self, Epoch: grant(2).Epoch}}})
		require.Equal(t, grant(2), sends[Stopped](effects)[0].Grant)
		require.False(t, has[StartShard](s.gets(Host{Head: s.at(2), Grant: grant(2)})))
	})
	t.Run("an older grant of a shard that is hosted", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		effects := s.gets(Host{Head: s.at(2), Grant: grant(1)})
		require.Equal(t, grant(1), sends[Stopped](effects)[0].Grant)
		require.False(t, has[StopShard](effects))
		require.Equal(t, []Hosted{{Grant: grant(2)}}, s.Hosted())
	})
	t.Run("a newer grant of a shard that is hosted", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(1)
		effects := s.gets(Host{Head: s.at(2), Grant: grant(2)})
		require.True(t, has[StopShard](effects), "entities know their epoch, so they start anew")
		require.False(t, has[StartShard](effects))
		s.ShardStopped(s.now, 1)
		require.True(t, has[StartShard](s.Take()))
	})
	t.Run("a hand-off of an older grant", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		effects := s.gets(HandOff{Head: s.at(2), Grant: grant(1)})
		require.False(t, has[StopShard](effects))
		require.Equal(t, grant(1), sends[Stopped](effects)[0].Grant)
		_, open := s.Home(1)
		require.True(t, open, "its messages aren't held")
	})
	t.Run("a hand-off of an older term", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		require.Empty(t, s.gets(HandOff{Head: s.at(1), Grant: grant(2)}))
	})
	t.Run("an order to hold of an older term", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		require.Empty(t, s.gets(BeginHandOff{Head: s.at(1), Grant: grant(2), Owner: s.Self}))
	})
	t.Run("an order to hold that arrives twice", func(t *testing.T) {
		s := newStaleRegion(t)
		m := BeginHandOff{Head: s.at(2), Grant: grant(1), Owner: s.a}
		require.Len(t, sends[LastSent](s.gets(m)), 1)
		s.gets(Homes{Head: s.at(2), Homes: []Home{{Shard: 1, Node: s.c, Epoch: grant(2).Epoch}}})
		require.Empty(t, s.gets(m))
		home, open := s.Home(1)
		require.True(t, open)
		require.Equal(t, s.c, home.Node)
	})
	t.Run("homes of an older term", func(t *testing.T) {
		s := newStaleRegion(t)
		require.Empty(t, s.gets(Homes{Head: s.at(1), Homes: []Home{{Shard: 1, Node: s.c, Epoch: grant(1).Epoch}}}))
		_, open := s.Home(1)
		require.False(t, open)
	})
	t.Run("another's home under a grant older than the own", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		effects := s.gets(Homes{Head: s.at(2), Homes: []Home{{Shard: 1, Node: s.c, Epoch: grant(1).Epoch}}})
		require.Empty(t, effects)
		s2 := newStaleRegion(t)
		s2.hosts(2)
		require.True(t, has[StopShard](s2.gets(Homes{Head: s2.at(2), Homes: []Home{{Shard: 1, Node: s2.c, Epoch: grant(3).Epoch}}})), "under a newer one it gives up")
	})
	t.Run("its own home under a grant that it doesn't use, or while it stops", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		s.gets(HandOff{Head: s.at(2), Grant: grant(2)})
		for _, count := range []uint64{1, 2, 3} {
			require.False(t, has[Open](s.gets(Homes{Head: s.at(2), Homes: []Home{{Shard: 1, Node: s.Self, Epoch: grant(count).Epoch}}})), "count %d", count)
		}
	})
	t.Run("a grant that was overtaken by another's newer one", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(1)
		s.gets(Host{Head: s.at(2), Grant: grant(2)}) // to come when the first has stopped
		s.gets(Homes{Head: s.at(2), Homes: []Home{{Shard: 1, Node: s.c, Epoch: grant(3).Epoch}}})
		s.ShardStopped(s.now, 1)
		require.False(t, has[StartShard](s.Take()))
	})
	t.Run("a shard that doesn't exist", func(t *testing.T) {
		s := newStaleRegion(t)
		none := Grant{Shard: 3, Epoch: grant(1).Epoch}
		for _, m := range []any{
			Homes{Head: s.at(2), Homes: []Home{{Shard: 3, Node: s.c, Epoch: none.Epoch}}}, Host{Head: s.at(2), Grant: none},
			BeginHandOff{Head: s.at(2), Grant: none, Owner: s.c}, HandOff{Head: s.at(2), Grant: none},
		} {
			require.Empty(t, s.gets(m), "%T", m)
		}
	})
	t.Run("its own home under an older grant", func(t *testing.T) {
		s := newStaleRegion(t)
		s.hosts(2)
		s.gets(Homes{Head: s.at(2), Homes: []Home{{Shard: 1, Node: s.Self, Epoch: grant(1).Epoch}}})
		home, _ := s.Home(1)
		require.Equal(t, grant(2).Epoch, home.Epoch)
	})
	t.Run("a home at a node that is down, gone, or has handed everything over", func(t *testing.T) {
		for _, status := range []membership.Status{membership.Down, membership.Removed, membership.Exiting} {
			s := newStaleRegion(t)
			s.member(membership.Up, status)
			s.Take()
			require.Empty(t, s.gets(Homes{Head: s.at(2), Homes: []Home{{Shard: 1, Node: s.c, Epoch: grant(1).Epoch}}}), "%v", status)
		}
	})
	t.Run("a question of an older term", func(t *testing.T) {
		s := newStaleRegion(t)
		answer := sends[Register](s.gets(Query{Head{From: s.c, Term: term(1), Seq: 99}}))
		require.Equal(t, term(2), answer[0].Term, "it learns that it was replaced")
		at, _ := s.Coordinator()
		require.Equal(t, s.a, at)
	})
	t.Run("a question that arrives twice", func(t *testing.T) {
		s := newStaleRegion(t)
		m := Query{s.at(2)}
		require.Len(t, sends[Register](s.gets(m)), 1)
		require.Empty(t, s.gets(m))
	})
	t.Run("a confirmation of the registration of an older term", func(t *testing.T) {
		s := newStaleRegion(t)
		s.gets(Query{s.at(3)})
		_, in := s.Coordinator()
		require.False(t, in, "a new coordinator doesn't know it yet")
		s.gets(Registered{s.at(2)})
		_, in = s.Coordinator()
		require.False(t, in)
		require.Equal(t, term(3), s.Term())
	})
	t.Run("a release of an older term, or before it wants to go", func(t *testing.T) {
		s := newStaleRegion(t)
		s.gets(Released{s.at(2)})
		s.Leave(s.now)
		s.Take()
		require.False(t, has[LeaveDone](s.gets(Released{s.at(1)})))
		require.True(t, has[LeaveDone](s.gets(Released{s.at(2)})))
	})
	t.Run("anything after its end", func(t *testing.T) {
		s := newStaleRegion(t)
		members := slices.Clone(s.all)
		members[1].Status = membership.Down
		r := roster.New("", s.Self)
		r.Update(s.now, members)
		s.Members(s.now, r)
		s.Take()
		for _, m := range []any{Host{Head: s.at(3), Grant: grant(9)}, Query{s.at(3)}, Query{s.at(1)}, LastSent{Head: s.at(2), Grant: grant(1)}} {
			require.Empty(t, s.gets(m), "%T", m)
		}
	})
	t.Run("a coordinator that is no candidate any more", func(t *testing.T) {
		s := newStaleRegion(t)
		s.member(membership.Down, membership.Up)
		at, in := s.Coordinator()
		require.Zero(t, at)
		require.False(t, in)
	})
	t.Run("a grant before it knows that it is Up", func(t *testing.T) {
		all := three()
		all[1].UpNumber, all[1].Status = 0, membership.Joining
		r := roster.New("", all[1].Node)
		r.Update(time.Unix(1000, 0), all)
		reg := NewRegion(RegionSettings{Self: all[1].Node, Shards: 3, Retry: time.Second, Refresh: time.Minute})
		reg.Members(time.Unix(1000, 0), r)
		reg.Receive(time.Unix(1000, 0), Host{Head: Head{From: all[0].Node, Term: term(1), Seq: 1}, Grant: grant(1)})
		require.False(t, has[StartShard](reg.Take()))
	})
	t.Run("a grant when it leaves", func(t *testing.T) {
		s := newStaleRegion(t)
		s.Leave(s.now)
		s.Take()
		effects := s.gets(Host{Head: s.at(2), Grant: grant(1)})
		require.False(t, has[StartShard](effects))
		require.Len(t, sends[Stopped](effects), 1)
	})
}

func TestAMarkerOfAnotherTermIsNotPassedOn(t *testing.T) {
	s := newStaleRegion(t)
	s.hosts(1)
	marker := func(count uint64) LastSent {
		return LastSent{Head: Head{From: s.c, Term: term(count)}, Grant: grant(1)}
	}
	require.Empty(t, s.gets(marker(1)), "the hand-off it belongs to is over")
	require.Empty(t, s.gets(marker(3)), "its order to hold has not come here yet")
	held := sends[Held](s.gets(marker(2)))
	require.Equal(t, s.c, held[0].Region)
}

// staleCoordinator is the coordinator of a in term 2; b hosts shard 1.
type staleCoordinator struct {
	*Coordinator
	t    *testing.T
	now  time.Time
	b, c Node
	seq  map[Node]uint64
}

func newStaleCoordinator(t *testing.T) *staleCoordinator {
	now := time.Unix(1000, 0)
	all := three()
	r := roster.New("", all[0].Node)
	r.Update(now, all)
	s := &staleCoordinator{t: t, now: now, b: all[1].Node, c: all[2].Node, seq: map[Node]uint64{}}
	s.Coordinator = NewCoordinator(now, CoordinatorSettings{
		Self: all[0].Node, Term: term(2), Shards: 3, Margin: 3 * time.Second, Retry: time.Second,
		RebalanceEvery: time.Hour, HoldMax: 10 * time.Second, HandOffsMax: 9, Count: 10,
	}, r, nil)
	for _, n := range []Node{all[0].Node, s.c} {
		s.gets(Register{Head: s.at(n, 2), Shards: 3})
	}
	s.gets(Register{Head: s.at(s.b, 2), Shards: 3, Hosted: []Hosted{{Grant: grant(1)}}})
	require.True(t, s.Active())
	return s
}

// at is the head of a region's next message.
func (s *staleCoordinator) at(n Node, count uint64) Head {
	s.seq[n]++
	return Head{From: n, Term: term(count), Seq: s.seq[n]}
}

func (s *staleCoordinator) gets(msg any) []Effect {
	s.Receive(s.now, msg)
	return s.Take()
}

func (s *staleCoordinator) home() home {
	s.t.Helper()
	h := s.homes[1]
	require.NotNil(s.t, h)
	return *h
}

func TestALateMessageOfARegionChangesNothing(t *testing.T) {
	t.Run("one of an older term", func(t *testing.T) {
		s := newStaleCoordinator(t)
		effects := s.gets(Stopped{Head: s.at(s.b, 1), Grant: grant(1)})
		require.Len(t, sends[Query](effects), 1, "it is told of the term")
		require.Empty(t, sends[Host](effects))
		require.Equal(t, grant(1).Epoch, s.home().epoch)
		s.gets(Register{Head: s.at(s.b, 1), Shards: 3})
		require.Equal(t, grant(1).Epoch, s.home().epoch, "that it hosts nothing was so before this term")
	})
	t.Run("one of a newer term", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.gets(GetHomes{Head: s.at(s.b, 3), Shards: []uint32{2}})
		require.Empty(t, s.gets(GetHomes{Head: s.at(s.b, 2), Shards: []uint32{2}}), "it was replaced and is quiet for good")
	})
	t.Run("a registration that arrives twice", func(t *testing.T) {
		s := newStaleCoordinator(t)
		empty := Register{Head: s.at(s.c, 2), Shards: 3, Leaving: true}
		s.gets(empty)
		s.gets(Register{Head: s.at(s.c, 2), Shards: 3})
		require.Empty(t, s.gets(empty))
		require.False(t, s.peers[s.c].leaving)
	})
	t.Run("a registration without what was granted and confirmed since", func(t *testing.T) {
		s := newStaleCoordinator(t)
		before := Register{Head: s.at(s.b, 2), Shards: 3, Hosted: []Hosted{{Grant: grant(1)}}}
		granted := sends[Host](s.gets(GetHomes{Head: s.at(s.c, 2), Shards: []uint32{2}}))[0].Grant
		s.gets(Started{Head: s.at(s.homes[2].node, 2), Grant: granted})
		at := *s.homes[2]
		s.gets(before)
		require.Equal(t, at, *s.homes[2])
	})
	t.Run("a registration that was on its way when something was granted", func(t *testing.T) {
		s := newStaleCoordinator(t)
		granted := sends[Host](s.gets(GetHomes{Head: s.at(s.c, 2), Shards: []uint32{2}}))[0].Grant
		at := s.homes[2].node
		s.gets(Register{Head: s.at(at, 2), Shards: 3})
		require.Equal(t, granted.Epoch, s.homes[2].epoch, "the grant is on its way")
		require.Equal(t, at, s.homes[2].node)
	})
	t.Run("a registration of one that is down", func(t *testing.T) {
		for _, status := range []membership.Status{membership.Down, membership.Removed} {
			s := newStaleCoordinator(t)
			s.status(s.c, status)
			s.gets(Register{Head: s.at(s.c, 2), Shards: 3})
			require.Nil(t, s.peers[s.c], "%v", status)
		}
	})
	t.Run("anything of one that is down and not registered", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.status(s.c, membership.Down)
		require.Empty(t, sends[Query](s.gets(GetHomes{Head: s.at(s.c, 1), Shards: []uint32{1}})))
	})
	t.Run("that a shard has stopped, twice", func(t *testing.T) {
		s := newStaleCoordinator(t)
		m := Stopped{Head: s.at(s.b, 2), Grant: grant(1)}
		s.gets(m)
		next := s.home()
		require.NotEqual(t, grant(1).Epoch, next.epoch)
		require.Empty(t, s.gets(m))
		require.Equal(t, next, s.home())
	})
	t.Run("that a shard has stopped under an older grant", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.gets(Stopped{Head: s.at(s.b, 2), Grant: grant(1)})
		next := s.home()
		s.gets(Stopped{Head: s.at(next.node, 2), Grant: grant(1)})
		require.Equal(t, next, s.home())
	})
	t.Run("that a shard has stopped, of one that isn't its owner", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.gets(Stopped{Head: s.at(s.c, 2), Grant: grant(1)})
		require.Equal(t, s.b, s.home().node)
	})
	t.Run("that a shard has started under an older grant, or elsewhere", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.gets(Stopped{Head: s.at(s.b, 2), Grant: grant(1)})
		next := s.home()
		require.False(t, next.started)
		other := s.b
		if next.node == s.b {
			other = s.c
		}
		s.gets(Started{Head: s.at(next.node, 2), Grant: grant(1)})
		s.gets(Started{Head: s.at(other, 2), Grant: Grant{Shard: 1, Epoch: next.epoch}})
		require.False(t, s.home().started)
		s.gets(Started{Head: s.at(next.node, 2), Grant: Grant{Shard: 1, Epoch: next.epoch}})
		require.True(t, s.home().started)
	})
	t.Run("that somebody holds for an older hand-off, or of one that isn't the owner", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.begin(s.now, 1, false)
		s.Take()
		n := len(s.moves[1].holding)
		s.gets(Held{Head: s.at(s.b, 2), Grant: grant(9), Region: s.c})
		s.gets(Held{Head: s.at(s.c, 2), Grant: grant(1), Region: s.c})
		require.Len(t, s.moves[1].holding, n)
		s.gets(Held{Head: s.at(s.b, 2), Grant: grant(1), Region: s.c})
		require.Len(t, s.moves[1].holding, n-1)
	})
	t.Run("a message overtaken by a later one", func(t *testing.T) {
		s := newStaleCoordinator(t)
		late := GetHomes{Head: s.at(s.c, 2), Shards: []uint32{2}}
		s.gets(Started{Head: s.at(s.c, 2), Grant: grant(7)})
		require.Empty(t, s.gets(late))
	})
	t.Run("a message of one that isn't registered in this term", func(t *testing.T) {
		s := newStaleCoordinator(t)
		delete(s.peers, s.c)
		effects := s.gets(Stopped{Head: s.at(s.c, 2), Grant: grant(1)})
		require.Len(t, sends[Query](effects), 1)
		require.Len(t, effects, 1)
	})
	t.Run("an older claim", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.gets(Register{Head: s.at(s.c, 2), Shards: 3, Hosted: []Hosted{{Grant: Grant{Shard: 1, Epoch: actor.Epoch{Cluster: 1}}}}})
		require.Equal(t, s.b, s.home().node)
		s.now = s.now.Add(time.Second)
		s.Tick(s.now)
		stop := sends[HandOff](s.Take())
		require.Len(t, stop, 1, "who has it is told to stop")
		require.Equal(t, actor.Epoch{Cluster: 1}, stop[0].Grant.Epoch)
	})
	t.Run("a newer claim", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.gets(Register{Head: s.at(s.c, 2), Shards: 3, Hosted: []Hosted{{Grant: grant(5)}}})
		require.Equal(t, s.c, s.home().node)
		s.now = s.now.Add(time.Second)
		s.Tick(s.now)
		require.Equal(t, grant(1), sends[HandOff](s.Take())[0].Grant)
	})
	t.Run("a claim under a count of its own term raises its count", func(t *testing.T) {
		s := newStaleCoordinator(t)
		s.gets(Register{Head: s.at(s.c, 2), Shards: 3, Hosted: []Hosted{{Grant: Grant{Shard: 2, Epoch: grant(50).Epoch}}}})
		s.gets(Stopped{Head: s.at(s.b, 2), Grant: grant(1)})
		require.Greater(t, s.home().epoch.Count, uint64(50), "no count is granted twice")
	})
}

// status makes a node something else in the coordinator's view.
func (s *staleCoordinator) status(n Node, status membership.Status) {
	all := three()
	for i := range all {
		if all[i].Node == n {
			all[i].Status = status
		}
	}
	r := roster.New("", s.Self)
	r.Update(s.now, all)
	s.Members(s.now, r, nil)
	s.Take()
}

// A shard doesn't move before its host is out for the margin, whatever arrives.
func TestAHostThatIsDownKeepsItsShardsForTheMargin(t *testing.T) {
	s := newStaleCoordinator(t)
	all := three()
	see := func(members []membership.Member) {
		s.roster.Update(s.now, members)
		s.Members(s.now, s.roster, nil)
	}
	down := slices.Clone(all)
	down[1].Status = membership.Down
	see(down)
	s.now = s.now.Add(time.Second)
	see([]membership.Member{all[0], all[2]})
	s.gets(GetHomes{Head: s.at(s.c, 2), Shards: []uint32{1}})
	require.Equal(t, s.b, s.home().node, "out for a second")
	s.now = s.now.Add(1900 * time.Millisecond)
	s.Tick(s.now)
	require.Equal(t, s.b, s.home().node)
	s.now = s.now.Add(200 * time.Millisecond)
	s.Tick(s.now)
	require.NotEqual(t, s.b, s.home().node, "three seconds after it was down")
}
