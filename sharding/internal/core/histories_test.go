package core

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (s *sim) able(proxies bool) []*simNode {
	var all []*simNode
	for _, n := range s.nodes {
		if n.alive && !n.going && (proxies || !n.proxy) {
			all = append(all, n)
		}
	}
	return all
}

func (s *sim) traffic() {
	s.after(s.jitter(60*time.Millisecond), s.traffic)
	if all := s.able(true); len(all) > 0 && !s.quiet {
		s.tell(all[s.random.IntN(len(all))], uint32(s.random.IntN(simShards)))
	}
}

// settle waits until nothing moves, then checks SH-5.
func (s *sim) settle() {
	s.loss, s.stale = 0, 0
	if len(s.able(false)) == 0 {
		s.join(false)
	}
	s.run(90 * time.Second)
	s.quiet = true
	for shard := range uint32(simShards) {
		for _, n := range s.able(true) {
			s.tell(n, shard)
		}
	}
	s.run(20 * time.Second)
	for _, n := range s.able(true) {
		for i, slot := range n.slots {
			s.require(len(slot.held) == 0, "SH-5 seed %d: %d messages for %d wait at %v; %+v", s.seed, len(slot.held), i, n.node, n.region.places[i])
		}
	}
	least, most := simShards, 0
	for _, n := range s.able(false) {
		hosted := 0
		for i := range n.slots {
			if n.slots[i].hosted {
				hosted++
			}
		}
		least, most = min(least, hosted), max(most, hosted)
	}
	s.require(most-least <= 1, "SH-5 seed %d: from %d to %d shards at a region", s.seed, least, most)
	for _, n := range s.able(true) {
		c, ok := n.region.Coordinator()
		s.require(ok && c == s.able(false)[0].node, "seed %d: %v knows coordinator %v", s.seed, n.node, c)
	}
}

func (s *sim) begin() {
	s.watchSingleton()
	for i := range 2 + s.random.IntN(4) {
		s.join(i == 2)
	}
	s.run(3 * time.Second)
	s.traffic()
	s.run(5 * time.Second)
}

// Nodes come, leave and are replaced as coordinators, messages of the
// protocol get lost: no user message does (SH-3, R-05, H9, H11, H14).
func TestNoMessageIsLostWhileNobodyDies(t *testing.T) {
	for seed := range seeds(300) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := newSim(t, seed)
			s.loss = []float64{0, 0.02, 0.2}[s.random.IntN(3)]
			s.stale = []float64{0, 0.05, 0.4}[s.random.IntN(3)]
			s.begin()
			for range 3 + s.random.IntN(6) {
				hosts := s.able(false)
				switch s.random.IntN(5) {
				case 0, 1:
					s.join(s.random.IntN(4) == 0)
				case 2:
					if len(hosts) > 1 {
						s.leave(hosts[s.random.IntN(len(hosts))])
					}
				case 3:
					for _, n := range hosts[:s.random.IntN(max(1, len(hosts)))] {
						s.leave(n)
					}
				case 4:
					s.restartCoordinator()
				}
				s.run(s.jitter(12 * time.Second))
			}
			s.settle()
			s.run(10 * time.Second)
			s.events = nil
			s.require(s.lost == 0, "SH-3 seed %d: %d lost", seed, s.lost)
			require.InDelta(t, s.total, s.done, 40, "all but those under way are handled")
		})
	}
}

// Nodes crash and are declared dead wrongly as well: SH-1, SH-2, order, and
// progress (SH-5, R-06, R-12, F-01, F-02, H1, H2).
func TestOneOwnerUnderRandomHistories(t *testing.T) {
	for seed := range seeds(300) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := newSim(t, seed)
			s.loss = []float64{0, 0.02, 0.2}[s.random.IntN(3)]
			s.stale = []float64{0, 0.05, 0.4}[s.random.IntN(3)]
			s.begin()
			for range 3 + s.random.IntN(8) {
				hosts := s.able(false)
				if len(hosts) == 0 {
					s.join(false)
					continue
				}
				n := hosts[s.random.IntN(len(hosts))]
				switch s.random.IntN(6) {
				case 0:
					s.join(s.random.IntN(4) == 0)
				case 1:
					s.leave(n)
				case 2:
					s.crash(n)
				case 3:
					s.cut(n)
				case 4:
					s.restartCoordinator()
				case 5:
					s.crash(hosts[0]) // the coordinator's
				}
				s.run(s.jitter(10 * time.Second))
			}
			s.settle()
		})
	}
}

func seeds(n uint64) uint64 { return n }
