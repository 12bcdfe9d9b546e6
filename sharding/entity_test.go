package sharding_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/sharding"
)

func TestIdleEntitiesArePassivated(t *testing.T) { // H19, 8.11: idle
	inBubble(t, func(t *testing.T, w *world) {
		n := w.start("a:1", func(c *sharding.Config[command]) { c.PassivateAfter = time.Minute })
		w.allUp()
		n.mustRead("idle")
		for range 20 {
			n.mustRead("busy")
			time.Sleep(10 * time.Second)
		}
		require.Equal(t, 1, n.mustRead("busy").Life)
		require.Equal(t, 2, n.mustRead("idle").Life)
		time.Sleep(95 * time.Second)
		synctest.Wait()
		for _, s := range n.sh.Shards() {
			require.Zero(t, s.Entities)
			require.Empty(t, n.sh.EntityIDs(s.Shard))
		}
	})
}

// SH-7: what comes while an entity stops is handled by the next incarnation,
// in order, and nothing is lost.
func TestPassivationLosesNoMessage(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1")
		w.slow = 30 * time.Millisecond
		var want []int
		for i := range 100 {
			if i%10 == 5 {
				nodes[i%20/10].sh.Ref("e").Tell(goAway{}) // from either node
			}
			nodes[0].sh.Ref("e").Tell(add{N: i})
			want = append(want, i)
			time.Sleep(7 * time.Millisecond)
		}
		r := nodes[0].mustRead("e")
		require.Greater(t, r.Life, 5)
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Equal(t, want, w.got["e"])
	})
}

func TestAFailedEntityRestsAndStartsAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		n := w.start("a:1", nil)
		w.allUp()
		ref := n.sh.Ref("e")
		ref.Tell(add{N: 1})
		require.Equal(t, 1, n.mustRead("e").Sum)
		waits := []time.Duration{}
		for range 3 {
			ref.Tell(blow{})
			time.Sleep(time.Millisecond)
			synctest.Wait()
			begun := time.Now()
			require.Equal(t, 0, n.mustRead("e").Sum, "a fresh one")
			waits = append(waits, time.Since(begun).Round(10*time.Millisecond))
		}
		require.Equal(t, []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}, waits)
		time.Sleep(time.Minute)
		ref.Tell(blow{})
		time.Sleep(time.Millisecond)
		begun := time.Now()
		require.Equal(t, 5, n.mustRead("e").Life)
		require.Equal(t, 200*time.Millisecond, time.Since(begun).Round(10*time.Millisecond), "failures are forgiven")
		ref.Tell(blow{})
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, s := range n.sh.Shards() {
			require.Zero(t, s.Entities, "a failed entity that nobody wants is forgotten")
		}
	})
}

func TestBuffersAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		n := w.start("web:1", func(c *sharding.Config[command]) { c.ProxyOnly, c.BufferMax = true, 10 })
		w.seeds = []string{"web:1"}
		refused := 0
		for i := range 25 {
			if err := n.sh.Ref(fmt.Sprint(i % 3)).TryTell(add{N: i}); err != nil {
				require.ErrorIs(t, err, actor.ErrMailboxFull)
				refused++
			}
		}
		require.Equal(t, 15, refused)
		require.Equal(t, 10, n.sh.Waiting())
		require.EqualValues(t, 15, n.sys.Dropped(actor.DropBufferFull))
		require.NoError(t, n.sys.Stop(context.Background()))
		require.GreaterOrEqual(t, n.sys.Dropped(actor.DropStopped), uint64(10), "what waited is declared as well")
		require.Zero(t, n.sh.Waiting())
	})
}

func TestIDsOutOfBounds(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		n := w.start("a:1", nil)
		w.allUp()
		require.Error(t, n.sh.Ref("").TryTell(add{}))
		require.Error(t, n.sh.Ref(strings.Repeat("x", 171)).TryTell(add{}))
		longest := strings.Repeat("ü", 85)
		n.sh.Ref(longest).Tell(add{N: 3})
		require.Equal(t, 3, n.mustRead(longest).Sum)
		require.Contains(t, n.sh.EntityIDs(n.sh.ShardOf(longest)), longest)
		require.Nil(t, n.sh.EntityIDs(-1))
		require.Nil(t, n.sh.EntityIDs(12))
	})
}

// F-03, MB-10, SB-5, H2: the minority stops its entities by itself.
func TestADownedNodeStopsItsEntities(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1", "d:1", "e:1")
		for _, id := range ids(60) {
			nodes[0].mustRead(id)
		}
		for _, n := range nodes[:2] {
			for _, o := range nodes[2:] {
				w.net.Cut(n.addr, o.addr)
			}
		}
		// The oracle in PreStart finds an entity that lives on both sides.
		for _, id := range ids(60) {
			w.until(id+" answers on the majority", 30*time.Second, func() bool {
				_, err := nodes[2].read(id)
				return err == nil
			})
		}
		for _, n := range nodes[:2] {
			require.True(t, n.cl.Ended().IsOpen())
			require.Empty(t, n.sh.Shards())
			require.Error(t, n.sh.Ref("e1").TryTell(add{}))
			delete(w.nodes, n.addr)
		}
	})
}

func TestADismissedNodeHandsOver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1")
		for _, id := range ids(40) {
			nodes[2].sh.Ref(id).Tell(add{N: 1})
			nodes[2].mustRead(id)
		}
		nodes[2].cl.Dismiss("a:1")
		for i := range 100 {
			for _, id := range ids(40) {
				nodes[2].sh.Ref(id).Tell(add{N: i + 2})
			}
			time.Sleep(100 * time.Millisecond)
		}
		require.True(t, nodes[0].cl.Ended().IsOpen())
		delete(w.nodes, "a:1")
		for _, id := range ids(40) {
			require.NotEqual(t, "a:1", nodes[2].mustRead(id).Node)
			w.mu.Lock()
			require.Len(t, w.got[id], 101, id)
			require.True(t, slices.IsSorted(w.got[id]))
			w.mu.Unlock()
		}
	})
}

func TestTwoTypesAndAClash(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		n := w.start("a:1", nil)
		w.allUp()
		other, err := sharding.Start(n.cl, sharding.Config[command]{Name: "other", New: func(e *sharding.Entity) actor.Receiver[command] {
			return &counter{w: w, node: "other", e: e}
		}})
		require.NoError(t, err)
		require.Equal(t, "other", other.Name())
		r, err := actor.Ask(context.Background(), other.Ref("o1"), get{})
		require.NoError(t, err)
		require.Equal(t, "other", r.Node)
		require.Equal(t, "a:1", n.mustRead("e1").Node)
		_, err = sharding.Start(n.cl, w.config(n))
		require.ErrorIs(t, err, actor.ErrNameTaken)
	})
}

func TestOtherNumbersOfShardsAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.start("a:1", nil)
		b := w.start("b:1", func(c *sharding.Config[command]) { c.Shards = 13 }, "web")
		w.allUp()
		a.mustRead("e")
		time.Sleep(10 * time.Second)
		_, ok := b.sh.Coordinator()
		require.False(t, ok)
		_, err := b.sh.State(context.Background())
		require.ErrorContains(t, err, "no coordinator")
	})
}

func TestConfigIsValidated(t *testing.T) {
	fine := sharding.Config[command]{Name: "n", New: func(*sharding.Entity) actor.Receiver[command] { return nil }}
	require.NoError(t, fine.Validate())
	for _, c := range []struct {
		want   string
		change func(*sharding.Config[command])
	}{
		{"Name", func(c *sharding.Config[command]) { c.Name = "" }},
		{"Name", func(c *sharding.Config[command]) { c.Name = "a/b" }},
		{"Shards -1", func(c *sharding.Config[command]) { c.Shards = -1 }},
		{"Shards 70000", func(c *sharding.Config[command]) { c.Shards = 70000 }},
		{"New", func(c *sharding.Config[command]) { c.New = nil }},
		{"BufferMax", func(c *sharding.Config[command]) { c.BufferMax = -1 }},
		{"HandOffTimeout", func(c *sharding.Config[command]) { c.HandOffTimeout = -1 }},
		{"Backoff.Min", func(c *sharding.Config[command]) { c.Backoff.Min = -1 }},
	} {
		cfg := fine
		c.change(&cfg)
		require.ErrorContains(t, cfg.Validate(), c.want)
	}
	_, err := sharding.Start(nil, sharding.Config[command]{})
	require.Error(t, err)
	require.False(t, errors.Is(err, actor.ErrNameTaken))
}

// unready is an entity that can't start.
type unready struct{ err error }

func (u unready) PreStart(*actor.Context) error       { return u.err }
func (unready) Receive(ctx *actor.Context, _ command) { ctx.Reply(reading{}) }

// An entity whose start fails, as by a recovery that fails, rests longer each time; who
// asks for it meanwhile gets the cause at once, from another node too.
func TestWhoAsksForAnEntityThatCantStartLearnsWhyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1")
		errNoStore := errors.New("the store is gone")
		var others []*sharding.Sharding[command]
		for _, n := range nodes {
			sh, err := sharding.Start(n.cl, sharding.Config[command]{Name: "unready", New: func(*sharding.Entity) actor.Receiver[command] {
				return unready{errNoStore}
			}})
			require.NoError(t, err)
			others = append(others, sh)
		}
		for try := range 5 {
			for i, sh := range others {
				begun := time.Now()
				_, err := actor.Ask(context.Background(), sh.Ref("e"), get{})
				require.ErrorContains(t, err, "the store is gone", "node %d", i)
				if try > 0 {
					require.Less(t, time.Since(begun), 100*time.Millisecond)
				}
			}
			time.Sleep(time.Second)
		}
	})
}
