package remote

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/troupe-go/troupe/internal/phi"
)

// Config is what remoting is started with. The zero value listens on a free port
// of the loopback interface.
type Config struct {
	// Listen is the "host:port" to take connections at. An empty host means the
	// loopback interface; anything wider has to be said, and needs TLS or
	// Secrets with Plaintext. Port 0 means a free one. Default "127.0.0.1:0".
	Listen string
	// Advertise is the "host:port" by which other nodes reach this one and by
	// which it is known. Default: the address bound, with the host name if
	// Listen has one; needed when Listen names all interfaces.
	Advertise string
	// Cluster is a name that both ends of a connection must have in common. It
	// keeps clusters apart that share a network; it is no protection. Default
	// empty.
	Cluster string
	// Secrets are shared by all nodes: both ends of a connection prove to each
	// other that they know one, before anything else is read of them. The first
	// is the one to prove with, a second one is accepted as well; see
	// [Remote.SetSecrets]. At most two. Default none: whoever reaches the port is
	// let in. A secret keeps strangers out; only TLS keeps content secret.
	Secrets []Secret
	// Plaintext lets remoting listen beyond the loopback interface with a
	// secret but without TLS: whoever is on the way can then read all traffic
	// and change it once the handshake is done. Default false: Start refuses.
	// Without a secret Plaintext means nothing.
	Plaintext bool
	// Keys, if set, are looked after: their files are read again when they have
	// changed, connections whose certificates no longer hold are ended, and the
	// others renewed within a minute, without a loss. Set it to those whose TLS
	// method made TCP.TLS. Default nil: call Keys.Reload, [Remote.Recheck] and
	// [Remote.Renew] yourself.
	Keys *Keys
	// KeysEvery is how often the files of Keys are looked at. Default 10 s. Shorter
	// lets a revocation count sooner.
	KeysEvery time.Duration
	// RenewEvery is within what time all connections that this node has dialed are
	// replaced by new ones, as [Remote.Renew] does, and the certificates behind all of
	// them looked at again, where there are certificates or secrets: so whoever was let
	// in has to prove itself again. Default 24 h; less than 0: only when Keys change.
	// Shorter lets what was good for too long live less.
	RenewEvery time.Duration
	// Access says which nodes are members, clients or observers, and what each may
	// do here. Default: whoever is let in is a member.
	Access Access
	// Transport carries the bytes. Default [TCP]; its TLS field encrypts.
	Transport Transport

	// FrameMax is the largest message in bytes, with its envelope, that travels with
	// the others; both nodes must allow it. Default 256 KiB. Larger frames delay what is behind them
	// and let a peer claim more memory. At least 4 KiB.
	FrameMax int
	// LargeMax is the largest message in bytes, with its envelope, that is sent or
	// taken at all; both nodes must allow it. What is larger than FrameMax travels
	// in parts on a connection of its own, where it delays nothing else, in order
	// among its like but apart from the others. Default 64 MiB; less than 0 switches
	// that connection off. A node grants its peers together room for four such
	// messages at a time. Types have limits of their own: codec.MaxSize.
	LargeMax int
	// LargeBufferMax is how many bytes of large messages may wait for one node, 256
	// messages at most. Default LargeMax. A full one drops like BufferMax.
	LargeBufferMax int
	// LargeTo are the paths of actors to which every message travels on the
	// connection for large ones, whatever its size, so that all of them keep their
	// order: "/user/images/*" are all children, "/user/images/**" all below. At most
	// 64. Default none.
	LargeTo []string
	// OrdinaryLanes is how many connections carry ordinary messages to one node. A
	// pair of sender and receiver always uses the same. More let a node with many
	// processors decode in parallel, and share BufferMax among them. From 1 to 16.
	// Default 1. Raise it when all nodes run a release that knows it.
	OrdinaryLanes int
	// Protocol pins the newest version of the wire protocol that is spoken. For an
	// upgrade in two steps, run the new release everywhere with the version of the
	// old one, then take the pin away. Default 0: the newest there is.
	Protocol int
	// CompressFrom is the length in bytes of bodies from which on they are compressed
	// (s2), where that helps and the other node can unpack them. Default 1 KiB; less
	// than 0: never, and nothing compressed is taken either. Lower saves more of the
	// network and costs more time of processors.
	CompressFrom int
	// Patience is how long Tell waits when the buffer for a node is full and the node
	// takes nothing of it. While it takes what is sent, Tell waits as long as need
	// be, so that nothing is lost by sending too fast; a node that has taken nothing
	// for so long makes nobody wait any more until it does. TryTell and Ask never
	// wait. Default 500 ms; less than 0: Tell doesn't either.
	Patience time.Duration
	// BufferMax is how many bytes of ordinary messages may wait for one node.
	// Default 4 MiB. What finds it full waits or becomes a dead letter, see
	// Patience, and TryTell says [actor.ErrBackpressure]. Raising it hides slow nodes longer and costs that
	// much memory twice for each of them.
	BufferMax int
	// ControlBufferMax is the same for control messages. Default 8 MiB.
	ControlBufferMax int

	// MemoryMax is how many bytes of memory this process should get by with. While a
	// garbage collection would leave less than a tenth of it free, messages of other
	// nodes are refused, but for control messages, system messages, those registered
	// with codec.Upkeep and the answers to asks of this node: they become dead letters here with the reason DropOverloaded, and
	// who has asked gets [actor.ErrOverloaded]. They are taken again when there are 15 %,
	// after a second at least; see [Overloaded]. Default: the limit that the
	// system's Memory has (GOMEMLIMIT) when remoting starts; where there is none, or for
	// less than 0, nothing is refused. Lower leaves more to others, and refuses sooner.
	MemoryMax int64

	// HandshakeTimeout bounds connecting and the handshake. Default 5 s.
	HandshakeTimeout time.Duration
	// FrameTimeout is how long a frame may take whose first byte has arrived; the
	// connection is ended between once and twice that time. Default 10 s. Shorter
	// ends slow ones sooner, and takes slow networks for them.
	FrameTimeout time.Duration
	// AcceptRate is how many connections a second are taken, half as many from one
	// host; more are closed at once, and nodes try again. Default 200; less than 0
	// means no limit. Lower spares the processor, higher lets more nodes start at
	// the same moment.
	AcceptRate int
	// DeliverBy is how long messages wait for a connection before they become
	// dead letters. Default 20 s. Longer waits survive longer outages but
	// deliver older messages after them.
	DeliverBy time.Duration
	// GiveUpAfter is how long system messages (watch, terminated, stop) to a
	// known incarnation may stay unacknowledged before it is declared gone.
	// Default 10 min.
	GiveUpAfter time.Duration
	// ReconnectMax is the longest wait between attempts to connect; the first is
	// 50 ms, and of each up to a half is taken off by chance. Default 1 s. Shorter finds
	// a node that is back sooner, and knocks more often at one that isn't.
	ReconnectMax time.Duration
	// StreamTimeout is how long the other end of a connection for users' messages
	// may leave a question unanswered that is asked on it as often, before the
	// connection is given up and dialed anew: it finds what the kernel doesn't, a
	// middlebox that takes everything and delivers nothing. Default 1 min. Shorter
	// loses less to such a box, and must leave time for BufferMax bytes to get
	// through the slowest line.
	StreamTimeout time.Duration
	// IdleAfter is how long a connection on which nothing is sent stays open; it
	// is closed within twice that time. Default 5 min. Shorter frees sockets
	// sooner, and the next message waits for a handshake.
	IdleAfter time.Duration
	// ForgetAfter is how long nothing may be wanted of a node before it is asked whether
	// it is still there; one that doesn't answer is declared gone. After twice as long an
	// address is forgotten with its incarnations that are gone: one of them that still lives
	// would be let in again. Nodes that are connected are not asked, nor members of a cluster.
	// Default 6 h. Shorter frees the memory of nodes that come and go sooner; when 10 000
	// addresses are known, those unused for twice IdleAfter are treated so at once.
	ForgetAfter time.Duration
	// IgnoreFailures switches off the heartbeats by which nodes with watched
	// actors are found dead. The cluster sets it: it knows better, and says so
	// with [Remote.Quarantine].
	IgnoreFailures bool
	// Heartbeat is how often nodes with watched actors are asked for a sign of
	// life. Default 1 s. Shorter finds deaths sooner and costs traffic.
	Heartbeat time.Duration
	// AcceptablePause is the silence granted beyond the rhythm of a node's
	// heartbeats before it is found dead. Default 10 s. Longer tolerates longer
	// stalls and finds deaths later by as much.
	AcceptablePause time.Duration
	// FlushTimeout bounds the goodbye of [Remote.Close]. Default 1 s. Longer
	// gives slow nodes time to take what is on its way.
	FlushTimeout time.Duration
}

func positive[T int | time.Duration](v, standard T) T {
	if v > 0 {
		return v
	}
	return standard
}

func (c Config) frameMax() int       { return positive(c.FrameMax, frameMaxDefault) }
func (c Config) bufferMax() int      { return positive(c.BufferMax, 4<<20) }
func (c Config) lanes() int          { return positive(c.OrdinaryLanes, 1) }
func (c Config) largeBufferMax() int { return positive(c.LargeBufferMax, c.largeMax()) }
func (c Config) largeMax() int {
	if c.LargeMax < 0 {
		return 0
	}
	return positive(c.LargeMax, largeMaxDefault)
}

// largeRoom is the memory for large messages on their way in.
func (c Config) largeRoom() int { return largeShare * c.largeMax() }

// compressFrom is 0 when nothing is compressed.
func (c Config) compressFrom() int {
	if c.CompressFrom < 0 {
		return 0
	}
	return positive(c.CompressFrom, 1<<10)
}

// abilities are what this node offers.
func (c Config) abilities() abilities {
	can := abilities{Version: uint64(positive(c.Protocol, protocolVersion))}
	if can.Version >= 3 {
		can.LargeMax = c.largeMax()
		can.Features = featureTables | featureExtras
		if c.compressFrom() > 0 {
			can.Features |= featureS2
		}
	}
	return can
}

func (c Config) controlBufferMax() int { return positive(c.ControlBufferMax, 8<<20) }
func (c Config) handshakeTimeout() time.Duration {
	return positive(c.HandshakeTimeout, 5*time.Second)
}
func (c Config) keysEvery() time.Duration { return positive(c.KeysEvery, keysEveryDefault) }
func (c Config) renewEvery() time.Duration {
	if c.RenewEvery < 0 {
		return 0
	}
	return positive(c.RenewEvery, 24*time.Hour)
}
func (c Config) frameTimeout() time.Duration { return positive(c.FrameTimeout, 10*time.Second) }
func (c Config) acceptRate() int {
	if c.AcceptRate < 0 {
		return 0
	}
	return positive(c.AcceptRate, 200)
}
func (c Config) flushTimeout() time.Duration { return positive(c.FlushTimeout, time.Second) }

// listenAddr fills in the host that is safe.
func (c Config) listenAddr() string {
	if c.Listen == "" {
		return "127.0.0.1:0"
	}
	if host, port, err := net.SplitHostPort(c.Listen); err == nil && host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return c.Listen
}

// exposed says why remoting must not listen at a bound address. Names that are no
// IP addresses are those of networks in memory.
func (c Config) exposed(bound string, secure bool) error {
	host, _, err := net.SplitHostPort(bound)
	if err != nil {
		return fmt.Errorf("bound to %q: %w", bound, err)
	}
	ip := net.ParseIP(host)
	switch {
	case ip == nil || ip.IsLoopback() || secure:
		return nil
	case len(c.Secrets) == 0:
		return fmt.Errorf("%s can be reached from other machines, and neither TLS nor a secret keeps strangers out: set TCP.TLS, or Secrets with Plaintext, or listen at 127.0.0.1", bound)
	case !c.Plaintext:
		return fmt.Errorf("%s can be reached from other machines, and all traffic could be read on the way: set TCP.TLS, or Plaintext if the network is yours alone", bound)
	}
	return nil
}

// beyond reports whether other machines can reach a bound address.
func beyond(bound string) bool {
	host, _, err := net.SplitHostPort(bound)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && !ip.IsLoopback()
}

// advertised is the address by which this node is known, once it is bound.
func (c Config) advertised(bound string) (string, error) {
	if c.Advertise != "" {
		return c.Advertise, nil
	}
	host, port, err := net.SplitHostPort(bound)
	if err != nil {
		return "", fmt.Errorf("bound to %q: %w", bound, err)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return "", errors.New("listening on all interfaces: set Advertise to the address by which other nodes reach this one")
	}
	// A name is what the others will write; to what it resolves is this
	// machine's business.
	name, _, err := net.SplitHostPort(c.Listen)
	if err != nil || name == "" {
		return bound, nil
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return bound, nil
	}
	return net.JoinHostPort(name, port), nil
}

func (c Config) limits() limits {
	l := limits{
		window:     windowLimits{count: 20_000, bytes: 8 << 20, resendMin: 200 * time.Millisecond, resendMax: time.Second, resendSize: 64 << 10},
		greet:      c.handshakeTimeout(),
		backoffMin: 50 * time.Millisecond,
		backoffMax: positive(c.ReconnectMax, time.Second),
		deliverBy:  positive(c.DeliverBy, 20*time.Second),
		giveUp:     positive(c.GiveUpAfter, 10*time.Minute),
		giveUpNew:  30 * time.Second,
		stuck:      5 * time.Second,
		silence:    positive(c.StreamTimeout, time.Minute),
		idle:       positive(c.IdleAfter, 5*time.Minute),
		forget:     positive(c.ForgetAfter, 6*time.Hour),
		cool:       time.Second,
		holdMax:    3 * time.Second,
		lanes:      c.lanes(),
	}
	if !c.IgnoreFailures {
		l.probeEvery = positive(c.Heartbeat, time.Second)
		l.phi = phi.Settings{
			FirstEstimate: l.probeEvery, MinStdDeviation: l.probeEvery / 10,
			AcceptablePause: positive(c.AcceptablePause, 10*time.Second), Samples: 200,
		}
	}
	return l
}
