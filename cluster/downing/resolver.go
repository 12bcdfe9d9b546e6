package downing

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

// Resolver watches the views of one node and asks a strategy when the time has
// come. It is a value driven by its owner: no clock and no lock. Make one with
// [NewResolver]; it is not safe for concurrent use.
type Resolver struct {
	strategy Strategy
	seen     sight
	stable   time.Time // when a decision is due; zero: nothing is broken
	doomed   time.Time // when this node goes down whatever else changes; zero: it may survive yet
	unstable time.Time // when everybody goes down if links still come and go
	flapped  bool      // a link was mended since the first change
	due      bool      // a decision is due, but not by this node
	lease    leasing
	// fresh are the members without a say, and since when they are cut off.
	fresh map[membership.Node]time.Time
}

// NewResolver returns a resolver that has seen nothing yet.
func NewResolver(s Strategy) *Resolver { return &Resolver{strategy: s} }

// Next returns when to call [Resolver.Step] even if the view doesn't change;
// the zero time means never.
func (r *Resolver) Next() time.Time {
	return earliest(r.lease.next(), r.nextDecision())
}

// earliest returns the earlier of two instants; the zero time is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (r *Resolver) nextDecision() time.Time {
	if r.lease.phase == leaseAsked || r.due && !r.flapped {
		return time.Time{} // an answer, or becoming the leader, comes by itself
	}
	at := earliest(r.stable, r.doomed)
	if r.lease.phase == leaseLater && at.Before(r.lease.at) {
		at = r.lease.at
	}
	if r.flapped && (r.due || r.unstable.Before(at)) {
		return r.unstable
	}
	return at
}

// Step takes the present view and returns a decision that the node must carry
// out now: declare everybody in it dead, itself last. That others go down is
// decided by one node, the leader as it sees it. That the own side goes down is
// decided by each member of it that has a say: who would tell it may be dead
// by then, or cut off.
func (r *Resolver) Step(now time.Time, v membership.View) Decision {
	if r.lease.free(now, v) {
		return Decision{Verdict: FreeLease, Why: "those who were declared dead are gone for long enough"}
	}
	g := newGraph(v, "")
	before := r.seen
	r.seen = r.look(g, v)
	if g.whole() || !g.has(v.Self) {
		r.reset()
		return Decision{}
	}
	r.noteFresh(now, g)
	if r.lease.phase == leaseAsked {
		return Decision{} // until the answer is there
	}
	timing := r.strategy.Timing()
	if r.stable.IsZero() {
		r.unstable = now.Add(timing.unstableAfter(len(r.seen.counted)))
	}
	r.flapped = r.flapped || timing.UnstableFor >= 0 && len(g.mended(before)) > 0
	if r.stable.IsZero() || r.seen.delays(before, g) {
		r.stable, r.due = now.Add(timing.stableAfter(len(r.seen.counted))), false
	}
	switch {
	case !r.seen.hopeless:
		r.doomed = time.Time{}
	case r.doomed.IsZero():
		r.doomed = now.Add(timing.stableAfter(len(r.seen.counted)))
	}
	switch {
	case r.flapped && !now.Before(r.unstable):
		r.reset()
		return g.nobody("links have come and gone for too long")
	case now.Before(earliest(r.stable, r.doomed)):
		return Decision{}
	}
	return r.decide(now, v)
}

// decide carries out what is due, as far as it is up to this node.
func (r *Resolver) decide(now time.Time, v membership.View) Decision {
	d, leads := r.seen.decision, responsible(v)
	switch {
	case d.Verdict == AskLease && r.lease.ask(now, r.strategy, v, leads):
	case d.Verdict == AskLease:
		return Decision{}
	case !leads && !(slices.Contains(d.Down, v.Self) && slices.Contains(r.seen.counted, v.Self)):
		r.due = true
		return Decision{}
	}
	// What comes of it shows in later views; if nothing does, decide again.
	r.restart(now, len(r.seen.counted))
	if d.Verdict == DownOthers {
		d.Down = slices.DeleteFunc(slices.Clone(d.Down), func(n membership.Node) bool {
			since, fresh := r.fresh[n]
			return fresh && now.Before(since.Add(r.strategy.Timing().stableAfter(len(r.seen.counted))))
		})
	}
	return d
}

// noteFresh follows since when members without a say are cut off. They delay no
// decision, but it must not be about them sooner than it would be about others.
func (r *Resolver) noteFresh(now time.Time, g *graph) {
	fresh := map[membership.Node]time.Time{}
	for i, m := range g.members {
		if g.counts[i] || len(g.broken[i]) == 0 {
			continue
		}
		fresh[m.Node] = now
		if since, known := r.fresh[m.Node]; known {
			fresh[m.Node] = since
		}
	}
	r.fresh = fresh
}

// restart begins a new wait.
func (r *Resolver) restart(now time.Time, members int) {
	timing := r.strategy.Timing()
	r.stable, r.unstable, r.doomed = now.Add(timing.stableAfter(members)), now.Add(timing.unstableAfter(members)), time.Time{}
	r.flapped, r.due = false, false
}

func (r *Resolver) reset() {
	r.stable, r.unstable, r.flapped, r.due = time.Time{}, time.Time{}, false, false
	r.fresh, r.doomed = nil, time.Time{}
	r.lease.giveUp()
}

// responsible reports whether the viewing node decides for those it can talk to.
func responsible(v membership.View) bool {
	leader, ok := v.Leader()
	return ok && leader.Node == v.Self && leader.Status != membership.Joining
}
