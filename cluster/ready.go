package cluster

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/cluster/membership"
)

// ErrNotReady says that a node can't do its part at present; see [Cluster.Ready].
var ErrNotReady = errors.New("node is not ready")

// Ready returns nil when this node is Up and does its part: it is an answer for a
// readiness probe. Otherwise it is an [ErrNotReady] that says why, and what to do:
// what each seed has answered, while the node is in no cluster yet; what was started
// on it in another way than on most nodes ([Cluster.Declare]), or for a role that no
// member has; or why it has ended. It doesn't wait, and takes no part in [Cluster.Err].
func (c *Cluster) Ready() error {
	if err := c.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotReady, err)
	}
	if !c.State().SelfMember().Status.IsUp() {
		return fmt.Errorf("%w: %w", ErrNotReady, c.notUp())
	}
	if faults := c.faults.Load(); faults != nil && len(*faults) > 0 {
		return fmt.Errorf("%w: node %v: %s", ErrNotReady, c.self, strings.Join(*faults, "; "))
	}
	return nil
}

// notUp says why a node that hasn't ended isn't Up.
func (c *Cluster) notUp() error {
	switch status := c.State().SelfMember().Status; {
	case status == membership.Removed && *c.excuse.Load() == "":
		return fmt.Errorf("node %v is in no cluster yet: it waits to be told which to join", c.self)
	case status == membership.Removed:
		return fmt.Errorf("node %v is in no cluster yet: %s", c.self, *c.excuse.Load())
	case status.IsUp():
		return fmt.Errorf("node %v is %v", c.self, status)
	default:
		return fmt.Errorf("node %v is %v: it waits for the members to agree, or for Membership.Minimum", c.self, status)
	}
}
