package cluster

import (
	"slices"
	"sync"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Routees are the actors at one path on all members that can be reached: a
// source for a group router. Make it with [Cluster.Routees]; it is safe for
// concurrent use and can serve many routers.
type Routees struct {
	c    *Cluster
	path string
	role string
}

// Routees returns the actors at the path ("/user/greeter") on every member
// with the role ("" for all) that is Up or WeaklyUp and that nobody holds for
// unreachable. Whether there is such an actor on a node is for the nodes to
// see to.
func (c *Cluster) Routees(path, role string) *Routees { return &Routees{c, path, role} }

// Follow calls publish with the present routees, and again after each change,
// until cancel is called: what a group router wants of its source.
func (r *Routees) Follow(publish func(routees []actor.PID)) (cancel func(), err error) {
	f := &follower{routees: r, publish: publish}
	r.c.feedsMu.Lock()
	r.c.followers = append(r.c.followers, f)
	r.c.feedsMu.Unlock()
	f.refresh()
	return func() {
		r.c.feedsMu.Lock()
		defer r.c.feedsMu.Unlock()
		r.c.followers = slices.DeleteFunc(r.c.followers, func(o *follower) bool { return o == f })
	}, nil
}

// follower is one router that follows routees.
type follower struct {
	routees *Routees
	publish func([]actor.PID)

	publishMu sync.Mutex
	told      bool
	nodes     []membership.Node
}

// refresh publishes what is true now, if that is something new. The lock makes
// sure that what is published last is the newest.
func (f *follower) refresh() {
	f.publishMu.Lock()
	defer f.publishMu.Unlock()
	nodes := f.routees.nodes(f.routees.c.State())
	if f.told && slices.Equal(nodes, f.nodes) {
		return
	}
	f.told, f.nodes = true, nodes
	pids := make([]actor.PID, 0, len(nodes))
	for _, n := range nodes {
		pids = append(pids, f.routees.c.refTo(n, f.routees.path))
	}
	f.publish(pids)
}

// nodes returns the members that count, in their order.
func (r *Routees) nodes(v membership.View) []membership.Node {
	unreachable := v.Unreachable()
	var out []membership.Node
	for _, m := range v.Members() {
		works := m.Status.IsUp() || m.Status == membership.WeaklyUp
		cut := slices.ContainsFunc(unreachable, func(u membership.Member) bool { return u.Node == m.Node })
		if works && !cut && m.HasRole(r.role) {
			out = append(out, m.Node)
		}
	}
	return out
}
