package simtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// numbered is the n-th message of one process to another.
type numbered struct {
	From uint64 // the uid of the sending process
	N    int
}

// startRemote begins remoting on a node.
func startRemote(n *simtest.Node) (*remote.Remote, error) {
	if err := codec.Register[numbered](n.System().Registry(), "simtest.numbered.v1"); err != nil {
		return nil, err
	}
	return remote.Start(n.System(), remote.Config{Listen: n.Addr(), Transport: n.Transport()})
}

// inbox checks, per sending process, that messages come at most once and in order.
type inbox struct {
	w    *simtest.World
	n    *simtest.Node
	last map[uint64]int
	got  map[string]int // by name of the sending node
	name map[uint64]string
}

func (b *inbox) Receive(ctx *actor.Context) {
	m, ok := ctx.Message().(numbered)
	if !ok {
		ctx.Unhandled()
		return
	}
	if m.N <= b.last[m.From] {
		b.w.Failf("%v got message %d of process %#x after %d", b.n, m.N, m.From, b.last[m.From])
	}
	b.last[m.From] = m.N
	b.got[b.name[m.From]]++
}

// watcher notes every end of an actor that it watches.
type watcher struct {
	w     *simtest.World
	watch actor.PID
	ended *int
}

func (a *watcher) PreStart(ctx *actor.Context) error { ctx.Watch(a.watch); return nil }

func (a *watcher) Receive(ctx *actor.Context) {
	if _, ok := ctx.Message().(actor.Terminated); !ok {
		ctx.Unhandled()
		return
	}
	if *a.ended++; *a.ended > 1 {
		a.w.Failf("a second Terminated for %v", a.watch)
	}
}

// talk makes a program that starts remoting and an inbox, and sends numbered
// messages to the inboxes of all nodes.
func talk(w *simtest.World, names []string, boxes map[string]*inbox) simtest.Boot {
	processes := map[uint64]string{}
	return func(n *simtest.Node) error {
		processes[n.UID()] = n.Name()
		if _, err := startRemote(n); err != nil {
			return err
		}
		box := &inbox{w: w, n: n, last: map[uint64]int{}, got: map[string]int{}, name: processes}
		boxes[n.Name()] = box
		sys := n.System()
		if _, err := sys.Spawn("inbox", func() actor.Actor { return box }); err != nil {
			return err
		}
		for _, to := range names {
			if to == n.Name() {
				continue
			}
			ref := sys.RefOf(actor.Location{System: sys.Name(), Addr: to + ":2551", Path: "/user/inbox"})
			n.Go(func() {
				r := n.Rand("to " + to)
				for i := 1; ; i++ {
					ref.Tell(numbered{From: n.UID(), N: i})
					sleep(n, time.Duration(r.IntN(20))*time.Millisecond)
				}
			})
		}
		return nil
	}
}

// "Tell is at most once, in order per pair of sender and receiver", and after
// healing messages flow between all pairs again.
func TestRemoteMessagesStayInOrderUnderFaults(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		w.SetSwarm(simtest.DrawSwarm(w.Rand("swarm")))
		names := []string{"a", "b", "c"}
		boxes := map[string]*inbox{}
		boot := talk(w, names, boxes)
		var nodes []*simtest.Node
		for _, name := range names {
			nodes = append(nodes, w.Node(name, boot))
		}
		w.Chaos(time.Minute, nodes...)
		w.Run(40 * time.Second)
		for _, box := range boxes {
			clear(box.got)
		}
		w.Until("all hear all", 10*time.Second, func() string {
			for _, to := range names {
				for _, from := range names {
					if from != to && boxes[to].got[from] < 10 {
						return fmt.Sprintf("%s got %d of %s", to, boxes[to].got[from], from)
					}
				}
			}
			return ""
		})
	})
}

// A calm network loses nothing.
func TestACalmNetworkLosesNoMessage(t *testing.T) {
	simtest.Run(t, 10, func(w *simtest.World) {
		boxes := map[string]*inbox{}
		boot := talk(w, []string{"a", "b"}, boxes)
		b := w.Node("b", boot)
		w.Run(time.Second)
		a := w.Node("a", boot)
		w.Run(10 * time.Second)
		require.Equal(w.T(), boxes["b"].last[a.UID()], boxes["b"].got["a"])
		require.Greater(w.T(), boxes["b"].got["a"], 500)
		require.NotZero(w.T(), b.UID())
	})
}

// A watcher gets exactly one Terminated, whether the actor stops, its process
// is killed, or comes back as another incarnation.
func TestWatchersAreToldOnceUnderFaults(t *testing.T) {
	simtest.Run(t, 25, func(w *simtest.World) {
		s := simtest.DrawSwarm(w.Rand("swarm"))
		s.Crash, s.Pause = 0, 0
		w.SetSwarm(s)
		a := w.Node("a", simtest.Boot(func(n *simtest.Node) error { _, err := startRemote(n); return err }))
		b := w.Node("b", simtest.Boot(func(n *simtest.Node) error {
			if _, err := startRemote(n); err != nil {
				return err
			}
			_, err := n.System().Spawn("watched", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
			return err
		}))
		w.Run(time.Second)
		sys := a.System()
		ended := 0
		watched := sys.RefOf(actor.Location{System: sys.Name(), Addr: b.Addr(), Path: "/user/watched"})
		_, err := sys.Spawn("watcher", func() actor.Actor { return &watcher{w: w, watch: watched, ended: &ended} })
		require.NoError(w.T(), err)
		w.Chaos(10*time.Second, a, b)
		w.Run(20 * time.Second)
		require.LessOrEqual(w.T(), ended, 1)
		w.Crash(b)
		w.Run(time.Second)
		w.Restart(b)
		w.Until("the watcher knows", 30*time.Second, simtest.That(func() bool { return ended == 1 }))
		w.Run(30 * time.Second)
	})
}
