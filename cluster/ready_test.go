package cluster_test

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

// openTCP starts a node over sockets.
func openTCP(t *testing.T, cfg cluster.Config) *cluster.Cluster {
	t.Helper()
	return openLogging(t, zerolog.Nop(), cfg)
}

func openLogging(t *testing.T, log zerolog.Logger, cfg cluster.Config) *cluster.Cluster {
	t.Helper()
	sys, err := actor.NewSystem("tcp", actor.Config{Logger: &log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	cl, err := cluster.Open(sys, cfg)
	require.NoError(t, err)
	return cl
}

// logWatch is a log that says when certain words are written.
type logWatch struct {
	words string
	seen  chan struct{}
	once  sync.Once
}

func watchLog(words string) *logWatch { return &logWatch{words: words, seen: make(chan struct{})} }

func (l *logWatch) Write(b []byte) (int, error) {
	if strings.Contains(string(b), l.words) {
		l.once.Do(func() { close(l.seen) })
	}
	return len(b), nil
}

func (l *logWatch) wait(t *testing.T) {
	t.Helper()
	select {
	case <-l.seen:
	case <-time.After(30 * time.Second):
		require.Fail(t, "not in the log", l.words)
	}
}

// What each seed has answered stands in the error of a node that is on its way.
func TestANodeOnItsWaySaysWhatEachSeedHasAnswered(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := gone.Addr().String()
	require.NoError(t, gone.Close())
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, deaf.Close()) })
	secret, err := remote.NewSecret([]byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	other := openTCP(t, cluster.Config{Name: "a"})
	guarded := openTCP(t, cluster.Config{Name: "b", Remote: remote.Config{Secrets: []remote.Secret{secret}}})
	idle := openTCP(t, cluster.Config{Name: "b", Seeds: []string{closed}})
	for _, c := range []struct{ title, seed, says string }{
		{"nothing runs there", closed, closed + " refuses the connection: nothing listens there"},
		{"it has no such name", "no-such-host.invalid:1", `no-such-host.invalid:1 can't be looked up: the name "no-such-host.invalid" is not known here`},
		{"it belongs to another cluster", other.Self().Addr, other.Self().Addr + ` belongs to cluster "a", this node to "b": give both nodes the same name, or other addresses`},
		{"it wants a secret", guarded.Self().Addr, guarded.Self().Addr + " demands a shared secret: set Config.Secrets"},
		{"it is in no cluster either", idle.Self().Addr, idle.Self().Addr + " is in no cluster either"},
		{"it says nothing", deaf.Addr().String(), deaf.Addr().String() + " doesn't answer"},
	} {
		t.Run(c.title, func(t *testing.T) {
			t.Parallel()
			quoted, err := json.Marshal(c.says)
			require.NoError(t, err)
			watch := watchLog("seed " + strings.Trim(string(quoted), `"`))
			cl := openLogging(t, zerolog.New(watch), cluster.Config{Name: "b", Seeds: []string{c.seed}})
			watch.wait(t)
			require.ErrorIs(t, cl.Ready(), cluster.ErrNotReady)
			require.ErrorContains(t, cl.Ready(), c.says)
			require.NoError(t, cl.Err(), "it goes on trying")
		})
	}
}

// A seed is this node, however its address is written, or the node says so.
func TestTheOnlySeedIsThisNodeHoweverItIsWritten(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for _, c := range []struct{ title, listen, seed string }{
		{"a name", "localhost:" + port, "localhost:" + port},
		{"a long form of IPv6", "[0:0:0:0:0:0:0:1]:" + port, "[0:0:0:0:0:0:0:1]:" + port},
		{"another form of IPv6", "[::1]:" + port, "[0:0::0:1]:0" + port},
		{"IPv4 in IPv6", "127.0.0.1:" + port, "[::ffff:127.0.0.1]:" + port},
	} {
		t.Run(c.title, func(t *testing.T) {
			cl := openTCP(t, cluster.Config{Listen: c.listen, Seeds: []string{c.seed}})
			select {
			case <-cl.Up().Done():
			case <-time.After(20 * time.Second):
				require.Fail(t, "not up", "%v", cl.Ready())
			}
			require.NoError(t, cl.Ready())
			require.NoError(t, cl.Leave(context.Background()))
			require.ErrorIs(t, cl.Ready(), cluster.ErrLeft)
		})
	}
	t.Run("a name for an address: it ends, and says what to set", func(t *testing.T) {
		cl := openTCP(t, cluster.Config{Listen: "127.0.0.1:" + port, Seeds: []string{"localhost:" + port}})
		select {
		case <-cl.Done():
		case <-time.After(20 * time.Second):
			require.Fail(t, "it goes on", "%v", cl.Ready())
		}
		require.ErrorIs(t, cl.Err(), cluster.ErrIncompatible)
		require.ErrorContains(t, cl.Err(), "the first seed, localhost:"+port+", is this very node, which is known as 127.0.0.1:"+port)
		require.ErrorContains(t, cl.Err(), "set Advertise to localhost:"+port)
	})
}

func TestANodeThatWaitsToBeToldSaysSo(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		late := w.open("x:1", func(c *cluster.Config) { c.JoinLater = true })
		require.ErrorContains(t, late.cl.Ready(), "it waits to be told which to join")
		few := w.open("a:1", func(c *cluster.Config) {
			c.Seeds, c.Membership.Minimum = []string{"a:1"}, membership.Minimum{Members: 2}
		})
		<-time.After(5 * time.Second)
		require.ErrorContains(t, few.cl.Ready(), "is joining: it waits for the members to agree, or for Membership.Minimum")
	})
}

// A seed that was killed comes back while members live that are no seeds, and two
// clusters that were formed in a partition say so on all nodes.
func TestTwoClustersOfOneNameInRealSystems(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.seeds = []string{"a:1"}
		nodes := w.form("a:1", "b:1", "c:1")
		nodes[0].crash()
		again := w.open("a:1")
		w.allUp(30*time.Second, again, nodes[1], nodes[2])

		w.net.Cut("a:1", "b:1")
		w.net.Cut("a:1", "c:1")
		w.allUp(30*time.Second, nodes[1], nodes[2])
		again.stop()
		w.net.Cut("a:1", "b:1")
		w.net.Cut("a:1", "c:1")
		second := w.open("a:1")
		w.allUp(30*time.Second, second)
		<-time.After(30 * time.Second)
		var heard []<-chan membership.OtherCluster
		for _, n := range []*node{second, nodes[1], nodes[2]} {
			heard = append(heard, n.otherClusters())
		}
		w.net.Heal("a:1", "b:1")
		w.net.Heal("a:1", "c:1")
		<-time.After(10 * time.Second)
		for _, other := range heard {
			require.Len(t, other, 1)
			require.Contains(t, (<-other).String(), `there are two clusters named "town"`)
		}
		require.NoError(t, second.cl.Err())
	})
}

// otherClusters is what a node tells of other clusters.
func (n *node) otherClusters() <-chan membership.OtherCluster {
	got := make(chan membership.OtherCluster, 100)
	pid, err := n.sys.Spawn("other-clusters", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if c, ok := ctx.Message().(cluster.Change); ok {
				for _, e := range c.Events {
					if o, ok := e.(membership.OtherCluster); ok {
						got <- o
					}
				}
			}
		})
	})
	require.NoError(n.town.t, err)
	n.cl.Subscribe(pid)
	return got
}

// What is started in another way on one node of three is told on all of them, and the odd
// one isn't ready, until it is put right.
func TestNodesThatDeclareDifferentThingsSaySo(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		part := func(shards string) cluster.Declaration {
			return cluster.Declaration{Kind: "sharding", Name: "ent", Everywhere: true, Must: []membership.Setting{{Key: "Shards", Value: shards}}}
		}
		nodes := w.form("a:1", "b:1", "c:1")
		for i, n := range nodes {
			require.NoError(t, n.cl.Declare(part([]string{"128", "128", "64"}[i])))
		}
		<-time.After(6 * time.Second)
		require.NoError(t, nodes[0].cl.Ready())
		require.NoError(t, nodes[1].cl.Ready())
		require.ErrorIs(t, nodes[2].cl.Ready(), cluster.ErrNotReady)
		require.ErrorContains(t, nodes[2].cl.Ready(), `sharding "ent" has different settings: Shards is 64 on this node (c:1), and 128 on a:1, 128 on b:1`)
		require.NoError(t, nodes[2].cl.Declare(part("128")))
		<-time.After(6 * time.Second)
		require.NoError(t, nodes[2].cl.Ready())
		require.ErrorContains(t, nodes[0].cl.Declare(cluster.Declaration{Kind: "x"}), "want 1 to 128 bytes")

		late := w.open("d:1", func(c *cluster.Config) { c.Downing = downing.KeepMajority{Role: "ghost"} })
		<-time.After(15 * time.Second)
		require.ErrorIs(t, late.cl.Err(), cluster.ErrIncompatible)
	})
}

func TestARoleOfTheDowningStrategyThatNobodyHas(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.change = func(c *cluster.Config) { c.Downing = downing.KeepMajority{Role: "ghost"} }
		for _, n := range w.form("a:1", "b:1", "c:1") {
			require.NoError(t, n.cl.Ready())
		}
		<-time.After(12 * time.Second)
		for _, n := range w.nodes {
			require.ErrorContains(t, n.cl.Ready(), `downing strategy "keep-majority" is for members with the role "ghost", which no member has`)
		}
	})
}

// Settings that should be the same are logged on both sides, and leave the node ready.
func TestAnotherDetectorOnOneNodeIsLogged(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		nodes := w.form("a:1", "b:1")
		watch := watchLog(`Heartbeat.AcceptablePause is 10s on this node (c:1)`)
		w.log = zerolog.New(watch)
		odd := w.open("c:1", func(c *cluster.Config) { c.Heartbeat.AcceptablePause = 10 * time.Second })
		w.allUp(30*time.Second, append(nodes, odd)...)
		watch.wait(t)
		require.NoError(t, odd.cl.Ready())
	})
}
