package downing

import (
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

// LeaseMajority lets the side survive that gets the lease of the cluster, which
// one side at most can. The side with the majority asks first, so it usually
// wins; but when it is dead as a whole, the rest goes on. It needs a store that
// all nodes can reach, also across the cut: a side that can't reach it goes down.
type LeaseMajority struct {
	// StableAfter and UnstableFor: see [Timing].
	StableAfter, UnstableFor time.Duration
	// Role, if not empty, lets only members with this role count.
	Role string
	// MinorityDelay is how much later than the majority a smaller side asks for
	// the lease. Default [MinorityDelay]. Lowered, a minority is more likely to be faster
	// than a majority whose leader decides late.
	MinorityDelay time.Duration
	// ReleaseAfter is how long the lease is kept after those who were declared
	// dead have been removed. Default 40 s. It must be longer than the time by
	// which sides may decide after one another. Raised, the next
	// partition that comes soon finds the lease taken by a node on one side.
	ReleaseAfter time.Duration
}

// MinorityDelay is the default of that of [LeaseMajority].
const MinorityDelay = 2 * time.Second

// Timing implements Strategy.
func (s LeaseMajority) Timing() Timing { return Timing{s.StableAfter, s.UnstableFor} }

// String implements Strategy.
func (s LeaseMajority) String() string {
	return fmt.Sprintf("lease-majority(role=%q %v delay=%v release=%v)", s.Role, s.Timing(), s.minorityDelay(), s.releaseAfter())
}

func (s LeaseMajority) minorityDelay() time.Duration {
	return orDefault(s.MinorityDelay, MinorityDelay)
}
func (s LeaseMajority) releaseAfter() time.Duration { return orDefault(s.ReleaseAfter, 40*time.Second) }

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Decide implements Strategy. The largest group, which is the same for all who
// see the same, asks for the lease first; who isn't in it asks for the largest
// group that has nobody of it.
func (s LeaseMajority) Decide(v membership.View) Decision {
	d, _ := s.decide(v)
	return d
}

// decide also returns the group that asks before the side of the viewing node;
// nil when that is the first.
func (s LeaseMajority) decide(v membership.View) (d Decision, first []membership.Node) {
	g := newGraph(v, s.Role)
	if g.whole() {
		return Decision{}, nil
	}
	self := slices.IndexFunc(g.members, func(m membership.Member) bool { return m.Node == v.Self })
	set, ok := g.largest(nil, nil)
	if ok && self >= 0 && !set[self] {
		var others []int
		for i, in := range set {
			if in {
				others = append(others, i)
				first = append(first, g.members[i].Node)
			}
		}
		set, ok = g.largest([]int{self}, others)
	}
	if !ok || self < 0 {
		return g.nobody("too many broken links to tell who should survive"), nil
	}
	d = g.survive(set, fmt.Sprintf("%d of %d can all talk to each other", g.weight(set), g.total()))
	d.Verdict = AskLease
	for i, in := range set {
		if in {
			d.Otherwise = append(d.Otherwise, g.members[i].Node)
		}
	}
	if g.weight(set) == 0 { // nobody of them was ever a full member, or has the role: they can't go on alone
		return Decision{Verdict: DownOwn, Down: d.Otherwise, Why: "nobody on this side has a say"}, nil
	}
	return d, first
}

type leasePhase uint8

const (
	leaseNone  leasePhase = iota
	leaseLater            // this side lets the other ask first
	leaseAsked            // the answer isn't there
	leaseHeld
)

// leasing is how far a node has come with the lease of the cluster.
type leasing struct {
	phase   leasePhase
	at      time.Time // when to ask, with leaseLater; when to give it back, with leaseHeld
	release time.Duration
	awaited []membership.Node // declared dead with the lease held, not removed yet
}

// next returns when the lease can be given back.
func (l *leasing) next() time.Time {
	if l.phase == leaseHeld {
		return l.at
	}
	return time.Time{}
}

// ask reports whether it is time to ask for the lease. The leader of the largest
// group asks at once, everybody else if nothing has come of it some time later:
// a side whose leader has died goes on or ends like one that has it.
func (l *leasing) ask(now time.Time, s Strategy, v membership.View, leads bool) bool {
	majority, ok := s.(LeaseMajority)
	if !ok {
		return false
	}
	_, first := majority.decide(v)
	later := first != nil || !leads
	l.release = majority.releaseAfter()
	switch {
	case l.phase == leaseHeld || !later && l.phase == leaseNone:
	case l.phase == leaseNone:
		l.phase, l.at = leaseLater, now.Add(majority.minorityDelay())
		return false
	case now.Before(l.at):
		return false
	}
	l.phase, l.at = leaseAsked, time.Time{}
	return true
}

// giveUp ends a wait that has become pointless: all links are mended.
func (l *leasing) giveUp() {
	if l.phase == leaseLater {
		*l = leasing{}
	}
}

// free reports, once, that the lease can be given back.
func (l *leasing) free(now time.Time, v membership.View) bool {
	if l.phase != leaseHeld {
		return false
	}
	l.awaited = slices.DeleteFunc(l.awaited, func(n membership.Node) bool {
		_, there := v.Member(n)
		return !there
	})
	if len(l.awaited) == 0 && l.at.IsZero() {
		l.at = now.Add(l.release)
	}
	if l.at.IsZero() || now.Before(l.at) {
		return false
	}
	*l = leasing{}
	return true
}

// LeaseAnswer is what became of the question for the lease.
type LeaseAnswer struct {
	granted bool
	holder  string
}

// The answers. Refused is also the one when no answer came.
var (
	Granted = LeaseAnswer{granted: true}
	Refused = LeaseAnswer{}
)

// RefusedFor is [Refused] when it is known who has the lease: the node with
// this name ([membership.Node.String]).
func RefusedFor(holder string) LeaseAnswer { return LeaseAnswer{holder: holder} }

// Answer takes what became of an AskLease, and returns what the node must carry
// out now. The view may have changed since the question. That another node of
// the own side has the lease is no reason to go down: two can believe to lead
// when members of the other side have accused one of them.
func (r *Resolver) Answer(now time.Time, v membership.View, answer LeaseAnswer) Decision {
	if r.lease.phase != leaseAsked {
		return Decision{}
	}
	d := r.strategy.Decide(v)
	awaited := r.lease.awaited
	r.lease = leasing{release: r.lease.release}
	if answer.granted {
		r.lease.phase = leaseHeld
	}
	ours := slices.ContainsFunc(d.Otherwise, func(n membership.Node) bool { return n.String() == answer.holder && n != v.Self })
	switch {
	case d.Verdict != AskLease:
	case ours:
		d = Decision{}
	case answer.granted:
		d.Verdict = DownOthers
		r.lease.awaited = append(awaited, d.Down...)
	default:
		d.Verdict, d.Down = DownOwn, d.Otherwise
		d.Why += ", and didn't get the lease"
	}
	d.Otherwise = nil
	r.restart(now, len(newGraph(v, "").counted()))
	return d
}
