package router

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/troupe-go/troupe/actor"
)

// golden is 2^64 divided by the golden ratio: adding it again and again visits
// all 64-bit numbers.
const golden = 0x9e3779b97f4a7c15

// mix spreads the bits of x; it is a bijection.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// sharedSource is a source of random numbers for many senders at once: each
// takes the next number of one sequence, without a lock.
type sharedSource struct{ state atomic.Uint64 }

// Uint64 returns the next number.
func (s *sharedSource) Uint64() uint64 { return mix(s.state.Add(golden)) }

// newRandom returns a generator that is safe for concurrent use: rand.Rand has
// no state beside its source. The system's seed and the name decide its numbers.
func newRandom(sys *actor.System, name string) *rand.Rand {
	s := &sharedSource{}
	s.state.Store(sys.Rand("router/" + name).Uint64())
	return rand.New(s)
}
