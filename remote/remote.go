package remote

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

const (
	peersMax    = 10_000 // addresses
	lesserMax   = 7_500  // of them, when others than members bring a new one
	unknownMax  = 512    // incoming connections that haven't been let in
	unknownHost = 64     // of them from one host
	warnedMax   = 1000
	scratchMax  = 2 * frameMaxDefault
	largeShare  = 4           // large messages of full size that may arrive at the same time
	closeLateBy = time.Second // how long transports may take to end connections
)

// Remote connects an actor system to others. Make one with [Start]. All methods
// are safe for concurrent use.
type Remote struct {
	sys       *actor.System
	port      *actor.Port
	cfg       Config
	limits    limits
	self      identity
	scope     codec.Scope
	clock     actor.Clock
	log       zerolog.Logger
	transport Transport
	listener  Listener
	buffers   sync.Pool
	stats     counters
	large     budget
	overload  overload
	patience  func(func()) actor.Timer // nil: senders don't wait
	secrets   atomic.Pointer[secretTable]
	plaintext bool
	closing   atomic.Bool
	over      atomic.Bool
	alive     liveCount

	peersMu sync.RWMutex
	peers   map[string]place
	past    Traffic   // with peers that have been forgotten
	roomAt  time.Time // when they may be asked for room again

	connsMu  sync.Mutex
	ready    bool   // accept may go on
	early    []Conn // came before that
	conns    map[uint64]*inbound
	lastConn uint64
	gate     *gate

	warnMu sync.Mutex
	warned map[string]struct{}
	lines  bucket // about strangers
	unsaid int

	offers offers

	timersMu   sync.Mutex
	timers     map[uint64]func() bool // of every
	lastTimer  uint64
	timersOver bool

	leavingMu  sync.Mutex
	leaving    int
	flushTimer actor.Timer
	closed     actor.Gate
}

// Start binds the address, attaches to the system and takes connections. It fails
// when the address can't be bound or remoting is attached already. When the
// system stops, remoting says goodbye to the other nodes and ends too.
func Start(sys *actor.System, cfg Config) (*Remote, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("start remoting: %w", err)
	}
	if !plain(sys.Name(), systemMax) {
		return nil, fmt.Errorf("start remoting: system %.100q: a name on the wire has at most %d visible ASCII characters", sys.Name(), systemMax)
	}
	if err := codec.Register[Order](sys.Registry(), "troupe.remote.Order.v1", codec.RightSpawn); err != nil {
		return nil, fmt.Errorf("start remoting: %w", err)
	}
	r := &Remote{
		sys: sys, cfg: cfg, limits: cfg.limits(), scope: sys.Scope(), clock: sys.Clock(), transport: cfg.Transport,
		log: sys.Log().With().Str("part", "remote").Logger(), peers: map[string]place{}, conns: map[uint64]*inbound{},
		gate: newGate(cfg.acceptRate()),
	}
	r.large.free = cfg.largeRoom()
	if cfg.Patience >= 0 {
		wait := positive(cfg.Patience, 500*time.Millisecond)
		r.patience = func(f func()) actor.Timer { return r.clock.AfterFunc(wait, f) }
	}
	r.secrets.Store(cfg.secretTable())
	if r.transport == nil {
		r.transport = &TCP{}
	}
	listener, err := r.transport.Listen(cfg.listenAddr(), r.accept)
	if err != nil {
		return nil, fmt.Errorf("start remoting at %s: %w", cfg.listenAddr(), err)
	}
	st, ok := r.transport.(SecureTransport)
	secure := ok && st.Secure()
	addr, err := cfg.advertised(listener.Addr())
	if err == nil {
		err = cfg.exposed(listener.Addr(), secure)
	}
	if err == nil {
		r.self = identity{System: sys.Name(), Addr: addr, UID: sys.UID(), Cluster: cfg.Cluster, Fingerprint: sys.Registry().Fingerprint(), FrameMax: cfg.frameMax(), Can: cfg.abilities()}
		r.port, err = sys.Attach(r, addr)
	}
	if err != nil {
		listener.Close()
		r.abandon()
		return nil, fmt.Errorf("start remoting: %w", err)
	}
	r.listener = listener
	r.plaintext = !secure && beyond(listener.Addr())
	r.log.Info().Str("addr", addr).Str("bound", listener.Addr()).Uint64("uid", r.self.UID).Msg("remoting started" + protection(secure, len(cfg.Secrets) > 0))
	r.open()
	if cfg.Keys != nil {
		k := &keeper{state: cfg.Keys.loaded.Load().state}
		r.every(cfg.keysEvery(), func() { r.lookAfterKeys(k) })
	}
	r.watchMemory()
	if every := cfg.renewEvery(); every > 0 && (secure || len(cfg.Secrets) > 0) {
		r.renewWithin(every, sys.Rand("remote/renew"))
	}
	if r.plaintext {
		r.remind()
	}
	sys.Stopped().Notify(func() {
		r.beginClose()
		sys.Executor().Go(r.Close) // so that whoever waits for the executor waits for the goodbye
	})
	return r, nil
}

// protection says in the log what keeps strangers out.
func protection(secure, secret bool) string {
	switch {
	case secure && secret:
		return " with TLS and a shared secret"
	case secure:
		return " with TLS"
	case secret:
		return " with a shared secret; traffic is not encrypted, keep the port away from networks you don't trust"
	}
	return "; whoever reaches the port is let in and traffic is not encrypted, keep it to this machine"
}

// Addr returns the "host:port" by which other nodes know this one.
func (r *Remote) Addr() string { return r.self.Addr }

// Bound returns the "host:port" that is listened at; it differs from Addr behind
// address translation and proxies.
func (r *Remote) Bound() string { return r.listener.Addr() }

var (
	errEarlierSelf  = errors.New("the ref is of an earlier incarnation of this node")
	errTooManyPeers = fmt.Errorf("%d addresses are known already, which is the most", peersMax)
)

// Link returns the way to an actor of another node.
func (r *Remote) Link(to actor.Location) actor.Link {
	if to.Addr == r.self.Addr {
		return &deadLink{remote: r, to: to, reason: actor.DropStopped, cause: errEarlierSelf}
	}
	p, ok := r.peer(to.Addr, Member)
	if !ok {
		return &deadLink{remote: r, to: to, reason: actor.DropUnreachable, cause: errTooManyPeers}
	}
	return &link{
		peer: p, to: to, apart: matchesAny(r.cfg.LargeTo, to.Path),
		ask: actor.IsAsk(to.Path) && r.limits.lanes == 1, // of several lanes the path says which
	}
}

// Quarantine ends everything with the incarnation uid of the node at addr, for
// good: its connections are closed, watchers of its actors get their Terminated,
// and it is told so when it knocks. uid 0 means the incarnation known at present;
// when none is known, nothing happens. Another incarnation at the same address is
// welcome at once. It returns before all of that is done.
func (r *Remote) Quarantine(addr string, uid uint64) {
	if p, ok := r.peer(addr, Member); ok {
		p.post(func(a *association, now time.Time) { a.quarantine(now, uid, goneOrdered) })
	}
}

// Probe asks the address who is there, now and whenever it was last asked. An incarnation
// that isn't known yet is told by [Connected], no answer by [NotConnected].
func (r *Remote) Probe(addr string) {
	if p, ok := r.peer(addr, Member); ok {
		p.post(func(a *association, now time.Time) { a.probe(now) })
	}
}

// Peer returns the incarnation known to be at addr, 0 if none.
func (r *Remote) Peer(addr string) uint64 {
	r.peersMu.RLock()
	p := r.peers[addr].kept
	r.peersMu.RUnlock()
	if p == nil {
		return 0
	}
	return p.known.Load().present.UID
}

// peer returns the peer at an address, a new one if need be and a node of the class may
// bring it: the last places are for members.
func (r *Remote) peer(addr string, class Class) (*peer, bool) {
	r.peersMu.RLock()
	p := r.peers[addr].kept
	r.peersMu.RUnlock()
	if p != nil {
		return p, true
	}
	r.peersMu.Lock()
	defer r.peersMu.Unlock()
	if p := r.peers[addr].ref.Value(); p != nil {
		return p, true
	}
	most := peersMax
	if class != Member {
		most = lesserMax
	}
	if len(r.peers) >= most {
		r.makeRoom()
		return nil, false
	}
	return r.newPlace(addr), true
}

// sortedPeers are those that something is or was wanted of, in the order of addresses.
func (r *Remote) sortedPeers() []*peer {
	r.peersMu.RLock()
	defer r.peersMu.RUnlock()
	peers := make([]*peer, 0, len(r.peers))
	for _, addr := range slices.Sorted(maps.Keys(r.peers)) {
		if p := r.peers[addr].kept; p != nil {
			peers = append(peers, p)
		}
	}
	return peers
}

// warnOnce logs a warning the first time for each key.
func (r *Remote) warnOnce(key string, warn func()) {
	r.warnMu.Lock()
	_, seen := r.warned[key]
	if !seen {
		if r.warned == nil || len(r.warned) >= warnedMax {
			r.warned = map[string]struct{}{}
		}
		r.warned[key] = struct{}{}
	}
	r.warnMu.Unlock()
	if !seen {
		warn()
	}
}

// scratchBuffer is where one message is encoded, apart from all locks: encoding
// methods are other people's code.
type scratchBuffer struct {
	buf, packed []byte
	sampling    sampling
}

func (r *Remote) scratch() *scratchBuffer {
	if s, ok := r.buffers.Get().(*scratchBuffer); ok {
		return s
	}
	return &scratchBuffer{}
}

func (r *Remote) release(s *scratchBuffer) {
	if cap(s.buf) <= scratchMax && cap(s.packed) <= scratchMax {
		r.buffers.Put(s)
	}
}
