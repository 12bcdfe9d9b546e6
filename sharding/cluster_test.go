package sharding_test

import (
	"context"
	"fmt"
	"slices"
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
	"github.com/troupe-go/troupe/sharding"
	"github.com/troupe-go/troupe/testkit"
)

// counter is the entity of these tests: it counts and tells where it lives.
type (
	command interface{ isCommand() }
	add     struct{ N int }
	get     struct{ actor.Returns[reading] }
	goAway  struct{}
	blow    struct{}
	reading struct {
		ID    string
		Node  string
		Sum   int
		Life  int // which incarnation of the entity in all the world
		Epoch actor.Epoch
	}
)

func (add) isCommand()    {}
func (get) isCommand()    {}
func (goAway) isCommand() {}
func (blow) isCommand()   {}

// world is a cluster in memory, with the oracles of SH-1 and SH-3: who lives
// where, and which numbers each entity got.
type world struct {
	t     *testing.T
	net   *remote.MemNet
	nodes map[string]*node // that are to be members
	all   []*node
	seeds []string

	mu      sync.Mutex
	alive   map[string]string // entity → node
	lives   map[string]int
	got     map[string][]int
	epochs  map[string]actor.Epoch
	dead    map[string]bool // cut off
	trouble []string
	slow    time.Duration // how long a PostStop takes

	rebalance time.Duration
}

type node struct {
	w    *world
	addr string
	sys  *actor.System
	cl   *cluster.Cluster
	sh   *sharding.Sharding[command]
}

// inBubble runs f in a bubble of its own time.
func inBubble(t *testing.T, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: remote.NewMemNet(), nodes: map[string]*node{}, alive: map[string]string{},
			lives: map[string]int{}, got: map[string][]int{}, epochs: map[string]actor.Epoch{}, dead: map[string]bool{}, seeds: []string{"a:1"}, rebalance: 2 * time.Second}
		defer func() { // all at once, and also when the test has failed
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

func (w *world) problem(format string, args ...any) {
	w.trouble = append(w.trouble, fmt.Sprintf(format, args...))
}

// config is what nodes shard with, unless a test says otherwise.
func (w *world) config(n *node) sharding.Config[command] {
	return sharding.Config[command]{
		Name: "counter", Role: "work", Shards: 12, RebalanceEvery: w.rebalance, PassivateAfter: -1,
		New: func(e *sharding.Entity) actor.Receiver[command] { return &counter{w: w, node: n.addr, e: e} },
	}
}

// start starts a node; one without roles gets "work".
func (w *world) start(addr string, change func(*sharding.Config[command]), roles ...string) *node {
	w.t.Helper()
	log := testkit.Logger(w.t)
	reg := codec.NewRegistry()
	for _, err := range []error{
		codec.Register[add](reg, "test.Add"), codec.Register[get](reg, "test.Get"), codec.Register[reading](reg, "test.Reading"),
		codec.Register[goAway](reg, "test.GoAway"), codec.Register[blow](reg, "test.Blow"), codec.Register[letter](reg, "test.Letter"),
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
	cfg := w.config(n)
	if change != nil {
		change(&cfg)
	}
	n.sh, err = sharding.Start(n.cl, cfg)
	require.NoError(w.t, err)
	w.nodes[addr] = n
	w.all = append(w.all, n)
	return n
}

// up starts nodes and waits until all of them are Up everywhere and have been
// taken in by the coordinator.
func (w *world) up(addrs ...string) []*node {
	w.t.Helper()
	var nodes []*node
	for _, a := range addrs {
		nodes = append(nodes, w.start(a, nil))
	}
	w.allUp()
	w.until("all are registered", 10*time.Second, func() bool {
		return !slices.ContainsFunc(nodes, func(n *node) bool { _, ok := n.sh.Coordinator(); return !ok })
	})
	return nodes
}

func (w *world) allUp() {
	w.t.Helper()
	w.until("all are up", 20*time.Second, func() bool {
		for _, n := range w.nodes {
			ups := 0
			for _, m := range n.cl.State().Members() {
				if m.Status == membership.Up {
					ups++
				}
			}
			if ups != len(w.nodes) {
				return false
			}
		}
		return true
	})
}

// pass lets the bubble's time pass.
func (w *world) pass(d time.Duration) { time.Sleep(d) }

// until lets the bubble's time pass until something holds.
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

// crash cuts a node off from all others for good. It goes on by itself, and
// what it does is no longer looked at.
func (w *world) crash(n *node) {
	for addr := range w.nodes {
		if addr != n.addr {
			w.net.Cut(n.addr, addr)
		}
	}
	delete(w.nodes, n.addr)
	w.mu.Lock()
	w.dead[n.addr] = true
	for id, at := range w.alive {
		if at == n.addr {
			delete(w.alive, id)
		}
	}
	w.mu.Unlock()
	w.t.Logf("%s is cut off", n.addr)
}

// read asks an entity through a node.
func (n *node) read(id string) (reading, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return actor.Ask(ctx, n.sh.Ref(id), get{})
}

func (n *node) mustRead(id string) reading {
	n.w.t.Helper()
	r, err := n.read(id)
	require.NoError(n.w.t, err)
	require.Equal(n.w.t, id, r.ID)
	return r
}

func ids(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("e%d", i))
	}
	return all
}

type counter struct {
	w     *world
	node  string
	e     *sharding.Entity
	life  int
	state int
}

// PreStart checks SH-1 and that epochs of an entity never go back (SG-5).
func (c *counter) PreStart(*actor.Context) error {
	w := c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead[c.node] {
		return nil
	}
	if at, ok := w.alive[c.e.ID()]; ok {
		w.problem("SH-1: %s starts on %s while it lives on %s", c.e.ID(), c.node, at)
	}
	if old := w.epochs[c.e.ID()]; c.e.Epoch().Older(old) || c.e.Epoch().IsZero() {
		w.problem("epoch of %s goes from %v to %v", c.e.ID(), old, c.e.Epoch())
	}
	w.epochs[c.e.ID()] = c.e.Epoch()
	w.alive[c.e.ID()] = c.node
	w.lives[c.e.ID()]++
	c.life = w.lives[c.e.ID()]
	return nil
}

func (c *counter) PostStop(*actor.Context) {
	if d := c.w.slow; d > 0 {
		time.Sleep(d)
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.w.alive[c.e.ID()] == c.node {
		delete(c.w.alive, c.e.ID())
	}
}

func (c *counter) Receive(ctx *actor.Context, msg command) {
	switch m := msg.(type) {
	case add:
		c.state += m.N
		c.w.mu.Lock()
		c.w.got[c.e.ID()] = append(c.w.got[c.e.ID()], m.N)
		c.w.mu.Unlock()
	case get:
		actor.Reply(ctx, m, reading{ID: c.e.ID(), Node: c.node, Sum: c.state, Life: c.life, Epoch: c.e.Epoch()})
	case goAway:
		sharding.Passivate(ctx)
	case blow:
		ctx.Fail(fmt.Errorf("%s was told to", c.e.ID()))
	}
}

// letter carries a ref to an entity to another node.
type letter struct{ To actor.Ref[command] }
