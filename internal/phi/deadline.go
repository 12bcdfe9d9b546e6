package phi

import (
	"math"
	"time"
)

// Deadline is the plain failure detector: a peer is available until it was
// silent for a fixed time. Make one with [NewDeadline]. It is not safe for
// concurrent use.
type Deadline struct {
	after time.Duration
	last  time.Time
	heard bool
}

// NewDeadline returns a detector that has heard nothing yet. The peer is
// unavailable once nothing was heard for interval, the time between heartbeats,
// plus pause, the silence granted on top. Negative values count as 0.
func NewDeadline(interval, pause time.Duration) *Deadline {
	after := max(interval, 0) + max(pause, 0)
	if after < 0 {
		after = 1<<63 - 1
	}
	return &Deadline{after: after}
}

// Heartbeat tells that the peer gave a sign of life at now, and returns the
// time since the one before (0 at the first one, and when now is before it).
func (d *Deadline) Heartbeat(now time.Time) time.Duration {
	var interval time.Duration
	if d.heard {
		interval = max(now.Sub(d.last), 0)
	}
	d.heard, d.last = true, now
	return interval
}

// Available tells whether the peer was heard recently enough, or never yet.
func (d *Deadline) Available(now time.Time) bool { return !d.heard || now.Sub(d.last) < d.after }

// Phi is the level of suspicion: 0 while the peer is available, then infinite.
func (d *Deadline) Phi(now time.Time) float64 {
	if d.Available(now) {
		return 0
	}
	return math.Inf(1)
}

// Monitoring tells whether there was a heartbeat yet.
func (d *Deadline) Monitoring() bool { return d.heard }
