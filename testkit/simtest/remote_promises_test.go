package simtest_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// The messages of the post book.
type (
	// entry is the n-th ordinary message of a process to an address. Want is the
	// process it is meant for; 0: whichever is there.
	entry struct {
		From uint64
		N    int
		Want uint64
	}
	// heard answers an entry: it tells the sender's process, to its very
	// incarnation, where it arrived.
	heard struct{ By, For uint64 }
	// lookAt asks for a Terminated of Child.
	lookAt struct{ Child actor.PID }
	// cry is the n-th message of a child to those who watch it, sent At.
	cry struct {
		N  int
		At time.Duration
	}
)

// postBook notes what every process sent, got and was told, and finds out what
// can't be: the invariants RM-1 to RM-7 of remoting.
type postBook struct {
	w        *simtest.World
	nodes    map[string]*simtest.Node
	sent     map[route][]time.Duration   // when the n-th entry left, from 1
	lost     map[route]map[int]bool      // entries that became dead letters at their sender
	told     map[route][]time.Duration   // when the sender was told of a loss on the way
	gaps     []gap                       // entries that never came although later ones did
	buzz     map[[2]string]time.Duration // when a node last heard another
	gone     map[[2]uint64]time.Duration // when a process learned that another is no more
	over     map[string]time.Duration    // when a child ended
	lookouts []*lookout
}

// route is the way of entries: from a process to an address.
type route struct {
	from uint64
	to   string
}

type gap struct {
	route
	first, last int
	at          time.Duration
}

func newPostBook(w *simtest.World) *postBook {
	return &postBook{w: w, nodes: map[string]*simtest.Node{}, sent: map[route][]time.Duration{}, lost: map[route]map[int]bool{},
		told: map[route][]time.Duration{}, buzz: map[[2]string]time.Duration{}, gone: map[[2]uint64]time.Duration{},
		over: map[string]time.Duration{}}
}

// boot is the program of every node.
func (l *postBook) boot(names []string) simtest.Boot {
	return func(n *simtest.Node) error {
		reg := n.System().Registry()
		for _, err := range []error{codec.Register[entry](reg, "simtest.entry.v1"), codec.Register[heard](reg, "simtest.heard.v1"),
			codec.Register[lookAt](reg, "simtest.look.v1"), codec.Register[cry](reg, "simtest.cry.v1")} {
			if err != nil {
				return err
			}
		}
		r, err := remote.Start(n.System(), remote.Config{Listen: n.Addr(), Transport: n.Transport(), AcceptablePause: 3 * time.Second, StreamTimeout: 3 * time.Second})
		if err != nil {
			return err
		}
		l.nodes[n.Name()] = n
		c := &teller{l: l, n: n, remote: r, last: map[uint64]int{}, known: map[string]actor.PID{}}
		out := &lookout{l: l, n: n, uid: n.UID(), waits: map[string]uint64{}, ends: map[string]time.Duration{}}
		l.lookouts = append(l.lookouts, out)
		tellerRef, err := n.System().Spawn("teller", func() actor.Actor { return c })
		if err != nil {
			return err
		}
		actor.Subscribe[actor.DeadLetter](n.System(), tellerRef)
		actor.Subscribe[remote.ConnectionLost](n.System(), tellerRef)
		actor.Subscribe[remote.Gone](n.System(), tellerRef)
		if _, err := n.System().Spawn("lookout", func() actor.Actor { return out }); err != nil {
			return err
		}
		for _, to := range names {
			if to != n.Name() {
				n.Go(func() { l.write(n, c, to) })
				n.Go(func() { l.breed(n, to) })
			}
		}
		return nil
	}
}

// write sends entries to one other node for ever.
func (l *postBook) write(n *simtest.Node, c *teller, to string) {
	r := n.Rand("entries to " + to)
	way := route{n.UID(), to + ":2551"}
	anyone := n.System().RefOf(actor.Location{System: n.System().Name(), Addr: way.to, Path: "/user/teller"})
	for i := 1; ; i++ {
		l.sent[way] = append(l.sent[way], l.w.Elapsed())
		e := entry{From: n.UID(), N: i}
		ref := anyone
		if known, ok := c.known[way.to]; ok && r.IntN(2) == 0 {
			ref, e.Want = known, known.Location().UID
		}
		ref.TellFrom(e, actor.PID(c.self))
		sleep(n, time.Duration(r.IntN(40))*time.Millisecond)
	}
}

// breed has children born that are watched from another node, cry to it and stop.
func (l *postBook) breed(n *simtest.Node, to string) {
	r := n.Rand("children for " + to)
	lookout := n.System().RefOf(actor.Location{System: n.System().Name(), Addr: to + ":2551", Path: "/user/lookout"})
	for i := 0; ; i++ {
		name := fmt.Sprintf("child-%s-%d", to, i)
		child, err := n.System().Spawn(name, func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if m, ok := ctx.Message().(cry); ok {
					m.At = l.w.Elapsed()
					lookout.TellFrom(m, ctx.Self())
				}
			})
		})
		if err != nil {
			l.w.Failf("%v: %v", n, err)
		}
		lookout.Tell(lookAt{child})
		for j := range 1 + r.IntN(6) {
			sleep(n, time.Duration(r.IntN(400))*time.Millisecond)
			child.Tell(cry{N: j + 1})
		}
		child.Tell(actor.PoisonPill{})
		l.over[childName(child)] = l.w.Elapsed()
		sleep(n, time.Duration(r.IntN(400))*time.Millisecond)
	}
}

// teller takes entries and what its system publishes about the network.
type teller struct {
	l      *postBook
	n      *simtest.Node
	remote *remote.Remote
	self   actor.PID
	last   map[uint64]int       // by sending process
	known  map[string]actor.PID // tellers whose incarnation is known, by address
}

func (c *teller) PreStart(ctx *actor.Context) error { c.self = ctx.Self(); return nil }

func (c *teller) Receive(ctx *actor.Context) {
	l := c.l
	switch m := ctx.Message().(type) {
	case entry:
		c.take(ctx, m)
	case heard:
		if m.For != c.n.UID() {
			l.w.Failf("RM-2: %v, process %#x, got an answer for process %#x", c.n, c.n.UID(), m.For)
		}
		c.known[ctx.Sender().Location().Addr] = ctx.Sender()
	case actor.DeadLetter:
		if e, ok := m.Message.(entry); ok && e.From == c.n.UID() {
			way := route{e.From, m.To.Location().Addr}
			if l.lost[way] == nil {
				l.lost[way] = map[int]bool{}
			}
			l.lost[way][e.N] = true
		}
	case remote.ConnectionLost:
		if !m.Control {
			c.declared(m.Addr)
		}
	case remote.Gone:
		key := [2]uint64{c.n.UID(), m.UID}
		if at, twice := l.gone[key]; twice {
			l.w.Failf("RM-5: %v is told at %v and again that process %#x of %s is gone", c.n, at, m.UID, m.Addr)
		}
		l.gone[key] = l.w.Elapsed()
		c.declared(m.Addr)
		if c.known[m.Addr].Location().UID == m.UID {
			delete(c.known, m.Addr)
		}
	default:
		ctx.Unhandled()
	}
}

func (c *teller) declared(addr string) {
	way := route{c.n.UID(), addr}
	c.l.told[way] = append(c.l.told[way], c.l.w.Elapsed())
}

func (c *teller) take(ctx *actor.Context, e entry) {
	l, now := c.l, c.l.w.Elapsed()
	if e.Want != 0 && e.Want != c.n.UID() {
		l.w.Failf("RM-2: %v, process %#x, got message %d for process %#x", c.n, c.n.UID(), e.N, e.Want)
	}
	last, before := c.last[e.From]
	if e.N <= last {
		l.w.Failf("RM-1: %v got message %d of process %#x after %d", c.n, e.N, e.From, last)
	}
	if before && e.N > last+1 {
		l.gaps = append(l.gaps, gap{route{e.From, c.n.Addr()}, last + 1, e.N - 1, now})
	}
	c.last[e.From] = e.N
	from := ctx.Sender().Location()
	if at, dead := l.gone[[2]uint64{c.n.UID(), e.From}]; dead && now > at {
		l.w.Failf("RM-5: %v got message %d of process %#x, %v after that was gone", c.n, e.N, e.From, now-at)
	}
	c.known[from.Addr] = ctx.Sender()
	l.buzz[[2]string{c.n.Addr(), from.Addr}] = now
	ctx.Sender().TellFrom(heard{By: c.n.UID(), For: e.From}, ctx.Self())
}

// childName tells incarnations of nodes apart, too.
func childName(ref actor.PID) string { return fmt.Sprintf("%v of %#x", ref, ref.Location().UID) }

// lookout watches children of other nodes.
type lookout struct {
	l     *postBook
	n     *simtest.Node
	uid   uint64
	waits map[string]uint64        // children that are watched, and their processes
	ends  map[string]time.Duration // when a child's Terminated came
}

func (o *lookout) Receive(ctx *actor.Context) {
	l := o.l
	switch m := ctx.Message().(type) {
	case lookAt:
		name := childName(m.Child)
		if _, ended := o.ends[name]; !ended {
			ctx.Watch(m.Child)
			o.waits[name] = m.Child.Location().UID
		}
	case cry:
		// An ordinary connection that hangs may delay a Terminated by three seconds, no more.
		if at, ended := o.ends[childName(ctx.Sender())]; ended && at-m.At < 3*time.Second {
			l.w.Failf("RM-3: %v got cry %d of %s after its Terminated", o.n, m.N, childName(ctx.Sender()))
		}
	case actor.Terminated:
		name := childName(m.Ref)
		if _, twice := o.ends[name]; twice {
			l.w.Failf("RM-3: %v got a second Terminated for %s", o.n, name)
		}
		o.ends[name] = l.w.Elapsed()
		delete(o.waits, name)
	default:
		ctx.Unhandled()
	}
}

// balance checks, once everything has settled, that every gap was declared.
func (l *postBook) balance() {
	for _, g := range l.gaps {
		if !l.alive(g.from) {
			continue // it takes to its grave what it was told
		}
		for i := g.first; i <= g.last; i++ {
			sent := l.sent[g.route][i-1]
			declared := l.lost[g.route][i] || slices.ContainsFunc(l.told[g.route], func(at time.Duration) bool {
				return at >= sent && at <= g.at+time.Second
			})
			if !declared {
				l.w.Failf("RM-1: message %d of process %#x to %s, sent at %v, is missing at %v, and its sender was told nothing",
					i, g.from, g.to, sent, g.at)
			}
		}
	}
}

func (l *postBook) alive(uid uint64) bool {
	for _, n := range l.w.Nodes() {
		if n.Alive() && n.UID() == uid {
			return true
		}
	}
	return false
}

// parted reports whether one of two processes has declared the other gone, which
// is for good.
func (l *postBook) parted(a, b *simtest.Node) bool {
	_, ab := l.gone[[2]uint64{a.UID(), b.UID()}]
	_, ba := l.gone[[2]uint64{b.UID(), a.UID()}]
	return ab || ba
}

// settle waits until everybody knows of the children that have ended by now (RM-4).
func (l *postBook) settle() {
	l.w.T().Helper()
	by := l.w.Elapsed()
	l.w.Until("every Terminated has arrived (RM-4)", 10*time.Second, func() string { return l.overdue(by) })
}

// overdue names a child that ended before a time, alone or with its process, and
// whose watcher still waits.
func (l *postBook) overdue(by time.Duration) string {
	for _, o := range l.lookouts {
		if !o.n.Alive() || o.uid != o.n.UID() {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(o.waits)) {
			at, ended := l.over[name]
			if ended && at <= by || !l.alive(o.waits[name]) {
				return fmt.Sprintf("%v waits for the Terminated of %s", o.n, name)
			}
		}
	}
	return ""
}

// TestRemoteKeepsItsPromises checks, under every fault there is, RM-1 (no silent loss), RM-2
// (nothing for one incarnation reaches another), RM-3 (exactly one Terminated, after
// what came before it), RM-4 (and soon after healing), RM-5 (who is gone stays gone),
// RM-6 (a restarted node is usable at once) and RM-7 (nothing crosses incarnations).
func TestRemoteKeepsItsPromises(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		w.SetSwarm(simtest.DrawSwarm(w.Rand("swarm")))
		names := []string{"a", "b", "c"}
		l := newPostBook(w)
		var nodes []*simtest.Node
		for _, name := range names {
			nodes = append(nodes, w.Node(name, l.boot(names)))
		}
		w.Chaos(time.Duration(20+w.Rand("length").IntN(40))*time.Second, nodes...)
		healed := w.Elapsed()
		w.Until("all hear all after the faults", 8*time.Second, func() string {
			for _, to := range nodes {
				for _, from := range nodes {
					if to != from && !l.parted(to, from) && l.buzz[[2]string{to.Addr(), from.Addr()}] <= healed {
						return fmt.Sprintf("%v has not heard %v", to, from)
					}
				}
			}
			return ""
		})
		l.settle()
		w.Run(time.Minute) // kernels find out about dead ends by then
		l.balance()

		restarted := nodes[w.Rand("victim").IntN(len(nodes))]
		w.Crash(restarted)
		w.Run(time.Duration(w.Rand("down").IntN(3000)) * time.Millisecond)
		w.Restart(restarted)
		again := w.Elapsed()
		w.Until("the restarted node is heard and hears (RM-6)", 3*time.Second, func() string {
			for _, other := range nodes {
				if other == restarted || l.parted(other, restarted) {
					continue
				}
				for _, pair := range [][2]string{{other.Addr(), restarted.Addr()}, {restarted.Addr(), other.Addr()}} {
					if l.buzz[pair] <= again {
						return fmt.Sprintf("%s has not heard %s", pair[0], pair[1])
					}
				}
			}
			return ""
		})
		l.settle()
		l.balance()
	})
}
