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
	lastReap time.Time
	trustAt  time.Time // before that this node accuses nobody: it was asleep itself
}

func newPulse(cfg Heartbeat, self membership.Node) *pulse {
	return &pulse{
		cfg: cfg, self: self, view: membership.ViewOf(membership.State{}, self),
		expected: map[membership.Node]time.Time{},
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

// heard takes an answer of n and returns the time since the one before.
func (p *pulse) heard(now time.Time, n membership.Node) time.Duration {
	if !slices.Contains(p.targets, n) && !slices.Contains(p.lingers, n) {
		return 0
	}
	return p.fd.Heartbeat(n, now)
}

// reap returns what this node's word about others must become.
func (p *pulse) reap(now time.Time) membership.Observed {
	asleep := !p.lastReap.IsZero() && now.Sub(p.lastReap) > 3*p.cfg.ReapEvery
	p.lastReap = now
	if asleep {
		// This node was paused. What looks like silence of the others is its
		// own, until they had time to answer.
		p.trustAt = now.Add(2 * p.cfg.Every)
	}
	var out membership.Observed
	for _, n := range p.active() {
		switch available := p.fd.Available(n, now); {
		case !available && !p.accused(n) && !now.Before(p.trustAt):
			out.Unreachable = append(out.Unreachable, n)
		case available && p.fd.Monitoring(n) && p.accused(n):
			out.Reachable = append(out.Reachable, n)
		}
	}
	return out
}
