package simtest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// The messages of the flood.
type (
	cargo struct{ Body []byte }
	// beat is a control message that left At.
	beat struct{ At time.Duration }
)

const (
	docks   = 4                     // receivers, which spread over the ordinary lanes
	beatMax = 50 * time.Millisecond // RM-8
)

// flood has two nodes send each other more than the link between them takes, on the
// ordinary connections and the one for large messages, and control messages beside.
type flood struct {
	w       *simtest.World
	cfg     remote.Config
	remotes map[string]*remote.Remote
	on      bool
	beats   int
	slowest time.Duration
	full    [2]int // beats that left while every queue of ordinary, of large messages was full
	arrived [2]int // ordinary, large
	looks   int
}

// newFlood draws buffers that a flood fills soon.
func newFlood(w *simtest.World) *flood {
	r := w.Rand("flood")
	cfg := remote.Config{FrameMax: 4 << (10 + r.IntN(4)), OrdinaryLanes: 1 + r.IntN(4), LargeMax: 64 << 10, AcceptablePause: 3 * time.Second, StreamTimeout: 10 * time.Second, Patience: -1, CompressFrom: -1}
	cfg.BufferMax = cfg.FrameMax * cfg.OrdinaryLanes * (2 + r.IntN(3))
	cfg.LargeBufferMax, cfg.ControlBufferMax = cfg.LargeMax*(1+r.IntN(3)), 64<<10
	return &flood{w: w, cfg: cfg, remotes: map[string]*remote.Remote{}, on: true}
}

func (f *flood) boot(peer string) simtest.Boot {
	return func(n *simtest.Node) error {
		sys := n.System()
		if err := errors.Join(codec.Register[cargo](sys.Registry(), "simtest.cargo.v1"),
			codec.Register[beat](sys.Registry(), "simtest.beat.v1", codec.Control)); err != nil {
			return err
		}
		cfg := f.cfg
		cfg.Listen, cfg.Transport = n.Addr(), n.Transport()
		r, err := remote.Start(sys, cfg)
		if err != nil {
			return err
		}
		f.remotes[n.Name()] = r
		n.Uses(r)
		for i := range docks {
			if _, err := sys.Spawn(fmt.Sprint("dock", i), func() actor.Actor { return actor.Func(f.take) }); err != nil {
				return err
			}
		}
		at := func(dock int) actor.PID { return sys.RefAt(peer+":2551", fmt.Sprint("/user/dock", dock)) }
		for i := range docks {
			n.Go(func() { f.pour(n, at(i), n.Rand(fmt.Sprint("dock", i)), f.cfg.FrameMax/2) })
		}
		for i := range 3 {
			n.Go(func() { f.pour(n, at(i), n.Rand(fmt.Sprint("large", i)), f.large()) })
		}
		n.Go(func() { f.beat(n, at) })
		return nil
	}
}

// large is the size of the largest bodies, which travel apart.
func (f *flood) large() int { return 2*f.cfg.FrameMax - 200 }

func (f *flood) take(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case beat:
		f.beats++
		f.slowest = max(f.slowest, f.w.Elapsed()-m.At)
	case cargo:
		if len(m.Body) > f.cfg.FrameMax {
			f.arrived[1]++
		} else {
			f.arrived[0]++
		}
	default:
		ctx.Unhandled()
	}
}

// pour sends bodies of up to size bytes, and more than FrameMax if size is, as long as
// there is room.
func (f *flood) pour(n *simtest.Node, to actor.PID, r *rand.Rand, size int) {
	least := 0
	if size > f.cfg.FrameMax {
		least = f.cfg.FrameMax
	}
	for {
		for range 10 {
			if !f.on || to.TryTell(cargo{make([]byte, least+1+r.IntN(size-least))}) != nil {
				break
			}
		}
		sleep(n, 4*time.Millisecond)
	}
}

// beat sends control messages, and looks at the queues before each.
func (f *flood) beat(n *simtest.Node, at func(dock int) actor.PID) {
	probes := [2]cargo{{make([]byte, f.cfg.FrameMax/2)}, {make([]byte, f.large())}}
	for {
		sleep(n, 50*time.Millisecond)
		if !f.on {
			continue
		}
		for kind := range probes {
			full := true
			for i := range docks {
				full = full && errors.Is(at(i).TryTell(probes[kind]), actor.ErrBackpressure)
			}
			if full {
				f.full[kind]++
			}
		}
		at(0).Tell(beat{f.w.Elapsed()})
	}
}

// Name implements simtest.Checker.
func (f *flood) Name() string { return "RM-9" }

// Check implements simtest.Checker: no buffer holds more than its bound, whatever
// happens. What was written by short indexes may take twice the room by name.
func (f *flood) Check(w *simtest.World) error {
	if f.looks++; f.looks%200 != 0 {
		return nil
	}
	most := 2*f.cfg.BufferMax + f.cfg.ControlBufferMax + f.cfg.LargeBufferMax + 16<<10 // and the protocol's own frames
	for _, n := range w.Nodes() {
		if r := f.remotes[n.Name()]; r != nil {
			for _, p := range r.PeerStats() {
				if p.QueuedBytes > most {
					return fmt.Errorf("%v holds %d bytes for %s, at most %d", n, p.QueuedBytes, p.Addr, most)
				}
			}
		}
	}
	return nil
}

// drained says whose buffers are not empty.
func (f *flood) drained() string {
	for _, n := range f.w.Nodes() {
		for _, p := range f.remotes[n.Name()].PeerStats() {
			if p.Queued > 0 {
				return fmt.Sprintf("%d messages for %s wait on %v", p.Queued, p.Addr, n)
			}
		}
	}
	return ""
}

// reserved says who holds memory for large messages on their way in.
func (f *flood) reserved() string {
	for _, n := range f.w.Nodes() {
		if h := n.Holdings(); h.Reserved > 0 || h.Waiting > 0 {
			return fmt.Sprintf("%v has reserved %d bytes for large messages, %d wait", n, h.Reserved, h.Waiting)
		}
	}
	return ""
}

// TestControlPassesAFlood: over a line that takes a fraction of what is sent on it, and
// with every ordinary and the large queue full, each control message arrives within 50
// ms (RM-8); the queues keep to their bounds all the time, also under faults (RM-9), and
// are empty soon after the flood (F-22). Memory reserved for large messages is given back,
// whatever became of them.
func TestControlPassesAFlood(t *testing.T) { // RM-8, RM-9, F-22
	simtest.Run(t, 4, func(w *simtest.World) {
		f := newFlood(w)
		w.Watch(f)
		calm := w.Swarm()
		calm.Rate = 400_000 << w.Rand("rate").IntN(3)
		w.SetSwarm(calm)
		a, b := w.Node("a", f.boot("b")), w.Node("b", f.boot("a"))
		w.Run(500 * time.Millisecond)
		f.beats, f.slowest, f.full = 0, 0, [2]int{}
		w.Run(2 * time.Second)
		require.Greater(w.T(), f.beats, 30)
		require.LessOrEqual(w.T(), f.slowest, beatMax, "RM-8: the slowest of %d beats", f.beats)
		require.Greater(w.T(), min(f.full[0], f.full[1]), f.beats/4, "the queues were full again and again")
		require.NotZero(w.T(), f.arrived[0])
		require.NotZero(w.T(), f.arrived[1])

		f.on = false
		w.Until("the queues are empty (F-22)", 10*time.Second, f.drained)

		storm := simtest.DrawSwarm(w.Rand("swarm"))
		storm.Rate = calm.Rate
		w.SetSwarm(storm)
		f.on = true
		w.Chaos(6*time.Second, a, b)
		w.Run(time.Second)
		f.on = false
		w.Until("the queues are empty after the faults", 30*time.Second, f.drained)
		w.Until("every reservation of a large message is returned", time.Minute, f.reserved)
	})
}
