package phi

import (
	"math/bits"
	"time"
)

// window keeps the newest intervals in a ring, with their sum and their sum of
// squares. The sums are exact integers (the squares in 128 bits), so they don't
// drift however many intervals pass through, and are the same everywhere.
type window struct {
	ring []int64 // nanoseconds, 0 … intervalMax
	cap  int
	next int // the slot that is overwritten when the ring is full

	sum          uint64 // ≤ 2^16 · 2^47 = 2^63
	sqHigh, sqLo uint64 // ≤ 2^16 · 2^94 = 2^110
}

func (w *window) add(interval time.Duration) {
	v := int64(min(max(interval, 0), intervalMax))
	if len(w.ring) < w.cap {
		w.ring = append(w.ring, v)
	} else {
		w.drop(w.ring[w.next])
		w.ring[w.next] = v
		w.next = (w.next + 1) % w.cap
	}
	w.sum += uint64(v)
	high, low := bits.Mul64(uint64(v), uint64(v))
	var carry uint64
	w.sqLo, carry = bits.Add64(w.sqLo, low, 0)
	w.sqHigh, _ = bits.Add64(w.sqHigh, high, carry)
}

func (w *window) drop(v int64) {
	w.sum -= uint64(v)
	high, low := bits.Mul64(uint64(v), uint64(v))
	var borrow uint64
	w.sqLo, borrow = bits.Sub64(w.sqLo, low, 0)
	w.sqHigh, _ = bits.Sub64(w.sqHigh, high, borrow)
}

// mean in nanoseconds, 0 for an empty window.
func (w *window) mean() float64 {
	if len(w.ring) == 0 {
		return 0
	}
	return float64(w.sum) / float64(len(w.ring))
}

// variance in square nanoseconds, 0 for an empty window. It is
// (n·Σx² − (Σx)²) / n², with the numerator computed exactly: it is below 2^126
// and, by the Cauchy–Schwarz inequality, never negative.
func (w *window) variance() float64 {
	n := uint64(len(w.ring))
	if n == 0 {
		return 0
	}
	carry, low := bits.Mul64(w.sqLo, n)
	high := w.sqHigh*n + carry
	squareHigh, squareLow := bits.Mul64(w.sum, w.sum)
	low, borrow := bits.Sub64(low, squareLow, 0)
	high, _ = bits.Sub64(high, squareHigh, borrow)
	return (float64(float64(high)*(1<<64)) + float64(low)) / float64(n*n)
}
