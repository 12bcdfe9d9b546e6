package simtest

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
)

// relaunchDefault is how long somebody takes to start the process of a
// clustered node anew that has ended by itself.
const relaunchDefault = 2 * time.Second

// Clustered makes the program of a node that is a member of a cluster. It is
// an option of [World.Node]. A process that is out of its cluster for good
// exits and is started again after the node's [Relaunch], by default 2 s.
type Clustered struct {
	// Seeds are the names of the nodes to join through, the same for all.
	// Default: the node alone.
	Seeds []string
	// Roles are the roles of the node.
	Roles []string
	// Adjust, if not nil, changes the configuration before it is used.
	Adjust func(n *Node, cfg *cluster.Config)
	// Open, if not nil, is called as soon as the node is on its way into the
	// cluster, Then when it is Up. An error ends the process.
	Open, Then func(n *Node, cl *cluster.Cluster) error
}

func (c Clustered) applyNode(n *Node) {
	n.boot = c.boot
	if n.relaunch == 0 {
		n.relaunch = relaunchDefault
	}
}

func (c Clustered) boot(n *Node) error {
	p := n.running()
	sys := n.System()
	cfg := cluster.Config{Listen: n.addr, Roles: c.Roles}
	for _, name := range c.Seeds {
		cfg.Seeds = append(cfg.Seeds, name+port)
	}
	cfg.Remote.Transport = n.Transport()
	if c.Adjust != nil {
		c.Adjust(n, &cfg)
	}
	cl, err := cluster.Open(sys, cfg)
	if err != nil {
		return err
	}
	p.cluster, p.remote = cl, cl.Remote()
	if err := n.w.Members().follow(n, cl); err != nil {
		return err
	}
	sys.Stopped().Notify(func() { n.exit(p, fmt.Sprintf("its system has stopped: %v", cl.Err())) })
	if c.Open != nil {
		if err := c.Open(n, cl); err != nil {
			return err
		}
	}
	var settled actor.Gate
	cl.Up().Notify(func() { settled.Open() })
	cl.Ended().Notify(func() { settled.Open() })
	p.Wait(&settled)
	if !cl.Up().IsOpen() {
		return nil // the end of the system follows
	}
	if c.Then != nil {
		return c.Then(n, cl)
	}
	return nil
}

// Cluster returns the cluster handle of the node's present process, nil when
// it has none.
func (n *Node) Cluster() *cluster.Cluster {
	if n.proc == nil {
		return nil
	}
	return n.proc.cluster
}

// Members returns the oracle that follows the views of all nodes that are
// [Clustered]. It watches the world from its first use on.
func (w *World) Members() *Membership {
	if w.members == nil {
		w.members = NewMembership()
		w.members.downed = newDowned(w)
		w.Watch(w.members)
		w.Watch(w.members.downed)
	}
	return w.members
}

// follow feeds every view of a node to the oracle.
func (m *Membership) follow(n *Node, cl *cluster.Cluster) error {
	cl.Ended().Notify(func() { m.ended(n) })
	pid, err := n.System().Internal().Spawn("simtest-observer", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if c, ok := ctx.Message().(cluster.Change); ok {
				m.Saw(n, c.View)
			}
		})
	})
	if err == nil {
		cl.Subscribe(pid)
	}
	return err
}

// Join makes nodes without a program of their own members of one cluster, each
// a seed for all. It doesn't wait; see [World.AllUp].
func (w *World) Join(nodes ...*Node) {
	w.t.Helper()
	var seeds []string
	for _, n := range nodes {
		seeds = append(seeds, n.name)
	}
	for _, n := range nodes {
		if n.boot != nil {
			w.fail(fmt.Sprintf("node %v has a program already", n))
		}
		Clustered{Seeds: seeds}.applyNode(n)
		if p := n.proc; p != nil {
			n.begin(p)
		}
	}
}

// AllUp is the condition that the nodes, and nobody else, make up one cluster,
// are all Up, and agree on it.
func (w *World) AllUp(nodes ...*Node) Cond { return w.Members().Settled(nodes...) }

// Down is the condition that the process that n had when Down was called is out
// of the cluster, for all living nodes that were in one with it.
func (w *World) Down(n *Node) Cond {
	self := membership.Node{Addr: n.addr, UID: n.UID()}
	return func() string {
		for _, o := range w.nodes {
			v, ok := w.Members().View(o)
			if !ok || o == n {
				continue
			}
			if m, ok := v.Member(self); ok && m.Status != membership.Down {
				return fmt.Sprintf("%v still sees %v", o, m)
			}
		}
		return ""
	}
}
