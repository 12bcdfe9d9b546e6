package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Runner runs a node until it has left its cluster, and starts it anew in the
// same process when it was declared dead: what is left for main is to choose an
// exit code, see [ExitCode].
type Runner struct {
	// Name is the name of the actor system, and of the cluster unless Cluster
	// has another one.
	Name string
	// System is what each incarnation's system is built from. An UID counts for
	// the first only: every other one draws its own.
	System actor.Config
	// Cluster is what each incarnation joins with.
	Cluster Config
	// Prepare, if not nil, is called with each new system before it joins: to
	// register messages, for instance.
	Prepare func(sys *actor.System) error
	// Up, if not nil, is called when an incarnation is Up: to start what runs on
	// the node. The context ends when the incarnation begins to stop.
	Up func(ctx context.Context, cl *Cluster) error
	// Signals makes an interrupt or SIGTERM let the node leave; a second one
	// ends the process at once.
	Signals bool
	// RestartAfter is how long to wait before the next incarnation after one
	// that was declared dead, removed, or failed, or gave way to an older cluster. It doubles, up to a minute,
	// while incarnations end before they are Up. Default 0: none follows, and
	// [Runner.Run] returns the reason. Lowered, a node comes back sooner, but
	// what the old one did must have ended by then.
	RestartAfter time.Duration
}

// restartMax bounds the time between two incarnations.
const restartMax = time.Minute

// Run runs the node until it has left, because ctx ended, by a signal or
// because somebody dismissed it, and returns nil then. Otherwise it returns why
// the node ended: an error of the configuration, of Prepare or Up, or one of
// those of [Cluster.Err]. Nothing of the node is left when it returns.
func (r Runner) Run(ctx context.Context) error {
	if r.RestartAfter < 0 {
		return fmt.Errorf("run node: RestartAfter %v: want a positive time, or 0 for no restart", r.RestartAfter)
	}
	wait := r.RestartAfter
	for {
		sys, err := actor.NewSystem(r.Name, r.System)
		if err != nil {
			return fmt.Errorf("run node: %w", err)
		}
		wasUp, err := r.live(ctx, sys)
		switch {
		case err == nil || errors.Is(err, ErrLeft):
			return nil
		case r.RestartAfter == 0 || !startAnew(err) || ctx.Err() != nil:
			return fmt.Errorf("run node: %w", err)
		}
		if wasUp {
			wait = r.RestartAfter
		}
		sys.Log().Warn().Err(err).Stringer("after", wait).Msg("the node is started anew")
		var over actor.Gate
		timer := sys.Clock().AfterFunc(wait, func() { over.Open() })
		if sys.Wait(ctx, &over) != nil {
			timer.Stop()
			return nil
		}
		wait = max(wait, min(2*wait, restartMax))
		r.System.UID = 0
	}
}

// startAnew reports whether another incarnation may do better.
func startAnew(err error) bool {
	return errors.Is(err, ErrDowned) || errors.Is(err, ErrEvicted) || errors.Is(err, ErrSuperseded) || errors.Is(err, ErrFailed) || errors.Is(err, ErrNotJoined)
}

// live runs one incarnation to its end, and reports whether it ever was Up.
func (r Runner) live(ctx context.Context, sys *actor.System) (wasUp bool, err error) {
	defer func() {
		stopErr := sys.Stop(context.WithoutCancel(ctx))
		if err == nil {
			err = stopErr
		}
	}()
	if r.Prepare != nil {
		if err := r.Prepare(sys); err != nil {
			return false, fmt.Errorf("prepare: %w", err)
		}
	}
	// Before the cluster is opened: it may end at once.
	life, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var stopping actor.Gate
	if err := sys.OnStop(actor.PhaseBeforeServiceUnbind, "end the context of the node's parts", func(context.Context) error {
		cancel(errors.New("the node stops"))
		stopping.Open()
		return nil
	}); err != nil {
		return false, err
	}
	cl, err := Open(sys, r.Cluster)
	if err != nil {
		return false, err
	}
	if r.Signals {
		sys.StopOnSignal()
	}
	cl.Ended().Notify(func() { cancel(cl.Err()); stopping.Open() })
	if sys.Wait(life, &cl.settled) == nil && cl.up.IsOpen() {
		wasUp = true
		if r.Up != nil {
			if err := r.Up(life, cl); err != nil && life.Err() == nil {
				return wasUp, fmt.Errorf("node %v is up: %w", cl.Self(), err)
			}
		}
		_ = sys.Wait(ctx, &stopping) // either way the end follows
	}
	if err := sys.Stop(context.WithoutCancel(ctx)); err != nil {
		return wasUp, err
	}
	return wasUp, cl.Err()
}
