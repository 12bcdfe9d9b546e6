package actor_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// gated is an actor that takes no message before its gate is open, and then says which
// ints have come.
func gated(t *testing.T, sys *actor.System, name string, gate *actor.Gate, opts ...actor.SpawnOption) <-chan int {
	t.Helper()
	began, got := make(chan struct{}), make(chan int, 200)
	pid, err := sys.Spawn(name, func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case int:
				got <- m
			case *actor.Gate:
				close(began)
				<-m.Done()
			}
		})
	}, opts...)
	require.NoError(t, err)
	pid.Tell(gate)
	<-began
	return got
}

func ints(from, to int) []int {
	all := []int{}
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func TestBatchesKeepOrderAndLoseNothingSilently(t *testing.T) {
	quiet := zerolog.Nop()
	for title, c := range map[string]struct {
		opts []actor.SpawnOption
		got  []int
	}{
		"no bound":            {nil, ints(0, 100)},
		"bounded, many":       {[]actor.SpawnOption{actor.Bounded(40)}, ints(0, 40)},
		"bounded, fewer than": {[]actor.SpawnOption{actor.Bounded(5)}, ints(0, 5)},
		"special":             {[]actor.SpawnOption{actor.Mailbox{Priority: func(any) int { return 0 }}}, ints(0, 100)},
	} {
		t.Run(title, func(t *testing.T) {
			sys, err := actor.NewSystem("batch", actor.Config{Logger: &quiet})
			require.NoError(t, err)
			defer func() { require.NoError(t, sys.Stop(context.Background())) }()
			d := &direct{ports: map[string]*actor.Port{}, nodes: map[string]*actor.System{}}
			d.attach(t, sys, "a:1")
			port := d.ports["a:1"]
			var gate actor.Gate
			gotOne, gotTwo := gated(t, sys, "one", &gate, c.opts...), gated(t, sys, "two", &gate, c.opts...)
			one, two, none := port.Destination("/user/one", 0), port.Destination("/user/two", 0), port.Destination("/user/none", 0)
			var batch actor.Batch
			for n := range 100 { // runs of one, and long ones
				port.DeliverIn(&batch, one, n, actor.PID{})
				if n < 50 {
					port.DeliverIn(&batch, two, n, actor.PID{})
				}
			}
			for n := range 50 {
				port.DeliverIn(&batch, two, 50+n, actor.PID{})
			}
			port.DeliverIn(&batch, none, 1, actor.PID{})
			port.DeliverAll(&batch)
			port.DeliverAll(&batch) // nothing twice
			require.EqualValues(t, 2*(100-len(c.got)), sys.Dropped(actor.DropMailboxFull))
			require.EqualValues(t, 1, sys.Dropped(actor.DropStopped))
			gate.Open()
			for name, got := range map[string]<-chan int{"one": gotOne, "two": gotTwo} {
				all := []int{}
				for range c.got {
					all = append(all, <-got)
				}
				require.Equal(t, c.got, all, name)
			}
		})
	}
}

// counted is an actor that says how many ints have come, in order.
type counted struct {
	mu   sync.Mutex
	got  []int
	most int // after which it stops; 0: never
}

func (c *counted) Receive(ctx *actor.Context) {
	if n, ok := ctx.Message().(int); ok {
		c.mu.Lock()
		c.got = append(c.got, n)
		stop := len(c.got) == c.most
		c.mu.Unlock()
		if stop {
			ctx.Stop(ctx.Self())
		}
	}
}

// TestLongBatches sends many to actors that take them at the same time, from batches that
// go from one to the other: each gets all of its own in order, or the first of them if it
// stops or is full, and everything else is dropped and counted.
func TestLongBatches(t *testing.T) {
	quiet := zerolog.Nop()
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		sys, err := actor.NewSystem("batch", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		d := &direct{ports: map[string]*actor.Port{}, nodes: map[string]*actor.System{}}
		d.attach(t, sys, "a:1")
		port := d.ports["a:1"]
		actors := map[string]*counted{"free": {}, "bounded": {}, "brief": {most: 1 + rnd.IntN(3000)}}
		pids := map[string]actor.PID{}
		for name, a := range actors {
			var opts []actor.SpawnOption
			if name == "bounded" {
				opts = append(opts, actor.Bounded(700))
			}
			pids[name], err = sys.Spawn(name, func() actor.Actor { return a }, opts...)
			require.NoError(t, err)
		}
		to := []*actor.Destination{port.Destination("/user/free", 0), port.Destination("/user/bounded", 0), port.Destination("/user/brief", 0)}
		sent := make([]int, len(to))
		var batch actor.Batch
		for range 30 {
			k := rnd.IntN(len(to))
			for range rnd.IntN([]int{3, 40, 1500}[rnd.IntN(3)]) {
				port.DeliverIn(&batch, to[k], sent[k], actor.PID{})
				sent[k]++
			}
			if rnd.IntN(4) == 0 {
				port.DeliverAll(&batch)
			}
		}
		port.DeliverAll(&batch)
		refused := 0 // of the poison
		for _, pid := range pids {
			for errors.Is(pid.TryTell(actor.PoisonPill{}), actor.ErrMailboxFull) {
				refused++
				runtime.Gosched() // it is about to take something
			}
			require.NoError(t, actor.AwaitEnd(t.Context(), pid))
		}
		free, bounded, brief := actors["free"].got, actors["bounded"].got, actors["brief"].got
		require.Equal(t, ints(0, sent[0]), append([]int{}, free...), "seed %d", seed)
		require.IsIncreasing(t, append(append([]int{-2, -1}, bounded...), sent[1]), "seed %d", seed)
		require.Equal(t, ints(0, min(sent[2], actors["brief"].most)), append([]int{}, brief...), "seed %d", seed)
		require.EqualValues(t, sent[1]-len(bounded)+refused, sys.Dropped(actor.DropMailboxFull), "seed %d", seed)
		late := uint64(sent[2] - len(brief))
		if len(brief) == actors["brief"].most { // then the poison counts, unless it had come before the end
			require.Contains(t, []uint64{late, late + 1}, sys.Dropped(actor.DropStopped), "seed %d", seed)
		} else {
			require.Equal(t, late, sys.Dropped(actor.DropStopped), "seed %d", seed)
		}
		require.NoError(t, sys.Stop(context.Background()))
	}
}
