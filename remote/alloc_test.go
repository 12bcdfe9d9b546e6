//go:build !race

package remote_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

// The race detector makes pools forget, so allocations are counted without it.
func TestAMessageCostsTwoAllocationsWhereItArrives(t *testing.T) {
	one, two := start(t, remote.Config{}), start(t, remote.Config{})
	for _, n := range []*node{one, two} {
		require.NoError(t, codec.Register[small](n.sys.Registry(), "small"))
	}
	const many = 5000
	over := make(chan struct{}, 1)
	_, err := two.sys.Spawn("sink", func() actor.Actor {
		got := 0
		return actor.Func(func(*actor.Context) {
			if got++; got%many == 0 {
				over <- struct{}{}
			}
		})
	})
	require.NoError(t, err)
	ref := one.sys.RefAt(two.rem.Addr(), "/user/sink")
	var msg any = small{1, "0123456789abcdef"}
	send := func() {
		for range many {
			ref.Tell(msg)
		}
		<-over
	}
	// Tables come when the other end gets to it, and pools and buffers are filled anew after a
	// collection: what counts is what it costs when nothing of that happens.
	least := testing.AllocsPerRun(1, send) / many
	for n := 0; least > 2.1 && n < 100; n++ {
		least = min(least, testing.AllocsPerRun(1, send)/many)
	}
	require.LessOrEqual(t, least, 2.1, "the message and its string; everything else is for many at once")
}
