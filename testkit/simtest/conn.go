package simtest

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/troupe-go/troupe/remote"
)

// conn is one connection: two ends, and between them two pipes in which bytes
// keep their order and are never lost while the connection lives.
type conn struct {
	n    *network
	id   uint64
	ends [2]*end
	// broken: the middle is gone; what is sent from now on gets lost.
	broken bool
	// lingers: what was under way when it broke arrives all the same, late.
	lingers bool
}

// end is one side of a connection, and the pipe that leads away from it. It
// is the remote.Conn of its process.
type end struct {
	c    *conn
	p    *process
	node *Node
	peer *end

	h        remote.Handler
	flushing bool // an event that asks for Outgoing is under way
	full     bool // Outgoing waits until the window has room
	doomed   bool // it writes into a broken connection
	gone     bool // over: closed, failed, or the process is dead

	// The pipe from here to the peer.
	queue    []segment
	armed    bool // an event for the head of the queue is under way
	lastAt   int64
	busyTill int64 // when the last byte so far has got into the link
	inFlight int
	window   int
	stalled  bool   // the link is cut: the head waits for a retransmission
	stall    uint64 // counts the stalls, to tell an old timeout
	mute     bool   // bytes arrived whose acknowledgement can't
	unacked  int    // bytes that were taken since then

	in      []byte // what arrived here and was not handed over yet
	handing bool   // an event that hands it over is under way
	last    bool   // the end comes after what is in in
}

// segment is what arrives at once.
type segment struct {
	at  int64
	b   []byte
	fin bool
}

func (n *network) newConn(client, server *process) *conn {
	n.lastConn++
	c := &conn{n: n, id: n.lastConn}
	for i, p := range []*process{client, server} {
		c.ends[i] = &end{c: c, p: p, node: p.node, window: 16 << (10 + n.rng.IntN(6))}
	}
	c.ends[0].peer, c.ends[1].peer = c.ends[1], c.ends[0]
	n.conns = append(n.conns, c)
	return c
}

// Peer implements remote.Conn.
func (e *end) Peer() string { return e.peer.node.addr }

// Start implements remote.Conn.
func (e *end) Start(h remote.Handler) {
	if e.h != nil || e.gone {
		if e.gone && e.h == nil && !e.p.dead {
			// The connection ended before it was started; the handler has
			// to be told all the same.
			e.h = h
			e.tell(errReset)
		}
		return
	}
	e.h = h
	e.hand()
	e.Flush()
}

// Flush implements remote.Conn.
func (e *end) Flush() {
	if e.flushing || e.full || e.gone {
		return
	}
	e.flushing = true
	e.event("pump", e.p.turnDelay(), e.pump)
}

// event makes the end's process do something.
func (e *end) event(label string, after time.Duration, f func()) {
	e.c.n.w.push(&event{kind: kindNet, proc: e.p, label: label, arg: e.c.id, call: f}, after)
}

// pump takes from the handler what it has to send, as far as the window goes.
func (e *end) pump() {
	e.flushing = false
	for !e.gone && e.h != nil {
		if e.inFlight >= e.window {
			e.full = true
			return
		}
		b := bytes.Join(e.h.Outgoing(), nil)
		if len(b) == 0 {
			return
		}
		e.send(b)
	}
}

// send puts bytes on the wire, sometimes in two pieces.
func (e *end) send(b []byte) {
	e.inFlight += len(b)
	n := e.c.n
	if e.c.broken {
		// Nobody acknowledges it, which the kernel puts up with for a while.
		if e.doomed {
			return
		}
		e.doomed = true
		e.fails(errTimedOut, n.between(n.w.swarm.Patience/2, n.w.swarm.Patience))
		return
	}
	if len(b) > 1 && n.rng.Float64() < n.w.swarm.Split {
		at := 1 + n.rng.IntN(len(b)-1)
		e.enqueue(segment{b: b[:at]})
		b = b[at:]
	}
	e.enqueue(segment{b: b})
}

func (e *end) enqueue(s segment) {
	n := e.c.n
	s.at = max(e.lastAt, e.leaves(len(s.b))+int64(n.latency(e.node, e.peer.node)))
	e.lastAt = s.at
	e.queue = append(e.queue, s)
	e.arm()
}

// leaves is when the last of so many bytes gets into the link, which all connections
// that have something for it share.
func (e *end) leaves(bytes int) int64 {
	n := e.c.n
	if n.w.swarm.Rate == 0 || e.node == e.peer.node {
		return n.w.now
	}
	sharing := int64(1)
	for _, c := range n.conns {
		for _, o := range c.ends {
			if o != e && o.node == e.node && o.peer.node == e.peer.node && o.busyTill > n.w.now {
				sharing++
			}
		}
	}
	e.busyTill = max(e.busyTill, n.w.now) + int64(bytes)*sharing*int64(time.Second)/int64(n.w.swarm.Rate)
	return e.busyTill
}

// arm sees to it that an event comes for the head of the queue.
func (e *end) arm() {
	if e.armed || e.stalled || len(e.queue) == 0 {
		return
	}
	e.armed = true
	w := e.c.n.w
	head := e.queue[0]
	w.after(time.Duration(head.at-w.now), kindDeliver, e.node.name+">"+e.peer.node.name, xxhash.Sum64(head.b), e.arrive)
}

// arrive is the moment at which the head of the queue reaches the other side,
// if the link is open.
func (e *end) arrive() {
	e.armed = false
	n, peer := e.c.n, e.peer
	if e.stalled || len(e.queue) == 0 {
		return
	}
	if n.blocked(e.node, peer.node) {
		e.stalls()
		return
	}
	s := e.queue[0]
	if s.at > n.w.now {
		e.arm() // it was delayed on the way
		return
	}
	if peer.gone {
		e.answerReset(s)
		return
	}
	e.queue = e.queue[1:]
	if s.fin {
		peer.fails(io.EOF, 0)
		e.queue = nil
		return
	}
	peer.in = append(peer.in, s.b...)
	peer.hand()
	if n.blocked(peer.node, e.node) {
		e.mute = true
		e.timeout()
	}
	e.arm()
}

// answerReset is what bytes for an end that is no more lead to.
func (e *end) answerReset(s segment) {
	n := e.c.n
	if n.blocked(e.peer.node, e.node) {
		e.stalls()
		return
	}
	e.queue = nil
	if !s.fin {
		e.fails(errReset, n.latency(e.peer.node, e.node))
	}
}

// stalls makes the pipe wait for the link, as long as the sender's kernel has
// patience.
func (e *end) stalls() {
	e.stalled = true
	e.timeout()
}

func (e *end) timeout() {
	n := e.c.n
	e.stall++
	stall := e.stall
	n.w.after(n.between(n.w.swarm.Patience/2, n.w.swarm.Patience), kindNet, "user timeout", e.c.id, func() {
		if e.stall == stall && (e.stalled || e.mute) && !e.gone {
			e.fails(errTimedOut, 0)
		}
	})
}

// retransmit lets a stalled pipe go on some time after a link was mended.
func (e *end) retransmit() {
	n := e.c.n
	if !e.stalled && !e.mute {
		return
	}
	n.w.after(n.between(0, n.w.swarm.Retransmit), kindNet, "retransmit", e.c.id, func() {
		if n.blocked(e.node, e.peer.node) || n.blocked(e.peer.node, e.node) {
			return
		}
		e.stall++
		e.stalled, e.mute = false, false
		acked := e.unacked
		e.unacked = 0
		e.release(acked)
		e.arm()
	})
}

// hand makes the process take what has arrived.
func (e *end) hand() {
	if e.handing || e.h == nil || e.gone || len(e.in) == 0 {
		return
	}
	e.handing = true
	e.event("data", e.p.turnDelay(), func() {
		e.handing = false
		if e.gone {
			return
		}
		b := e.in
		e.in = nil
		e.h.Data(b)
		for i := range b {
			b[i] = 0xdb // they were valid during the call only
		}
		if e.peer.mute {
			e.peer.unacked += len(b)
		} else {
			e.peer.release(len(b))
		}
		if e.last {
			e.fails(io.EOF, 0)
		}
	})
}

// release gives the sender room in its window.
func (e *end) release(n int) {
	e.inFlight = max(0, e.inFlight-n)
	if e.full && e.inFlight < e.window && !e.gone {
		e.full = false
		e.flushing = true
		e.event("pump", e.c.n.latency(e.peer.node, e.node), e.pump)
	}
}

// fails ends this side of the connection for a reason that its process learns
// after a while.
func (e *end) fails(err error, after time.Duration) {
	e.c.n.w.after(after, kindNet, "conn fails on "+e.node.name, e.c.id, func() {
		if e.gone {
			return
		}
		if len(e.in) > 0 && err == io.EOF && !e.p.dead {
			e.last = true // what arrived before the end is read before it
			return
		}
		e.gone = true
		if !e.c.lingers {
			e.queue = nil
		}
		e.tell(err)
		e.halfOpen()
		e.c.forget()
	})
}

// tell calls the handler's Closed.
func (e *end) tell(err error) {
	h := e.h
	if h == nil || e.p.dead {
		return
	}
	e.event("closed", e.p.turnDelay(), func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", e.Peer(), err)
		}
		h.Closed(err)
	})
}

// halfOpen lets the other side find out at last, by its keepalive, that this
// one is gone.
func (e *end) halfOpen() {
	if n := e.c.n; !e.peer.gone {
		e.peer.fails(errTimedOut, n.between(keepaliveMi, keepaliveMa))
	}
}

// Close implements remote.Conn.
func (e *end) Close() {
	if e.gone {
		return
	}
	e.gone = true
	e.tell(nil)
	e.finish()
}

// finish says good-bye to the other side after what is under way.
func (e *end) finish() {
	if !e.c.broken {
		e.enqueue(segment{fin: true})
	}
	e.halfOpen()
	e.c.forget()
}

// abandon is the end of the process: nobody is left to be told here.
func (e *end) abandon(told bool) {
	e.gone = true
	n := e.c.n
	keep := len(e.queue)
	if keep > 0 && n.rng.IntN(2) == 0 {
		keep = n.rng.IntN(keep + 1)
	}
	e.queue = e.queue[:keep]
	if told {
		e.finish()
		return
	}
	e.halfOpen()
	e.c.forget()
}

// sever breaks the connection in the middle: the last part of what is under
// way is lost, and each side learns of it in its own time or by keepalive.
func (c *conn) sever() {
	n := c.n
	c.broken = true
	if most := n.w.swarm.Linger; most > 0 && n.rng.IntN(2) == 0 {
		c.linger(n.between(0, most))
		return
	}
	for _, e := range c.ends {
		if len(e.queue) > 0 {
			e.queue = e.queue[:n.rng.IntN(len(e.queue)+1)]
		}
		switch n.rng.IntN(3) {
		case 0:
			e.fails(errReset, n.latency(e.peer.node, e.node))
		case 1:
			e.fails(errReset, n.between(0, 3*time.Second))
		default:
			e.fails(errTimedOut, n.between(keepaliveMi, keepaliveMa))
		}
	}
}

// linger breaks the connection for one side, which learns it soon and may connect
// anew; the other goes on to read what is under way, for as long as that takes.
func (c *conn) linger(late time.Duration) {
	n := c.n
	c.lingers = true
	writer := c.ends[n.rng.IntN(2)]
	for i := range writer.queue {
		writer.queue[i].at += int64(late)
	}
	writer.lastAt += int64(late)
	writer.peer.queue = nil
	writer.fails(errReset, n.between(0, time.Second))
	writer.peer.fails(errTimedOut, late+n.between(time.Second, keepaliveMi))
}

// forget drops the connection from the network's list when both ends are gone.
func (c *conn) forget() {
	if c.ends[0].gone && c.ends[1].gone {
		c.n.conns = slices.DeleteFunc(c.n.conns, func(o *conn) bool { return o == c })
	}
}
