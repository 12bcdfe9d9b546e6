package netfault

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Direction is what happens to the bytes that go one way. The zero value lets
// them pass.
type Direction struct {
	// Latency delays every byte. Default 0.
	Latency time.Duration
	// Jitter is added to Latency, drawn evenly up to this. Order is kept.
	Jitter time.Duration
	// Slice is the largest number of bytes passed on at once; each slice is a
	// write of its own. Default 0: as they come.
	Slice int
	// Rate is how many bytes pass in a second. Default 0: all.
	Rate int
	// Flip damages one bit in about this many bytes. Default 0: none.
	Flip int
	// Hold keeps the bytes until it is taken back: a partition that TCP
	// outlives. What is held is bounded; then the sender is no longer read.
	Hold bool
	// Drop swallows the bytes while the connection stays. What arrives later
	// is a stream with a hole, as a broken middlebox leaves it.
	Drop bool
}

// Faults are what a proxy does at present. The zero value: nothing.
type Faults struct {
	// Out is the way from the dialer to the target, Back the way back.
	Out, Back Direction
	// Refuse resets new connections at once.
	Refuse bool
}

// Both is the same faults in both directions.
func Both(d Direction) Faults { return Faults{Out: d, Back: d} }

// Proxy carries TCP connections from its own address to a target. All methods
// may be called from any goroutine.
type Proxy struct {
	l  net.Listener
	wg sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // of faults, of closed
	target  string
	faults  Faults
	rng     *rand.Rand
	links   map[*link]struct{}
	closed  bool
}

// Start listens at an address ("127.0.0.1:0": any free port) and carries what
// connects there to target, which may be named later. What is damaged and how jitter falls is drawn from a
// fixed seed; the order of real sockets is not.
func Start(listen, target string) (*Proxy, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("fault proxy for %s: %w", target, err)
	}
	p := &Proxy{l: l, target: target, rng: rand.New(rand.NewPCG(1, 2)), links: map[*link]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where dialers connect.
func (p *Proxy) Addr() string { return p.l.Addr().String() }

// SetTarget changes where connections to come are carried.
func (p *Proxy) SetTarget(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = addr
}

// Set replaces the faults, for the connections there are and those to come.
func (p *Proxy) Set(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
	p.changed.Broadcast()
}

// Heal takes all faults back.
func (p *Proxy) Heal() { p.Set(Faults{}) }

// Live is the number of connections that are carried at present.
func (p *Proxy) Live() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Reset breaks all connections: both ends are told by a reset.
func (p *Proxy) Reset() {
	for _, l := range p.all() {
		reset(l.dialer)
		reset(l.target)
	}
}

// HalfOpen ends all connections at the target only, with a reset. The dialer is
// told nothing: what it sends is swallowed, until it gives up.
func (p *Proxy) HalfOpen() {
	for _, l := range p.all() {
		p.mu.Lock()
		l.half = true
		p.mu.Unlock()
		reset(l.target)
	}
}

// Close ends the proxy and its connections, and waits for its goroutines.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
	_ = p.l.Close() // it can only be closed already
	p.Reset()
	p.wg.Wait()
}

func (p *Proxy) all() (links []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links { //det:ok all of them are broken, in whatever order
		links = append(links, l)
	}
	return links
}

func (p *Proxy) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return // closed; a test that runs out of descriptors fails elsewhere
		}
		p.mu.Lock()
		refuse := p.faults.Refuse || p.closed
		p.mu.Unlock()
		if refuse {
			reset(c)
			continue
		}
		p.wg.Go(func() { p.carry(c) })
	}
}

// carry connects one dialer with the target.
func (p *Proxy) carry(c net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	t, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		reset(c)
		return
	}
	l := &link{p: p, dialer: c, target: t}
	p.mu.Lock()
	p.links[l] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		reset(c)
		reset(t)
	}
	var both sync.WaitGroup
	both.Go(func() { l.pipe(c, t, func(f *Faults) *Direction { return &f.Out }) })
	both.Go(func() { l.pipe(t, c, func(f *Faults) *Direction { return &f.Back }) })
	both.Wait()
	_ = c.Close()
	_ = t.Close()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// reset closes a connection so that its other end is told by a reset.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // without it the end is an orderly one, no more
	}
	_ = c.Close()
}
