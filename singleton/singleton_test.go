package singleton_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/singleton"
	"github.com/troupe-go/troupe/testkit"
)

type (
	order  struct{ N int }
	whoIs  struct{ actor.Returns[answer] }
	fall   struct{}
	answer struct {
		Node  string
		Epoch actor.Epoch
	}
)

// world is a cluster in memory, with the oracles of SG-1, SG-2 and SG-5.
type world struct {
	t     *testing.T
	net   *remote.MemNet
	nodes map[string]*node
	all   []*node
	seeds []string

	mu      sync.Mutex
	at      string // where the instance runs
	newest  actor.Epoch
	dead    map[string]bool
	got     []int
	log     []string
	trouble []string
	slow    time.Duration
}

type node struct {
	w    *world
	addr string
	sys  *actor.System
	cl   *cluster.Cluster
	ref  actor.Ref[any]
}

func inBubble(t *testing.T, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: remote.NewMemNet(), nodes: map[string]*node{}, dead: map[string]bool{}, seeds: []string{"a:1"}}
		defer func() {
			var ended sync.WaitGroup
			for _, n := range w.all {
				ended.Go(func() { _ = n.sys.Stop(context.Background()) })
			}
			ended.Wait()
		}()
		f(t, w)
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Empty(t, w.trouble)
	})
}

func (w *world) start(addr string, change func(*singleton.Config[any]), roles ...string) *node {
	w.t.Helper()
	log := testkit.Logger(w.t)
	reg := codec.NewRegistry()
	for _, err := range []error{
		codec.Register[order](reg, "test.Order"), codec.Register[whoIs](reg, "test.WhoIs"),
		codec.Register[answer](reg, "test.Answer"), codec.Register[fall](reg, "test.Fall"),
	} {
		require.NoError(w.t, err)
	}
	sys, err := actor.NewSystem("test", actor.Config{Logger: &log, Registry: reg})
	require.NoError(w.t, err)
	if roles == nil {
		roles = []string{"work"}
	}
	n := &node{w: w, addr: addr, sys: sys}
	n.cl, err = cluster.Open(sys, cluster.Config{
		Listen: addr, Seeds: w.seeds, Roles: roles, Remote: remote.Config{Transport: w.net.Node(addr)},
	})
	require.NoError(w.t, err)
	cfg := singleton.Config[any]{Name: "clerk", Role: "work", NewFenced: func(e actor.Epoch) actor.Receiver[any] {
		return &clerk{w: w, node: addr, epoch: e}
	}}
	if change != nil {
		change(&cfg)
	}
	n.ref, err = singleton.Start(n.cl, cfg)
	require.NoError(w.t, err)
	w.nodes[addr] = n
	w.all = append(w.all, n)
	return n
}

func (w *world) up(addrs ...string) (nodes []*node) {
	w.t.Helper()
	for i, a := range addrs { // one after another, so that their age is known
		nodes = append(nodes, w.start(a, nil))
		w.until(fmt.Sprintf("%s is up", a), 20*time.Second, func() bool {
			ups := 0
			for _, n := range w.nodes {
				for _, m := range n.cl.State().Members() {
					if m.Status == membership.Up {
						ups++
					}
				}
			}
			return ups == (i+1)*(i+1)
		})
	}
	return nodes
}

func (w *world) until(what string, most time.Duration, holds func() bool) {
	w.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(50 * time.Millisecond) {
		synctest.Wait()
		if holds() {
			return
		}
		require.True(w.t, time.Now().Before(end), "after %v still not: %s", most, what)
	}
}

// cutOff separates a node from all others for good; what it does then is
// looked at only if it is said to be a partition.
func (w *world) cutOff(n *node) {
	for addr := range w.nodes {
		if addr != n.addr {
			w.net.Cut(n.addr, addr)
		}
	}
	delete(w.nodes, n.addr)
}

func (w *world) crash(n *node) {
	w.cutOff(n)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead[n.addr] = true
	if w.at == n.addr {
		w.at = ""
	}
}

func (n *node) who() (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	return actor.Ask(ctx, n.ref, whoIs{})
}

func (n *node) mustBe(addr string) answer {
	n.w.t.Helper()
	a, err := n.who()
	require.NoError(n.w.t, err)
	require.Equal(n.w.t, addr, a.Node)
	return a
}

type clerk struct {
	w     *world
	node  string
	epoch actor.Epoch
}

func (c *clerk) PreStart(*actor.Context) error {
	w := c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead[c.node] {
		return nil
	}
	if w.at != "" {
		w.trouble = append(w.trouble, fmt.Sprintf("SG-1: starts on %s while it runs on %s", c.node, w.at))
	}
	if !w.newest.Older(c.epoch) {
		w.trouble = append(w.trouble, fmt.Sprintf("SG-5: epoch %v after %v", c.epoch, w.newest))
	}
	w.at, w.newest = c.node, c.epoch
	w.log = append(w.log, "start "+c.node)
	return nil
}

func (c *clerk) PostStop(*actor.Context) {
	if c.w.slow > 0 {
		time.Sleep(c.w.slow)
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.w.at == c.node {
		c.w.at = ""
	}
	if !c.w.dead[c.node] {
		c.w.log = append(c.w.log, "stop "+c.node)
	}
}

func (c *clerk) Receive(ctx *actor.Context, msg any) {
	switch m := msg.(type) {
	case order:
		c.w.mu.Lock()
		c.w.got = append(c.w.got, m.N)
		c.w.mu.Unlock()
	case whoIs:
		actor.Reply(ctx, m, answer{Node: c.node, Epoch: c.epoch})
	case fall:
		ctx.Fail(fmt.Errorf("told to"))
	}
}

// S7, S8: it is on the oldest of the role, reached from everywhere, and stays
// there when others come (SG-4).
func TestItRunsOnTheOldestOfTheRole(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.seeds = []string{"web:1"}
		web := w.start("web:1", nil, "web")
		w.until("web is up", 5*time.Second, func() bool { return web.cl.Up().IsOpen() })
		a := w.start("a:1", nil)
		w.until("a is up", 5*time.Second, func() bool { return a.cl.Up().IsOpen() })
		first := web.mustBe("a:1")
		b := w.start("b:1", nil)
		w.until("b is up", 5*time.Second, func() bool { return b.cl.Up().IsOpen() })
		require.Equal(t, first, b.mustBe("a:1"))
		require.Equal(t, first, a.mustBe("a:1"))
		require.Equal(t, first, web.mustBe("a:1"))
	})
}

// S5, S7, R-04, F-09, SG-2, SG-6: under traffic from a node that stays, one
// after another and then two at once leave; no message is lost.
func TestLeavingHandsOverAndLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1", "d:1", "e:1")
		w.slow = 50 * time.Millisecond
		last := nodes[4]
		sent := 0
		leave := func(leaving ...*node) {
			left := make(chan error, len(leaving))
			for _, n := range leaving {
				go func() { left <- n.cl.Leave(context.Background()) }()
				delete(w.nodes, n.addr)
			}
			for done := 0; done < len(leaving); {
				sent++
				last.ref.Tell(order{sent})
				time.Sleep(20 * time.Millisecond)
				select {
				case err := <-left:
					require.NoError(t, err)
					done++
				default:
				}
			}
		}
		leave(nodes[0])
		last.mustBe("b:1")
		leave(nodes[1], nodes[2])
		last.mustBe("d:1")
		leave(nodes[3])
		last.mustBe("e:1")
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Len(t, w.got, sent)
		for i, n := range w.got {
			require.Equal(t, i+1, n)
		}
		require.Equal(t, []string{"start a:1", "stop a:1", "start b:1", "stop b:1", "start d:1", "stop d:1", "start e:1"}, w.log)
	})
}

func TestCrashOfTheOldest(t *testing.T) { // S1, F-02, SG-3
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1", "d:1", "e:1")
		first := nodes[4].mustBe("a:1")
		w.crash(nodes[0])
		begun := time.Now()
		w.until("somebody answers", 25*time.Second, func() bool { a, err := nodes[4].who(); return err == nil && a.Node != "a:1" })
		require.Less(t, time.Since(begun), 20*time.Second)
		second := nodes[3].mustBe("b:1")
		require.True(t, first.Epoch.Older(second.Epoch))
		w.crash(nodes[1])
		w.until("the next one answers", 25*time.Second, func() bool { a, err := nodes[4].who(); return err == nil && a.Node == "c:1" })
	})
}

func TestADownedNodeStopsItsInstance(t *testing.T) { // S2, F-03, SB-5
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1", "c:1")
		nodes[0].mustBe("a:1")
		w.cutOff(nodes[0]) // its instance is looked at: it must be gone before the next one starts
		w.until("the majority has it", 30*time.Second, func() bool { a, err := nodes[2].who(); return err == nil && a.Node == "b:1" })
		require.True(t, nodes[0].cl.Ended().IsOpen())
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Equal(t, []string{"start a:1", "stop a:1", "start b:1"}, w.log)
	})
}

func TestAnInstanceThatFailsIsReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := w.up("a:1", "b:1")
		first := nodes[1].mustBe("a:1")
		nodes[1].ref.Tell(fall{})
		time.Sleep(10 * time.Millisecond)
		begun := time.Now()
		second := nodes[1].mustBe("a:1") // it waits meanwhile
		require.InDelta(t, 0.2, time.Since(begun).Seconds(), 0.21)
		require.Equal(t, first.Epoch.Next(), second.Epoch)
	})
}

func TestMessagesWaitUntilItIsFound(t *testing.T) { // SG-6
	inBubble(t, func(t *testing.T, w *world) {
		w.seeds = []string{"web:1"}
		web := w.start("web:1", func(c *singleton.Config[any]) { c.BufferMax = 3 }, "web")
		for i := range 5 {
			web.ref.Tell(order{i})
		}
		synctest.Wait()
		require.EqualValues(t, 2, web.sys.Dropped(actor.DropBufferFull), "the oldest are dropped, and declared")
		w.start("a:1", nil)
		w.until("it has got them", 10*time.Second, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.got) == 3 })
		web.mustBe("a:1")
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Equal(t, []int{2, 3, 4}, w.got)
	})
}

func TestConfigIsValidated(t *testing.T) {
	fine := singleton.Config[any]{Name: "n", New: func() actor.Receiver[any] { return nil }}
	require.NoError(t, fine.Validate())
	for _, c := range []struct {
		want   string
		change func(*singleton.Config[any])
	}{
		{"Name", func(c *singleton.Config[any]) { c.Name = "" }},
		{"Name", func(c *singleton.Config[any]) { c.Name = "a b" }},
		{"want one of them", func(c *singleton.Config[any]) { c.New = nil }},
		{"want one of them", func(c *singleton.Config[any]) { c.NewFenced = func(actor.Epoch) actor.Receiver[any] { return nil } }},
		{"RetryEvery", func(c *singleton.Config[any]) { c.RetryEvery = -1 }},
	} {
		cfg := fine
		c.change(&cfg)
		require.ErrorContains(t, cfg.Validate(), c.want)
	}
	_, err := singleton.Start(nil, singleton.Config[any]{})
	require.Error(t, err)
}
