package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Versions, orders and the end of a whole cluster, over sockets.
func TestALifeOverTCP(t *testing.T) { // C1, C7, C16
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	quiet := zerolog.Nop()
	var all []*cluster.Cluster
	var seeds []string
	for i := range 3 {
		sys, err := actor.NewSystem("tcp", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(ctx)) }()
		cl, err := cluster.Start(ctx, sys, cluster.Config{Listen: "127.0.0.1:0", Seeds: seeds, AppVersion: fmt.Sprintf("1.%d", i)})
		require.NoError(t, err)
		if seeds == nil {
			seeds = []string{cl.Self().Addr}
		}
		all = append(all, cl)
	}
	until := func(cl *cluster.Cluster, holds func(v membership.View) bool) {
		t.Helper()
		for range cl.Events(ctx) {
			if holds(cl.State()) {
				return
			}
		}
		require.Fail(t, "not in time", "%v: %v", cl.Self(), cl.Members())
	}
	for _, cl := range all {
		until(cl, func(v membership.View) bool { return len(v.ByAge("")) == 3 })
		newest, same := cl.State().NewestVersion("")
		require.Equal(t, "1.2", newest)
		require.False(t, same)
	}
	desk := all[0].Desk(all[2].Self().Addr)
	_, err := actor.Ask(ctx, desk, cluster.DownMember{Addr: "127.0.0.1:1"})
	require.ErrorContains(t, err, "no such member", "an error keeps its words on the way")
	_, err = actor.Ask(ctx, desk, cluster.PrepareShutdown{})
	require.NoError(t, err)
	for _, cl := range all {
		until(cl, func(v membership.View) bool { return v.SelfMember().Status == membership.ReadyForShutdown })
	}
	_, err = actor.Ask(ctx, desk, cluster.DismissMember{Addr: all[1].Self().Addr})
	require.NoError(t, err)
	select {
	case <-all[1].Done():
	case <-ctx.Done():
	}
	require.ErrorIs(t, all[1].Err(), cluster.ErrLeft)
	for _, i := range []int{0, 2} {
		require.NoError(t, all[i].Leave(ctx))
		require.ErrorIs(t, all[i].Err(), cluster.ErrLeft)
	}
}

// A process that leaves and is started again on its port at once, over sockets.
func TestWhoLeftAndIsBackAtOnceWasNotDead(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	quiet := zerolog.Nop()
	start := func(listen string, seeds ...string) *cluster.Cluster {
		sys, err := actor.NewSystem("tcp", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
		cl, err := cluster.Start(ctx, sys, cluster.Config{Listen: listen, Seeds: seeds})
		require.NoError(t, err)
		return cl
	}
	first := start("127.0.0.1:0")
	seed := first.Self().Addr
	second, third := start("127.0.0.1:0", seed), start("127.0.0.1:0", seed)
	var wrong []membership.Event
	watched, stop := context.WithCancel(ctx)
	seen := make(chan []membership.Event, 2)
	for _, cl := range []*cluster.Cluster{first, second} {
		go func() {
			var bad []membership.Event
			for e := range cl.Events(watched) {
				if removed, ok := e.(membership.MemberRemoved); ok && removed.Before != membership.Exiting {
					bad = append(bad, e)
				}
				if _, ok := e.(membership.MemberDowned); ok {
					bad = append(bad, e)
				}
			}
			seen <- bad
		}()
	}
	for range 8 {
		require.NoError(t, third.Leave(ctx))
		require.ErrorIs(t, third.Err(), cluster.ErrLeft)
		third = start(third.Self().Addr, seed)
	}
	stop()
	for range 2 {
		wrong = append(wrong, <-seen...)
	}
	require.Empty(t, wrong)
}
