package remote_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/remote"
)

// small is the message of the benchmarks: an int64 and 16 bytes of string.
type small struct {
	N int64
	S string
}

func (s small) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendString(wire.AppendVarint(b, s.N), s.S), nil
}

func (s *small) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	s.N, s.S = r.Varint(), r.String()
	return r.Err()
}

// reflected is the same, encoded by msgpack.
type reflected struct {
	N int64  `msgpack:"n"`
	S string `msgpack:"s"`
}

func benchPair(b *testing.B) (*node, *node) {
	one, two := start(b, remote.Config{}), start(b, remote.Config{})
	for _, n := range []*node{one, two} {
		require.NoError(b, codec.Register[small](n.sys.Registry(), "small"))
		require.NoError(b, codec.Register[reflected](n.sys.Registry(), "reflected"))
	}
	return one, two
}

// BenchmarkOneWay is the throughput of one sender to one receiver over loopback.
// The receiver grants the sender windows, as delivery at most once has no
// back-pressure of its own.
func BenchmarkOneWay(b *testing.B) {
	for title, msg := range map[string]any{"wire": small{1, "0123456789abcdef"}, "msgpack": reflected{1, "0123456789abcdef"}} {
		b.Run(title, func(b *testing.B) {
			one, two := benchPair(b)
			const window = 10_000
			var got atomic.Int64
			credit := make(chan struct{}, 8)
			_, err := two.sys.Spawn("sink", func() actor.Actor {
				return actor.Func(func(*actor.Context) {
					if got.Add(1)%window == 0 {
						credit <- struct{}{}
					}
				})
			})
			require.NoError(b, err)
			ref := one.sys.RefAt(two.rem.Addr(), "/user/sink")
			credit <- struct{}{}
			credit <- struct{}{}
			credit <- struct{}{}
			b.ReportAllocs()
			sent := 0
			for b.Loop() {
				if sent%window == 0 {
					<-credit
				}
				sent++
				ref.Tell(msg)
			}
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

// BenchmarkAsk is a question and its answer over loopback, one after the other.
func BenchmarkAsk(b *testing.B) {
	one, two := benchPair(b)
	_, err := two.sys.Spawn("echo", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if m, ok := ctx.Message().(askMe); ok {
				actor.Reply(ctx, m, pong{m.N})
			}
		})
	})
	require.NoError(b, err)
	ref := one.sys.RefAt(two.rem.Addr(), "/user/echo")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := actor.Ask(b.Context(), ref, askMe{N: 1}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkControlDelay is how long a control message takes to an actor of another node
// and back, over a pair of nodes that is idle otherwise, and over one whose queues of
// ordinary and large messages are full all the time (RM-8).
func BenchmarkControlDelay(b *testing.B) {
	for _, flooded := range []bool{false, true} {
		b.Run(map[bool]string{false: "idle", true: "flooded"}[flooded], func(b *testing.B) {
			cfg := remote.Config{CompressFrom: -1}
			one, two := start(b, cfg), start(b, cfg)
			back := one.inbox("back")
			_, err := two.sys.Spawn("echo", func() actor.Actor {
				return actor.Func(func(ctx *actor.Context) {
					if m, ok := ctx.Message().(urgent); ok {
						ctx.Reply(m)
					}
				})
			})
			require.NoError(b, err)
			_, err = two.sys.Spawn("sink", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
			require.NoError(b, err)
			if flooded {
				for _, size := range []int{100, 1 << 20} {
					b.Cleanup(pour(one.sys.RefAt(two.rem.Addr(), "/user/sink"), size))
				}
			}
			echo := one.sys.RefAt(two.rem.Addr(), "/user/echo")
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				echo.TellFrom(urgent{1}, back.pid)
				<-back.ch
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
		})
	}
}

// pour sends an actor more than gets through, until it is told to stop.
func pour(to actor.PID, size int) (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		body := make([]byte, size)
		for {
			select {
			case <-over:
				return
			default:
			}
			to.Tell(blob{B: body}) // waits for room
		}
	}()
	return func() { close(over); <-done }
}
