package remote_test

import (
	"sync/atomic"
	"testing"

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
