package phi

import "time"

// Registry keeps a [Detector] for each peer, named by a key that tells two
// incarnations of a node apart. Make one with [NewRegistry]. It is not safe for
// concurrent use, and it keeps a peer until Remove.
type Registry[K comparable] struct {
	settings  Settings
	detectors map[K]detector
}

// detector is what the registry needs of one.
type detector interface {
	Heartbeat(now time.Time) time.Duration
	Available(now time.Time) bool
	Phi(now time.Time) float64
}

// NewRegistry returns a registry without peers.
func NewRegistry[K comparable](s Settings) *Registry[K] {
	return &Registry[K]{settings: s.sane(), detectors: map[K]detector{}}
}

// Heartbeat feeds the detector of peer, which the first heartbeat makes; see
// [Detector.Heartbeat].
func (r *Registry[K]) Heartbeat(peer K, now time.Time) time.Duration {
	d := r.detectors[peer]
	if d == nil {
		if d = New(r.settings); r.settings.Fixed {
			d = NewDeadline(r.settings.firstEstimate(), r.settings.acceptablePause())
		}
		r.detectors[peer] = d
	}
	return d.Heartbeat(now)
}

// Available tells whether peer is above suspicion; a peer never heard of is.
func (r *Registry[K]) Available(peer K, now time.Time) bool {
	d := r.detectors[peer]
	return d == nil || d.Available(now)
}

// Phi is the level of suspicion of peer, 0 for one never heard of.
func (r *Registry[K]) Phi(peer K, now time.Time) float64 {
	if d := r.detectors[peer]; d != nil {
		return d.Phi(now)
	}
	return 0
}

// Monitoring tells whether there was a heartbeat of peer since it was last
// removed.
func (r *Registry[K]) Monitoring(peer K) bool { return r.detectors[peer] != nil }

// Late tells whether interval is worth a warning; see [Detector.Late].
func (r *Registry[K]) Late(interval time.Duration) bool {
	d := Detector{settings: r.settings}
	return d.Late(interval)
}

// Remove forgets peer and its rhythm. Removing a peer never heard of is fine.
func (r *Registry[K]) Remove(peer K) { delete(r.detectors, peer) }

// Len is the number of peers kept.
func (r *Registry[K]) Len() int { return len(r.detectors) }
