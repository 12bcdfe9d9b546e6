package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

// fakeConn is a connection whose other end is the test.
type fakeConn struct {
	mu     sync.Mutex
	h      Handler
	closed bool
	said   []byte
}

func (c *fakeConn) Start(h Handler) { c.h = h }
func (c *fakeConn) Peer() string    { return "192.0.2.1:9" }
func (c *fakeConn) Flush()          {}

func (c *fakeConn) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
}

func (c *fakeConn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// listen takes what the node has to say.
func (c *fakeConn) listen() {
	for range 100 {
		b := c.h.Outgoing()
		if len(b) == 0 {
			return
		}
		c.said = append(c.said, bytes.Join(b, nil)...)
	}
}

// noWire is a transport on which nobody can be reached.
type noWire struct{}

func (noWire) Listen(addr string, _ func(Conn)) (Listener, error) { return noListener(addr), nil }
func (noWire) Dial(string, func(Conn, error)) func()              { return func() {} }

type noListener string

func (l noListener) Addr() string { return string(l) }
func (l noListener) Close()       {}

// step makes bytes of one step of a sequence: what somebody without the secret may say.
func step(r *Remote, op, arg byte, said []byte) []byte {
	h := guest(r)
	switch op % 12 {
	case 0:
		return appendHello(nil, h)
	case 1:
		h.Version, h.Oldest = uint64(arg), uint64(arg>>4)
		return appendHello(nil, h)
	case 2:
		h.Features = features(arg)
		return appendHello(nil, h)
	case 3:
		h.From.UID, h.To = uint64(arg), h.To[:int(arg)%len(h.To)]
		return appendHello(nil, h)
	case 4:
		return appendProof(nil, make([]byte, 32))
	case 5: // what the node itself said comes back
		return said[int(arg)%(len(said)+1):]
	case 6:
		return appendChallenge(nil, challenge{Version: uint64(arg)})
	case 7:
		return appendWelcome(nil, welcome{Version: uint64(arg), From: h.From})
	case 8:
		return appendUser(nil, h.From, actor.Location{Path: "/user/x"}, actor.Location{}, "m")
	case 9:
		return appendSystem(nil, systemFrame{Seq: uint64(arg), ToPath: "/user/x"}, protocolVersion)
	case 10:
		return []byte(magic)
	}
	return endFrame(append(beginFrame(nil, frameKind(arg)), arg, arg, arg), 0)
}

// FuzzHandshake says sequences of right and wrong frames to a node that demands a
// secret, cut into pieces anywhere: nobody is let in, and whoever says something that
// has no place is not listened to any more.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte{0, 0, 4, 0}, uint8(1))
	f.Add([]byte{0, 0, 5, 0, 5, 8}, uint8(7))
	f.Add([]byte{2, 0, 8, 0, 9, 1}, uint8(200))
	f.Add([]byte{10, 0, 10, 0, 0, 0, 6, 1, 7, 1, 11, 16}, uint8(3))
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet, Registry: codec.NewRegistry()})
	require.NoError(f, err)
	s, err := NewSecret([]byte("nobody who plays here knows it"))
	require.NoError(f, err)
	r, err := Start(sys, Config{Listen: "127.0.0.1:1", Transport: noWire{}, Secrets: []Secret{s}, Cluster: "test-cluster", AcceptRate: -1})
	require.NoError(f, err)
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(f, sys.Stop(ctx))
	})
	f.Fuzz(func(t *testing.T, steps []byte, piece uint8) {
		said := 0
		play := func() *fakeConn {
			c := &fakeConn{}
			r.accept(c)
			for rest := steps; len(rest) >= 2 && !c.isClosed(); rest = rest[2:] {
				b := step(r, rest[0], rest[1], c.said)
				said += len(b)
				for size := int(piece) + 1; len(b) > 0; b = b[min(size, len(b)):] {
					c.h.Data(b[:min(size, len(b))])
				}
				c.listen()
			}
			return c
		}
		c := play()
		defer c.h.Closed(nil)
		again := c
		bound.Allocation(t, 4*said, func() { again = play() }) // what is said is made here, and the answers kept
		defer again.h.Closed(nil)
		i := c.h.(*inbound)
		require.False(t, i.open.Load(), "somebody was let in")
		require.Zero(t, r.Peer("127.0.0.1:9"))
		require.NotContains(t, kinds(t, c.said), frameWelcome)
	})
}

// kinds lists the frames that were said.
func kinds(t *testing.T, said []byte) (all []frameKind) {
	if len(said) == 0 {
		return nil
	}
	require.Equal(t, magic, string(said[:len(magic)]))
	for b := said[len(magic):]; len(b) > 0; {
		n := binary.BigEndian.Uint32(b)
		all = append(all, frameKind(b[frameHeader]))
		b = b[frameHeader+n:]
	}
	return all
}
