package cluster_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
)

func TestWatchesSurviveABrokenLink(t *testing.T) { // C2
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1")
		x, err := nodes[0].sys.Spawn("x", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
		require.NoError(t, err)
		y, err := nodes[1].sys.Spawn("y", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
		require.NoError(t, err)
		w.net.Cut("a:1", "b:1")
		ofY := nodes[0].watcher(nodes[0].sys.RefOf(y.Location()))
		ofX := nodes[1].watcher(nodes[1].sys.RefOf(x.Location()))
		<-time.After(2 * time.Second)
		w.net.Heal("a:1", "b:1")
		nodes[0].sys.StopActor(x)
		nodes[1].sys.StopActor(y)
		<-time.After(10 * time.Second)
		require.Len(t, ofX, 1)
		require.Len(t, ofY, 1)
		w.allUp(time.Second, nodes...)
	})
}

func TestOnlyTheEndsOfABrokenLinkAccuse(t *testing.T) { // C5
	inTown(t, func(t *testing.T, w *town) {
		w.change = func(c *cluster.Config) { c.Downing = downing.Off{} }
		nodes := w.form("a:1", "b:1", "c:1")
		a, b, c := nodes[0].cl.Self(), nodes[1].cl.Self(), nodes[2].cl.Self()
		w.net.Stall("a:1", "b:1")
		<-time.After(15 * time.Second)
		reach := nodes[2].cl.State().Reachability()
		require.Equal(t, membership.Unreachable, reach.Status(a, b))
		require.Equal(t, membership.Unreachable, reach.Status(b, a))
		require.Equal(t, membership.Reachable, reach.Status(c, a))
		require.Equal(t, membership.Reachable, reach.Status(c, b))
		w.net.Heal("a:1", "b:1")
		w.allUp(15*time.Second, nodes...)
		nodes[2].crash()
		<-time.After(15 * time.Second)
		reach = nodes[0].cl.State().Reachability()
		require.NotEqual(t, membership.Reachable, reach.Status(a, c))
		require.NotEqual(t, membership.Reachable, reach.Status(b, c))
		require.Equal(t, membership.Reachable, reach.Status(a, b))
	})
}

func TestWatchesOfWhoIsNoMember(t *testing.T) { // C6
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1")
		a := nodes[0]
		late := w.open("c:1", func(c *cluster.Config) { c.JoinLater = true })
		early := a.watcher(late.echo("x", a)) // before it is a member
		require.NoError(t, late.cl.JoinSeeds(w.seeds...))
		w.allUp(5*time.Second, a, nodes[1], late)
		after := a.watcher(late.echo("y", a))
		synctest.Wait()
		gone := late.echo("z", a)
		late.crash()
		w.allUp(20*time.Second, nodes...)
		synctest.Wait()
		require.Len(t, early, 1)
		require.Len(t, after, 1)
		<-time.After(time.Minute)
		long := a.watcher(gone) // of a node that is removed for long
		<-time.After(10 * time.Second)
		require.Len(t, long, 1)
		require.Len(t, early, 1, "once")
	})
}

func TestHeartbeatsDoNotWaitForGossip(t *testing.T) { // C13, C15
	inTown(t, func(t *testing.T, w *town) {
		w.change = func(c *cluster.Config) {
			c.Downing = downing.Off{}
			c.Membership.GossipEvery = 5 * time.Minute
		}
		a := w.form("a:1")[0]
		b := w.open("b:1")
		b.until("let in", 5*time.Second, func(v membership.View) bool { _, ok := v.Member(a.cl.Self()); return ok })
		w.net.Stall("a:1", "b:1")
		b.until("silence of a", 15*time.Second, func(v membership.View) bool { return len(v.Unreachable()) == 1 })
		w.net.Heal("a:1", "b:1")
		b.until("a is heard", 15*time.Second, func(v membership.View) bool { return len(v.Unreachable()) == 0 })
		<-time.After(5 * time.Second)
		require.Empty(t, b.cl.State().Unreachable())
	})
}

func TestTheOldestIsLeftAlone(t *testing.T) { // C18
	inTown(t, func(t *testing.T, w *town) {
		w.change = func(c *cluster.Config) { c.Downing = downing.KeepOldest{StableAfter: time.Second, EvenIfAlone: true} }
		nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1", "f:1")
		for _, n := range nodes[1:] {
			for _, o := range nodes {
				if o != n {
					w.net.Cut(n.addr, o.addr)
				}
			}
		}
		w.allUp(30*time.Second, nodes[0])
	})
}

func TestOneAfterTheOtherDies(t *testing.T) { // C19
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1", "d:1")
		nodes[3].crash()
		w.allUp(30*time.Second, nodes[:3]...)
		nodes[1].crash()
		w.allUp(30*time.Second, nodes[0], nodes[2])
	})
}

func TestARestartWhileSomebodyIsUnreachable(t *testing.T) { // C44
	inTown(t, func(t *testing.T, w *town) {
		w.change = func(c *cluster.Config) { c.Downing, c.Membership.WeaklyUpAfter = downing.Off{}, -1 }
		nodes := w.form("a:1", "c:1")
		w.net.Stall("a:1", "c:1")
		nodes[0].until("c is unreachable", 10*time.Second, func(v membership.View) bool { return len(v.Unreachable()) == 1 })
		b := w.open("b:1")
		w.net.Stall("b:1", "c:1")
		nodes[0].until("b is joining", 5*time.Second, func(v membership.View) bool { return len(v.Members()) == 3 })
		b.until("it knows", 5*time.Second, func(v membership.View) bool { return v.SelfMember().Status == membership.Joining })
		b.crash()
		w.net.Stall("b:1", "c:1")
		again := w.open("b:1")
		<-time.After(5 * time.Second)
		require.NotEqual(t, membership.Up, again.cl.Status())
		w.net.Heal("a:1", "c:1")
		w.net.Heal("b:1", "c:1")
		w.allUp(30*time.Second, nodes[0], nodes[1], again)
		require.NotEqual(t, b.cl.Self(), again.cl.Self())
	})
}

func TestNothingHappensInFineWeather(t *testing.T) { // C51
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1")
		_, got := nodes[2].listener("listener")
		<-got
		<-time.After(30 * time.Second)
		require.Empty(t, eventsOf(got))
		w.allUp(time.Second, nodes...)
	})
}

// mourned sends a word to somebody when it stops.
type mourned struct{ heir actor.PID }

func (mourned) Receive(*actor.Context)      {}
func (m mourned) PostStop(c *actor.Context) { c.Tell(m.heir, lastWord{}) }

type lastWord struct{}

// Section 8.7: however an actor of another node ends, what it said last comes
// before the word that it has.
func TestLastWordsComeBeforeTheNews(t *testing.T) {
	const count = 100
	for title, end := range map[string]func(n *node, all []actor.PID){
		"poison pills": func(_ *node, all []actor.PID) {
			for _, pid := range all {
				pid.Tell(actor.PoisonPill{})
			}
		},
		"the system stops":  func(n *node, _ []actor.PID) { n.sys.BeginStop("test") },
		"the node leaves":   func(n *node, _ []actor.PID) { n.sys.Executor().Go(func() { _ = n.cl.Leave(context.Background()) }) },
		"it is asked to go": func(n *node, _ []actor.PID) { require.NoError(n.town.t, n.town.nodes[0].cl.Dismiss(n.addr)) },
	} {
		t.Run(title, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				nodes := w.form("a:1", "b:1", "c:1")
				for _, n := range nodes {
					require.NoError(t, codec.Register[lastWord](n.sys.Registry(), "test.lastWord.v1"))
				}
				var all, seen []actor.PID // there, and as seen from here
				var heard []chan any
				for range count {
					got := make(chan any, 10)
					heir, err := nodes[0].sys.Spawn("", func() actor.Actor {
						return actor.Func(func(ctx *actor.Context) {
							if w, ok := ctx.Message().(watchThis); ok {
								ctx.Watch(w.who)
								return
							}
							got <- ctx.Message()
						})
					})
					require.NoError(t, err)
					far := nodes[1].sys.RefOf(heir.Location())
					child, err := nodes[1].sys.Spawn("", func() actor.Actor { return mourned{far} })
					require.NoError(t, err)
					all, heard = append(all, child), append(heard, got)
					seen = append(seen, nodes[0].sys.RefOf(child.Location()))
					heir.Tell(watchThis{seen[len(seen)-1]})
				}
				<-time.After(2 * time.Second)
				end(nodes[1], all)
				<-time.After(time.Minute)
				for i, got := range heard {
					require.Len(t, got, 2)
					require.Equal(t, lastWord{}, <-got)
					require.Equal(t, actor.Terminated{Ref: seen[i]}, <-got)
				}
			})
		})
	}
}

type watchThis struct{ who actor.PID }

// bulk is a large message.
type bulk struct{ Body []byte }

func TestLargeMessagesDoNotSilenceANode(t *testing.T) { // C17
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	quiet := zerolog.Nop()
	const bursts, each, size = 3, 15, 2 << 20
	arrived := make(chan int, bursts*each)
	var all []*cluster.Cluster
	var seeds []string
	for range 2 {
		sys, err := actor.NewSystem("tcp", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(ctx)) }()
		require.NoError(t, codec.Register[bulk](sys.Registry(), "test.Bulk.v1", codec.MaxSize(4<<20)))
		cl, err := cluster.Start(ctx, sys, cluster.Config{
			Listen: "127.0.0.1:0", Seeds: seeds, Heartbeat: cluster.Heartbeat{AcceptablePause: 20 * time.Second},
		})
		require.NoError(t, err)
		if seeds == nil {
			seeds = []string{cl.Self().Addr}
		}
		all = append(all, cl)
	}
	sink, err := all[1].System().Spawn("sink", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if m, ok := ctx.Message().(bulk); ok {
				arrived <- len(m.Body)
			}
		})
	})
	require.NoError(t, err)
	far := all[0].System().RefOf(sink.Location())
	for range bursts {
		for range each {
			far.Tell(bulk{make([]byte, size)})
		}
		for range each {
			select {
			case n := <-arrived:
				require.Equal(t, size, n)
			case <-ctx.Done():
				require.Fail(t, "a large message has got lost")
			}
		}
	}
	for _, cl := range all {
		require.Empty(t, cl.Unreachable())
		require.NoError(t, cl.Err())
	}
}
