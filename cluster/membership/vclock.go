package membership

import (
	"slices"
)

// Order is the answer of comparing two vector clocks.
type Order int

// The four answers.
const (
	// Same: equal clocks.
	Same Order = iota
	// Before: the other has seen all that this one has, and more.
	Before
	// After: this one has seen all that the other has, and more.
	After
	// Concurrent: each has seen something that the other hasn't.
	Concurrent
)

// VClock is a vector clock: how many changes of each node a state contains. It
// is a value; its methods return new ones. The zero VClock contains nothing.
type VClock struct {
	entries []clockEntry // sorted by node, counts > 0
}

type clockEntry struct {
	node  Node
	count uint64
}

// Len is the number of nodes with an entry.
func (c VClock) Len() int { return len(c.entries) }

// Count returns the number of changes of n that c contains.
func (c VClock) Count(n Node) uint64 {
	if i, ok := c.find(n); ok {
		return c.entries[i].count
	}
	return 0
}

func (c VClock) find(n Node) (int, bool) {
	return slices.BinarySearchFunc(c.entries, n, func(e clockEntry, n Node) int { return e.node.Compare(n) })
}

// Bump returns c with one more change of n.
func (c VClock) Bump(n Node) VClock {
	i, ok := c.find(n)
	if !ok {
		return VClock{slices.Insert(slices.Clone(c.entries), i, clockEntry{n, 1})}
	}
	entries := slices.Clone(c.entries)
	entries[i].count++
	return VClock{entries}
}

// Keep returns c with only the entries of nodes that keep holds on to.
func (c VClock) Keep(keep func(Node) bool) VClock {
	entries := make([]clockEntry, 0, len(c.entries))
	for _, e := range c.entries {
		if keep(e.node) {
			entries = append(entries, e)
		}
	}
	return VClock{entries}
}

// Merge returns the clock that contains what either contains: the larger count
// of every node.
func (c VClock) Merge(o VClock) VClock {
	return VClock{mergeSorted(c.entries, o.entries,
		func(a, b clockEntry) int { return a.node.Compare(b.node) },
		func(a, b clockEntry) clockEntry { return clockEntry{a.node, max(a.count, b.count)} })}
}

// Compare tells how c relates to o. A node without an entry counts as 0.
func (c VClock) Compare(o VClock) Order {
	var less, more bool
	i, j := 0, 0
	for i < len(c.entries) || j < len(o.entries) {
		switch side := compareHeads(c.entries, o.entries, i, j); {
		case side < 0:
			more = true
			i++
		case side > 0:
			less = true
			j++
		default:
			less = less || c.entries[i].count < o.entries[j].count
			more = more || c.entries[i].count > o.entries[j].count
			i, j = i+1, j+1
		}
	}
	switch {
	case less && more:
		return Concurrent
	case less:
		return Before
	case more:
		return After
	}
	return Same
}

// compareHeads tells which of two sorted lists has the smaller next entry; an
// exhausted list comes last.
func compareHeads(a, b []clockEntry, i, j int) int {
	switch {
	case i == len(a):
		return 1
	case j == len(b):
		return -1
	}
	return a[i].node.Compare(b[j].node)
}

// mergeSorted merges two lists that are sorted without doubles; both makes one
// of two equal elements.
func mergeSorted[E any](a, b []E, compare func(a, b E) int, both func(a, b E) E) []E {
	out := make([]E, 0, len(a)+len(b))
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch c := compare(a[i], b[j]); {
		case c < 0:
			out = append(out, a[i])
			i++
		case c > 0:
			out = append(out, b[j])
			j++
		default:
			out = append(out, both(a[i], b[j]))
			i, j = i+1, j+1
		}
	}
	return append(append(out, a[i:]...), b[j:]...)
}

func compareNodes(a, b Node) int { return a.Compare(b) }
