package membership

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTransitions takes two nodes through their first statuses message by
// message, and looks at who has seen what after each.
func TestTransitions(t *testing.T) { // C53
	w := newWorld(t, 1)
	quiet := func(c *Config) { c.GossipEvery, c.PushEvery = time.Hour, time.Hour }
	w.config = quiet
	a := w.start("a")
	w.step(a, JoinNode{addrOf("a")})
	self, _ := a.core.state.Member(a.node)
	require.Equal(t, Up, self.Status, "who forms a cluster is Up at once")
	require.Equal(t, []Node{a.node}, a.core.state.SeenBy())

	b := w.start("b")
	join := Join{From: b.node, Cluster: "test"}
	effects := a.core.Step(w.now, Received{join})
	m, _ := a.core.state.Member(b.node)
	require.Equal(t, Joining, m.Status)
	require.Equal(t, []Node{a.node}, a.core.state.SeenBy())
	var welcome Message
	for _, e := range effects {
		if s, ok := e.(Send); ok && s.To == b.node {
			if _, ok := s.Message.(Welcome); ok {
				welcome = s.Message
			}
		}
	}
	require.NotNil(t, welcome)

	b.core.seeding.phase, b.core.seeding.target = joinWaiting, Node{Addr: a.node.Addr}
	b.core.Step(w.now, Received{welcome})
	require.Equal(t, []Node{a.node, b.node}, b.core.state.SeenBy())
	require.Equal(t, Joining, b.core.View().SelfMember().Status)

	a.core.Step(w.now, Received{Seen{b.node, a.node, a.core.state.Created, a.core.valueHash(), nil}})
	m, _ = a.core.state.Member(b.node)
	require.Equal(t, Up, m.Status, "the leader acts when the one that joins has seen it")
	require.Equal(t, uint64(2), m.UpNumber)
	require.Equal(t, []Node{a.node}, a.core.state.SeenBy(), "a change has been seen by its author only")

	b.core.Step(w.now, Received{Gossip{a.node, b.node, a.core.state}})
	require.Equal(t, Up, b.core.View().SelfMember().Status)
	require.Equal(t, []Node{a.node, b.node}, b.core.state.SeenBy())

	a.core.Step(w.now, Observed{Unreachable: []Node{b.node}})
	a.core.Step(w.now, DownAt{b.node.Addr})
	require.False(t, a.core.state.has(b.node), "down, unreachable, and nobody else to ask: removed")
	require.True(t, a.core.state.Buried(b.node))
}
