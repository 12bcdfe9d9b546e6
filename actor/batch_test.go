package actor_test

import (
	"context"
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
