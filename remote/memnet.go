package remote

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// errCut is why connections fail between nodes that were cut apart.
var errCut = errors.New("the network is cut between the two nodes")

// MemNet is a network in memory, for tests: every node has its own [Transport]
// ([MemNet.Node]), and connections between nodes can be broken and stalled. It is
// a door like [TCP]: two goroutines for each connection. Make one with
// [NewMemNet]; it is safe for concurrent use.
type MemNet struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	lastPort  int
	links     map[[2]string]*memLink
}

// memLink is what is between two nodes.
type memLink struct {
	cut     bool
	stalled bool
	changed *sync.Cond
	pairs   map[*memPair]struct{}
}

// NewMemNet returns an empty network in which everything is connected.
func NewMemNet() *MemNet {
	return &MemNet{listeners: map[string]*memListener{}, links: map[[2]string]*memLink{}, lastPort: 40_000}
}

// Node returns the transport of the node that calls itself name. For Cut and
// Stall to work the name must be the address that the node advertises.
func (n *MemNet) Node(name string) Transport { return &memNode{net: n, name: name} }

// Cut breaks all connections between two nodes and prevents new ones.
func (n *MemNet) Cut(a, b string) {
	n.mu.Lock()
	l := n.link(a, b)
	l.cut = true
	n.mu.Unlock()
	n.Break(a, b)
}

// Break breaks all connections between two nodes; new ones are possible at once.
func (n *MemNet) Break(a, b string) {
	n.mu.Lock()
	l := n.link(a, b)
	pairs := l.pairs
	l.pairs = map[*memPair]struct{}{}
	n.mu.Unlock()
	for p := range pairs { //det:ok a test's network, on real goroutines
		p.end(nil, errCut)
	}
}

// Stall holds back all bytes between two nodes, without breaking anything.
func (n *MemNet) Stall(a, b string) { n.change(a, b, func(l *memLink) { l.stalled = true }) }

// Heal undoes Cut and Stall.
func (n *MemNet) Heal(a, b string) {
	n.change(a, b, func(l *memLink) { l.cut, l.stalled = false, false })
}

func (n *MemNet) change(a, b string, f func(*memLink)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.link(a, b)
	f(l)
	l.changed.Broadcast()
}

func (n *MemNet) link(a, b string) *memLink {
	if b < a {
		a, b = b, a
	}
	l := n.links[[2]string{a, b}]
	if l == nil {
		l = &memLink{changed: sync.NewCond(&n.mu), pairs: map[*memPair]struct{}{}}
		n.links[[2]string{a, b}] = l
	}
	return l
}

type memNode struct {
	net  *MemNet
	name string
}

type memListener struct {
	net    *MemNet
	addr   string
	accept func(Conn)
}

// Listen takes connections at addr.
func (m *memNode) Listen(addr string, accept func(Conn)) (Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n := m.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == "0" {
		n.lastPort++
		addr = net.JoinHostPort(host, strconv.Itoa(n.lastPort))
	}
	if n.listeners[addr] != nil {
		return nil, fmt.Errorf("listen at %s: address already in use", addr)
	}
	l := &memListener{net: n, addr: addr, accept: accept}
	n.listeners[addr] = l
	return l, nil
}

func (l *memListener) Addr() string { return l.addr }

func (l *memListener) Close() {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.net.listeners[l.addr] == l {
		delete(l.net.listeners, l.addr)
	}
}

// Dial connects to the node that listens at addr.
func (m *memNode) Dial(addr string, done func(Conn, error)) (cancel func()) {
	go m.connect(addr, done)
	return func() {} // an attempt takes no time
}

func (m *memNode) connect(addr string, done func(Conn, error)) {
	n := m.net
	n.mu.Lock()
	listener, link := n.listeners[addr], n.link(m.name, addr)
	if link.cut || listener == nil {
		var err error = syscall.ECONNREFUSED
		if link.cut {
			err = errCut
		}
		n.mu.Unlock()
		done(nil, fmt.Errorf("dial %s: %w", addr, err))
		return
	}
	p := &memPair{net: n, link: link}
	p.ends[0] = &memConn{pair: p, peer: addr, wake: make(chan struct{}, 1), started: make(chan struct{})}
	p.ends[1] = &memConn{pair: p, peer: m.name, wake: make(chan struct{}, 1), started: make(chan struct{})}
	p.done = make(chan struct{})
	link.pairs[p] = struct{}{}
	n.mu.Unlock()
	p.writers.Add(2)
	go p.carry(p.ends[0], p.ends[1])
	go p.carry(p.ends[1], p.ends[0])
	listener.accept(p.ends[1])
	done(p.ends[0], nil)
}

// memPair is a connection: two ends, and a goroutine for each direction.
type memPair struct {
	net     *MemNet
	link    *memLink
	ends    [2]*memConn
	writers sync.WaitGroup
	done    chan struct{}

	mu     sync.Mutex
	over   bool
	reason [2]error
}

// memConn is one end.
type memConn struct {
	pair    *memPair
	peer    string
	wake    chan struct{}
	started chan struct{}
	h       Handler
}

func (c *memConn) Peer() string { return c.peer }

func (c *memConn) Start(h Handler) {
	c.h = h
	close(c.started)
}

func (c *memConn) Flush() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *memConn) Close() { c.pair.end(c, errors.New("the other end closed the connection")) }

// end ends the connection. by is the end that closed it and learns no error; nil
// when it was neither.
func (p *memPair) end(by *memConn, reason error) {
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	p.over = true
	for i, c := range p.ends {
		if c != by {
			p.reason[i] = reason
		}
	}
	p.mu.Unlock()
	close(p.done)
	p.net.mu.Lock()
	delete(p.link.pairs, p)
	p.link.changed.Broadcast()
	p.net.mu.Unlock()
}

func (p *memPair) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// carry moves bytes from one end to the other until the connection ends, and
// then tells the sending end.
func (p *memPair) carry(from, to *memConn) {
	<-from.started
	<-to.started
	for !p.isOver() {
		select {
		case <-from.wake:
		case <-p.done:
			continue
		}
		for p.flowing() {
			pieces := from.h.Outgoing()
			if len(pieces) == 0 {
				break
			}
			for _, b := range pieces {
				to.h.Data(b)
			}
		}
	}
	p.writers.Done()
	p.writers.Wait()
	i := 0
	if p.ends[1] == from {
		i = 1
	}
	p.mu.Lock()
	reason := p.reason[i]
	p.mu.Unlock()
	from.h.Closed(reason)
}

// flowing waits while the link is stalled and reports whether to go on.
func (p *memPair) flowing() bool {
	p.net.mu.Lock()
	for p.link.stalled && !p.isOver() {
		p.link.changed.Wait()
	}
	p.net.mu.Unlock()
	return !p.isOver()
}
