package sqlite_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/sqlite"
	"github.com/troupe-go/troupe/testkit"
)

// one returns an event of 200 bytes.
func one(seq uint64) []persistence.Event {
	return []persistence.Event{{Seq: seq, Name: "bench.Counted.v1", Payload: make([]byte, 200), Time: time.Unix(0, int64(seq))}}
}

func BenchmarkAppend(b *testing.B) {
	for _, durability := range []sqlite.Durability{sqlite.PowerLoss, sqlite.ProcessCrash} {
		for _, writers := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("%v/writers=%d", durability, writers), func(b *testing.B) {
				appendFrom(b, open(b, file(b), sqlite.Config{Durability: durability}), writers)
			})
		}
	}
}

// appendFrom appends b.N events, one by one, from as many goroutines as there
// are writers, each with its own id.
func appendFrom(b *testing.B, store persistence.Journal, writers int) {
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		group.Go(func() {
			id := fmt.Sprintf("bench|%d", w)
			for seq := uint64(1); next.Add(1) <= int64(b.N); seq++ {
				if err := store.Append(context.Background(), id, actor.Epoch{Cluster: 1}, one(seq)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// tally is the smallest event-sourced actor.
type tally struct {
	persistence.Effects[int, tallied]
}

type (
	tallied struct{ N int }
	count   struct{ actor.Returns[int] }
)

func (b tally) Decide(int, count) persistence.Effect[int, tallied] {
	return b.Persist(tallied{1}).ReplyWith(func(n int) any { return n })
}
func (tally) Evolve(n int, e tallied) int { return n + e.N }

// BenchmarkActors is the whole way: ask an event-sourced actor, have its event
// stored, get the answer.
func BenchmarkActors(b *testing.B) {
	for _, actors := range []int{1, 100} {
		b.Run(fmt.Sprintf("actors=%d", actors), func(b *testing.B) {
			registry := codec.NewRegistry()
			require.NoError(b, codec.Register[tallied](registry, "bench.Tallied.v1"))
			sys := testkit.New(b, actor.Config{Registry: registry})
			store := open(b, file(b), sqlite.Config{})
			var next atomic.Int64
			var group sync.WaitGroup
			b.ResetTimer()
			for w := range actors {
				ref, err := actor.SpawnTyped(sys, "", func() actor.Receiver[count] {
					return persistence.New(tally{}, persistence.Config[int]{ID: fmt.Sprint("bench|", w), Journal: store})
				})
				require.NoError(b, err)
				group.Go(func() {
					for next.Add(1) <= int64(b.N) {
						if _, err := actor.Ask(context.Background(), ref, count{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
			require.NoError(b, sys.Stop(context.Background()))
		})
	}
}

func BenchmarkReplay(b *testing.B) {
	store := open(b, file(b), sqlite.Config{})
	const total = 1000
	var events []persistence.Event
	for seq := uint64(1); seq <= total; seq++ {
		events = append(events, one(seq)...)
	}
	require.NoError(b, store.Append(context.Background(), "bench", actor.Epoch{}, events))
	for b.Loop() {
		seen := 0
		for _, err := range store.Replay(context.Background(), "bench", 1, persistence.SeqMax) {
			require.NoError(b, err)
			seen++
		}
		require.Equal(b, total, seen)
	}
	b.ReportMetric(float64(total*b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkClaim(b *testing.B) {
	store := open(b, file(b), sqlite.Config{})
	for count := uint64(1); b.Loop(); count++ {
		_, err := store.Claim(context.Background(), "bench", actor.Epoch{Cluster: 1, Count: count})
		require.NoError(b, err)
	}
}
