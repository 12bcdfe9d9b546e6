package simtest_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/lease"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/testkit/simtest"
)

func TestInstants(t *testing.T) {
	simtest.Run(t, 3, func(w *simtest.World) {
		n := w.Node("a")
		before := n.Clock().Now()
		require.Equal(w.T(), w.Now().UnixNano(), before.UnixNano())
		require.Contains(w.T(), before.String(), " m=+", "both clocks are read")
		for _, set := range []time.Duration{time.Hour, -2 * time.Hour, time.Nanosecond, 20 * 365 * 24 * time.Hour} {
			before, shown := n.Clock().Now(), n.Clock().Now().UnixNano()
			w.SetWall(n, set)
			w.Run(1500 * time.Millisecond)
			after := n.Clock().Now()
			require.Equal(w.T(), 1500*time.Millisecond, after.Sub(before))
			require.True(w.T(), after.After(before))
			require.Equal(w.T(), int64(set+1500*time.Millisecond), after.UnixNano()-shown)
			require.Equal(w.T(), after.Add(time.Second).UnixNano(), after.UnixNano()+int64(time.Second))
		}
	})
}

// hand sets the clocks on the walls by up to an hour: those of some nodes, or of
// all of them, each as it comes, or all of them forward, or back.
func hand(w *simtest.World, r *rand.Rand, nodes []*simtest.Node) {
	some, way := len(nodes), r.IntN(4)-1
	if way == 2 {
		some, way = 1+r.IntN(len(nodes)), 0
	}
	for _, k := range r.Perm(len(nodes))[:some] {
		d := time.Duration(r.Int64N(int64(time.Hour)))
		if way == -1 || way == 0 && r.IntN(2) == 0 {
			d = -d
		}
		w.SetWall(nodes[k], d)
	}
}

// F-21: somebody sets the clocks on the walls, again and again. Nobody is held
// for unreachable, nothing happens more often than before, and who dies meanwhile
// is found as soon as ever.
func TestTheClocksOnTheWallsAreSet(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		calm, r := true, w.Rand("hand")
		store, err := lease.NewFiles(w.T().TempDir())
		require.NoError(w.T(), err)
		nodes := fleet(w, 5, simtest.Clustered{
			Adjust: func(_ *simtest.Node, cfg *cluster.Config) {
				cfg.Downing, cfg.Lease.Store = downing.LeaseMajority{}, store
			},
			Open: func(n *simtest.Node, cl *cluster.Cluster) error {
				return peaceful(n, cl, func(text string, about ...any) {
					if calm {
						w.Failf(text, about...)
					}
				})
			},
		})
		w.Until("all up", time.Minute, w.AllUp(nodes...))
		w.Run(10 * time.Second)

		rate := func(each func()) float64 {
			events, began := w.Events(), w.Elapsed()
			for range 10 {
				each()
				w.Run(time.Duration(1000+r.IntN(3000)) * time.Millisecond)
			}
			return float64(w.Events()-events) / (w.Elapsed() - began).Seconds()
		}
		quiet := rate(func() {})
		require.Less(w.T(), rate(func() { hand(w, r, nodes) }), 1.1*quiet, "events a second")
		w.Until("all up", time.Second, w.AllUp(nodes...))
		require.True(w.T(), same(nodes))

		calm = false
		order := shuffled(w, nodes)
		dead := membership.Node{Addr: order[0].Addr(), UID: order[0].UID()}
		w.PowerOff(order[0])
		known := simtest.That(func() bool {
			for _, n := range order[1:] {
				if v, _ := w.Members().View(n); v.Reachability().Worst(dead) == membership.Reachable {
					return false
				}
			}
			return true
		})
		w.Run(3 * time.Second)
		require.NotEmpty(w.T(), known(), "sooner would be a guess")
		hand(w, r, order[1:])
		w.Until("all know", 1500*time.Millisecond, known)
		hand(w, r, order[1:])
		w.Until("the others go on", 20*time.Second, w.AllUp(order[1:]...))
		require.True(w.T(), same(order[1:]))
		w.Restart(order[0])
		w.Until("all up again", time.Minute, w.AllUp(nodes...))
	})
}

// F-21: a lease is counted by clocks that nobody sets: its holder keeps it, however
// late it may be on whichever wall, and who comes after a dead one waits for the
// time that was agreed on.
func TestALeaseDoesNotLookAtTheWall(t *testing.T) {
	const ttl = 30 * time.Second
	simtest.Run(t, 5, func(w *simtest.World) {
		store, err := lease.NewFiles(w.T().TempDir())
		require.NoError(w.T(), err)
		a, b := w.Node("a"), w.Node("b")
		of := func(n *simtest.Node) *lease.Lease {
			l, err := lease.New(n.System(), store, lease.Settings{Name: "stamp", Owner: n.Name(), TTL: ttl})
			require.NoError(w.T(), err)
			return l
		}
		holder, next, r := of(a), of(b), w.Rand("hand")
		acquire := func(n *simtest.Node, l *lease.Lease) (err error) {
			require.True(w.T(), n.Do(func() {
				_, err = l.Acquire(context.Background(), func(err error) { w.Failf("%v loses it: %v", n, err) })
			}))
			return err
		}
		require.NoError(w.T(), acquire(a, holder))
		for range 20 {
			hand(w, r, []*simtest.Node{a, b})
			require.ErrorIs(w.T(), acquire(b, next), lease.ErrHeld)
			_, held := holder.Check()
			require.True(w.T(), held)
			w.Run(time.Duration(r.IntN(15_000)) * time.Millisecond)
		}
		w.PowerOff(a)
		began := w.Elapsed()
		for ; acquire(b, next) != nil; hand(w, r, []*simtest.Node{b}) {
			require.Less(w.T(), w.Elapsed()-began, ttl+2*time.Second)
			w.Run(time.Second)
		}
		require.Greater(w.T(), w.Elapsed()-began, ttl-ttl/10-time.Second, "the last sign of life was a tenth of that before at most")
	})
}
