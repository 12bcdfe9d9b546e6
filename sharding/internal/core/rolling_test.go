package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

// of makes the coordinator of node a, with regions on all members; a hosts the
// shards 1 to 5.
func of(t *testing.T, now time.Time, members ...membership.Member) *Coordinator {
	t.Helper()
	r := roster.New("", members[0].Node)
	for i := range members {
		members[i].UpNumber = uint64(i + 1)
	}
	r.Update(now, members)
	c := NewCoordinator(now, CoordinatorSettings{
		Self: members[0].Node, Term: actor.Epoch{Cluster: 1, Node: 1, Count: 1}, Shards: 9, Retry: time.Second,
		RebalanceEvery: time.Second, HoldMax: time.Second, HandOffsMax: 9, Strategy: LeastShards{Absolute: 9, Relative: 1},
	}, r, nil)
	for i, m := range members {
		var hosted []Grant
		if i == 0 {
			for s := range uint32(5) {
				hosted = append(hosted, Grant{Shard: s + 1, Epoch: actor.Epoch{Cluster: 1, Node: 1, Count: uint64(s + 1)}})
			}
		}
		c.peers[m.Node] = &peer{}
		for _, g := range hosted {
			c.homes[g.Shard] = &home{node: m.Node, epoch: g.Epoch, started: true}
		}
	}
	c.active = true
	return c
}

func member(name, version string, s membership.Status) membership.Member {
	return membership.Member{Node: Node{Addr: name + ":1", UID: uint64(name[0])}, AppVersion: version, Status: s}
}

func TestRollingUpdate(t *testing.T) {
	now := time.Unix(1000, 0)
	c := of(t, now, member("a", "1.0", membership.Up), member("b", "1.0", membership.Up), member("c", "1.1", membership.Up))
	c.rebalance(now.Add(time.Minute))
	require.Empty(t, c.moves, "versions are mixed")
	for shard := uint32(6); shard < 9; shard++ {
		c.allocate(now, shard)
		require.Equal(t, "c:1", c.homes[shard].node.Addr, "the newest gets what is new, whatever it has already")
	}
	same := of(t, now, member("a", "1.1", membership.Up), member("b", "1.1", membership.Up), member("c", "1.1.0", membership.Up))
	same.rebalance(now.Add(time.Minute))
	require.NotEmpty(t, same.moves)
	same.allocate(now, 8)
	require.Equal(t, "b:1", same.homes[8].node.Addr)
}

func TestNothingMovesBeforeAShutdownOfAll(t *testing.T) { // HT1
	now := time.Unix(1000, 0)
	c := of(t, now, member("a", "", membership.ReadyForShutdown), member("b", "", membership.ReadyForShutdown))
	c.rebalance(now.Add(time.Minute))
	require.Empty(t, c.moves)
	c.allocate(now, 8)
	require.Equal(t, "b:1", c.homes[8].node.Addr, "what is new still finds a place")

	self := member("a", "", membership.ReadyForShutdown)
	r := &Region{RegionSettings: RegionSettings{Self: self.Node}, roster: c.roster, hosted: map[uint32]*hosting{3: {}}}
	r.withdraw()
	require.True(t, r.hosted[3].stopping, "who leaves stops its shards without a hand-over")
}
