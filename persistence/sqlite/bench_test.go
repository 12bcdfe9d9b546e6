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
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/sqlite"
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
