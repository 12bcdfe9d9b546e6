package router

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/troupe-go/troupe/actor"
)

// Hashable is a message that knows the key by which it is routed.
type Hashable interface {
	// HashKey returns the key; empty means that there is none.
	HashKey() string
}

// Keyed is a message with a key to route it by. The routee gets Message alone.
type Keyed struct {
	Key     string
	Message any
}

// KeyOf makes a key function of one for messages of type M: others have no key.
func KeyOf[M any](key func(msg M) string) func(msg any) string {
	return func(msg any) string {
		if m, ok := msg.(M); ok {
			return key(m)
		}
		return ""
	}
}

// ConsistentHash gives all messages with the same key to the same routee, as
// long as that is there. When routees come or go, only the keys move that have
// to: about one of n to a new routee, and those of a routee that has gone.
// Routers on different nodes that have the same routees agree.
//
// The key is that of [Keyed], else what Key returns, else that of [Hashable]. A
// message without a key becomes a dead letter.
type ConsistentHash struct {
	// Key returns the key of a message; empty means that there is none. nil is
	// fine where messages bring their key along. It runs on the goroutine of
	// the sender; a panic means that there is no key. See [KeyOf].
	Key func(msg any) string
	// VirtualNodes is how many points each routee has on the ring. Default
	// 100, with which shares differ from even ones by about a tenth. More are
	// more even and take more memory, 16 bytes each.
	VirtualNodes int
}

const (
	virtualNodesDefault = 100
	virtualNodesMax     = 10_000
)

func (c ConsistentHash) check(bool) error {
	if c.VirtualNodes < 0 || c.VirtualNodes > virtualNodesMax {
		return fmt.Errorf("ConsistentHash.VirtualNodes is %d: must be 1 to %d, or 0 for %d",
			c.VirtualNodes, virtualNodesMax, virtualNodesDefault)
	}
	return nil
}

func (c ConsistentHash) over(routees []actor.PID, _ Picker, _ *rand.Rand) Picker {
	return &hashed{key: c.Key, nodes: newRing(namesOf(routees), cmp.Or(c.VirtualNodes, virtualNodesDefault))}
}

// Rendezvous is [ConsistentHash] by another method: each key has a rank for every
// routee, and the highest wins. The shares are even and it takes hardly any
// memory, but each message costs time in proportion to the number of routees. It
// is the better one up to some ten of them.
type Rendezvous struct {
	// Key is as in [ConsistentHash].
	Key func(msg any) string
}

func (Rendezvous) check(bool) error { return nil }

func (r Rendezvous) over(routees []actor.PID, _ Picker, _ *rand.Rand) Picker {
	return &hashed{key: r.Key, nodes: newRanks(namesOf(routees))}
}

// hashed picks by key.
type hashed struct {
	key   func(msg any) string
	nodes interface{ find(key uint64) int }
}

// Pick returns whom the key of msg belongs to.
func (h *hashed) Pick(msg any) int {
	key := h.keyOf(msg)
	if key == "" {
		return -1
	}
	return h.nodes.find(xxhash.Sum64String(key))
}

func (h *hashed) keyOf(msg any) (key string) {
	defer func() {
		if recover() != nil {
			key = ""
		}
	}()
	if k, ok := msg.(Keyed); ok {
		if k.Key != "" {
			return k.Key
		}
		msg = k.Message
	}
	if h.key != nil {
		if key = h.key(msg); key != "" {
			return key
		}
	}
	if k, ok := msg.(Hashable); ok {
		return k.HashKey()
	}
	return ""
}

// namesOf returns what routees are called on every node alike: address and path.
// Which incarnation of an actor it is doesn't count, so that a restart on the
// same path moves no key.
func namesOf(routees []actor.PID) []string {
	names := make([]string, len(routees))
	for i, r := range routees {
		l := r.Location()
		names[i] = l.Addr + l.Path
	}
	return names
}

// ring is a hash ring: points on a circle, each the beginning of what belongs to
// a node, backwards.
type ring []point

type point struct {
	at   uint64
	node int
}

// newRing gives each of the names virtual points. Names, not indexes, decide
// about equal points, so that their order doesn't matter.
func newRing(names []string, virtual int) ring {
	r := make(ring, 0, len(names)*virtual)
	for i, name := range names {
		h := xxhash.Sum64String(name)
		for v := range virtual {
			r = append(r, point{at: mix(h + uint64(v+1)*golden), node: i})
		}
	}
	slices.SortFunc(r, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(names[a.node], names[b.node]), cmp.Compare(a.node, b.node))
	})
	return r
}

// find returns the node of the first point at or after key.
func (r ring) find(key uint64) int {
	low, high := 0, len(r)
	for low < high {
		if middle := (low + high) / 2; r[middle].at < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(r) {
		low = 0
	}
	return r[low].node
}

// ranks are the hashes of the names, for rendezvous hashing.
type ranks struct {
	hashes []uint64
	names  []string
}

func newRanks(names []string) ranks {
	r := ranks{hashes: make([]uint64, len(names)), names: names}
	for i, name := range names {
		r.hashes[i] = xxhash.Sum64String(name)
	}
	return r
}

// find returns the node with the highest rank for key.
func (r ranks) find(key uint64) int {
	best, highest := 0, mix(key^r.hashes[0])
	for i, h := range r.hashes[1:] {
		rank := mix(key ^ h)
		if rank > highest || rank == highest && r.names[i+1] < r.names[best] {
			best, highest = i+1, rank
		}
	}
	return best
}
