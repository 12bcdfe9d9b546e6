package cluster

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/internal/phi"
)

// pulse decides whom to send heartbeats to and who is silent for too long. It
// is the pure part of the heart actor.
type pulse struct {
	cfg      Heartbeat
	self     membership.Node
	view     membership.View
	fd       *phi.Registry[membership.Node]
	targets  []membership.Node             // by the ring
	lingers  []membership.Node             // no targets any more, but silent: somebody must notice them come back
	expected map[membership.Node]time.Time // when silence of one never heard begins to count
	answered map[membership.Node]uint64    // the newest heartbeat that each has answered
	lastReap time.Time
	trustAt  time.Time // before that this node accuses nobody: it was asleep itself
	// grace is silence that this node grants the others on top because its own
	// clockwork has run late of late: a sick node is a bad judge of health.
	grace time.Duration
}

func newPulse(cfg Heartbeat, self membership.Node) *pulse {
	return &pulse{
		cfg: cfg, self: self, view: membership.ViewOf(membership.State{}, self),
		expected: map[membership.Node]time.Time{}, answered: map[membership.Node]uint64{},
		fd: phi.NewRegistry[membership.Node](phi.Settings{
			Threshold: cfg.Threshold, AcceptablePause: cfg.AcceptablePause, FirstEstimate: cfg.Every, Fixed: cfg.Fixed,
		}),
	}
}

// setView takes over a new view of the cluster.
func (p *pulse) setView(now time.Time, v membership.View) {
	before := p.active()
	p.view = v
	p.targets = membership.HeartbeatTargets(v, p.cfg.MonitoredBy)
	p.lingers = nil
	for _, n := range before {
		_, member := v.Member(n)
		switch {
		case slices.Contains(p.targets, n):
		case member && (!p.fd.Available(n, now) || p.accused(n)):
			p.lingers = append(p.lingers, n)
		default:
			p.forget(n)
		}
	}
	for _, n := range p.targets {
		if _, ok := p.expected[n]; !ok {
			p.expected[n] = now.Add(p.cfg.FirstAnswer)
		}
	}
}

func (p *pulse) forget(n membership.Node) {
	p.fd.Remove(n)
	delete(p.expected, n)
	delete(p.answered, n)
}

// active returns everybody who gets heartbeats.
func (p *pulse) active() []membership.Node {
	return append(slices.Clone(p.targets), p.lingers...)
}

// accused reports whether this node holds n for unreachable, by its own word.
func (p *pulse) accused(n membership.Node) bool {
	return p.view.Reachability().Status(p.self, n) != membership.Reachable
}

// beat returns whom to send a heartbeat to now.
func (p *pulse) beat(now time.Time) []membership.Node {
	active := p.active()
	for _, n := range active {
		if !p.fd.Monitoring(n) && !now.Before(p.expected[n]) {
			// As if it had answered once: silence counts from here on.
			p.fd.Heartbeat(n, now)
		}
	}
	return active
}

// answers reports whether a heartbeat of n is to be answered. Those who are
// declared dead here get no sign of life, so that they find out.
func (p *pulse) answers(n membership.Node) bool {
	m, ok := p.view.Member(n)
	return !p.view.Buried(n) && (!ok || m.Status != membership.Down)
}

// heard takes n's answer to the heartbeat seq and returns the time since the one
// before. An answer that comes again, or behind a later one, is no sign of life.
func (p *pulse) heard(now time.Time, n membership.Node, seq uint64) time.Duration {
	if !slices.Contains(p.targets, n) && !slices.Contains(p.lingers, n) || seq <= p.answered[n] {
		return 0
	}
	p.answered[n] = seq
	return p.fd.Heartbeat(n, now)
}

// reap returns what this node's word about others must become.
func (p *pulse) reap(now time.Time) membership.Observed {
	fit := p.fit(now)
	var out membership.Observed
	for _, n := range p.active() {
		switch {
		case fit && !p.accused(n) && !p.fd.Available(n, now.Add(-p.grace)):
			out.Unreachable = append(out.Unreachable, n)
		case p.accused(n) && p.fd.Monitoring(n) && p.fd.Available(n, now): // no grace: it must have answered
			out.Reachable = append(out.Reachable, n)
		}
	}
	return out
}

const (
	// graceMax bounds the grace, in acceptable pauses: a silence of four of them
	// is never excused.
	graceMax = 3
	// graceFades is the part of the grace that goes with each round that is in
	// time: with the defaults half of it in three and a half seconds.
	graceFades = 20
)

// fit looks at how late this round comes, and reports whether this node may
// accuse anybody in it. What looks like silence of the others after a pause is
// its own, until they had time to answer.
func (p *pulse) fit(now time.Time) bool {
	late := now.Sub(p.lastReap) - p.cfg.ReapEvery
	first := p.lastReap.IsZero()
	p.lastReap = now
	switch {
	case first || late <= p.cfg.ReapEvery/4:
		p.grace -= p.grace / graceFades
		return !now.Before(p.trustAt)
	case late > p.cfg.ReapEvery:
		p.trustAt = now.Add(2 * p.cfg.Every)
	}
	p.grace = min(p.grace+late, graceMax*p.cfg.AcceptablePause)
	return false
}
