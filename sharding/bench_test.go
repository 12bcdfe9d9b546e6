package sharding_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/sharding"
)

// BenchmarkTell sends to entities of the same node, a thousand of them.
func BenchmarkTell(b *testing.B) {
	sh, refs := benchEntities(b, 1000)
	b.ReportAllocs()
	for i := range b.N {
		refs[i%len(refs)].Tell(Deposit{1})
	}
	_, err := actor.Ask(context.Background(), sh.Ref("0"), Balance{})
	require.NoError(b, err)
}

// BenchmarkRef looks refs up by id.
func BenchmarkRef(b *testing.B) {
	sh, refs := benchEntities(b, 1000)
	ids := make([]string, len(refs))
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	b.ReportAllocs()
	for i := range b.N {
		if sh.Ref(ids[i%len(ids)]) != refs[i%len(ids)] {
			b.Fatal("refs differ")
		}
	}
}

func benchEntities(b *testing.B, n int) (*sharding.Sharding[any], []actor.Ref[any]) {
	quiet := zerolog.Nop()
	ctx := context.Background()
	sys, err := actor.NewSystem("bench", actor.Config{Logger: &quiet})
	require.NoError(b, err)
	b.Cleanup(func() { _ = sys.Stop(ctx) })
	cl, err := cluster.Start(ctx, sys, cluster.Config{Listen: "127.0.0.1:0"})
	require.NoError(b, err)
	sh, err := sharding.Start(cl, sharding.Config[any]{
		Name: "wallet", New: func(e *sharding.Entity) actor.Receiver[any] { return &Wallet{owner: e.ID()} },
	})
	require.NoError(b, err)
	var refs []actor.Ref[any]
	for i := range n {
		refs = append(refs, sh.Ref(fmt.Sprint(i)))
		_, err := actor.Ask(ctx, refs[i], Balance{})
		require.NoError(b, err)
	}
	b.ResetTimer()
	return sh, refs
}
