package actor_test

import (
	"context"
	"testing"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

func benchSystem(b *testing.B) *actor.System {
	b.Helper()
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("bench", actor.Config{Logger: &quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sys.Stop(context.Background()) })
	return sys
}

// BenchmarkOneWay is workload L1: one sender actor to one actor.
func BenchmarkOneWay(b *testing.B) {
	sys := benchSystem(b)
	done := make(chan struct{})
	n := 0
	sink, _ := sys.Spawn("", func() actor.Actor {
		return actor.Func(func(*actor.Context) {
			if n++; n == b.N {
				close(done)
			}
		})
	})
	msg := any(7)
	b.ReportAllocs()
	b.ResetTimer()
	source, _ := sys.Spawn("", func() actor.Actor {
		return actor.Func(func(*actor.Context) {
			for range b.N {
				sink.Tell(msg)
			}
		})
	})
	source.Tell(nil)
	<-done
}

// BenchmarkPingPong is workload L4: one pair, ns per round trip.
func BenchmarkPingPong(b *testing.B) {
	sys := benchSystem(b)
	done := make(chan struct{})
	pong, _ := sys.Spawn("", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	})
	n := 0
	ping, _ := sys.Spawn("", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if n++; n > b.N {
				close(done)
				return
			}
			ctx.Tell(pong, ctx.Message())
		})
	})
	b.ReportAllocs()
	b.ResetTimer()
	ping.Tell(1)
	<-done
}

// BenchmarkAsk is workload L5: asks from a goroutine, one after another.
func BenchmarkAsk(b *testing.B) {
	sys := benchSystem(b)
	pong, _ := sys.Spawn("", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Reply(ctx.Message()) })
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := actor.AskAs[int](context.Background(), pong, any(1)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSpawn is workload L6: actors that stay.
func BenchmarkSpawn(b *testing.B) {
	sys := benchSystem(b)
	idle := func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sys.Spawn("", idle); err != nil {
			b.Fatal(err)
		}
	}
}
