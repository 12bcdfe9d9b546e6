package cluster

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

// daemonPath is where the cores of all nodes find each other.
const (
	daemonName = "cluster"
	heartName  = "heart"
	daemonPath = "/system/" + daemonName
	heartPath  = daemonPath + "/" + heartName
)

// Cluster is this node's part in a cluster. Make one with [Start] or [Open];
// a system can have one in its life. All methods are safe for concurrent use.
type Cluster struct {
	sys    *actor.System
	remote *remote.Remote
	name   string
	self   membership.Node
	daemon actor.PID

	outOfStep lag

	view    atomic.Pointer[membership.View]  // written with feedsMu held
	last    atomic.Pointer[membership.Ended] // written once, before ended opens
	faults  atomic.Pointer[[]string]         // what differs from other nodes so that this one can't do its part
	excuse  atomic.Pointer[string]           // why this node isn't in a cluster yet
	up      actor.Gate
	ended   actor.Gate
	settled actor.Gate // up or ended
	exiting actor.Gate // exiting or ended
	silent  actor.Gate // the heart has stopped: no sign of life comes any more
	stopped actor.Gate // the daemon is gone
	spawned actor.Gate // daemon is set

	feedsMu   sync.Mutex
	feeds     []*feed
	followers []*follower
}

// Start makes the system a node of a cluster and waits until it is Up, ctx is
// done or the cluster refuses it. It starts remoting itself, so that must not
// run yet. On error the system stops: it can join only once in its life.
func Start(ctx context.Context, sys *actor.System, cfg Config) (*Cluster, error) {
	c, err := Open(sys, cfg)
	if err != nil {
		return nil, err
	}
	if err := sys.Wait(ctx, &c.settled); err != nil {
		why := c.notUp()
		sys.BeginStop("it did not get into the cluster in time")
		return nil, fmt.Errorf("start cluster: %w: %w", err, why)
	}
	if !c.up.IsOpen() {
		return nil, fmt.Errorf("start cluster: %w", c.Err())
	}
	return c, nil
}

// Open is [Start] without waiting: the node is on its way into the cluster when
// it returns. [Cluster.Up] and [Cluster.Ended] tell what became of it, and
// [Cluster.Ready] why it isn't Up yet: what each seed has answered. An answer that
// changes is logged.
func Open(sys *actor.System, cfg Config) (*Cluster, error) {
	name := cfg.Name
	if name == "" {
		name = sys.Name()
	}
	cfg = cfg.canonical()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	chance := sys.Rand("cluster/membership")
	// What is wrong with the settings must not be found out with the port bound.
	trial := cfg.membership(name, membership.Node{Addr: "localhost:1", UID: 1})
	trial.Rand = chance
	if err := trial.Validate(); err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	if err := register(sys.Registry()); err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	wire, err := remote.Start(sys, cfg.remote(name))
	if err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	c := &Cluster{sys: sys, remote: wire, name: name, self: membership.Node{Addr: wire.Addr(), UID: sys.UID()}, outOfStep: cfg.lag()}
	none := membership.ViewOf(membership.State{}, c.self)
	c.view.Store(&none)
	c.excuse.Store(new(string))
	mcfg := cfg.membership(name, c.self)
	mcfg.Rand = chance
	core, err := membership.New(mcfg)
	if err == nil {
		err = c.spawn(core, cfg)
	}
	if err != nil {
		wire.Close()
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	return c, nil
}

// spawn takes part in the coordinated shutdown and starts the actors, in this
// order: the node may end before the daemon's ref is here.
func (c *Cluster) spawn(core *membership.Core, cfg Config) error {
	defer c.spawned.Open()
	d, err := newDaemon(c, core, cfg)
	if err != nil {
		return err
	}
	if err := c.planLeave(); err != nil {
		return err
	}
	// A fresh daemon would know nothing of what the old one told others, so a
	// failed one takes the node out of the cluster.
	never := actor.Supervise{Decide: func(error) actor.Directive { return actor.Stop }}
	c.daemon, err = c.sys.Internal().Spawn(daemonName, func() actor.Actor { return d }, never)
	if err != nil {
		c.last.Store(&membership.Ended{Reason: membership.Failed, Detail: err.Error()})
		c.ended.Open()
		c.silent.Open()
		c.stopped.Open()
	}
	return err
}

// System returns the actor system of this node.
func (c *Cluster) System() *actor.System { return c.sys }

// Remote returns the remoting of this node.
func (c *Cluster) Remote() *remote.Remote { return c.remote }

// Name returns the name of the cluster.
func (c *Cluster) Name() string { return c.name }

// Self returns this node: its address and incarnation.
func (c *Cluster) Self() membership.Node { return c.self }

// State returns what this node knows of the cluster at present: members, who
// is unreachable, leader, oldest. It takes no lock; it may be a moment ahead
// of or behind the events that a subscriber has seen. Before the node has
// joined, and after it has ended, nobody is a member in it.
func (c *Cluster) State() membership.View { return *c.view.Load() }

// Up returns the gate that opens when this node is Up.
func (c *Cluster) Up() *actor.Gate { return &c.up }

// Ended returns the gate that opens when this node is in no cluster any more;
// [Cluster.Err] tells why. The system begins to stop then.
func (c *Cluster) Ended() *actor.Gate { return &c.ended }

// Done returns a channel that is closed when [Cluster.Ended] opens.
func (c *Cluster) Done() <-chan struct{} { return c.ended.Done() }

// Err returns nil as long as this node takes part, then why it doesn't any
// more: [ErrLeft], [ErrDowned], [ErrEvicted], [ErrIncompatible], [ErrNotJoined]
// or [ErrFailed], wrapped.
func (c *Cluster) Err() error {
	last := c.last.Load()
	if last == nil {
		return nil
	}
	return endError(c.self, *last)
}

// OnMemberUp calls f once when this node is Up, at once if it is already; never
// if it doesn't become so. f runs in a turn of the cluster's actor, or in the
// call of OnMemberUp: it must be short and must not block. A panic of it is logged.
func (c *Cluster) OnMemberUp(f func()) { c.up.Notify(c.guarded("OnMemberUp", f)) }

// OnMemberRemoved calls f once when this node is in no cluster any more,
// whatever the reason, at once if it is so already. The rest is as with
// [Cluster.OnMemberUp].
func (c *Cluster) OnMemberRemoved(f func()) { c.ended.Notify(c.guarded("OnMemberRemoved", f)) }

// guarded keeps a panic of f from the cluster's actor, which can't go on after one.
func (c *Cluster) guarded(name string, f func()) func() {
	return func() {
		defer func() {
			if p := recover(); p != nil {
				c.sys.Log().Error().Str("callback", name).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("a callback of the cluster has panicked")
			}
		}()
		f()
	}
}

// refTo returns the ref of the actor at the path on a node; UID 0 stands for
// whichever incarnation is there.
func (c *Cluster) refTo(n membership.Node, path string) actor.PID {
	return c.sys.RefOf(actor.Location{System: c.sys.Name(), Addr: n.Addr, UID: n.UID, Path: path})
}
