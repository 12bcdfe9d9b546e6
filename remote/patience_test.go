package remote_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// TestNothingIsLostBySendingTooFast: the sender is held back by bytes, in an actor and
// outside of one, with messages that fit a frame and with larger ones.
func TestNothingIsLostBySendingTooFast(t *testing.T) {
	cfg := remote.Config{BufferMax: 512 << 10, ControlBufferMax: 512 << 10, LargeMax: 1 << 20, Patience: wait} // a machine that is busy elsewhere doesn't count
	pairOf(t, cfg, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there, here := b.inbox("there"), a.inbox("here")
		ref := a.sys.RefOf(there.pid.Location())
		body := make([]byte, 64<<10)
		for i := range body {
			body[i] = byte(rand.N(256)) // so that it can't be compressed
		}
		const count = 300
		for range count {
			ref.Tell(blob{B: body})
			here.pid.Tell(tellIt{ref, blob{B: body}})
		}
		for range 8 {
			ref.Tell(blob{B: append(make([]byte, 300<<10), body...)})
		}
		for range 2*count + 8 {
			there.next()
		}
		there.none()
	})
}

func TestNobodyWaitsForAPeerThatTakesNothing(t *testing.T) {
	net := remote.NewMemNet()
	cfg := memConfig(net, "a:1")
	cfg.BufferMax, cfg.FrameMax, cfg.CompressFrom, cfg.Patience = 64<<10, 64<<10, -1, 50*time.Millisecond
	a, b := start(t, cfg), start(t, memConfig(net, "b:1"))
	there := b.inbox("there")
	ref := a.sys.RefOf(there.pid.Location())
	ref.Tell(ping{1})
	there.expect(ping{1})
	letters := subscribe[actor.DeadLetter](a, "letters")
	net.Stall("a:1", "b:1")
	for n := range 200 { // the first that finds no room waits, the others don't
		ref.Tell(blob{B: append(make([]byte, 32<<10), byte(n))})
	}
	require.Equal(t, actor.DropBackpressure, letters.next().(actor.DeadLetter).Reason)
	require.ErrorIs(t, ref.TryTell(blob{B: make([]byte, 40<<10)}), actor.ErrBackpressure)
	net.Heal("a:1", "b:1")
	there.next()
	for {
		ref.Tell(ping{2})
		if there.next() == (ping{2}) {
			break
		}
	}
}

// TestTablesSurviveBreaks: messages of many pairs, with tables that come and go with
// the connections under them, reach those they were for, in order (R034).
func TestTablesSurviveBreaks(t *testing.T) {
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	const pairs, count = 5, 4000
	type end struct {
		in  *inbox
		ref actor.PID
	}
	var ends []end
	for n := range pairs {
		in := b.inbox(fmt.Sprint("there", n))
		ends = append(ends, end{in, a.sys.RefOf(in.pid.Location())})
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range count {
		for k, e := range ends {
			e.ref.Tell(ping{n*pairs + k})
		}
		if rnd.IntN(400) == 0 {
			net.Break("a:1", "b:1")
		}
	}
	for k, e := range ends {
		last, over := -1, false
		for !over {
			e.ref.Tell(pong{k}) // the last break may still take some
			select {
			case m := <-e.in.ch:
				if over = m == (pong{k}); !over {
					n := m.(ping).N
					require.Equal(t, k, n%pairs, "a message for another actor")
					require.Greater(t, n, last)
					last = n
				}
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// TestNodesWithAndWithoutCompression understand each other.
func TestNodesWithAndWithoutCompression(t *testing.T) {
	net := remote.NewMemNet()
	without := memConfig(net, "b:1")
	without.CompressFrom = -1
	a, b, c := start(t, memConfig(net, "a:1")), start(t, without), start(t, memConfig(net, "c:1"))
	text := make([]byte, 100<<10)
	for i := range text {
		text[i] = byte('a' + i%7*(i%3))
	}
	for n, pair := range [][2]*node{{a, b}, {b, a}, {a, c}, {c, b}} {
		in := pair[1].inbox(fmt.Sprint("there", n))
		ref := pair[0].sys.RefOf(in.pid.Location())
		for _, size := range []int{10, 1 << 10, 100 << 10} {
			ref.Tell(blob{B: text[:size]})
			in.expect(blob{B: text[:size]})
		}
		ref.Tell(blob{B: append(make([]byte, 600<<10), text...)})
		require.Len(t, in.next().(blob).B, 700<<10)
	}
}

// TestMessagesWithAndWithoutSender don't borrow each other's.
func TestMessagesWithAndWithoutSender(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		_, err := b.sys.Spawn("echo", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if m, ok := ctx.Message().(askMe); ok && !ctx.Sender().IsZero() {
					actor.Reply(ctx, m, pong{m.N})
				}
			})
		})
		require.NoError(t, err)
		ref := a.sys.RefAt(b.rem.Addr(), "/user/echo")
		here := a.inbox("here")
		for n := range 500 {
			ref.Tell(askMe{N: -1})
			here.pid.Tell(tellIt{ref, askMe{N: n}})
			got, err := actor.Ask(t.Context(), ref, askMe{N: n})
			require.NoError(t, err)
			require.Equal(t, pong{n}, got)
			here.expect(pong{n})
		}
	})
}
