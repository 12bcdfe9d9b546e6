package singleton

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Config says what there is to be one of. Name and one of New and NewFenced
// are needed; all nodes must have the same Name and Role.
type Config[M any] struct {
	// Name is the name of the singleton: 1 to 80 letters, digits, - and _.
	Name string
	// Role is the role of the nodes that may run it; "" means all nodes. It
	// runs on the oldest of them, and has to be started on all. A node
	// without the role only sends.
	Role string
	// New makes the instance.
	New func() actor.Receiver[M]
	// NewFenced makes an instance that is told its epoch: the fencing token
	// that it should put on what it writes where others could write too.
	// Every instance has a newer one than all before it.
	NewFenced func(epoch actor.Epoch) actor.Receiver[M]
	// Options are for the spawn of the instance, such as [actor.Bounded]. An
	// [actor.Supervise] among them decides about failures; without one, an
	// instance that fails is stopped, and another is started after Backoff.
	Options []actor.SpawnOption

	// BufferMax is how many messages wait on this node while it isn't known
	// where the instance is. Default 1000; negative means none. When it is
	// full, the one that has waited longest becomes a dead letter with the
	// reason "buffer full".
	BufferMax int
	// StopTimeout is how long the instance may take, at a hand-over, for what
	// is in its mailbox. Default 8 s. Then it is stopped, and the rest becomes
	// dead letters. The shutdown of a node allows ten seconds in all.
	StopTimeout time.Duration
	// Backoff is the time before an instance that has ended by itself is
	// replaced. It doubles each time. Default 200 ms to 10 s.
	Backoff actor.Backoff
	// RemovalMargin is how long after a node was declared dead another may run
	// the instance, so that the first has stopped it even if it lives. Default
	// 3 s, or more where the settings of the cluster need it; less than they need
	// is an error of [Start], see [cluster.Cluster.RemovalMargin]. Raised, a crash
	// is bridged later; lowered, a paused process may run its instance a moment
	// longer beside the next one (whose epoch is newer).
	RemovalMargin time.Duration
	// RetryEvery is the time between repeats of what was not answered. Default
	// 1 s.
	RetryEvery time.Duration
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

const nameMax = 80

// Validate says which field is out of range, and what it should be.
func (c Config[M]) Validate() error {
	var errs []error
	if c.Name == "" || len(c.Name) > nameMax || strings.ContainsFunc(c.Name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) {
		errs = append(errs, fmt.Errorf("Name %q: want 1 to %d letters, digits, - and _", c.Name, nameMax))
	}
	if (c.New == nil) == (c.NewFenced == nil) {
		errs = append(errs, errors.New("New, NewFenced: want one of them"))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"StopTimeout", c.StopTimeout}, {"RemovalMargin", c.RemovalMargin}, {"RetryEvery", c.RetryEvery},
		{"Backoff.Min", c.Backoff.Min}, {"Backoff.Max", c.Backoff.Max},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s %v: want a positive time, or 0 for the default", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

func actorName(name string) string { return "singleton-" + name }

// Start lets this node take part: it runs the instance when it has the role
// and is the oldest, and sends to it in any case, through the ref that is
// returned. It returns at once; messages wait until the instance is found. It
// fails when the config is out of range or the singleton is started already.
// It ends with the system, and hands over first.
func Start[M any](cl *cluster.Cluster, cfg Config[M]) (actor.Ref[M], error) {
	fail := func(err error) (actor.Ref[M], error) {
		return actor.Ref[M]{}, fmt.Errorf("start singleton %q: %w", cfg.Name, err)
	}
	if err := cfg.Validate(); err != nil {
		return fail(err)
	}
	sys := cl.System()
	if err := Register(sys.Registry()); err != nil {
		return fail(err)
	}
	margin, err := cl.RemovalMargin(cfg.RemovalMargin)
	if err != nil {
		return fail(err)
	}
	cfg.RemovalMargin = margin
	s := cfg.setup(cl)
	c := newCore(s.settings)
	pid, err := sys.Internal().Spawn(actorName(cfg.Name), func() actor.Actor { return newAgent(s, c) })
	if err != nil {
		return fail(err)
	}
	if err := cfg.declare(cl, s); err != nil {
		sys.StopActor(pid)
		return fail(err)
	}
	err = sys.OnStop(actor.PhaseClusterExiting, "hand over singleton "+cfg.Name, func(ctx context.Context) error {
		var done actor.Gate
		pid.Tell(leaveNow{done: &done})
		return sys.Wait(ctx, &done)
	})
	if err != nil {
		sys.StopActor(pid)
		return fail(err)
	}
	return actor.Narrow[M](pid), nil
}

// declare has the nodes compare how they have started the singleton. The coordinator
// of a sharding is compared as a part of that.
func (c Config[M]) declare(cl *cluster.Cluster, s setup) error {
	if strings.HasPrefix(c.Name, "sharding-") {
		return nil
	}
	return cl.Declare(cluster.Declaration{
		Kind: "singleton", Name: c.Name, Role: c.Role, Everywhere: true,
		Should: []membership.Setting{{Key: "RemovalMargin", Value: s.settings.margin.String()}},
	})
}

// setup fills the defaults in.
func (c Config[M]) setup(cl *cluster.Cluster) setup {
	backoffMin := orDefault(c.Backoff.Min, 200*time.Millisecond)
	retry := orDefault(c.RetryEvery, time.Second)
	options := append([]actor.SpawnOption{actor.Supervise{Decide: func(error) actor.Directive { return actor.Stop }}}, c.Options...)
	return setup{
		name: c.Name, bufferMax: max(0, orDefault(c.BufferMax, 1000)), stopMax: orDefault(c.StopTimeout, 8*time.Second),
		settings: settings{
			self: cl.Self(), role: c.Role, retry: retry, pauseMax: retry,
			margin:     c.RemovalMargin,
			backoffMin: backoffMin, backoffMax: max(backoffMin, orDefault(c.Backoff.Max, 10*time.Second)),
		},
		spawn: func(ctx *actor.Context, epoch actor.Epoch) (actor.PID, error) {
			ref, err := actor.SpawnTyped(ctx, "instance", func() actor.Receiver[M] {
				if c.NewFenced != nil {
					return c.NewFenced(epoch)
				}
				return c.New()
			}, options...)
			return ref.PID(), err
		},
		subscribe: func(self actor.PID) { cl.Subscribe(self) },
	}
}
