package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

func TestAdministration(t *testing.T) { // C22, C46
	inTown(t, func(t *testing.T, w *town) {
		w.change = func(c *cluster.Config) { c.Downing = downing.Off{} }
		a := w.form("a:1")[0]
		require.True(t, a.cl.IsSingleton())
		require.True(t, a.cl.IsAvailable())
		require.Equal(t, membership.Up, a.cl.Status())
		b := w.open("b:1", func(c *cluster.Config) { c.Roles, c.AppVersion = []string{"worker"}, "1.2" })
		c := w.open("c:1")
		w.allUp(5*time.Second, a, b, c)
		require.False(t, a.cl.IsSingleton())
		require.Len(t, a.cl.Members(), 3)
		leader, ok := c.cl.Leader()
		require.True(t, ok)
		require.Equal(t, "a:1", leader.Addr)
		worker, ok := c.cl.RoleLeader("worker")
		require.True(t, ok)
		require.Equal(t, b.cl.Self(), worker.Node)
		require.Equal(t, "1.2", worker.AppVersion)
		_, ok = c.cl.RoleLeader("nobody's")
		require.False(t, ok)
		require.Empty(t, a.cl.Unreachable())

		w.net.Stall("a:1", "c:1")
		w.net.Stall("b:1", "c:1")
		<-time.After(8 * time.Second)
		cut := a.cl.Unreachable()
		require.Len(t, cut, 1)
		require.Equal(t, c.cl.Self(), cut[0].Member.Node)
		require.Equal(t, []membership.Node{a.cl.Self(), b.cl.Self()}, cut[0].By)
		require.False(t, cut[0].Terminated)
		require.True(t, a.cl.IsAvailable())
		w.net.Heal("a:1", "c:1")
		w.net.Heal("b:1", "c:1")
		w.allUp(10*time.Second, a, b, c)

		b.stop()
		require.False(t, b.cl.IsAvailable())
		require.False(t, b.cl.IsSingleton())
		require.Equal(t, membership.Removed, b.cl.Status())
		require.Empty(t, b.cl.Members())
	})
}

func TestOrdersOfAnotherNode(t *testing.T) { // C35, C37
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1", "d:1")
		a := nodes[0]
		ctx := context.Background()
		desk := a.cl.Desk("b:1") // any member will do
		_, err := actor.Ask(ctx, desk, cluster.DownMember{Addr: "d:1"})
		require.NoError(t, err)
		<-nodes[3].cl.Done()
		require.ErrorIs(t, nodes[3].cl.Err(), cluster.ErrDowned)
		_, err = actor.Ask(ctx, desk, cluster.DismissMember{Addr: "c:1"})
		require.NoError(t, err)
		<-nodes[2].cl.Done()
		require.ErrorIs(t, nodes[2].cl.Err(), cluster.ErrLeft)
		w.allUp(15*time.Second, nodes[:2]...)

		_, err = actor.Ask(ctx, desk, cluster.DownMember{Addr: "x:1"})
		require.ErrorContains(t, err, "down x:1: no such member")
		require.ErrorContains(t, err, "knows [a:1 b:1]")
		desk.Tell(cluster.DismissMember{Addr: "nonsense"})
		for _, err := range []error{a.cl.Down("x:1"), a.cl.Dismiss("x:1")} {
			require.ErrorIs(t, err, cluster.ErrNoMember)
		}
		require.ErrorContains(t, a.cl.Down("x"), "want host:port")
		require.ErrorContains(t, a.cl.JoinSeeds("x"), "want host:port")
		require.ErrorContains(t, a.cl.SetAppVersion("1.2.3.4"), "at most three numbers")

		_, err = actor.Ask(ctx, desk, cluster.PrepareShutdown{})
		require.NoError(t, err)
		a.until("readiness", 5*time.Second, func(v membership.View) bool { return v.SelfMember().Status == membership.ReadyForShutdown })
		require.True(t, a.cl.IsAvailable())
		lone := w.open("e:1", func(c *cluster.Config) { c.JoinLater = true })
		require.ErrorIs(t, lone.cl.PrepareForShutdown(), cluster.ErrNoMember)
		require.ErrorIs(t, lone.cl.Down("a:1"), cluster.ErrNoMember)
	})
}

func TestInitialEvents(t *testing.T) { // C25
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1")
		a := nodes[0]
		got := make(chan cluster.Change, 100)
		pid, err := a.sys.Spawn("adds-up", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) { got <- ctx.Message().(cluster.Change) })
		})
		require.NoError(t, err)
		a.cl.Subscribe(pid, cluster.InitialEvents{})
		synctest.Wait()
		require.Equal(t, []string{"up a:1", "up b:1"}, eventsOf(got))
		var words []string
		for e := range a.cl.Events(context.Background(), cluster.InitialEvents{}) {
			words = append(words, strings.Fields(e.String())[0])
			if len(words) == 3 {
				nodes[1].stop() // live events follow
			}
			if _, removed := e.(membership.MemberRemoved); removed {
				break
			}
		}
		require.Equal(t, []string{"up", "up", "leader"}, words[:3])
		a.stop()
		a.cl.Subscribe(pid, cluster.InitialEvents{})
	})
}

func TestCallbacks(t *testing.T) { // C26
	inTown(t, func(t *testing.T, w *town) {
		var said []string
		note := func(word string) func() { return func() { said = append(said, word) } }
		w.change = func(c *cluster.Config) { c.Membership.Minimum.Members = 2 }
		a := w.open("a:1")
		a.cl.OnMemberUp(func() { panic("a callback that fails") })
		a.cl.OnMemberUp(note("up"))
		a.cl.OnMemberRemoved(note("removed"))
		<-time.After(8 * time.Second)
		require.Empty(t, said, "two are needed")
		b := w.open("b:1")
		w.allUp(5*time.Second, a, b)
		synctest.Wait()
		require.Equal(t, []string{"up"}, said)
		a.cl.OnMemberUp(note("at once"))
		a.stop()
		synctest.Wait()
		a.cl.OnMemberRemoved(note("late"))
		require.Equal(t, []string{"up", "at once", "removed", "late"}, said)
	})
}

func TestVersionLater(t *testing.T) { // C1
	inTown(t, func(t *testing.T, w *town) {
		a := w.form("a:1")[0]
		b := w.open("b:1", func(c *cluster.Config) { c.JoinLater = true })
		<-time.After(300 * time.Millisecond)
		require.Equal(t, membership.Removed, b.cl.Status())
		require.NoError(t, b.cl.SetAppVersion("3.0"))
		require.NoError(t, b.cl.JoinSeeds("a:1", "b:1"))
		w.allUp(5*time.Second, a, b)
		m, _ := a.cl.State().At("b:1")
		require.Equal(t, "3.0", m.AppVersion)
	})
}

func TestGivesUp(t *testing.T) { // F-23
	inTown(t, func(t *testing.T, w *town) {
		n := w.open("x:1", func(c *cluster.Config) { c.Membership.GiveUpAfter = 3 * time.Second })
		<-n.sys.Stopped().Done()
		require.ErrorIs(t, n.cl.Err(), cluster.ErrNotJoined)
		require.ErrorContains(t, n.cl.Err(), "a:1 refuses the connection")
		require.Equal(t, cluster.ExitNotJoined, cluster.ExitCode(n.cl.Err()))
	})
}

func TestOneClusterInASystemsLife(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.form("a:1")[0]
		_, err := cluster.Open(a.sys, cluster.Config{Listen: "b:1", Remote: remote.Config{Transport: w.net.Node("b:1")}})
		require.Error(t, err)
		require.NoError(t, a.cl.Err(), "the first is as it was")
		a.stop()
		_, err = cluster.Open(a.sys, cluster.Config{Listen: "b:1", Remote: remote.Config{Transport: w.net.Node("b:1")}})
		require.Error(t, err)
	})
}

func TestExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		nil: 0, cluster.ErrLeft: 0, cluster.ErrDowned: 3, cluster.ErrEvicted: 3, cluster.ErrIncompatible: 4,
		cluster.ErrNotJoined: 5, cluster.ErrFailed: 1, errors.New("another"): 1,
	} {
		if err != nil {
			err = fmt.Errorf("node: %w", err)
		}
		require.Equal(t, want, cluster.ExitCode(err), "%v", err)
	}
}

func TestADownedNodeDropsNothing(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1")
		dropped := make(chan actor.DeadLetter, 100)
		pid, err := nodes[2].sys.Spawn("", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if d, ok := ctx.Message().(actor.DeadLetter); ok {
					dropped <- d
				}
			})
		})
		require.NoError(t, err)
		actor.Subscribe[actor.DeadLetter](nodes[2].sys, pid)
		require.NoError(t, nodes[0].cl.Down("c:1"))
		<-nodes[2].sys.Stopped().Done()
		for len(dropped) > 0 {
			d := <-dropped
			require.NotContains(t, fmt.Sprintf("%T", d.Message), "viewChanged")
		}
	})
}

// A minority that downs itself is gone as a whole: whoever decides tells its
// fellows, they don't have to find out.
func TestTheMinorityGoesTogether(t *testing.T) { // F-03, B6
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1", "c:1", "d:1", "e:1", "f:1", "g:1")
		minority, majority := nodes[:3], nodes[3:]
		for _, x := range minority {
			for _, y := range majority {
				w.net.Stall(x.addr, y.addr)
			}
		}
		<-minority[0].cl.Done()
		first := time.Now()
		for _, n := range minority {
			<-n.cl.Done()
			require.ErrorIs(t, n.cl.Err(), cluster.ErrDowned)
		}
		require.Less(t, time.Since(first), 500*time.Millisecond)
		w.allUp(15*time.Second, majority...)
	})
}

func TestRunner(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1")
		quiet := zerolog.Nop()
		ups := make(chan membership.Node, 10)
		prepared := 0
		r := cluster.Runner{
			Name: "town", System: actor.Config{Logger: &quiet, UID: 77}, RestartAfter: 2 * time.Second,
			Cluster: cluster.Config{Listen: "c:1", Advertise: "c:1", Seeds: w.seeds, Remote: remote.Config{Transport: w.net.Node("c:1")}},
			Prepare: func(*actor.System) error { prepared++; return nil },
			Up: func(_ context.Context, cl *cluster.Cluster) error {
				ups <- cl.Self()
				return nil
			},
		}
		ctx, cancel := context.WithCancel(context.Background())
		var err error
		done := make(chan struct{})
		go func() { err = r.Run(ctx); close(done) }()
		defer func() { cancel(); <-done }()
		three := func(v membership.View) bool {
			return len(v.Members()) == 3 && !slices.ContainsFunc(v.Members(), func(m membership.Member) bool { return m.Status != membership.Up })
		}
		nodes[0].until("three", 10*time.Second, three)
		first := <-ups
		require.NoError(t, nodes[0].cl.Down("c:1"))
		nodes[0].until("two", 10*time.Second, func(v membership.View) bool { return len(v.Members()) == 2 })
		nodes[0].until("it is back", 20*time.Second, three)
		require.Equal(t, uint64(77), first.UID)
		require.NotEqual(t, first.UID, (<-ups).UID)
		require.Equal(t, 2, prepared)
		cancel()
		<-done
		require.NoError(t, err)
		w.allUp(5*time.Second, nodes...)
	})
}

func TestRunnerReturnsWhy(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.form("a:1", "b:1")[0]
		quiet := zerolog.Nop()
		runner := func() cluster.Runner {
			return cluster.Runner{
				Name: "town", System: actor.Config{Logger: &quiet},
				Cluster: cluster.Config{Listen: "c:1", Advertise: "c:1", Seeds: w.seeds, Remote: remote.Config{Transport: w.net.Node("c:1")}},
			}
		}
		ctx := context.Background()
		for _, c := range []struct {
			title  string
			change func(*cluster.Runner)
			want   string
			is     error
		}{
			{"bad settings", func(r *cluster.Runner) { r.RestartAfter = -1 }, "RestartAfter", nil},
			{"bad configuration", func(r *cluster.Runner) { r.Cluster.Seeds = []string{"x"}; r.RestartAfter = time.Second }, "want host:port", nil},
			{"no preparation", func(r *cluster.Runner) { r.Prepare = func(*actor.System) error { return errors.New("no disk") } }, "prepare: no disk", nil},
			{"nothing to run", func(r *cluster.Runner) {
				r.Up = func(context.Context, *cluster.Cluster) error { return errors.New("no port") }
			}, "is up: no port", nil},
			{"downed", func(r *cluster.Runner) {
				r.Up = func(_ context.Context, cl *cluster.Cluster) error { return cl.Down("c:1") }
			}, "declared dead", cluster.ErrDowned},
			{"incompatible", func(r *cluster.Runner) { r.Cluster.Downing, r.RestartAfter = downing.All{}, time.Second }, "cluster.downing", cluster.ErrIncompatible},
		} {
			r := runner()
			c.change(&r)
			err := r.Run(ctx)
			require.ErrorContains(t, err, c.want, c.title)
			if c.is != nil {
				require.ErrorIs(t, err, c.is, c.title)
			}
			a.until("alone again", 20*time.Second, func(v membership.View) bool { return len(v.Members()) == 2 })
		}
		r := runner()
		r.Up = func(_ context.Context, cl *cluster.Cluster) error { return a.cl.Dismiss("c:1") }
		require.NoError(t, r.Run(ctx), "it was asked to leave")
	})
}

// The same over sockets: what the one that decides says last gets out before
// its system has stopped.
func TestTheMinorityGoesTogetherOverTCP(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	quiet := zerolog.Nop()
	var all []*cluster.Cluster
	var seeds []string
	for range 4 {
		sys, err := actor.NewSystem("tcp", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(ctx)) }()
		cl, err := cluster.Start(ctx, sys, cluster.Config{
			Listen: "127.0.0.1:0", Seeds: seeds, Heartbeat: cluster.Heartbeat{AcceptablePause: time.Minute}, // nobody finds out otherwise
		})
		require.NoError(t, err)
		if seeds == nil {
			seeds = []string{cl.Self().Addr}
		}
		all = append(all, cl)
	}
	for range all[1].Events(ctx) {
		if len(all[1].State().ByAge("")) == 4 {
			break
		}
	}
	cluster.DownTogether(all[1], all[1], all[2], all[3])
	for _, cl := range all[1:] {
		select {
		case <-cl.Done():
		case <-ctx.Done():
			require.Fail(t, "it was not told", "%v", cl.Self())
		}
		require.ErrorIs(t, cl.Err(), cluster.ErrDowned)
	}
}
