package cluster

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/cluster/downing"
)

// marginDefault is the margin of a cluster whose members are all out of step by
// less than that.
const marginDefault = 3 * time.Second

// RemovalMargin returns how long after a node was declared dead what ran on it
// may be started elsewhere, so that the node has stopped by itself even if it
// lives: want, or the default if want is 0. The default is 3 s, or more where the
// settings of this node need more. It fails when want is less than the time by
// which a losing side may be later than the one that goes on: see
// [Config.OutOfStep].
func (c *Cluster) RemovalMargin(want time.Duration) (time.Duration, error) {
	return c.outOfStep.margin(want)
}

// lag is by how much later a losing side may stop than the other side declares
// it dead.
type lag struct {
	detector, gossip, lease time.Duration
	off                     bool // nobody ever stops by itself
}

func (l lag) sum() time.Duration { return l.detector + l.gossip + l.lease }

func (l lag) margin(want time.Duration) (time.Duration, error) {
	switch {
	case want == 0:
		return max(marginDefault, l.sum()), nil
	case want < l.sum() && !l.off:
		return 0, fmt.Errorf("RemovalMargin %v: the side that loses a partition may stop up to %v after it was declared dead (%v by Heartbeat, %v by Membership.GossipEvery, %v by the lease of Downing), "+
			"and until then an entity could run on both: raise RemovalMargin to that, leave it 0 for a margin that suits, or lower Heartbeat.Every, ReapEvery and FirstAnswer", want, l.sum(), l.detector, l.gossip, l.lease)
	}
	return want, nil
}

// OutOfStep returns how much later the losing side of a clean partition may stop
// than the other declares it dead, as long as no process is paused: what a
// RemovalMargin must cover. docs/concepts/split-brain.md derives it. 0 with
// [downing.Off], under which no side ever stops by itself.
func (c Config) OutOfStep() time.Duration { return c.lag().sum() }

func (c Config) lag() lag {
	h := c.Heartbeat.withDefaults()
	if _, off := c.downing().(downing.Off); off {
		return lag{off: true}
	}
	l := lag{
		// The last answer of one was just sent, that of another is Every old; one
		// never answered, and is asked again before its silence counts; and it shows
		// when somebody looks.
		detector: 2*h.Every + h.FirstAnswer + h.ReapEvery,
		gossip:   orDefault(c.Membership.GossipEvery, 500*time.Millisecond),
	}
	if !h.Fixed {
		l.detector += h.Every / 4 // rhythms that were learned differ
	}
	if majority, ok := c.downing().(downing.LeaseMajority); ok {
		l.lease = orDefault(majority.MinorityDelay, downing.MinorityDelay) + c.Lease.timeout()
	}
	return l
}
