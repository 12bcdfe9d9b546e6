package remote

import (
	"fmt"

	"github.com/troupe-go/troupe/internal/wire"
)

// protocolVersion is the newest version spoken, protocolOldest the oldest.
const (
	protocolVersion = 1
	protocolOldest  = 1
)

// laneKind says which stream a connection is.
type laneKind uint8

const (
	laneControl  laneKind = 0
	laneOrdinary laneKind = 1
	laneProbe    laneKind = 2 // asks who is there and ends
	laneCount             = 3
)

func (k laneKind) String() string {
	return [...]string{"control", "ordinary", "probe"}[k]
}

// identity is what a system says of itself in a handshake.
type identity struct {
	System      string
	Addr        string
	UID         uint64
	Cluster     string
	Fingerprint uint64
	FrameMax    int
}

// hello opens a connection.
type hello struct {
	Version, Oldest uint64
	Lane            laneKind
	From            identity
	To              string
}

// welcome answers a hello.
type welcome struct {
	Version uint64
	From    identity
}

// refusalCode is why a hello was turned away. The numbers are on the wire.
type refusalCode uint8

const (
	refusedVersion refusalCode = 1 // no version in common
	refusedAddress refusalCode = 2 // the hello was for another address
	refusedCluster refusalCode = 3 // the hello was from another cluster
	refusedGone    refusalCode = 4 // the dialer's incarnation counts as gone here, for ever
	refusedStale   refusalCode = 5 // another incarnation answers at the dialer's address
	refusedBusy    refusalCode = 6 // too many peers or connections
	refusedClosing refusalCode = 7 // the acceptor stops
	refusedSelf    refusalCode = 8 // the dialer is the acceptor
)

// refusal says no.
type refusal struct {
	Code refusalCode
	UID  uint64 // the acceptor's
	Text string
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
	if id.UID == 0 || id.Addr == "" {
		r.Fail("no address or no uid")
	}
	return id
}

// appendHello appends the magic and the frame.
func appendHello(b []byte, h hello) []byte {
	b = append(b, magic...)
	start := len(b)
	b = beginFrame(b, frameHello)
	b = wire.AppendUvarint(b, h.Version)
	b = wire.AppendUvarint(b, h.Oldest)
	b = append(b, byte(h.Lane))
	b = appendIdentity(b, h.From)
	b = wire.AppendString(b, h.To)
	return endFrame(b, start)
}

// readHello reads the frame behind its kind. Bytes after it are a newer
// version's and are skipped.
func readHello(b []byte) (hello, error) {
	r := wire.NewReader(b)
	h := hello{Version: r.Uvarint(), Oldest: r.Uvarint(), Lane: laneKind(r.Byte())}
	if h.Lane >= laneCount {
		r.Fail("lane %d", h.Lane)
	}
	h.From = readIdentity(r)
	h.To = r.String()
	return h, r.Err()
}

func appendWelcome(b []byte, w welcome) []byte {
	b = append(b, magic...)
	start := len(b)
	b = beginFrame(b, frameWelcome)
	b = wire.AppendUvarint(b, w.Version)
	b = appendIdentity(b, w.From)
	return endFrame(b, start)
}

func readWelcome(b []byte) (welcome, error) {
	r := wire.NewReader(b)
	w := welcome{Version: r.Uvarint(), From: readIdentity(r)}
	if r.Err() == nil && (w.Version < protocolOldest || w.Version > protocolVersion) {
		r.Fail("version %d was not offered", w.Version)
	}
	return w, r.Err()
}

func appendRefusal(b []byte, f refusal) []byte {
	b = append(b, magic...)
	return appendRefusalFrame(b, f)
}

// appendRefusalFrame is for a stream that is open already.
func appendRefusalFrame(b []byte, f refusal) []byte {
	start := len(b)
	b = beginFrame(b, frameRefuse)
	b = append(b, byte(f.Code))
	b = wire.AppendUint64(b, f.UID)
	b = wire.AppendString(b, f.Text)
	return endFrame(b, start)
}

func readRefusal(b []byte) (refusal, error) {
	r := wire.NewReader(b)
	f := refusal{Code: refusalCode(r.Byte()), UID: r.Uint64(), Text: r.String()}
	return f, r.Err()
}

// judge says whether a hello is acceptable to self, apart from who its sender is.
func judge(self identity, h hello) (refusal, bool) {
	no := func(code refusalCode, format string, args ...any) (refusal, bool) {
		return refusal{Code: code, UID: self.UID, Text: fmt.Sprintf(format, args...)}, false
	}
	switch {
	case h.Oldest > protocolVersion || h.Version < protocolOldest:
		return no(refusedVersion, "protocol versions %d to %d are spoken here, %d to %d there; run releases that overlap", protocolOldest, protocolVersion, h.Oldest, h.Version)
	case h.From.UID == self.UID:
		return no(refusedSelf, "the connection is from this system itself")
	case h.To != self.Addr:
		return no(refusedAddress, "this node is %s, not %s; let Advertise be the address that the others use", self.Addr, h.To)
	case h.From.Cluster != self.Cluster:
		return no(refusedCluster, "this node belongs to cluster %q, the other to %q; give both the same name or other addresses", self.Cluster, h.From.Cluster)
	}
	return refusal{}, true
}

// confirm says what is wrong with the answer to a hello that was for addr.
func confirm(self identity, addr string, w welcome) error {
	switch {
	case w.From.UID == self.UID:
		return fmt.Errorf("%s is this system itself", addr)
	case w.From.Addr != addr:
		return fmt.Errorf("%s answered as %s; use that address or correct its Advertise", addr, w.From.Addr)
	case w.From.Cluster != self.Cluster:
		return fmt.Errorf("%s belongs to cluster %q, this node to %q", addr, w.From.Cluster, self.Cluster)
	}
	return nil
}
