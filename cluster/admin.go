package cluster

import (
	"fmt"

	"github.com/troupe-go/troupe/cluster/membership"
)

// Unreachable is a member that others can't reach, and who says so.
type Unreachable struct {
	Member membership.Member
	// By are those who hold it for unreachable, in the order of their nodes;
	// at least one. Nobody who is Down is among them.
	By []membership.Node
	// Terminated says that it won't be heard of again, whatever happens to the
	// network: another process has its address, or it was shut out.
	Terminated bool
}

// Members returns all members in the order of their nodes, as this node sees
// them at present; nobody before it has joined and after it has ended. The
// caller must not change the slice.
func (c *Cluster) Members() []membership.Member { return c.State().Members() }

// Leader returns the member that acts for the cluster, as this node sees it.
func (c *Cluster) Leader() (membership.Member, bool) { return c.State().Leader() }

// RoleLeader returns the first of the members with the role that can be reached.
func (c *Cluster) RoleLeader(role string) (membership.Member, bool) {
	return c.State().RoleLeader(role)
}

// Unreachable returns the members that somebody can't reach, and who that is.
// This node itself may be among them.
func (c *Cluster) Unreachable() []Unreachable {
	v := c.State()
	var out []Unreachable
	for _, m := range v.Members() {
		if by := v.AccusedBy(m.Node); len(by) > 0 {
			out = append(out, Unreachable{m, by, v.Reachability().Worst(m.Node) == membership.Terminated})
		}
	}
	return out
}

// Status returns where this node stands: Removed before it has joined and after
// it has ended.
func (c *Cluster) Status() membership.Status { return c.State().SelfMember().Status }

// IsSingleton reports whether this node is the only member of its cluster.
func (c *Cluster) IsSingleton() bool {
	v := c.State()
	return len(v.Members()) == 1 && v.SelfMember().Status != membership.Removed
}

// IsAvailable reports whether this node is a member that isn't Down and that
// nobody holds for unreachable.
func (c *Cluster) IsAvailable() bool {
	v := c.State()
	status := v.SelfMember().Status
	return status != membership.Removed && status != membership.Down && len(v.AccusedBy(c.self)) == 0
}

// Join joins through the member at addr, which is asked again and again until
// it lets this node in; this node's own address forms a cluster. It is for
// nodes with [Config.JoinLater]; once a node has joined, it does nothing.
func (c *Cluster) Join(addr string) error {
	if err := membership.ValidAddr(addr); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	c.daemon.Tell(membership.JoinNode{Addr: canonicalAddr(addr)})
	return nil
}

// JoinSeeds joins through these seeds instead of those of the configuration,
// with the same meaning; see [Config.Seeds]. Saying it again changes nothing,
// and once a node has joined, it does nothing.
func (c *Cluster) JoinSeeds(addrs ...string) error {
	addrs = canonicalAddrs(addrs)
	if err := membership.ValidSeeds(addrs); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	c.daemon.Tell(membership.JoinSeeds{Addrs: addrs})
	return nil
}

// SetAppVersion sets the version of the application, in place of that of the
// configuration, for nodes with [Config.JoinLater] that learn it after they
// have started. Once a node has begun to join, it does nothing.
func (c *Cluster) SetAppVersion(v string) error {
	if err := membership.ValidVersion(v); err != nil {
		return fmt.Errorf("set version of the application: %w", err)
	}
	c.daemon.Tell(membership.SetVersion{AppVersion: v})
	return nil
}

// Down declares the member at addr dead, for good. It is meant for a node that
// is known to be dead while no strategy decides so; one that lives ends itself
// when it hears of it. An address that no member has is [ErrNoMember].
func (c *Cluster) Down(addr string) error { return c.give(DownMember{Addr: canonicalAddr(addr)}) }

// Dismiss asks the member at addr to leave, as if it had called
// [Cluster.Leave] itself. An address that no member has is [ErrNoMember].
func (c *Cluster) Dismiss(addr string) error {
	return c.give(DismissMember{Addr: canonicalAddr(addr)})
}

// PrepareForShutdown makes it known to all members that the cluster is about to
// be shut down as a whole. From then on nobody is let in, nobody becomes Up,
// and neither shards nor singletons move; when all members are
// [membership.ReadyForShutdown] their processes can be stopped in any order.
// It can't be taken back.
func (c *Cluster) PrepareForShutdown() error { return c.give(PrepareShutdown{}) }

// give hands an order to this node.
func (c *Cluster) give(o Order) error {
	if err := o.check(c.State()); err != nil {
		return err
	}
	c.daemon.Tell(o)
	return nil
}
