package simtest

import (
	"fmt"

	"github.com/troupe-go/troupe/remote"
)

// Holdings is what a process has taken for work and is to give back after it.
type Holdings struct {
	// Names are those of asks that other nodes know of.
	Names int
	// Reserved is the memory for large messages on their way in, in bytes; Waiting
	// counts those that wait for some.
	Reserved, Waiting int
	// Timers are those that run, Descriptors the ends of connections that are open,
	// Blocked the functions that wait for something.
	Timers, Descriptors, Blocked int
	// Actors and Peers explain some of them: the actors that live, and the nodes
	// whose addresses are known.
	Actors, Peers int
}

// What a process at rest may have at most: the runtime and its
// protocols some timers, an entity one, a peer some connections each way and some that
// are half open. What is taken for each piece of work and not given back is soon more.
const (
	timersMin    = 20
	connsPerPeer = 12
)

// Uses tells the world through which remoting the node's present process talks, for
// [Node.Holdings]; a node that is [Clustered] does so by itself.
func (n *Node) Uses(r *remote.Remote) { n.running().remote = r }

// Holdings counts what the node's present process holds.
func (n *Node) Holdings() Holdings {
	p := n.running()
	h := Holdings{Blocked: len(p.parked)}
	if p.sys != nil {
		h.Names = p.sys.TempNames()
		for range p.sys.Tree() {
			h.Actors++
		}
	}
	if p.remote != nil {
		s := p.remote.Stats()
		h.Reserved, h.Waiting, h.Peers = s.LargeReserved, s.LargeWaiting, s.Peers
	}
	for _, e := range n.w.queue.events {
		if e.proc == p && e.kind == kindTimer && !e.done {
			h.Timers++
		}
	}
	for _, c := range n.w.net.conns {
		for _, e := range c.ends {
			if e.p == p && !e.gone {
				h.Descriptors++
			}
		}
	}
	return h
}

// excess says what of it a process at rest can't have; "" when there is nothing.
func (h Holdings) excess() string {
	switch {
	case h.Names > 0:
		return fmt.Sprintf("%d names of asks", h.Names)
	case h.Reserved > 0 || h.Waiting > 0:
		return fmt.Sprintf("%d bytes for large messages, %d wait for some", h.Reserved, h.Waiting)
	case h.Blocked > 0:
		return fmt.Sprintf("%d functions that wait", h.Blocked)
	case h.Descriptors > connsPerPeer*max(h.Peers, 1):
		return fmt.Sprintf("%d descriptors for %d peers", h.Descriptors, h.Peers)
	case h.Timers > timersMin+h.Actors:
		return fmt.Sprintf("%d timers with %d actors and %d connections", h.Timers, h.Actors, h.Descriptors)
	}
	return ""
}

// AtRest is the condition that the nodes, which have no work any more, have given
// back whatever work takes: the names of asks, memory reserved for large messages,
// functions that wait, timers, and connections but a few for each peer.
func (w *World) AtRest(nodes ...*Node) Cond {
	return func() string {
		for _, n := range nodes {
			if !n.Alive() {
				return fmt.Sprintf("%v has no process", n)
			}
			if excess := n.Holdings().excess(); excess != "" {
				return fmt.Sprintf("%v holds %s: %+v", n, excess, n.Holdings())
			}
		}
		return ""
	}
}
