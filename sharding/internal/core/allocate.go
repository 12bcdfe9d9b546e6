package core

import (
	"cmp"
	"slices"
)

// Load is a region that may host shards, and those it hosts in ascending order.
type Load struct {
	Node   Node
	Shards []uint32
}

// LeastShards gives a new shard to the region with the fewest, and moves
// shards from regions with more than their share to those with less. The zero
// value is ready.
type LeastShards struct {
	// Absolute is how many shards are moved in one round at most. The default
	// is 10. Raising it evens out sooner after a node has joined; every shard
	// that moves is silent for the time its entities take to stop.
	Absolute int
	// Relative is how many of all shards are moved in one round at most, as a
	// share between 0 and 1. The default is 0.1. The smaller of both limits
	// counts, but one shard always moves.
	Relative float64
}

func (s LeastShards) limit(total int) int {
	absolute, relative := s.Absolute, s.Relative
	if absolute <= 0 {
		absolute = 10
	}
	if relative <= 0 {
		relative = 0.1
	}
	return max(1, min(absolute, int(relative*float64(total))))
}

// Allocate returns the region for a new shard; false when there is none.
func (s LeastShards) Allocate(loads []Load) (Node, bool) {
	if len(loads) == 0 {
		return Node{}, false
	}
	return slices.MinFunc(loads, func(a, b Load) int {
		return cmp.Or(cmp.Compare(len(a.Shards), len(b.Shards)), a.Node.Compare(b.Node))
	}).Node, true
}

// Rebalance returns the shards to move in this round. When it returns none,
// no two regions differ by more than one shard. Every round brings them
// closer, so there is a last one.
func (s LeastShards) Rebalance(loads []Load) []uint32 {
	if len(loads) == 0 {
		return nil
	}
	total := 0
	for _, l := range loads {
		total += len(l.Shards)
	}
	share := (total + len(loads) - 1) / len(loads)
	limit := s.limit(total)
	var moves []uint32
	for _, l := range loads {
		if above := len(l.Shards) - share; above > 0 {
			moves = append(moves, l.Shards[:above]...)
		}
	}
	if len(moves) > 0 {
		return moves[:min(limit, len(moves))]
	}
	// Nobody has more than the share rounded up. Those that have less than
	// it rounded down get one each from those that are full.
	below := 0
	for _, l := range loads {
		below += max(0, share-1-len(l.Shards))
	}
	limit = min(limit, below)
	for _, l := range loads {
		if len(moves) < limit && len(l.Shards) >= share && len(l.Shards) > 0 {
			moves = append(moves, l.Shards[0])
		}
	}
	return moves
}
