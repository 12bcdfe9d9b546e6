package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

// A region that is asked before it knows its own roles answers that it hosts nothing;
// it says so no longer than it must.
func TestARegionLearnsItsRoles(t *testing.T) {
	now := time.Unix(1000, 0)
	a, b := member("a", "", membership.Up), member("b", "", membership.Up)
	a.UpNumber, b.UpNumber = 1, 2
	a.Roles, b.Roles = []string{"work"}, []string{"work"}
	members := func(all ...membership.Member) *roster.Roster {
		r := roster.New("work", b.Node)
		r.Update(now, all)
		return r
	}
	said := func(effects []Effect) (all []bool) {
		for _, e := range effects {
			if s, ok := e.(Send); ok {
				if m, ok := s.Msg.(Register); ok {
					all = append(all, m.Proxy)
				}
			}
		}
		return all
	}
	head := Head{From: a.Node, Term: actor.Epoch{Cluster: 1, Node: 1, Count: 1}, Seq: 1}
	r := NewRegion(RegionSettings{Self: b.Node, Shards: 3, Retry: time.Second, Refresh: time.Minute})
	r.Members(now, members())
	r.Receive(now, Query{head})
	require.Equal(t, []bool{true}, said(r.Take()))
	head.Seq++
	r.Receive(now, Registered{head})
	_, registered := r.Coordinator()
	require.True(t, registered)
	r.Take()
	r.Members(now, members(a, b))
	require.Equal(t, []bool{false}, said(r.Take()), "at once, not when it is refreshed")
	r.Members(now, members(a, b))
	require.Empty(t, said(r.Take()))
}
