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
	send() // until the connection has its tables
	perMessage := testing.AllocsPerRun(5, send) / many
	require.LessOrEqual(t, perMessage, 2.1, "the message and its string; everything else is for many at once")
}
