package simtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/troupe-go/troupe/remote"
)

// Errors of the simulated network, told to handlers and dialers.
var (
	errRefused   = error(syscall.ECONNREFUSED)
	errTimedOut  = error(syscall.ETIMEDOUT)
	errReset     = error(syscall.ECONNRESET)
	errNoHost    = errors.New("no such host")
	errCancelled = errors.New("dial was cancelled")
)

const (
	dialTries   = 5           // attempts of a dial while the link is cut
	dialRetry   = time.Second // between them
	stallMin    = 200 * time.Millisecond
	keepaliveMi = 15 * time.Second // how long a half-open end lives: at least
	keepaliveMa = 60 * time.Second // and at most
)

// network is everything between the nodes: for each ordered pair a link, and
// the connections that run over the links.
type network struct {
	w         *World
	rng       *rand.Rand
	listeners map[string]*listener
	conns     []*conn // those with a living end, in the order of birth
	lastConn  uint64
	lastPort  int
	links     map[[2]*Node]*link
	// healed counts the calls of World.Heal, so that a mend that was
	// scheduled before one does nothing after it.
	healed int
}

// link is one direction between two nodes.
type link struct {
	cuts    int   // how many faults cut it at present
	refuse  bool  // new connections are refused
	clogged int64 // nothing arrives before this instant
}

func newNetwork(w *World) *network {
	return &network{w: w, rng: w.Rand("net"), listeners: map[string]*listener{}, links: map[[2]*Node]*link{}}
}

func (n *network) link(from, to *Node) *link {
	key := [2]*Node{from, to}
	l := n.links[key]
	if l == nil {
		l = &link{}
		n.links[key] = l
	}
	return l
}

// blocked reports whether nothing gets from one node to the other.
func (n *network) blocked(from, to *Node) bool {
	return to.dark || n.link(from, to).cuts > 0
}

// latency draws how long something takes from one node to the other.
func (n *network) latency(from, to *Node) time.Duration {
	s := &n.w.swarm
	d := s.LatencyBase + time.Duration(float64(s.LatencyTail)*n.rng.ExpFloat64())
	if n.rng.Float64() < s.Stall {
		d += stallMin << n.rng.IntN(4)
	}
	if from == to {
		d /= 20
	}
	return max(d, time.Duration(n.link(from, to).clogged-n.w.now))
}

// between draws a duration.
func (n *network) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(n.rng.Int64N(int64(hi-lo)+1))
}

func (n *network) cut(from, to *Node) { n.link(from, to).cuts++ }

// mend takes one cut from a link and lets what was stuck go on, after a while,
// as TCP finds out only when it sends again.
func (n *network) mend(from, to *Node) {
	l := n.link(from, to)
	if l.cuts == 0 {
		return
	}
	if l.cuts--; l.cuts == 0 {
		n.flow(from, to)
	}
}

// flow wakes the pipes that a cut between two nodes has stalled.
func (n *network) flow(from, to *Node) {
	for _, c := range n.conns {
		for _, e := range c.ends {
			if e.node == from && e.peer.node == to || e.node == to && e.peer.node == from {
				e.retransmit()
			}
		}
	}
}

// processGone does to the network what the death of p does. The kernel of a
// machine that lives (told) closes the connections; one that died says nothing.
func (n *network) processGone(p *process, told bool) {
	for addr, l := range n.listeners {
		if l.p == p {
			delete(n.listeners, addr)
		}
	}
	for _, c := range slices.Clone(n.conns) {
		for _, e := range c.ends {
			if e.p == p && !e.gone {
				e.abandon(told)
			}
		}
	}
}

// nodeBack lets stuck bytes reach the kernel of a machine that is up again.
func (n *network) nodeBack(back *Node) {
	for _, other := range n.w.nodes {
		if !n.blocked(other, back) {
			n.flow(other, back)
		}
	}
}

func (n *network) node(host string) *Node {
	for _, node := range n.w.nodes {
		if node.name == host {
			return node
		}
	}
	return nil
}

// transport is the network as one process sees it.
type transport struct {
	n *network
	p *process
}

// Transport returns the network as the node's present process sees it: real
// bytes, with everything between the sockets simulated.
func (n *Node) Transport() remote.Transport { return transport{n.w.net, n.running()} }

type listener struct {
	n      *network
	p      *process
	addr   string
	accept func(remote.Conn)
}

func (l *listener) Addr() string { return l.addr }

func (l *listener) Close() {
	if l.n.listeners[l.addr] == l {
		delete(l.n.listeners, l.addr)
	}
}

// Listen implements remote.Transport.
func (t transport) Listen(addr string, accept func(remote.Conn)) (remote.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen %q: %w", addr, err)
	}
	if host != "" && host != "0.0.0.0" && host != t.p.node.name {
		return nil, fmt.Errorf("listen %q: the simulated host is %q", addr, t.p.node.name)
	}
	if port == "0" {
		t.n.lastPort++
		port = fmt.Sprint(40000 + t.n.lastPort)
	}
	l := &listener{n: t.n, p: t.p, addr: net.JoinHostPort(t.p.node.name, port), accept: accept}
	if t.p.dead {
		return l, nil
	}
	if t.n.listeners[l.addr] != nil {
		return nil, fmt.Errorf("listen %q: address is in use", l.addr)
	}
	t.n.listeners[l.addr] = l
	return l, nil
}

// dial is one attempt to connect.
type dial struct {
	t    transport
	addr string
	to   *Node
	done func(remote.Conn, error)
	over bool
}

// Dial implements remote.Transport.
func (t transport) Dial(addr string, done func(remote.Conn, error)) (cancel func()) {
	d := &dial{t: t, addr: addr, done: done}
	host, _, err := net.SplitHostPort(addr)
	if err == nil {
		d.to = t.n.node(host)
	}
	if d.to == nil {
		d.end(nil, errNoHost, t.n.between(0, 50*time.Millisecond))
		return d.cancel
	}
	d.syn(0)
	return d.cancel
}

func (d *dial) cancel() {
	if !d.over {
		d.end(nil, errCancelled, 0)
	}
}

// end tells the dialer the outcome.
func (d *dial) end(e *end, err error, after time.Duration) {
	d.over = true
	p := d.t.p
	if p.dead || d.t.n.w.closed {
		if e != nil {
			e.abandon(true)
		}
		return
	}
	d.t.n.w.push(&event{kind: kindNet, proc: p, label: "dialled " + d.addr, call: func() {
		if err != nil {
			d.done(nil, fmt.Errorf("dial %s: %w", d.addr, err))
			return
		}
		d.done(e, nil)
	}}, after+p.turnDelay())
}

// syn is one try to reach the other side.
func (d *dial) syn(try int) {
	n, from := d.t.n, d.t.p.node
	n.w.after(n.latency(from, d.to), kindNet, "syn "+from.name+">"+d.addr, uint64(try), func() {
		switch {
		case d.over:
		case n.blocked(from, d.to) || n.blocked(d.to, from):
			if try+1 == dialTries {
				d.end(nil, errTimedOut, 0)
				return
			}
			n.w.after(dialRetry, kindNet, "syn again", uint64(try), func() { d.syn(try + 1) })
		case n.listeners[d.addr] == nil || n.link(from, d.to).refuse:
			d.end(nil, errRefused, n.latency(d.to, from))
		default:
			d.connect(n.listeners[d.addr])
		}
	})
}

func (d *dial) connect(l *listener) {
	n := d.t.n
	c := n.newConn(d.t.p, l.p)
	client, server := c.ends[0], c.ends[1]
	n.w.push(&event{kind: kindNet, proc: l.p, label: "accept from " + d.t.p.node.name, arg: c.id, call: func() {
		if server.gone {
			return
		}
		l.accept(server)
	}}, l.p.turnDelay())
	d.end(client, nil, n.latency(d.to, d.t.p.node))
}
