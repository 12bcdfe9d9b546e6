package phi

import (
	"math"
	"time"
)

// Detector is a phi accrual failure detector of one peer. Make one with [New].
// It is not safe for concurrent use.
type Detector struct {
	settings Settings
	window   window
	last     time.Time
	heard    bool
}

// New returns a detector that has heard nothing yet.
func New(s Settings) *Detector {
	s = s.sane()
	return &Detector{settings: s, window: window{cap: s.samples()}}
}

// Heartbeat tells that the peer gave a sign of life at now, and returns the
// time since the one before (0 at the first one, and when now is before it).
//
// An interval that ends while the peer is unavailable does not count towards
// the rhythm: one long silence would otherwise hide the next.
func (d *Detector) Heartbeat(now time.Time) time.Duration {
	if !d.heard {
		// Two samples around the estimate give it the standard deviation of a
		// quarter, wide enough that a peer with a slower rhythm isn't accused.
		estimate := d.settings.firstEstimate()
		d.window.add(estimate - estimate/4)
		d.window.add(estimate + estimate/4)
		d.heard, d.last = true, now
		return 0
	}
	interval := max(now.Sub(d.last), 0)
	if d.Available(now) {
		d.window.add(interval)
	}
	d.last = now
	return interval
}

// Phi is the level of suspicion at now: 0 when nothing was heard yet, then
// growing with the silence, always finite.
func (d *Detector) Phi(now time.Time) float64 {
	if !d.heard {
		return 0
	}
	silence := max(now.Sub(d.last), 0)
	mean := d.window.mean() + float64(d.settings.acceptablePause())
	deviation := max(math.Sqrt(d.window.variance()), float64(d.settings.minStdDeviation()))
	return level((float64(silence) - mean) / deviation)
}

// Available tells whether the peer is above suspicion at now: Phi is below the
// threshold, or nothing was heard yet.
func (d *Detector) Available(now time.Time) bool { return d.Phi(now) < d.settings.threshold() }

// Monitoring tells whether there was a heartbeat yet.
func (d *Detector) Monitoring() bool { return d.heard }

// Late tells whether an interval, as Heartbeat returned it, used up two thirds
// of the acceptable pause: worth a warning, before the first false suspicion.
func (d *Detector) Late(interval time.Duration) bool {
	pause := d.settings.acceptablePause()
	return pause > 0 && interval >= pause-pause/3
}

// level is −log₁₀ of the probability that a silence which is y standard
// deviations longer than the mean still ends. The paper takes the tail of the
// normal distribution; this is its logistic approximation,
// 1/(1+exp(y·(1.5976+0.070566·y²))), in the logarithm throughout, where no
// exponential overflows or vanishes.
//
// Products are rounded on their own: an architecture that fuses a product with
// the next sum would otherwise decide a close call differently.
func level(y float64) float64 {
	square := float64(y * y)
	slope := 1.5976 + float64(0.070566*square)
	x := float64(y * slope)
	return (max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))) / math.Ln10
}
