package cluster

import (
	"context"
	"errors"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Leave hands over what this node has, takes it out of the cluster and stops
// the system, which can't join again: the same as [actor.System.Stop], which
// leaves too. It waits for the end, until ctx is done. Calling it again, or
// after the node has ended, only waits. Don't call it inside Receive; ask with
// [Cluster.Dismiss] there.
//
// The order is that of the system's coordinated shutdown: shards are handed
// over in [actor.PhaseClusterShardingRegion]; the node becomes Leaving in
// [actor.PhaseClusterLeave] and Exiting when the others agree; singletons are
// handed over in [actor.PhaseClusterExiting]; in
// [actor.PhaseClusterExitingDone] the node is removed. If the others can't
// agree in the time of the phases, because some can't be reached, the node goes
// all the same and is declared dead later by those who stay.
func (c *Cluster) Leave(ctx context.Context) error { return c.sys.Stop(ctx) }

// planLeave takes part in the coordinated shutdown.
func (c *Cluster) planLeave() error {
	for _, t := range []struct {
		phase actor.Phase
		name  string
		run   func(context.Context) error
	}{
		{actor.PhaseClusterLeave, "leave the cluster", func(ctx context.Context) error {
			c.daemon.Tell(membership.Leave{Addr: c.self.Addr})
			return c.sys.Wait(ctx, &c.exiting)
		}},
		{actor.PhaseClusterExiting, "wait until all others know", func(ctx context.Context) error {
			return c.sys.Wait(ctx, &c.exiting)
		}},
		{actor.PhaseClusterExitingDone, "be removed from the cluster", func(ctx context.Context) error {
			c.daemon.Tell(membership.ExitDone{})
			if !c.exiting.IsOpen() {
				c.daemon.Tell(giveUp{"the others could not agree to let it go in time"})
			}
			return c.sys.Wait(ctx, &c.ended)
		}},
		{actor.PhaseClusterShutdown, "stop the cluster's actors", func(ctx context.Context) error {
			// First the heart: were it stopped from above, what waits for it would
			// be dead letters.
			err := c.sys.Wait(ctx, &c.silent)
			c.sys.StopActor(c.daemon)
			return errors.Join(err, c.sys.Wait(ctx, &c.stopped))
		}},
	} {
		if err := c.sys.OnStop(t.phase, t.name, func(ctx context.Context) error {
			if err := c.sys.Wait(ctx, &c.spawned); err != nil {
				return err
			}
			if t.phase != actor.PhaseClusterShutdown && c.ended.IsOpen() {
				return nil
			}
			return t.run(ctx)
		}); err != nil {
			return err
		}
	}
	return nil
}
