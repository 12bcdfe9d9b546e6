package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/lease"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Lease is where a cluster with [downing.LeaseMajority] keeps the lease that
// decides who survives a partition.
type Lease struct {
	// Store is where the lease is: the same for all nodes, reachable from each
	// of them also when they can't reach each other.
	Store lease.Store
	// Name of the lease. Default: the name of the cluster and "-downing".
	Name string
	// TTL is how long the lease of a node that died is taken still. Default 30 s.
	TTL time.Duration
}

// timeout is how long the store may take to answer.
func (l Lease) timeout() time.Duration { return lease.Settings{TTL: l.TTL}.OrDefaults().Timeout }

func (l Lease) settings(cluster string, self membership.Node) lease.Settings {
	name := l.Name
	if name == "" {
		name = cluster + "-downing"
	}
	return lease.Settings{Name: name, Owner: self.String(), TTL: l.TTL}
}

// validate says what is wrong with the lease for the strategy.
func (l Lease) validate(s downing.Strategy) error {
	if _, needed := s.(downing.LeaseMajority); needed && l.Store == nil {
		return fmt.Errorf("Downing is %v and Lease.Store is nil: hand in the store that all nodes share", s)
	}
	return nil
}

// leaseAnswer says what became of the question for the lease.
type leaseAnswer struct{ err error }

// decide carries a decision of the downing out, and reports whether anybody was
// declared dead.
func (d *daemon) decide(ctx *actor.Context, decision downing.Decision) bool {
	switch {
	case decision.Verdict == downing.AskLease:
		ctx.Log().Warn().Stringer("decision", decision).Msg("members are cut off for too long; the lease decides who goes on")
		d.askLease(ctx)
	case decision.Verdict == downing.FreeLease:
		d.freeLease(ctx)
	case len(decision.Down) > 0:
		ctx.Log().Warn().Stringer("decision", decision).Msg("members are cut off for too long")
		d.step(ctx, membership.DownNodes{Nodes: decision.Down})
		return true
	}
	return false
}

// askLease asks for the lease apart from the daemon, which has to go on.
func (d *daemon) askLease(ctx *actor.Context) {
	self, l := ctx.Self(), d.lease
	d.c.sys.Executor().Go(func() {
		_, err := l.Acquire(context.Background(), nil)
		self.Tell(leaseAnswer{err})
	})
}

func (d *daemon) answered(ctx *actor.Context, err error) {
	if d.over {
		return
	}
	answer := downing.Granted
	if err != nil {
		ctx.Log().Warn().Err(err).Msg("the lease was not granted")
		answer = downing.Refused
		if held := (*lease.HeldError)(nil); errors.As(err, &held) {
			answer = downing.RefusedFor(held.Owner)
		}
	}
	if !d.decide(ctx, d.resolver.Answer(ctx.Now(), d.core.View(), answer)) {
		d.arm(ctx)
	}
}

// freeLease gives the lease back, if this node has it.
func (d *daemon) freeLease(ctx *actor.Context) {
	if d.lease == nil {
		return
	}
	if _, held := d.lease.Check(); !held {
		return
	}
	log, l := ctx.Log(), d.lease
	d.c.sys.Executor().Go(func() {
		if err := l.Release(context.Background()); err != nil {
			log.Warn().Err(err).Msg("the lease could not be given back; it is free after its TTL")
		}
	})
}
