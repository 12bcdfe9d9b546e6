package main

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
)

// gossip is a network of nothing but membership cores: what one change costs
// in clusters too large for the whole stack. Messages take up to two
// milliseconds; their sizes are those of the wire, with what remoting adds.
type gossip struct {
	now   time.Time
	rand  *rand.Rand
	reg   *codec.Registry
	cores []*membership.Core
	nodes []membership.Node
	at    map[membership.Node]int
	queue deliveries
	bytes int
	// views are the last ones that each node told.
	views []membership.View
}

type delivery struct {
	at  time.Time
	seq int
	to  int
	msg membership.Message // nil: a tick
}

type deliveries []delivery

func (h deliveries) Len() int { return len(h) }
func (h deliveries) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h deliveries) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *deliveries) Push(x any)   { *h = append(*h, x.(delivery)) }
func (h *deliveries) Pop() any {
	old := *h
	d := old[len(old)-1]
	*h = old[:len(old)-1]
	return d
}

// newGossip makes a cluster of n members that all know that all know.
func newGossip(seed uint64, n int) (*gossip, error) {
	g := &gossip{now: time.Unix(1_700_000_000, 0), rand: rand.New(rand.NewPCG(seed, 1)), reg: codec.NewRegistry(),
		at: map[membership.Node]int{}, views: make([]membership.View, n)}
	if err := membership.Register(g.reg); err != nil {
		return nil, err
	}
	var members []membership.Member
	for i := range n {
		node := membership.Node{Addr: fmt.Sprintf("10.0.%d.%d:2551", i/256, i%256), UID: g.rand.Uint64() | 1}
		core, err := membership.New(membership.Config{Self: node, Cluster: "shop", Rand: rand.New(rand.NewPCG(seed, uint64(i)))})
		if err != nil {
			return nil, err
		}
		g.cores, g.nodes = append(g.cores, core), append(g.nodes, node)
		g.at[node] = i
		members = append(members, membership.Member{Node: node, Status: membership.Up, UpNumber: uint64(i + 1)})
	}
	state := membership.Assemble(g.now.UnixNano(), members)
	for i := range n {
		host := g.nodes[(i+1)%n]
		g.step(i, membership.JoinNode{Addr: host.Addr})
		g.step(i, membership.Received{Message: membership.InitJoinAck{From: host, Cluster: "shop"}})
		g.step(i, membership.Received{Message: membership.Welcome{From: host, To: g.nodes[i], State: state}})
	}
	g.run(3 * time.Second)
	g.bytes = 0
	return g, nil
}

func (g *gossip) push(d delivery) {
	d.seq = g.rand.IntN(1 << 30)
	heap.Push(&g.queue, d)
}

func (g *gossip) step(i int, in membership.Input) {
	for _, e := range g.cores[i].Step(g.now, in) {
		switch e := e.(type) {
		case membership.Send:
			g.send(e)
		case membership.Changed:
			g.views[i] = e.View
		}
	}
	if next := g.cores[i].Next(); !next.IsZero() {
		g.push(delivery{at: next, to: i})
	}
}

func (g *gossip) send(e membership.Send) {
	typ, err := g.reg.Of(e.Message)
	if err != nil {
		return
	}
	body, err := typ.Append(codec.Scope{}, nil, e.Message)
	to, ok := g.at[e.To]
	if err != nil || !ok {
		return
	}
	// The frame, flags, uid, path, id and name that remoting adds.
	g.bytes += 5 + 1 + 8 + 1 + len("/system/cluster") + 1 + 1 + len(typ.Name()) + len(body)
	if msg, err := typ.Decode(codec.Scope{}, body); err == nil {
		g.push(delivery{g.now.Add(time.Duration(g.rand.IntN(2000)) * time.Microsecond), 0, to, msg.(membership.Message)})
	}
}

func (g *gossip) next() {
	d := heap.Pop(&g.queue).(delivery)
	g.now = d.at
	if d.msg != nil {
		g.step(d.to, membership.Received{Message: d.msg})
	} else if next := g.cores[d.to].Next(); !next.IsZero() && !next.After(g.now) {
		g.step(d.to, membership.Tick{})
	}
}

func (g *gossip) run(d time.Duration) {
	for end := g.now.Add(d); len(g.queue) > 0 && !g.queue[0].at.After(end); {
		g.next()
	}
}

// until runs until all nodes are as the function says, at most a minute.
func (g *gossip) until(so func(v membership.View) bool) time.Duration {
	began := g.now
	for i := 0; i < len(g.cores) && len(g.queue) > 0 && g.now.Sub(began) < time.Minute; {
		if so(g.views[i]) {
			i++
			continue
		}
		g.next()
	}
	return g.now.Sub(began)
}

// spreading is what one change costs.
type spreading struct {
	nodes      int
	idle       int           // bytes a second a node before it
	bytes      int           // a node, until all know that all have it
	have, know time.Duration // until all have it, until all know that
}

// spread measures how one change spreads in a cluster of n.
func spread(seed uint64, n int) (spreading, error) {
	g, err := newGossip(seed, n)
	if err != nil {
		return spreading{}, err
	}
	g.run(2 * time.Second)
	out := spreading{nodes: n, idle: g.bytes / n / 2}
	g.bytes = 0
	began := g.now
	accused := g.nodes[n-1]
	g.step(1, membership.Observed{Unreachable: []membership.Node{accused}})
	out.have = g.until(func(v membership.View) bool { return v.Reachability().Worst(accused) != membership.Reachable })
	g.until(func(v membership.View) bool { return len(v.SeenBy()) == n })
	out.know, out.bytes = g.now.Sub(began), g.bytes/n
	return out, nil
}
