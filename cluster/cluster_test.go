package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// town is a network in memory with nodes on it. Inside a synctest bubble its
// time is virtual.
type town struct {
	t     *testing.T
	net   *remote.MemNet
	seeds []string
	nodes []*node
	log   zerolog.Logger
	// change, if not nil, has a hand in the config of every node.
	change func(*cluster.Config)
}

type node struct {
	town *town
	sys  *actor.System
	cl   *cluster.Cluster
	addr string
}

// inTown runs a test in a bubble; every node is stopped at the end.
func inTown(t *testing.T, run func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &town{t: t, net: remote.NewMemNet(), log: zerolog.Nop(), seeds: []string{"a:1", "b:1", "c:1"}}
		defer func() {
			for _, n := range w.nodes {
				n.stop()
			}
		}()
		run(t, w)
	})
}

// open starts a node without waiting for it.
func (w *town) open(addr string, change ...func(*cluster.Config)) *node {
	w.t.Helper()
	sys, err := actor.NewSystem("town", actor.Config{Logger: &w.log})
	require.NoError(w.t, err)
	cfg := cluster.Config{
		Listen: addr, Advertise: addr, Seeds: w.seeds, Remote: remote.Config{Transport: w.net.Node(addr)},
	}
	for _, c := range append(change, w.change) {
		if c != nil {
			c(&cfg)
		}
	}
	cl, err := cluster.Open(sys, cfg)
	require.NoError(w.t, err)
	n := &node{town: w, sys: sys, cl: cl, addr: addr}
	w.nodes = append(w.nodes, n)
	return n
}

// form starts nodes and waits until they are one cluster.
func (w *town) form(addrs ...string) []*node {
	w.t.Helper()
	var nodes []*node
	for _, a := range addrs {
		nodes = append(nodes, w.open(a))
	}
	w.allUp(30*time.Second, nodes...)
	return nodes
}

func (n *node) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(n.town.t, n.sys.Stop(ctx))
}

// crash takes a node away without a word to the others.
func (n *node) crash() {
	others := slices.Clone(n.town.nodes)
	for _, o := range others {
		if o != n {
			n.town.net.Cut(n.addr, o.addr)
		}
	}
	n.stop()
	for _, o := range others {
		if o != n {
			n.town.net.Heal(n.addr, o.addr)
		}
	}
}

// until waits until the node's view is as wanted.
func (n *node) until(what string, limit time.Duration, holds func(v membership.View) bool) {
	n.town.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for range n.cl.Events(ctx) {
		if holds(n.cl.State()) {
			return
		}
	}
	require.Fail(n.town.t, "no "+what, "%s after %v sees %v unreachable %v, ended: %v",
		n.addr, limit, n.cl.State().Members(), n.cl.State().Unreachable(), n.cl.Err())
}

// allUp waits until exactly these nodes are members, and Up, in the views of
// all of them.
func (w *town) allUp(limit time.Duration, nodes ...*node) {
	w.t.Helper()
	begin := time.Now()
	for _, n := range nodes {
		n.until(fmt.Sprintf("cluster of %d", len(nodes)), limit-time.Since(begin), func(v membership.View) bool {
			return len(v.Members()) == len(nodes) && len(v.Unreachable()) == 0 &&
				!slices.ContainsFunc(nodes, func(o *node) bool {
					m, _ := v.Member(o.cl.Self())
					return m.Status != membership.Up
				})
		})
	}
}

func TestThreeNodes(t *testing.T) { // C38, C46
	inTown(t, func(t *testing.T, w *town) {
		begin := time.Now()
		nodes := w.form("a:1", "b:1", "c:1")
		require.Less(t, time.Since(begin), time.Second)
		a := nodes[0]
		v := a.cl.State()
		oldest, ok := v.Oldest("")
		require.True(t, ok)
		require.Equal(t, a.cl.Self(), oldest.Node, "who formed the cluster is the oldest")
		leader, ok := v.Leader()
		require.True(t, ok)
		require.Equal(t, "a:1", leader.Addr)
		require.True(t, a.cl.Up().IsOpen())
		require.NoError(t, a.cl.Err())
		require.Equal(t, "town", a.cl.Name())
		require.Same(t, a.sys, a.cl.System())
		require.Equal(t, "a:1", a.cl.Remote().Addr())
		for _, n := range nodes[1:] {
			require.Equal(t, v.Created, n.cl.State().Created)
		}
	})
}

func TestStartWaitsUntilUp(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.form("a:1")
		sys, err := actor.NewSystem("town", actor.Config{Logger: &w.log})
		require.NoError(t, err)
		cl, err := cluster.Start(context.Background(), sys, cluster.Config{
			Listen: "b:1", Advertise: "b:1", Seeds: w.seeds, Roles: []string{"ledger"},
			Remote: remote.Config{Transport: w.net.Node("b:1")},
		})
		require.NoError(t, err)
		self := cl.State().SelfMember()
		require.Equal(t, membership.Up, self.Status)
		require.Equal(t, []string{"ledger"}, self.Roles)
		require.NoError(t, cl.Leave(context.Background()))
		require.ErrorIs(t, cl.Err(), cluster.ErrLeft)
	})
}

func TestStartSaysWhyNot(t *testing.T) {
	open := func(w *town, cfg cluster.Config) error {
		sys, err := actor.NewSystem("town", actor.Config{Logger: &w.log})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(context.Background())) }()
		if cfg.Remote.Transport == nil {
			cfg.Remote.Transport = w.net.Node("x:1")
		}
		cfg.Listen, cfg.Advertise = "x:1", "x:1"
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err = cluster.Start(ctx, sys, cfg)
		return err
	}
	inTown(t, func(t *testing.T, w *town) {
		w.form("a:1", "b:1")
		require.ErrorContains(t, open(w, cluster.Config{Seeds: []string{"nowhere:1", "x:1"}}),
			"nowhere:1 refuses the connection: nothing listens there; check that the seeds run")
		require.ErrorIs(t, open(w, cluster.Config{Seeds: []string{"nowhere:1"}}), context.DeadlineExceeded)
		err := open(w, cluster.Config{Seeds: w.seeds, Downing: downing.All{}})
		require.ErrorIs(t, err, cluster.ErrIncompatible)
		require.ErrorContains(t, err, "setting cluster.downing is")
		require.ErrorContains(t, open(w, cluster.Config{Seeds: []string{"x"}}), "want host:port")
		require.ErrorContains(t, open(w, cluster.Config{Downing: downing.StaticQuorum{}}), "Downing: static quorum of 0")
		require.ErrorContains(t, open(w, cluster.Config{Heartbeat: cluster.Heartbeat{Every: -1, Threshold: -1, MonitoredBy: -1}}), "Heartbeat.Every")
		require.ErrorContains(t, open(w, cluster.Config{Remote: remote.Config{Transport: w.net.Node("x:1"), FrameMax: 1}}), "FrameMax")
	})
}

func TestJoinLater(t *testing.T) { // C39
	inTown(t, func(t *testing.T, w *town) {
		a := w.form("a:1")[0]
		x := w.open("x:1", func(c *cluster.Config) { c.JoinLater, c.Seeds = true, nil })
		<-time.After(3 * time.Second)
		require.Empty(t, x.cl.State().Members())
		require.ErrorContains(t, x.cl.Join("a"), "want host:port")
		require.NoError(t, x.cl.Join("a:1"))
		w.allUp(5*time.Second, a, x)
		require.NoError(t, x.cl.Join("b:1"), "has no effect any more")
	})
}

// listener collects what a subscriber receives.
func (n *node) listener(name string) (actor.PID, chan cluster.Change) {
	n.town.t.Helper()
	got := make(chan cluster.Change, 1000)
	pid, err := n.sys.Spawn(name, func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { got <- ctx.Message().(cluster.Change) })
	})
	require.NoError(n.town.t, err)
	n.cl.Subscribe(pid)
	return pid, got
}

func TestSubscriber(t *testing.T) { // C25
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1")
		a := nodes[0]
		pid, got := a.listener("listener")
		first := <-got
		require.Len(t, first.Events, 1)
		require.Len(t, first.Events[0].(membership.Snapshot).View.Members(), 2)
		c := w.open("c:1")
		w.allUp(5*time.Second, nodes[0], nodes[1], c)
		synctest.Wait()
		require.Equal(t, []string{"joined c:1", "up c:1"}, eventsOf(got))
		a.cl.Unsubscribe(pid)
		c.stop()
		nodes[1].until("removal", 5*time.Second, func(v membership.View) bool { return len(v.Members()) == 2 })
		synctest.Wait()
		require.Empty(t, eventsOf(got))
		require.ErrorIs(t, c.cl.Err(), cluster.ErrLeft)
		select {
		case <-c.cl.Done():
		default:
			require.Fail(t, "not done")
		}

		_, last := a.listener("last")
		<-last
		a.stop()
		words := eventsOf(last)
		require.Equal(t, []string{"left a:1", "exited a:1", "ended: left"}, words)
		_, late := nodes[1].listener("late") // of one that lives
		require.NotEmpty(t, (<-late).Events)
	})
}

// eventsOf drains what a listener got, without incarnations and leaders.
func eventsOf(got chan cluster.Change) []string {
	var out []string
	for {
		select {
		case c := <-got:
			for _, e := range c.Events {
				var word, addr string
				if _, err := fmt.Sscanf(e.String(), "%s %s", &word, &addr); err == nil && word != "leader" {
					if word != "ended:" {
						addr, _, _ = cutHash(addr)
					}
					out = append(out, word+" "+addr)
				}
			}
		default:
			return out
		}
	}
}

func cutHash(s string) (string, string, bool) {
	for i := range s {
		if s[i] == '#' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func TestEventsAfterTheEnd(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.form("a:1")[0]
		a.stop()
		var got []string
		for e := range a.cl.Events(context.Background()) {
			got = append(got, e.String())
		}
		require.Equal(t, []string{"snapshot of 0 members", "ended: left"}, got)
		require.Equal(t, membership.Removed, a.cl.State().SelfMember().Status)
	})
}

// watcher reports the Terminated of what it watches.
func (n *node) watcher(who actor.PID) chan any {
	n.town.t.Helper()
	got := make(chan any, 100)
	_, err := n.sys.Spawn("", func() actor.Actor { return &watching{who: who, got: got} })
	require.NoError(n.town.t, err)
	return got
}

type watching struct {
	who actor.PID
	got chan any
}

func (w *watching) PreStart(ctx *actor.Context) error { ctx.Watch(w.who); return nil }
func (w *watching) Receive(ctx *actor.Context)        { w.got <- ctx.Message() }

// echo spawns an actor on n and returns its ref as seen from another node.
func (n *node) echo(name string, from *node) actor.PID {
	n.town.t.Helper()
	pid, err := n.sys.Spawn(name, func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
	require.NoError(n.town.t, err)
	return from.sys.RefOf(pid.Location())
}

func TestCrash(t *testing.T) { // F-01, C6
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1")
		got := nodes[0].watcher(nodes[4].echo("x", nodes[0]))
		synctest.Wait()
		dead := nodes[4]
		// It is cut off for good before it is stopped, so the time counts from here.
		for _, o := range nodes[:4] {
			w.net.Cut(dead.addr, o.addr)
		}
		begin := time.Now()
		nodes[0].until("unreachable", 4500*time.Millisecond, func(v membership.View) bool { return len(v.Unreachable()) == 1 })
		require.Greater(t, time.Since(begin), 2*time.Second)
		w.allUp(7*time.Second, nodes[:4]...)
		synctest.Wait()
		require.Len(t, got, 1, "the watcher was told")
		<-dead.cl.Done()
		require.ErrorIs(t, dead.cl.Err(), cluster.ErrDowned, "alone it is no majority")
		require.True(t, dead.sys.Stopping())
	})
}

func TestPartition(t *testing.T) { // F-03, C48
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1")
		for _, x := range nodes[:2] {
			for _, y := range nodes[2:] {
				w.net.Cut(x.addr, y.addr)
			}
		}
		w.allUp(15*time.Second, nodes[2:]...)
		for _, x := range nodes[:2] {
			<-x.cl.Done()
			require.ErrorIs(t, x.cl.Err(), cluster.ErrDowned)
			x.stop() // its port is free only then
			for _, y := range nodes[2:] {
				w.net.Heal(x.addr, y.addr)
			}
		}
		again := w.open("a:1")
		w.allUp(10*time.Second, append(nodes[2:], again)...)
		require.NotEqual(t, nodes[0].cl.Self(), again.cl.Self())
	})
}

func TestShortPartitionDoesNoHarm(t *testing.T) { // F-05, F-06
	for _, cut := range []time.Duration{2 * time.Second, 7 * time.Second} {
		inTown(t, func(t *testing.T, w *town) {
			nodes := w.form("a:1", "b:1", "c:1")
			w.net.Stall("a:1", "b:1")
			w.net.Stall("a:1", "c:1")
			<-time.After(cut)
			w.net.Heal("a:1", "b:1")
			w.net.Heal("a:1", "c:1")
			w.allUp(5*time.Second, nodes...)
			<-time.After(20 * time.Second)
			w.allUp(time.Second, nodes...)
			for _, n := range nodes {
				require.NoError(t, n.cl.Err())
			}
		})
	}
}

func TestSleeperIsShutOut(t *testing.T) { // F-12, C12
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1")
		c := nodes[2]
		// Nothing gets through for long, as if c were stopped.
		w.net.Stall("a:1", "c:1")
		w.net.Stall("b:1", "c:1")
		w.allUp(15*time.Second, nodes[:2]...)
		w.net.Heal("a:1", "c:1")
		w.net.Heal("b:1", "c:1")
		<-c.cl.Done()
		require.Error(t, c.cl.Err())
		require.NotErrorIs(t, c.cl.Err(), cluster.ErrLeft)
		w.allUp(time.Second, nodes[:2]...)
	})
}

func TestNewIncarnation(t *testing.T) { // F-13, C43, C54
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1")
		got := nodes[0].watcher(nodes[2].echo("x", nodes[0]))
		synctest.Wait()
		nodes[2].crash()
		begin := time.Now()
		again := w.open("c:1")
		w.allUp(5*time.Second, nodes[0], nodes[1], again)
		require.Less(t, time.Since(begin), 3*time.Second, "nobody waited for the old one")
		synctest.Wait()
		require.Len(t, got, 1)
	})
}

func TestDownByHand(t *testing.T) { // C35
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1")
		nodes[0].cl.Down("b:1")
		<-nodes[1].cl.Done()
		require.ErrorIs(t, nodes[1].cl.Err(), cluster.ErrDowned)
		w.allUp(10*time.Second, nodes[0], nodes[2])
	})
}

func TestFiveNodesOverTCP(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	quiet := zerolog.Nop()
	var all []*cluster.Cluster
	var seeds []string
	for i := range 5 {
		sys, err := actor.NewSystem("tcp", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(ctx)) }()
		cl, err := cluster.Start(ctx, sys, cluster.Config{Listen: "127.0.0.1:0", Seeds: seeds})
		require.NoError(t, err)
		if i == 0 {
			seeds = []string{cl.Self().Addr}
		}
		all = append(all, cl)
	}
	for range all[0].Events(ctx) {
		if v := all[0].State(); len(v.ByAge("")) == 5 {
			break
		}
	}
	require.Len(t, all[0].State().ByAge(""), 5)
	for _, cl := range all[1:] {
		require.NoError(t, cl.Leave(ctx))
		require.ErrorIs(t, cl.Err(), cluster.ErrLeft)
	}
	for range all[0].Events(ctx) { // who has left need not wait until all others know
		if len(all[0].State().Members()) == 1 {
			break
		}
	}
	require.Len(t, all[0].State().Members(), 1)
	require.False(t, errors.Is(all[0].Err(), cluster.ErrLeft))
}
