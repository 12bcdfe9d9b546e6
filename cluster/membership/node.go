package membership

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// addrMax is the longest address in bytes: a DNS name has at most 253, and a
// port with its colon 6.
const addrMax = 260

// Node is one incarnation of a node: the address it is reached at and the
// number that its system drew when it started. A process that starts again on
// the same address is another Node. The zero Node is nobody.
type Node struct {
	// Addr is "host:port".
	Addr string
	// UID is random and never zero for a real incarnation; zero stands for
	// whichever incarnation has the address.
	UID uint64
}

// Compare orders nodes by host, then port as a number, then UID. This is the
// order in which a leader is chosen and in which ties are broken.
func (n Node) Compare(o Node) int {
	if c := CompareAddr(n.Addr, o.Addr); c != 0 {
		return c
	}
	return cmp.Compare(n.UID, o.UID)
}

// IsZero reports whether n is nobody.
func (n Node) IsZero() bool { return n == Node{} }

// String returns the address and the incarnation, as in "10.0.0.1:2551#a3f0".
func (n Node) String() string { return n.Addr + "#" + strconv.FormatUint(n.UID, 16) }

// Append appends the wire form of n to b.
func (n Node) Append(b []byte) []byte {
	return wire.AppendUint64(wire.AppendString(b, n.Addr), n.UID)
}

// ReadNode reads what [Node.Append] wrote: a real incarnation with a valid
// address. Errors stay in r.
func ReadNode(r *wire.Reader) Node {
	n := Node{Addr: r.String(), UID: r.Uint64()}
	if r.Err() != nil {
		return Node{}
	}
	if err := ValidAddr(n.Addr); err != nil {
		r.Fail("%v", err)
		return Node{}
	}
	if n.UID == 0 {
		r.Fail("node %v without an incarnation", n)
		return Node{}
	}
	return n
}

// CompareAddr orders addresses by host, then by port as a number, so that
// "a:9" comes before "a:10".
func CompareAddr(a, b string) int {
	if a == b {
		return 0
	}
	hostA, portA := splitAddr(a)
	hostB, portB := splitAddr(b)
	return cmp.Or(cmp.Compare(hostA, hostB), cmp.Compare(portA, portB), cmp.Compare(a, b))
}

func splitAddr(addr string) (host string, port uint64) {
	at := strings.LastIndexByte(addr, ':')
	if at < 0 || at == len(addr)-1 {
		return addr, 0
	}
	// By hand: nodes are compared millions of times in a large cluster.
	for _, digit := range []byte(addr[at+1:]) {
		port = port*10 + uint64(digit-'0')
		if digit < '0' || digit > '9' || port > math.MaxUint16 {
			return addr, 0
		}
	}
	return addr[:at], port
}

// ValidAddr says what is wrong with addr as the address of a node, or returns
// nil. It wants a host and a port between 1 and 65535; it looks nothing up.
func ValidAddr(addr string) error {
	if len(addr) > addrMax {
		return fmt.Errorf("address of %d bytes: at most %d are allowed", len(addr), addrMax)
	}
	host, port := splitAddr(addr)
	if host == "" || host == addr || port == 0 || strings.ContainsAny(host, " \t\r\n/#@") {
		return fmt.Errorf("address %q: want host:port with a port from 1 to 65535, such as 10.0.0.1:2551", addr)
	}
	return nil
}
