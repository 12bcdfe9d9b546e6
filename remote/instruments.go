package remote

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Stats are counts since the start, except where a field says otherwise.
type Stats struct {
	// Traffic is that with all nodes together.
	Traffic
	// BadInput are connections closed for what came in on them, Undecodable
	// messages that could not be decoded, Skipped frames of kinds that this version
	// doesn't know.
	BadInput, Undecodable, Skipped uint64
	// Barred are connections closed because more than 100 messages a second on them
	// could not be decoded; see the event of that name. BadInput counts them too.
	Barred uint64
	// Shed are connections that were closed at once because too many came in a
	// second; see Config.AcceptRate.
	Shed uint64
	// Refused are hellos turned away: another cluster, a wrong secret, a
	// certificate for another address.
	Refused uint64
	// Forged are messages dropped because they named a sender that their own
	// node can't have written.
	Forged uint64
	// Denied are messages and requests that their sender's class does not allow; see
	// [Access].
	Denied uint64
	// CertificateExpires is when the certificate in use ends; zero without
	// Config.Keys. Something should alert on it.
	CertificateExpires time.Time
	// Plaintext: nodes of other machines can connect, and traffic is not encrypted.
	Plaintext bool
	// Overloaded: memory is short, and new work of other nodes is refused at present.
	// Overloads is how often that has begun. What was refused is in Dropped.
	Overloaded bool
	Overloads  uint64
	// MemoryNeeded is the memory in bytes that a garbage collection would not free, a
	// quarter of a second ago at most; MemoryMax is Config.MemoryMax. Both are 0 where
	// there is no limit.
	MemoryNeeded, MemoryMax int64
	// Peers are the addresses known, Connections the connections at present.
	Peers, Connections int
	// LargeReserved is the memory in bytes that is set aside at present for large
	// messages that are on their way in, LargeWaiting how many of them wait for some.
	LargeReserved, LargeWaiting int
}

// PeerStats are the counts of one peer, since it is known; see Config.ForgetAfter.
type PeerStats struct {
	// Addr is its address, UID the incarnation known to be there; 0 if none.
	Addr string
	UID  uint64
	// OtherTypes: other message types are registered there than here; see [TypesDiffer].
	OtherTypes bool
	// Unacknowledged is how many system messages (watch, terminated, stop) that node has
	// not acknowledged yet. There is room for 20 000, or 8 MiB of them; then it is
	// declared gone.
	Unacknowledged int
	// Phi is how much its silence speaks for its death, on the scale of the failure
	// detector: 1 would be wrong about once in ten times, 8, at which it is declared gone, once
	// in a hundred million. It is brought up to date with each heartbeat at least; 0 where
	// nobody here watches an actor of that node, or with Config.IgnoreFailures: the
	// cluster has detectors of its own.
	Phi float64
	Traffic
}

// Traffic is what goes between this node and another, or all others.
type Traffic struct {
	// Sent and Received are users' messages put into an outbound buffer, and
	// delivered from a connection. Received is brought up to date after each read.
	Sent, Received uint64
	// SentBytes and ReceivedBytes are the bytes of all streams of messages, with
	// their envelopes and the protocol's own frames, before encryption. What goes
	// the other way on them, acknowledgements, isn't counted.
	SentBytes, ReceivedBytes uint64
	// Queued and QueuedBytes are users' messages that wait to be sent at present, and
	// the bytes that all buffers hold; see Config.BufferMax.
	Queued, QueuedBytes int
	// Dropped are the messages to that node, and those from it, that became dead
	// letters in the remoting of this one, by reason. nil: none.
	Dropped map[actor.DropReason]uint64
	// Encoding is the time it takes to encode the body of a message, Decoding to
	// decode it.
	Encoding, Decoding Timing
	// InDoubt are messages that were on streams that broke, and of which that node has not
	// said whether it had read them. What it has said that it didn't read is in Dropped.
	InDoubt uint64
	// Lost are streams to the node that broke while they were in use, Reconnects those
	// that were opened again after they had broken or could not be had, Failed attempts
	// to open one that failed.
	Lost, Reconnects, Failed uint64
	// Quarantined are incarnations that this node has declared gone without knowing
	// that they are: unreachable, too slow to acknowledge, or by [Remote.Quarantine].
	// Gone are all that are gone, those that said goodbye or were replaced included.
	Quarantined, Gone uint64
}

// Timing is how long something takes, measured once in a while so that it costs
// next to nothing.
type Timing struct {
	// Samples is how often it was measured: at least one in 256 times.
	Samples uint64
	// Total is how long all of these took together, Longest the longest of them.
	Total, Longest time.Duration
}

// Mean returns the mean; 0 when nothing was measured.
func (t Timing) Mean() time.Duration {
	if t.Samples == 0 {
		return 0
	}
	return t.Total / time.Duration(t.Samples)
}

func (t *Timing) add(o Timing) {
	t.Samples += o.Samples
	t.Total += o.Total
	t.Longest = max(t.Longest, o.Longest)
}

// add adds what went between this node and another one.
func (t *Traffic) add(o Traffic) {
	t.Sent += o.Sent
	t.Received += o.Received
	t.SentBytes += o.SentBytes
	t.ReceivedBytes += o.ReceivedBytes
	t.Queued += o.Queued
	t.QueuedBytes += o.QueuedBytes
	for reason, n := range o.Dropped { //det:ok adding commutes
		if t.Dropped == nil {
			t.Dropped = map[actor.DropReason]uint64{}
		}
		t.Dropped[reason] += n
	}
	t.Encoding.add(o.Encoding)
	t.Decoding.add(o.Decoding)
	t.InDoubt += o.InDoubt
	t.Lost += o.Lost
	t.Reconnects += o.Reconnects
	t.Failed += o.Failed
	t.Quarantined += o.Quarantined
	t.Gone += o.Gone
}

// sampleEvery is how many messages there are to one whose encoding is timed.
const sampleEvery = 256

// sampling says which ones. It belongs to one goroutine at a time.
type sampling uint32

func (s *sampling) due() bool {
	*s++
	return *s%sampleEvery == 1
}

// stopwatch collects timings.
type stopwatch struct {
	mu sync.Mutex
	t  Timing
}

func (s *stopwatch) add(d time.Duration) {
	s.mu.Lock()
	s.t.add(Timing{Samples: 1, Total: d, Longest: d})
	s.mu.Unlock()
}

func (s *stopwatch) timing() Timing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.t
}

// instruments count what goes between this node and a peer. What is counted for each
// message is counted where a lock is held or nothing is shared: see lane.appended and
// inbound.delivered.
type instruments struct {
	received, sentBytes, receivedBytes, inDoubt  atomic.Uint64
	lost, reconnects, failed, quarantined, ended atomic.Uint64

	encoding, decoding stopwatch

	droppedMu sync.Mutex
	dropped   map[actor.DropReason]uint64
}

func (n *instruments) drop(reason actor.DropReason) { n.dropMany(reason, 1) }

func (n *instruments) dropMany(reason actor.DropReason, many uint64) {
	if many == 0 {
		return
	}
	n.droppedMu.Lock()
	defer n.droppedMu.Unlock()
	if n.dropped == nil {
		n.dropped = map[actor.DropReason]uint64{}
	}
	n.dropped[reason] += many
}

// traffic reads the instruments.
func (n *instruments) traffic() Traffic {
	t := Traffic{
		Received: n.received.Load(), SentBytes: n.sentBytes.Load(), ReceivedBytes: n.receivedBytes.Load(),
		Encoding: n.encoding.timing(), Decoding: n.decoding.timing(),
		InDoubt: n.inDoubt.Load(), Lost: n.lost.Load(), Reconnects: n.reconnects.Load(), Failed: n.failed.Load(),
		Quarantined: n.quarantined.Load(), Gone: n.ended.Load(),
	}
	n.droppedMu.Lock()
	defer n.droppedMu.Unlock()
	t.add(Traffic{Dropped: n.dropped})
	return t
}

// take reads the instruments and sets them back.
func (n *instruments) take() Traffic {
	t := n.traffic()
	for _, c := range []*atomic.Uint64{&n.received, &n.sentBytes, &n.receivedBytes, &n.inDoubt, &n.lost, &n.reconnects, &n.failed, &n.quarantined, &n.ended} {
		c.Store(0)
	}
	for _, w := range []*stopwatch{&n.encoding, &n.decoding} {
		w.mu.Lock()
		w.t = Timing{}
		w.mu.Unlock()
	}
	n.droppedMu.Lock()
	n.dropped = nil
	n.droppedMu.Unlock()
	return t
}

func (p *peer) traffic() Traffic {
	t := p.instruments.traffic()
	t.Sent = p.appended() - p.sentBefore.Load()
	for _, l := range p.lanes {
		if l != nil {
			messages, bytes := l.load()
			t.Queued += messages
			t.QueuedBytes += bytes
		}
	}
	return t
}

// takeTraffic is traffic that begins anew.
func (p *peer) takeTraffic() Traffic {
	t := p.instruments.take()
	sent := p.appended()
	t.Sent = sent - p.sentBefore.Swap(sent)
	return t
}

// appended is how many messages were ever put into an outbound buffer.
func (p *peer) appended() (n uint64) {
	for _, l := range p.lanes {
		if l != nil {
			n += l.position()
		}
	}
	return n
}

// counters are what can't be said of one peer.
type counters struct {
	badInput, barred, refused, forged, denied, undecodable, skipped, controlFull atomic.Uint64

	nobody instruments // of messages for addresses that have no peer
}

// Stats returns the counts of this node. It takes a while where there are many peers: ask
// every few seconds, not for every message.
func (r *Remote) Stats() Stats {
	s := Stats{Traffic: r.stats.nobody.traffic(), Plaintext: r.plaintext, Connections: r.alive.count()}
	r.peersMu.RLock()
	s.Traffic.add(r.past)
	for _, at := range r.peers { //det:ok adding commutes
		if at.kept != nil {
			s.Traffic.add(at.kept.traffic())
			s.Peers++
		}
	}
	r.peersMu.RUnlock()
	r.connsMu.Lock()
	s.Shed = r.gate.shed
	r.connsMu.Unlock()
	if r.cfg.Keys != nil {
		s.CertificateExpires = r.cfg.Keys.Expires()
	}
	s.LargeReserved, s.LargeWaiting = r.large.load(r.cfg.largeRoom())
	o := &r.overload
	s.Overloaded, s.Overloads, s.MemoryNeeded, s.MemoryMax = o.refusing.Load(), o.begun.Load(), o.needed.Load(), o.max.Load()
	c := &r.stats
	s.BadInput, s.Undecodable, s.Skipped = c.badInput.Load(), c.undecodable.Load(), c.skipped.Load()
	s.Barred, s.Refused, s.Forged, s.Denied = c.barred.Load(), c.refused.Load(), c.forged.Load(), c.denied.Load()
	return s
}

// PeerStats returns the counts of every peer, in the order of their addresses.
func (r *Remote) PeerStats() []PeerStats {
	var all []PeerStats
	for _, p := range r.sortedPeers() {
		present := p.known.Load().present
		all = append(all, PeerStats{
			Addr: p.addr, UID: present.UID, OtherTypes: present.otherTypes(r.self),
			Unacknowledged: int(p.unacknowledged.Load()), Phi: math.Float64frombits(p.phi.Load()), Traffic: p.traffic(),
		})
	}
	return all
}
