package simtest_test

import (
	"math"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// history is what clients saw of one tally, in real time: every operation with the
// instants between which it must have happened.
type history []porcupine.Operation

// tallyModel says what a tally does when it does one thing after the other. The input
// of an operation is what is added, 0 for a look; the output is the state after it.
var tallyModel = porcupine.Model{
	Init: func() any { return tally{}.result() },
	Step: func(state, input, output any) (bool, any) {
		s := state.(result)
		if op := input.(uint64); op != 0 {
			s = result{Len: s.Len + 1, Hash: tally{Hash: s.Hash}.with(op).Hash}
		}
		return s == output.(result), s
	},
}

// linearizable reports whether the history respects real time: as if each operation
// had happened at one instant between its beginning and its end.
func (h history) linearizable() bool { return porcupine.CheckOperations(tallyModel, h) }

// never is the end of an operation that nobody was told of.
const never = time.Duration(math.MaxInt64)

func (h *history) add(op uint64, from, to time.Duration, r result) {
	*h = append(*h, porcupine.Operation{Input: op, Call: int64(from), Output: r, Return: int64(to)})
}

func TestHistoriesThatDontRespectRealTimeAreFound(t *testing.T) {
	one := tally{}.with(7)
	two := one.with(8)
	var h history
	h.add(7, 0, 10, one.result())
	h.add(8, 20, never, two.result())
	h.add(0, 30, 40, one.result())
	h.add(0, 35, 60, two.result())
	require.True(t, h.linearizable(), "the second operation may have happened at any time after it began")
	stale := append(history{}, h...)
	stale.add(0, 70, 80, one.result())
	require.False(t, stale.linearizable(), "somebody has seen the second operation before")
	early := append(history{}, h...)
	early.add(0, 11, 19, two.result())
	require.False(t, early.linearizable(), "it had not begun")
	lost := append(history{}, h...)
	lost.add(0, 11, 19, tally{}.result())
	require.False(t, lost.linearizable(), "the first was over")
}
