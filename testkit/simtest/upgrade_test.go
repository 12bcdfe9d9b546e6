package simtest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// peaceful fails the world when a node holds another for unreachable, or gets
// what it can't read.
func peaceful(n *simtest.Node, cl *cluster.Cluster, failf func(string, ...any)) error {
	pid, err := n.System().Spawn("peaceful", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case cluster.Change:
				for _, e := range m.Events {
					if u, ok := e.(membership.UnreachableMember); ok {
						failf("%v holds %v for unreachable", n, u.Member)
					}
				}
			case actor.DeadLetter:
				if m.Reason == actor.DropDecode || m.Reason == actor.DropEncode {
					failf("on %v, %T to %v: %v", n, m.Message, m.To, m.Reason)
				}
			}
		})
	})
	if err != nil {
		return err
	}
	cl.Subscribe(pid)
	actor.Subscribe[actor.DeadLetter](n.System(), pid)
	return nil
}

// release is what a node runs.
type release struct {
	app      string
	protocol int // of remoting; 0 is the newest
}

// rollout is a service whose nodes are replaced by those of another release.
type rollout struct {
	*service
	runs  map[*simtest.Node]release // what the next process of each node is
	going *simtest.Node             // is being replaced; clients keep away from it
	worst time.Duration             // that an operation took
}

// stays draws a node that isn't being replaced.
func (o *rollout) stays() *simtest.Node {
	for {
		if n := o.nodes[o.r.IntN(len(o.nodes))]; n != o.going {
			return n
		}
	}
}

// serve lets one client work on each id, and notes how long each operation
// takes from the first try on.
func (o *rollout) serve() {
	for k := range idCount {
		id := clerk
		if k > 0 {
			id = fmt.Sprint("e", k)
		}
		o.client.Go(func() {
			for r := o.client.Rand(id); !o.stopped; {
				began := o.w.Elapsed()
				o.put(o.client, "tally/"+id, func(c actor.Request[result]) (result, error) {
					n := o.stays()
					return o.try(n, o.doors[n].ref(id), c)
				})
				o.worst = max(o.worst, o.w.Elapsed()-began)
				sleep(o.client, time.Duration(200+r.IntN(600))*time.Millisecond)
			}
		})
	}
}

// replace stops a node in order and waits for the next process, of another release.
func (o *rollout) replace(n *simtest.Node, by release) {
	o.going, o.runs[n] = n, by
	before := o.doors[n]
	n.Go(func() { n.System().BeginStop("it is replaced") })
	o.w.Until("it has come back", time.Minute, simtest.That(func() bool { return o.doors[n] != before }))
	o.w.Until("all up", time.Minute, o.w.AllUp(o.nodes...))
	o.going = nil
	m := n.Cluster().State().SelfMember()
	require.Equal(o.w.T(), by.app, m.AppVersion)
	o.w.Run(time.Duration(o.r.IntN(12_000)) * time.Millisecond)
}

// F-16: all nodes are replaced, one at a time, by a release that speaks a newer
// protocol, in any order, and one of them back and forth. Everybody understands
// everybody, nobody is held for unreachable, and nothing is out of service for
// longer than two seconds.
func TestARollingUpgrade(t *testing.T) {
	simtest.Run(t, 4, func(w *simtest.World) {
		o := &rollout{service: newService(w, 5), runs: map[*simtest.Node]release{}}
		before, after := release{app: "1.9.0", protocol: 1 + o.r.IntN(2)}, release{app: "1.10.0"}
		for _, n := range o.nodes {
			o.runs[n] = before
		}
		o.shards, o.passive = 40, time.Minute
		o.entities.Strict, o.clerks.Strict = true, true
		o.adjust = func(n *simtest.Node, cfg *cluster.Config) {
			cfg.AppVersion, cfg.Remote.Protocol = o.runs[n].app, o.runs[n].protocol
		}
		o.opened = func(n *simtest.Node, cl *cluster.Cluster) error { return peaceful(n, cl, w.Failf) }
		w.Until("all up", 10*time.Second, w.AllUp(o.nodes...))
		o.all(20*time.Second, idCount)
		o.serve()
		w.Run(5 * time.Second)

		order := o.r.Perm(5)
		plan := slices.Clone(order)
		back := 1 + o.r.IntN(3)                                      // neither the first, nor the last
		plan = slices.Insert(plan, back+1, order[back], order[back]) // there, back, and there again
		for i, k := range plan {
			by := after
			if i == back+1 {
				by = before
			}
			o.replace(o.nodes[k], by)
			_, all := o.nodes[k].Cluster().State().NewestVersion("")
			require.Equal(w.T(), i == len(plan)-1, all, "whether all run the newest")
		}
		require.LessOrEqual(w.T(), o.worst, 2*time.Second)
		require.Zero(w.T(), o.failed, "every command was answered at the first try")
		o.end()
	})
}
