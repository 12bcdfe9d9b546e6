package sharding_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/sharding"
)

func TestEntitiesAreFoundFromEverywhere(t *testing.T) { // H19, HT2, H6, H7
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1")
		hosts := map[string]int{}
		for i, id := range ids(60) {
			nodes[i%3].sh.Ref(id).Tell(add{N: 1})
			first := nodes[i%3].mustRead(id)
			hosts[first.Node]++
			for _, n := range nodes {
				require.Equal(t, first, n.mustRead(id), "one instance for all")
			}
			require.Equal(t, 1, first.Sum)
		}
		require.Len(t, hosts, 3)

		state, err := nodes[2].sh.State(context.Background())
		require.NoError(t, err)
		require.True(t, state.Active)
		require.Equal(t, nodes[0].cl.Self(), state.Coordinator)
		entities := 0
		for _, r := range state.Regions {
			require.Len(t, r.Shards, 4)
			entities += r.Entities
		}
		require.Equal(t, 60, entities)
	})
}

func TestKnownHomesNeedNoCoordinator(t *testing.T) { // H18
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1")
		homes := map[string]string{}
		for _, id := range ids(40) {
			homes[id] = nodes[2].mustRead(id).Node
		}
		w.crash(nodes[0]) // the coordinator
		begun := time.Now()
		for _, id := range ids(40) {
			if homes[id] != "a:1" {
				require.Equal(t, homes[id], nodes[2].mustRead(id).Node)
			}
		}
		require.Less(t, time.Since(begun), 100*time.Millisecond)
	})
}

func TestProxyHostsNothing(t *testing.T) { // H3, H19
	inBubble(t, func(t *testing.T, w *world) {
		a := w.start("a:1", nil)
		web := w.start("web:1", nil, "web")
		only := w.start("only:1", func(c *sharding.Config[command]) { c.ProxyOnly = true; c.New = nil })
		w.allUp()
		for _, id := range ids(20) {
			require.Equal(t, "a:1", web.mustRead(id).Node)
			require.Equal(t, "a:1", only.mustRead(id).Node)
		}
		require.Empty(t, web.sh.Shards())
		require.Empty(t, only.sh.Shards())
		require.NotEmpty(t, a.sh.Shards())
	})
}

func TestRefsAreEqualAndTravel(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1")
		require.Equal(t, nodes[0].sh.Ref("x y/ü"), nodes[0].sh.Ref("x y/ü"))
		require.NotEqual(t, nodes[0].sh.Ref("x"), nodes[0].sh.Ref("y"))
		_, b, err := nodes[0].sys.Registry().Encode(nodes[0].sys.Scope(), nil, letter{To: nodes[0].sh.Ref("x y/ü")})
		require.NoError(t, err)
		got, err := nodes[1].sys.Registry().Decode(nodes[1].sys.Scope(), "test.Letter", b)
		require.NoError(t, err)
		there := got.(letter).To
		require.Equal(t, nodes[1].sh.Ref("x y/ü"), there)
		there.Tell(add{N: 5})
		require.Equal(t, 5, nodes[1].mustRead("x y/ü").Sum)
		require.Equal(t, 5, nodes[0].mustRead("x y/ü").Sum)
	})
}

func TestANodeThatJoinsGetsItsShare(t *testing.T) { // H19: rebalance
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1")
		for _, id := range ids(40) {
			nodes[0].sh.Ref(id).Tell(add{N: 1})
			nodes[0].mustRead(id)
		}
		c := w.start("c:1", nil)
		w.until("c hosts four shards", time.Minute, func() bool {
			return len(c.sh.Shards()) == 4 && len(nodes[0].sh.Shards()) == 4 && len(nodes[1].sh.Shards()) == 4
		})
		hosts := map[string]bool{}
		for _, id := range ids(40) {
			r := c.mustRead(id)
			hosts[r.Node] = true
			require.Contains(t, []int{1, 2}, r.Life)
		}
		require.Len(t, hosts, 3)
	})
}

// F-01, F-02, H1, H2, H19: a host dies, the coordinator's among them.
func TestShardsOfADeadNodeMove(t *testing.T) {
	for _, dead := range []int{0, 1, 2} {
		t.Run([]string{"coordinator", "second", "youngest"}[dead], func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.rebalance = time.Hour
				nodes := w.up("a:1", "b:1", "c:1")
				before := map[string]reading{}
				for _, id := range ids(40) {
					before[id] = nodes[0].mustRead(id)
				}
				w.crash(nodes[dead])
				begun := time.Now()
				live := nodes[(dead+1)%3]
				for _, id := range ids(40) {
					var after reading
					w.until(id+" answers", 25*time.Second, func() bool {
						r, err := live.read(id)
						after = r
						return err == nil
					})
					if before[id].Node == nodes[dead].addr {
						require.NotEqual(t, before[id].Node, after.Node)
						require.True(t, before[id].Epoch.Older(after.Epoch))
					} else {
						require.Equal(t, before[id], after, "what lives elsewhere stays as it is")
					}
				}
				require.Less(t, time.Since(begun), 25*time.Second)
			})
		})
	}
}

// H8, H9, H11, SH-3: nodes leave, the coordinator's first, under traffic from
// one that stays: no message is lost and all are in order.
func TestLeavingLosesNoMessage(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1", "d:1")
		sent := 0
		traffic := func() {
			sent++
			for _, id := range ids(24) {
				nodes[3].sh.Ref(id).Tell(add{N: sent})
			}
		}
		for range 10 {
			traffic()
			w.pass(20 * time.Millisecond)
		}
		for _, n := range nodes[:3] {
			left := make(chan error, 1)
			go func() { left <- n.cl.Leave(context.Background()) }()
			for done := false; !done; {
				traffic()
				w.pass(20 * time.Millisecond)
				select {
				case err := <-left:
					require.NoError(t, err)
					done = true
				default:
				}
			}
			delete(w.nodes, n.addr)
		}
		traffic()
		for _, id := range ids(24) {
			require.Equal(t, "d:1", nodes[3].mustRead(id).Node)
		}
		want := []int{}
		for i := range sent {
			want = append(want, i+1)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, id := range ids(24) {
			require.Equal(t, want, w.got[id], id)
		}
	})
}

func TestAllLeaveAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1")
		for _, id := range ids(24) {
			nodes[1].mustRead(id)
		}
		begun := time.Now()
		left := make(chan error, 3)
		for _, n := range nodes {
			go func() { left <- n.cl.Leave(context.Background()) }()
		}
		for range nodes {
			require.NoError(t, <-left)
		}
		require.Less(t, time.Since(begun), 15*time.Second)
		w.mu.Lock()
		require.Empty(t, w.alive)
		w.mu.Unlock()
		clear(w.nodes)
	})
}
