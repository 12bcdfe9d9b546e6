package remote

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// NotConnected is published when this node dialed an address in vain. It may come
// up to twenty times a second for each node that something is sent to.
type NotConnected struct {
	Addr  string
	UID   uint64 // of the incarnation that has answered; 0: it is not known
	Cause Cause
	// Text is what the node at the address did, or is, in the words of this one and
	// with the cure: "refuses the connection: nothing listens there".
	Text string
}

// NotConnectedError is the cause of dead letters that have waited for a connection in
// vain. The fields are those of [NotConnected].
type NotConnectedError NotConnected

// Error names the address, the cause and the cure.
func (e *NotConnectedError) Error() string { return e.Addr + " " + e.Text }

// Cause is why a node isn't connected to another one.
type Cause uint8

// The causes.
const (
	// CauseRefused: the machine is there, and nothing listens at the address.
	CauseRefused Cause = iota + 1
	// CauseUnknown: the host name can't be looked up.
	CauseUnknown
	// CauseSilent: there is no answer: the machine is down, or can't be reached.
	CauseSilent
	// CauseTLS: one of the two uses TLS and the other doesn't, or they don't trust
	// each other's certificates.
	CauseTLS
	// CauseSecret: the two nodes don't have a secret in common.
	CauseSecret
	// CauseCluster: the node there belongs to another cluster.
	CauseCluster
	// CauseAddress: the node there is known by another address.
	CauseAddress
	// CauseSelf: it is this very node, which is known by another address.
	CauseSelf
	// CauseVersion: the two nodes have no version of the protocol in common.
	CauseVersion
	// CauseGone: the node there has declared this incarnation dead; see [DeclaredDead].
	CauseGone
	// CauseOther: anything else, see the text.
	CauseOther
)

// causeOf tells why a connection could not be had, or ended before it was answered.
func causeOf(err error) (Cause, string) {
	var dns *net.DNSError
	var timeout net.Error
	var alert tls.AlertError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return CauseRefused, "refuses the connection: nothing listens there"
	case errors.As(err, &dns) && !dns.IsTimeout:
		return CauseUnknown, fmt.Sprintf(`can't be looked up: the name "%s" is not known here (%s): correct it, or what this machine knows of names`, printable(dns.Name), printable(dns.Err))
	case errors.Is(err, errTLS) || errors.As(err, &alert):
		return CauseTLS, "can't be talked to over TLS: " + printable(err.Error())
	case errors.Is(err, errUnanswered) || errors.As(err, &timeout) && timeout.Timeout():
		return CauseSilent, "doesn't answer: it is down, or something between the two drops what is sent"
	case errors.Is(err, errNoMore) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || strings.HasSuffix(err.Error(), "EOF"):
		return CauseOther, "closes the connection and says nothing: see the log there; perhaps only one of the two uses TLS"
	}
	return CauseOther, "can't be reached: " + printable(err.Error())
}

// errUnanswered ends an attempt that took too long.
var errUnanswered = errors.New("no answer to the handshake in time")

// cause tells what a refusal means, to the node that was turned away at addr.
func (f refusal) cause(self identity, addr string) (Cause, string) {
	switch f.Code {
	case refusedSelf:
		return CauseSelf, fmt.Sprintf("is this very node, which is known as %s: write that address instead, on all nodes, or set Advertise to %s", self.Addr, addr)
	case refusedAddress:
		if f.Theirs == "" {
			return CauseAddress, f.Text
		}
		return CauseAddress, fmt.Sprintf("is known as %s: write that address instead, or set Advertise to %s there", f.Theirs, addr)
	case refusedCluster:
		if f.Theirs == "" {
			return CauseCluster, fmt.Sprintf(`belongs to another cluster, this node to "%s": give both nodes the same name, or other addresses`, printable(self.Cluster))
		}
		return CauseCluster, fmt.Sprintf(`belongs to cluster "%s", this node to "%s": give both nodes the same name, or other addresses`, f.Theirs, printable(self.Cluster))
	case refusedSecret:
		return CauseSecret, f.Text
	case refusedName:
		return CauseTLS, "does not take this node for the one that it says to be: " + f.Text
	case refusedGone:
		return CauseGone, "has declared this node dead: " + f.Text
	case refusedVersion:
		return CauseVersion, "speaks other versions: " + f.Text
	}
	return CauseOther, "turns this node away: " + f.Text
}

// notConnected says that a dial was in vain.
func (p *peer) notConnected(uid uint64, cause Cause, text string) {
	p.vain = &NotConnectedError{Addr: p.addr, Cause: cause, Text: text}
	p.remote.sys.Publish(NotConnected{Addr: p.addr, UID: uid, Cause: cause, Text: text})
}

// misfit logs that a peer can't be talked to as things are configured, once for each
// reason until it can.
func (p *peer) misfit(text string) {
	if p.complaint != text {
		p.complaint = text
		p.remote.log.Error().Str("peer", p.addr).Msg("can't talk to this node: it " + text)
	}
}
