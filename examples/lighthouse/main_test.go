package main

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/examples/internal/process"
)

func TestMain(m *testing.M) { process.Run(m, main) }

// Two nodes find each other through a lighthouse, which goes in order when it is
// interrupted, and joins them when it is back at its address.
func TestLighthouse(t *testing.T) { // C16, F-13
	light := process.Start(t, "-listen", "127.0.0.1:0", "-cluster", "sea", "-quiet")
	addr := light.Line(`lighthouse of cluster sea at (\S+)`)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	quiet := zerolog.Nop()
	var ships []*cluster.Cluster
	for range 2 {
		sys, err := actor.NewSystem("sea", actor.Config{Logger: &quiet})
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(ctx)) }()
		cl, err := cluster.Start(ctx, sys, cluster.Config{Listen: "127.0.0.1:0", Seeds: []string{addr}})
		require.NoError(t, err)
		ships = append(ships, cl)
	}
	members := func(n int) {
		for range ships[0].Events(ctx) {
			if v := ships[0].State(); len(v.ByAge("")) == n && len(v.Members()) == n {
				break
			}
		}
		require.NoError(t, ctx.Err())
	}
	members(3)
	leader, ok := ships[1].RoleLeader("lighthouse")
	require.True(t, ok)
	require.Equal(t, addr, leader.Addr)
	require.Equal(t, 0, light.Interrupt(), "it has left")
	members(2)
	again := process.Start(t, "-listen", addr, "-seeds", addr+","+ships[0].Self().Addr, "-cluster", "sea", "-quiet")
	again.Line("lighthouse of cluster sea")
	members(3)
	require.Equal(t, 0, again.Interrupt())
}

func TestAWrongFlag(t *testing.T) {
	p := process.Start(t, "-secret", "not-there")
	require.Equal(t, 1, p.Wait())
}
