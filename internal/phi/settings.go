package phi

import (
	"fmt"
	"math"
	"time"
)

// Settings say how fast a peer comes under suspicion. The zero value is right
// for the members of one cluster: a peer is suspected about 4.5 seconds after
// its last heartbeat.
type Settings struct {
	// Threshold is the level of suspicion (no unit) from which on a peer is
	// unavailable. Default 8. Raised, fewer live peers are accused and dead
	// ones are found a little later; 12 suits noisy virtual machines.
	Threshold float64
	// Samples is how many of the newest intervals the rhythm is taken from.
	// Default 1000, at most 65536. Raised, the detector forgets an old rhythm
	// more slowly and needs 8 bytes more for each.
	Samples int
	// MinStdDeviation is the least standard deviation assumed. Default 100 ms.
	// Raised, a very regular peer gets more leeway; lowered, one late heartbeat
	// of such a peer is enough to suspect it.
	MinStdDeviation time.Duration
	// AcceptablePause is the silence granted on top of the mean interval: a
	// garbage collection, a stall of the machine. Default 3 s, negative for
	// none. Raised, dead peers are found later by exactly that much.
	AcceptablePause time.Duration
	// FirstEstimate is the interval expected before two heartbeats were seen.
	// Default 1 s; set it to the interval of the heartbeats. Raised, peers that
	// die right after their first heartbeat are found later.
	FirstEstimate time.Duration
	// Fixed makes a [Registry] keep plain detectors instead, see [Deadline]: a
	// peer is unavailable after FirstEstimate and AcceptablePause without a
	// heartbeat, whatever its rhythm.
	Fixed bool
}

const (
	samplesMax  = 1 << 16
	intervalMax = 1<<47 - 1 // nanoseconds, 39 hours: the sums of a window stay exact
)

func (s Settings) threshold() float64 {
	if s.Threshold == 0 {
		return 8
	}
	return s.Threshold
}

func (s Settings) samples() int {
	if s.Samples == 0 {
		return 1000
	}
	return s.Samples
}

func (s Settings) minStdDeviation() time.Duration {
	if s.MinStdDeviation == 0 {
		return 100 * time.Millisecond
	}
	return s.MinStdDeviation
}

func (s Settings) acceptablePause() time.Duration {
	switch {
	case s.AcceptablePause == 0:
		return 3 * time.Second
	case s.AcceptablePause < 0:
		return 0
	default:
		return s.AcceptablePause
	}
}

func (s Settings) firstEstimate() time.Duration {
	if s.FirstEstimate == 0 {
		return time.Second
	}
	return s.FirstEstimate
}

// Validate says which field is out of range; nil for the zero value. A
// detector made from settings that it refuses behaves as with the default of
// the field in question.
func (s Settings) Validate() error {
	switch {
	case math.IsNaN(s.Threshold) || math.IsInf(s.Threshold, 0) || s.Threshold < 0:
		return fmt.Errorf("failure detector: Threshold %v: want a number above 0 (0 for the default, 8)", s.Threshold)
	case s.Samples < 0 || s.Samples > samplesMax || s.Samples == 1:
		return fmt.Errorf("failure detector: Samples %d: want 2 to %d (0 for the default, 1000)", s.Samples, samplesMax)
	case s.MinStdDeviation < 0:
		return fmt.Errorf("failure detector: MinStdDeviation %v: want more than 0 (0 for the default, 100ms)", s.MinStdDeviation)
	case s.FirstEstimate < 0 || s.FirstEstimate > intervalMax/2:
		return fmt.Errorf("failure detector: FirstEstimate %v: want more than 0 and less than %v (0 for the default, 1s)", s.FirstEstimate, time.Duration(intervalMax/2))
	default:
		return nil
	}
}

// sane returns s with every field that Validate refuses at its default.
func (s Settings) sane() Settings {
	if !(s.Threshold > 0) || math.IsInf(s.Threshold, 0) {
		s.Threshold = 0
	}
	if s.Samples < 2 || s.Samples > samplesMax {
		s.Samples = 0
	}
	s.MinStdDeviation = max(s.MinStdDeviation, 0)
	if s.FirstEstimate < 0 || s.FirstEstimate > intervalMax/2 {
		s.FirstEstimate = 0
	}
	return s
}
