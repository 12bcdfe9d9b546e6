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
	stable   time.Time // when a decision is due; zero: nothing is broken
	unstable time.Time // when everybody goes down if links still come and go
	flapped  bool      // a link was mended since the first change
	due      bool      // a decision is due, but not by this node
	lease    leasing
	pairs    [][2]membership.Node
	counted  []membership.Node
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
	at := r.stable
	if r.lease.phase == leaseLater && at.Before(r.lease.at) {
		at = r.lease.at
	}
	if r.flapped && (r.due || r.unstable.Before(at)) {
		return r.unstable
	}
	return at
}

// Step takes the present view and returns a decision that the node must carry
// out now: declare everybody in it dead, itself last. Only one node decides,
// the leader as it sees it; except that everybody decides to go down when
// links have come and gone for too long.
func (r *Resolver) Step(now time.Time, v membership.View) Decision {
	if r.lease.free(now, v) {
		return Decision{Verdict: FreeLease, Why: "those who were declared dead are gone for long enough"}
	}
	g := newGraph(v, "")
	pairs, counted := g.pairs(), g.counted()
	mended := slices.ContainsFunc(r.pairs, func(p [2]membership.Node) bool {
		return g.has(p[0]) && g.has(p[1]) && !slices.Contains(pairs, p)
	})
	changed := !slices.Equal(pairs, r.pairs) || !slices.Equal(counted, r.counted)
	r.pairs, r.counted = pairs, counted
	if len(pairs) == 0 || !g.has(v.Self) {
		r.reset()
		return Decision{}
	}
	if r.lease.phase == leaseAsked {
		return Decision{} // until the answer is there
	}
	timing := r.strategy.Timing()
	if r.stable.IsZero() {
		r.unstable = now.Add(timing.unstableAfter(len(g.members)))
	}
	r.flapped = r.flapped || mended && timing.UnstableFor >= 0
	if changed || r.stable.IsZero() {
		r.stable, r.due = now.Add(timing.stableAfter(len(g.members))), false
	}
	switch {
	case r.flapped && !now.Before(r.unstable):
		r.reset()
		return g.nobody("links have come and gone for too long")
	case now.Before(r.stable):
		return Decision{}
	}
	if r.due = !responsible(v); r.due {
		return Decision{}
	}
	d := r.strategy.Decide(v)
	if d.Verdict == AskLease && !r.lease.ask(now, r.strategy, v) {
		return Decision{}
	}
	// What comes of it shows in later views; if nothing does, decide again.
	r.stable = now.Add(timing.stableAfter(len(g.members)))
	r.flapped, r.unstable = false, now.Add(timing.unstableAfter(len(g.members)))
	return d
}

func (r *Resolver) reset() {
	r.stable, r.unstable, r.flapped, r.due = time.Time{}, time.Time{}, false, false
	r.lease.giveUp()
}

// responsible reports whether the viewing node decides for those it can talk to.
func responsible(v membership.View) bool {
	leader, ok := v.Leader()
	return ok && leader.Node == v.Self && leader.Status != membership.Joining
}

func (g *graph) has(n membership.Node) bool {
	return slices.ContainsFunc(g.members, func(m membership.Member) bool { return m.Node == n })
}

// counted returns the members that have a say.
func (g *graph) counted() []membership.Node {
	var out []membership.Node
	for i, m := range g.members {
		if g.counts[i] {
			out = append(out, m.Node)
		}
	}
	return out
}
