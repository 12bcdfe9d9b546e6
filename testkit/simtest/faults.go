package simtest

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// brief is a duration for the eye.
func brief(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// Side is a group of nodes.
func (w *World) Side(nodes ...*Node) []*Node { return nodes }

// Partition cuts every link between the two sides, both ways, until
// [World.Heal].
func (w *World) Partition(a, b []*Node) {
	w.Note("partition %v | %v", a, b)
	w.OneWay(a, b)
	w.OneWay(b, a)
}

// OneWay cuts every link from one side to the other: nothing that from sends
// reaches to any more, but from hears to.
func (w *World) OneWay(from, to []*Node) {
	w.Note("cut %v -> %v", from, to)
	for _, a := range from {
		for _, b := range to {
			if a != b {
				w.net.cut(a, b)
			}
		}
	}
}

// Swizzle cuts the links between the two sides one by one, in drawn order over
// the time d, and leaves them cut until [World.Heal].
func (w *World) Swizzle(d time.Duration, a, b []*Node) {
	w.Note("swizzle %v | %v over %v", a, b, brief(d))
	w.gradually(d, across(a, b), w.net.cut)
}

// gradually does something to each of the links at a drawn moment.
func (w *World) gradually(d time.Duration, links [][2]*Node, f func(from, to *Node)) {
	healed := w.net.healed
	for _, l := range links {
		w.after(w.net.between(0, d), kindFault, "link "+l[0].name+">"+l[1].name, 0, func() {
			if w.net.healed == healed {
				f(l[0], l[1])
			}
		})
	}
}

// across lists the links between two sides, both ways.
func across(a, b []*Node) (links [][2]*Node) {
	for _, x := range a {
		for _, y := range b {
			if x != y {
				links = append(links, [2]*Node{x, y}, [2]*Node{y, x})
			}
		}
	}
	return links
}

// Heal mends every link and ends every pause and outage. Dead nodes stay dead;
// connections that broke stay broken.
func (w *World) Heal() {
	w.Note("heal")
	w.net.healed++
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			l := w.net.link(a, b)
			wasCut := l.cuts > 0
			*l = link{}
			if wasCut {
				w.net.flow(a, b)
			}
		}
		w.Resume(a)
	}
	w.disk.down = false
}

// Sever breaks, in the middle, every connection between the two nodes.
func (w *World) Sever(a, b *Node) {
	w.Note("sever %v - %v", a, b)
	for _, c := range w.net.conns {
		x, y := c.ends[0].node, c.ends[1].node
		if (x == a && y == b || x == b && y == a) && !c.broken {
			c.sever()
		}
	}
}

// Crash kills the node's process as kill -9 does; its kernel tells the peers.
func (w *World) Crash(n *Node) { w.crash(n, true) }

// PowerOff kills the node's process together with its machine: peers hear
// nothing more, not even a reset, until [World.Restart].
func (w *World) PowerOff(n *Node) { w.crash(n, false) }

func (w *World) crash(n *Node, told bool) {
	if n.proc == nil {
		return
	}
	if w.current != nil {
		w.fail("a node is crashed by the script or an event, not by what runs on it: use Node.Exit")
	}
	w.Note("%s %s", n.name, map[bool]string{true: "killed; its machine tells the peers", false: "powered off; nobody is told"}[told])
	n.end(told)
}

// Restart starts a new process on a node that has none, at the same address
// and with a new uid.
func (w *World) Restart(n *Node) {
	if n.proc == nil {
		n.start()
	}
}

// Pause stops the node's process for d; 0 means until [World.Resume]. Its
// timers that come up meanwhile fire late, in one burst.
func (w *World) Pause(n *Node, d time.Duration) {
	p := n.proc
	if p == nil || p.paused {
		return
	}
	w.Note("%s paused for %v", n.name, brief(d))
	p.pause()
	if d > 0 {
		w.after(d, kindFault, "resume "+n.name, p.uid, func() {
			if p.paused && !p.dead {
				w.tell(n.name + " goes on")
			}
			p.resume()
		})
	}
}

// Resume ends a pause.
func (w *World) Resume(n *Node) {
	if n.proc != nil {
		n.proc.resume()
	}
}

// Outage makes the database unavailable for d; 0 means until [World.Heal].
func (w *World) Outage(d time.Duration) {
	w.Note("database away for %v", brief(d))
	w.disk.down = true
	if d > 0 {
		w.after(d, kindFault, "end of outage", 0, func() {
			w.tell("database is back")
			w.disk.down = false
		})
	}
}

// SetSwarm makes s the configuration of the world's latencies and chances, and
// of the faults of [World.Chaos].
func (w *World) SetSwarm(s Swarm) {
	w.swarm = s.without(w.off)
	w.drawn = w.swarm
}

// Swarm returns the present configuration.
func (w *World) Swarm() Swarm { return w.swarm }

// Chaos lets the faults of the world's [Swarm] happen to the given nodes for
// the time d. Then it takes back all of them: links are mended, processes
// resumed, dead nodes restarted, and from then on only latency is left.
func (w *World) Chaos(d time.Duration, nodes ...*Node) {
	w.t.Helper()
	w.onlyScript("Chaos")
	c := &chaos{w: w, r: w.Rand("chaos"), nodes: nodes, on: true}
	c.begin()
	w.Run(d)
	c.on = false
	w.swarm = w.swarm.quiet()
	w.Heal()
	for _, n := range nodes {
		w.Restart(n)
	}
}

// chaos is a schedule of faults, drawn as it goes.
type chaos struct {
	w     *World
	r     *rand.Rand
	nodes []*Node
	on    bool
}

func (c *chaos) begin() {
	s := &c.w.swarm
	c.family("crash", s.Crash, c.crash)
	c.family("leave", s.Leave, c.leave)
	c.family("pause", s.Pause, func() { c.w.Pause(c.node(), c.upTo(s.PauseMax)) })
	c.family("sever", s.Sever, c.sever)
	c.family("partition", s.Partition, func() {
		a, b := c.sides()
		c.cutFor(c.upTo(s.CutMax), across(a, b), "partition %v | %v", a, b)
	})
	c.family("one-way", s.OneWay, func() {
		a, b := c.sides()
		d := c.upTo(s.CutMax)
		c.uneven(d)
		c.cutFor(d, oneWay(across(a, b)), "one-way cut %v -> %v", a, b)
	})
	c.family("partial", s.Partial, c.partial)
	c.family("swizzle", s.Swizzle, c.swizzle)
	c.family("clog", s.Clog, func() {
		a, b := c.pair()
		until := c.upTo(4 * time.Second)
		c.uneven(until)
		c.w.Note("clog %v -> %v for %v", a, b, brief(until))
		c.w.net.link(a, b).clogged = c.w.now + int64(until)
	})
	c.family("refuse", s.Refuse, func() {
		a, b := c.pair()
		d, healed := c.upTo(s.CutMax), c.w.net.healed
		c.uneven(d)
		c.w.Note("%v refuses connections of %v for %v", b, a, brief(d))
		c.w.net.link(a, b).refuse = true
		c.w.after(d, kindFault, "no more refusals", 0, func() {
			if c.w.net.healed == healed {
				c.w.net.link(a, b).refuse = false
			}
		})
	})
	c.family("outage", s.Outage, func() { c.w.Outage(c.upTo(s.OutageMax)) })
}

// family lets a fault happen again and again, at drawn intervals.
func (c *chaos) family(name string, every time.Duration, f func()) {
	if every <= 0 {
		return
	}
	next := time.Duration(float64(every) * c.r.ExpFloat64())
	c.w.after(next, kindFault, name, 0, func() {
		if !c.on {
			return
		}
		f()
		c.family(name, every, f)
	})
}

// uneven notes that for the time d nodes that hear each other may not hear the same
// others, or not both ways.
func (c *chaos) uneven(d time.Duration) {
	c.w.unevenUntil = max(c.w.unevenUntil, c.w.Elapsed()+d)
}

func (c *chaos) node() *Node { return c.nodes[c.r.IntN(len(c.nodes))] }

func (c *chaos) pair() (a, b *Node) {
	a, b = c.node(), c.node()
	for len(c.nodes) > 1 && a == b {
		b = c.node()
	}
	return a, b
}

// upTo draws a duration: half of the time long ones are as likely as short
// ones, half of the time short ones prevail.
func (c *chaos) upTo(most time.Duration) time.Duration {
	if c.r.IntN(2) == 0 {
		return time.Duration(c.r.Int64N(int64(most) + 1))
	}
	return logUniform(c.r, most/100+time.Microsecond, most+2*time.Microsecond)
}

// sides splits the nodes in two, neither of them empty.
func (c *chaos) sides() (a, b []*Node) {
	order := c.r.Perm(len(c.nodes))
	at := 1 + c.r.IntN(max(1, len(c.nodes)-1))
	for i, k := range order {
		if i < at {
			a = append(a, c.nodes[k])
		} else {
			b = append(b, c.nodes[k])
		}
	}
	return a, b
}

func oneWay(links [][2]*Node) (half [][2]*Node) {
	for i := 0; i < len(links); i += 2 {
		half = append(half, links[i])
	}
	return half
}

// cutFor cuts links at once and mends them at once later.
func (c *chaos) cutFor(d time.Duration, links [][2]*Node, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	c.w.Note("%s for %v", what, brief(d))
	healed := c.w.net.healed
	for _, l := range links {
		c.w.net.cut(l[0], l[1])
	}
	c.w.after(d, kindFault, "mend", 0, func() {
		if c.w.net.healed != healed {
			return
		}
		c.w.tell("mended: " + what)
		for _, l := range links {
			c.w.net.mend(l[0], l[1])
		}
	})
}

// partial cuts a drawn few of all links.
func (c *chaos) partial() {
	var some [][2]*Node
	for _, l := range across(c.nodes, c.nodes) {
		if c.r.IntN(4) == 0 {
			some = append(some, l)
		}
	}
	d := c.upTo(c.w.swarm.CutMax)
	c.uneven(d)
	c.cutFor(d, some, "partial cut of %v", some)
}

// swizzle cuts links one by one and mends them one by one.
func (c *chaos) swizzle() {
	a, b := c.sides()
	over, stay := c.upTo(10*time.Second), c.upTo(c.w.swarm.CutMax)
	c.w.Note("swizzle %v | %v over %v, for %v", a, b, brief(over), brief(stay))
	c.uneven(over + stay + over)
	links := across(a, b)
	c.w.gradually(over, links, c.w.net.cut)
	healed := c.w.net.healed
	c.w.after(over+stay, kindFault, "unswizzle", 0, func() {
		if c.w.net.healed == healed {
			c.w.tell(fmt.Sprintf("mending: swizzle %v | %v", a, b))
			c.w.gradually(over, links, c.w.net.mend)
		}
	})
}

func (c *chaos) sever() {
	a, b := c.pair()
	c.uneven(10 * time.Second) // heartbeats need so long to find a connection broken that its kernel holds for whole
	c.w.Sever(a, b)
}

// leave stops a node of a cluster in order; it is relaunched when it is done.
func (c *chaos) leave() {
	n := c.node()
	if p := n.proc; p != nil && p.cluster != nil {
		c.w.Note("%v is asked to leave", n)
		p.Go(func() { p.sys.BeginStop("it was asked to leave") })
	}
}

func (c *chaos) crash() {
	n := c.node()
	if n.proc == nil {
		return
	}
	c.w.crash(n, c.r.IntN(2) == 0)
	number := n.incarnations
	c.w.after(c.upTo(c.w.swarm.RestartMax), kindFault, "restart "+n.name, uint64(number), func() {
		if n.incarnations == number {
			c.w.Restart(n)
		}
	})
}
