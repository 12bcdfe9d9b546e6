package remote

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// protocolVersion is the newest version spoken, protocolOldest the oldest. Version
// 2 added features and nonces to the hello, features to the welcome, and the
// handshake by secret; version 3 several ordinary streams, the stream for large
// messages, and messages of another layout.
const (
	protocolVersion = 3
	protocolOldest  = 1
)

// identity is what a system says of itself in a handshake.
type identity struct {
	System      string
	Addr        string
	UID         uint64
	Cluster     string
	Fingerprint uint64
	FrameMax    int

	Can abilities // on the wire apart from the rest
}

// otherTypes reports whether a known node had other types than own when both started:
// what is registered later, by those that are started on top, is the same on both.
func (id identity) otherTypes(own identity) bool {
	return id.UID != 0 && id.Fingerprint != own.Fingerprint
}

// abilities are what can be done with a node: of oneself what one offers, of a peer
// what both ends offer.
type abilities struct {
	Version  uint64 // of the protocol
	Features features
	LargeMax int // the largest message taken in parts; 0: none
}

// common is what own can do with a node that offers theirs.
func (own abilities) common(theirs abilities) abilities {
	return abilities{
		Version:  min(own.Version, theirs.Version),
		Features: own.Features & theirs.Features,
		LargeMax: min(own.LargeMax, theirs.LargeMax),
	}
}

// features are what an end can do beyond its version; both must offer one for it
// to be used. Unknown bits are ignored.
type features uint64

const (
	// featureSecret says that the dialer can prove that it knows a secret.
	featureSecret features = 1 << 0
	// featureS2 says that bodies of messages may be compressed.
	featureS2 features = 1 << 1
	// featureTables says that the dialer writes by the tables that it is given.
	featureTables features = 1 << 2
	// featureExtras says that messages may have extras.
	featureExtras features = 1 << 3
	featuresAll            = features(1<<64 - 1)
)

// hello opens a connection.
type hello struct {
	Version, Oldest uint64
	Lane            laneKind
	From            identity
	To              string
	Features        features        // from version 2 on
	Nonce           [nonceSize]byte // from version 2 on
	LargeMax        int             // from version 3 on, behind the lane's number
}

func (h hello) abilities() abilities {
	return abilities{Version: h.Version, Features: h.Features, LargeMax: h.LargeMax}
}

// welcome answers a hello.
type welcome struct {
	Version  uint64
	From     identity
	Features features // from version 2 on; what both ends offered
	LargeMax int      // from version 3 on
}

func (w welcome) abilities() abilities {
	return abilities{Version: w.Version, Features: w.Features, LargeMax: w.LargeMax}
}

// challenge asks for a proof. It says nothing of who asks.
type challenge struct {
	Version uint64
	Nonce   [nonceSize]byte
}

// refusalCode is why a hello was turned away. The numbers are on the wire.
type refusalCode uint8

const (
	refusedVersion refusalCode = 1  // no version in common
	refusedAddress refusalCode = 2  // the hello was for another address
	refusedCluster refusalCode = 3  // the hello was from another cluster
	refusedGone    refusalCode = 4  // the dialer's incarnation counts as gone here, for ever
	refusedStale   refusalCode = 5  // another incarnation answers at the dialer's address
	refusedBusy    refusalCode = 6  // too many peers or connections
	refusedClosing refusalCode = 7  // the acceptor stops
	refusedSelf    refusalCode = 8  // the dialer is the acceptor
	refusedSecret  refusalCode = 9  // the dialer did not prove that it knows the secret
	refusedName    refusalCode = 10 // the dialer's certificate is for another address
)

// refusal says no.
type refusal struct {
	Code refusalCode
	UID  uint64 // the acceptor's
	Text string
	// Theirs is the address or the cluster of the acceptor, if that is what differs.
	Theirs string
}

func appendIdentity(b []byte, id identity) []byte {
	b = wire.AppendString(b, id.System)
	b = wire.AppendString(b, id.Addr)
	b = wire.AppendUint64(b, id.UID)
	b = wire.AppendString(b, id.Cluster)
	b = wire.AppendUint64(b, id.Fingerprint)
	return wire.AppendUvarint(b, uint64(id.FrameMax))
}

func readIdentity(r *wire.Reader) identity {
	id := identity{System: r.String(), Addr: r.String(), UID: r.Uint64(), Cluster: r.String(), Fingerprint: r.Uint64()}
	frameMax := r.Uvarint()
	if frameMax < frameMaxGreet || frameMax > 1<<30 {
		r.Fail("frame limit %d", frameMax)
		return identity{}
	}
	id.FrameMax = int(frameMax)
	switch {
	case id.UID == 0 || id.Addr == "":
		r.Fail("no address or no uid")
	case !plain(id.Addr, addrMax) || !plain(id.System, systemMax):
		r.Fail("an address or a name of a system of %d and %d bytes, which is too long or none", len(id.Addr), len(id.System))
	}
	return id
}

const (
	addrMax   = 300 // bytes of an address: the longest host name, and some
	systemMax = 64
)

// plain reports whether a string is short and of visible ASCII only, as addresses and
// names are: they are keys, and appear in logs and events.
func plain(s string, max int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= max
}

// appendHello appends the magic and the frame, as its version has it.
func appendHello(b []byte, h hello) []byte {
	b = append(b, magic...)
	start := len(b)
	b = beginFrame(b, frameHello)
	b = wire.AppendUvarint(b, h.Version)
	b = wire.AppendUvarint(b, h.Oldest)
	b = append(b, byte(h.Lane.stream()))
	b = appendIdentity(b, h.From)
	b = wire.AppendString(b, h.To)
	if h.Version >= 2 {
		b = wire.AppendUvarint(b, uint64(h.Features))
		b = append(b, h.Nonce[:]...)
	}
	if h.Version >= 3 {
		b = wire.AppendUvarint(b, uint64(h.Lane.index()))
		b = wire.AppendUvarint(b, uint64(h.LargeMax))
	}
	return endFrame(b, start)
}

// readHello reads the frame behind its kind. Bytes after it are a newer
// version's and are skipped.
func readHello(b []byte) (hello, error) {
	r := wire.NewReader(b)
	h := hello{Version: r.Uvarint(), Oldest: r.Uvarint()}
	stream, index := stream(r.Byte()), uint64(0)
	h.From = readIdentity(r)
	h.To = r.String()
	if h.Version >= 2 {
		h.Features = features(r.Uvarint())
		h.Nonce = readNonce(r)
	}
	if h.Version >= 3 {
		index = r.Uvarint()
		h.LargeMax = readLargeMax(r)
	}
	var ok bool
	if h.Lane, ok = laneOf(stream, index); !ok {
		r.Fail("stream %d, number %d", stream, index)
	}
	return h, r.Err()
}

// readLargeMax reads the limit of messages in parts, as far as it can be used here.
func readLargeMax(r *wire.Reader) int { return int(min(r.Uvarint(), largeMaxMax)) }

func readNonce(r *wire.Reader) (n [nonceSize]byte) {
	for i := range n {
		n[i] = r.Byte()
	}
	return n
}

func appendChallenge(b []byte, c challenge) []byte {
	start := len(b)
	b = beginFrame(b, frameChallenge)
	b = wire.AppendUvarint(b, c.Version)
	return endFrame(append(b, c.Nonce[:]...), start)
}

func readChallenge(b []byte, newest uint64) (challenge, error) {
	r := wire.NewReader(b)
	c := challenge{Version: r.Uvarint(), Nonce: readNonce(r)}
	if r.Err() == nil && (c.Version < 2 || c.Version > newest) {
		r.Fail("version %d was not offered", c.Version)
	}
	return c, r.Done()
}

// appendProof appends the frame of the dialer's proof.
func appendProof(b, proof []byte) []byte {
	start := len(b)
	return endFrame(append(beginFrame(b, frameProof), proof...), start)
}

// sealed appends the acceptor's proof to a frame that is its answer.
func sealed(frame []byte, s *session) []byte {
	if s == nil {
		return frame
	}
	proof := s.acceptorProof(frameKind(frame[frameHeader]), frame[frameHeader+1:])
	return endFrame(append(frame, proof...), 0)
}

func appendWelcome(b []byte, w welcome) []byte {
	start := len(b)
	b = beginFrame(b, frameWelcome)
	b = wire.AppendUvarint(b, w.Version)
	b = appendIdentity(b, w.From)
	if w.Version >= 2 {
		b = wire.AppendUvarint(b, uint64(w.Features))
	}
	if w.Version >= 3 {
		b = wire.AppendUvarint(b, uint64(w.LargeMax))
	}
	return endFrame(b, start)
}

func readWelcome(b []byte, newest uint64) (welcome, error) {
	r := wire.NewReader(b)
	w := welcome{Version: r.Uvarint(), From: readIdentity(r)}
	if r.Err() == nil && (w.Version < protocolOldest || w.Version > newest) {
		r.Fail("version %d was not offered", w.Version)
	}
	if w.Version >= 2 {
		w.Features = features(r.Uvarint())
	}
	if w.Version >= 3 {
		w.LargeMax = readLargeMax(r)
	}
	return w, r.Err()
}

func appendRefusal(b []byte, f refusal) []byte {
	start := len(b)
	b = beginFrame(b, frameRefuse)
	b = append(b, byte(f.Code))
	b = wire.AppendUint64(b, f.UID)
	b = wire.AppendString(b, f.Text)
	if f.Theirs != "" {
		b = wire.AppendString(b, f.Theirs)
	}
	return endFrame(b, start)
}

func readRefusal(b []byte) (refusal, error) {
	r := wire.NewReader(b)
	f := refusal{Code: refusalCode(r.Byte()), UID: r.Uint64(), Text: r.String()}
	if r.Err() == nil {
		if rest := wire.NewReader(r.Rest()); rest.Len() > 0 { // older nodes don't say it
			if theirs := rest.String(); rest.Err() == nil {
				f.Theirs = theirs
			}
		}
	}
	return f, r.Err()
}

// judge says whether a hello is acceptable to self, apart from who its sender is.
func judge(self identity, h hello) (refusal, bool) {
	no := func(code refusalCode, format string, args ...any) (refusal, bool) {
		return refusal{Code: code, UID: self.UID, Text: fmt.Sprintf(format, args...)}, false
	}
	switch {
	case h.Oldest > self.Can.Version || h.Version < protocolOldest:
		return no(refusedVersion, "protocol versions %d to %d are spoken here, %d to %d there; run releases that overlap", protocolOldest, self.Can.Version, h.Oldest, h.Version)
	case h.From.UID == self.UID:
		return no(refusedSelf, "the connection is from this system itself")
	case h.To != self.Addr:
		r, _ := no(refusedAddress, "this node is %s, not %s; let Advertise be the address that the others use", self.Addr, printable(h.To))
		r.Theirs = self.Addr
		return r, false
	case h.From.Cluster != self.Cluster:
		r, _ := no(refusedCluster, `this node belongs to cluster "%s", the other to "%s"; give both the same name or other addresses`, printable(self.Cluster), printable(h.From.Cluster))
		r.Theirs = self.Cluster
		return r, false
	}
	return refusal{}, true
}

// confirm says whether the answer to a hello that was for addr comes from somebody to
// talk to.
func confirm(self identity, addr string, w welcome) (refusal, bool) {
	switch {
	case w.From.UID == self.UID:
		return refusal{Code: refusedSelf}, false
	case w.From.Addr != addr:
		return refusal{Code: refusedAddress, Theirs: w.From.Addr}, false
	case w.From.Cluster != self.Cluster:
		return refusal{Code: refusedCluster, Theirs: printable(w.From.Cluster)}, false
	}
	return refusal{}, true
}

// private takes out of a refusal what a stranger need not know.
func (f refusal) private() refusal {
	switch f.Code {
	case refusedAddress:
		f.Text = "this node has another address; let Advertise be the address that the others use"
	case refusedCluster:
		f.Text = "this node belongs to another cluster; give both the same name or other addresses"
	}
	f.UID, f.Theirs = 0, ""
	return f
}

// textMax is how much of a string from elsewhere gets into a log.
const textMax = 128

// printable cuts and escapes what another node says, for logs and errors: it may
// be anybody's.
func printable(s string) string {
	more := ""
	if len(s) > textMax {
		s, more = s[:textMax], "…"
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) + more
}
