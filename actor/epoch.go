package actor

import (
	"cmp"
	"fmt"

	"github.com/troupe-go/troupe/internal/wire"
)

// Epoch is a fencing token: it says under which grant an owner of a shard or
// a singleton acts. Epochs only grow over successive grants, so whoever keeps
// the newest one it has seen (a region, a journal, a lease) can refuse an
// owner that was replaced and does not know it yet.
//
// Epochs are ordered by Cluster, then Node, then Count. The zero Epoch is
// older than every other and means "no grant": code that isn't fenced.
type Epoch struct {
	// Cluster is the creation stamp of the cluster: Unix nanoseconds of the
	// moment its first node formed it.
	Cluster uint64
	// Node is the up-number of the node that made the grant: later members
	// of one cluster have larger ones.
	Node uint64
	// Count grows with every grant of one granting node.
	Count uint64
}

// Compare returns -1, 0 or +1 as e is older than, the same as or newer than o.
func (e Epoch) Compare(o Epoch) int {
	return cmp.Or(cmp.Compare(e.Cluster, o.Cluster), cmp.Compare(e.Node, o.Node), cmp.Compare(e.Count, o.Count))
}

// Older reports whether e is older than o.
func (e Epoch) Older(o Epoch) bool { return e.Compare(o) < 0 }

// IsZero reports whether e is the zero Epoch.
func (e Epoch) IsZero() bool { return e == Epoch{} }

// String returns the three numbers with dots between them.
func (e Epoch) String() string { return fmt.Sprintf("%d.%d.%d", e.Cluster, e.Node, e.Count) }

// Next returns the epoch of the next grant by the same node.
func (e Epoch) Next() Epoch { e.Count++; return e }

// Append appends the wire form of e to b.
func (e Epoch) Append(b []byte) []byte {
	b = wire.AppendUint64(b, e.Cluster)
	b = wire.AppendUvarint(b, e.Node)
	return wire.AppendUvarint(b, e.Count)
}

// ReadEpoch reads what [Epoch.Append] wrote; errors stay in r.
func ReadEpoch(r *wire.Reader) Epoch {
	return Epoch{Cluster: r.Uint64(), Node: r.Uvarint(), Count: r.Uvarint()}
}
