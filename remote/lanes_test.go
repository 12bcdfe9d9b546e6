package remote_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

func TestLargeMessagesTravelApart(t *testing.T) { // R043
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there := b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		sizes := []int{300 << 10, 1, 1 << 20, 257 << 10, 5 << 20}
		for i, size := range sizes {
			require.NoError(t, ref.TryTell(blob{B: bytes.Repeat([]byte{byte(i)}, size)}))
		}
		var large []byte
		for range sizes {
			m := there.next().(blob)
			if len(m.B) > 256<<10 {
				large = append(large, m.B[0])
			}
		}
		require.Equal(t, []byte{0, 2, 3, 4}, large, "in order among their like")
	})
}

func TestAMessageOf64MiBArrives(t *testing.T) {
	cfg := remote.Config{LargeMax: 70 << 20}
	b := start(t, cfg)
	hold := &holding{&remote.TCP{}, largeStream, make(chan struct{})}
	cfg.Transport = hold
	a := start(t, cfg)
	free := sync.OnceFunc(func() { close(hold.release) })
	t.Cleanup(free)
	there := b.inbox("there")
	ref := a.sys.RefAt(b.rem.Addr(), "/user/there")
	require.NoError(t, ref.TryTell(blob{B: make([]byte, 64<<20)}))
	require.ErrorIs(t, ref.TryTell(blob{B: make([]byte, 64<<20)}), actor.ErrBackpressure, "one more has no room")
	free()
	ref.Tell(ping{1})
	got := map[string]bool{fmt.Sprintf("%T", there.next()): true, fmt.Sprintf("%T", there.next()): true}
	require.Equal(t, map[string]bool{"remote_test.blob": true, "remote_test.ping": true}, got)
}

// holding is a transport that keeps back what streams of some kinds send, behind their
// hellos.
type holding struct {
	remote.Transport
	streams string // as bytes of a hello
	release chan struct{}
}

// What a hello says of its stream.
const (
	ordinaryStream = "\x01"
	largeStream    = "\x03"
)

func (h *holding) Dial(addr string, done func(remote.Conn, error)) func() {
	return h.Transport.Dial(addr, func(c remote.Conn, err error) {
		if err == nil {
			c = &heldConn{Conn: c, holding: h}
		}
		done(c, err)
	})
}

type heldConn struct {
	remote.Conn
	remote.Handler
	*holding
	said bool
	held bool
}

func (c *heldConn) Start(h remote.Handler) {
	c.Handler = h
	c.Conn.Start(c)
}

func (c *heldConn) Outgoing() [][]byte {
	if c.held {
		<-c.release
	}
	b := c.Handler.Outgoing()
	if !c.said && len(b) > 0 && len(b[0]) > 11 {
		c.said = true
		c.held = strings.IndexByte(c.streams, b[0][11]) >= 0 // magic, length, kind, two versions, stream
	}
	return b
}

func TestNothingWaitsBehindALargeMessage(t *testing.T) { // R043
	net := remote.NewMemNet()
	hold := &holding{net.Node("a:1"), largeStream, make(chan struct{})}
	free := sync.OnceFunc(func() { close(hold.release) })
	t.Cleanup(free)
	a, b := start(t, remote.Config{Listen: "a:1", Transport: hold}), start(t, memConfig(net, "b:1"))
	there := b.inbox("there")
	ref := a.sys.RefAt("b:1", "/user/there")
	ref.Tell(blob{B: make([]byte, 2<<20)})
	for n := range 100 {
		ref.Tell(ping{n})
		there.expect(ping{n})
		ref.Tell(urgent{n})
		there.expect(urgent{n})
	}
	free()
	require.Len(t, there.next().(blob).B, 2<<20)
}

// TestControlPassesFullQueues: while nothing moves on any ordinary connection nor on that
// for large messages, and all their queues are full, control messages come and go (RM-8).
// How long they take is measured by BenchmarkControlDelay, and bounded by the simulator.
func TestControlPassesFullQueues(t *testing.T) { // RM-8
	hold := &holding{&remote.TCP{}, ordinaryStream + largeStream, make(chan struct{})}
	cfg := remote.Config{OrdinaryLanes: 4, LargeMax: 1 << 20, Patience: -1, CompressFrom: -1}
	b := start(t, cfg)
	cfg.Transport = hold
	a := start(t, cfg)
	free := sync.OnceFunc(func() { close(hold.release) })
	t.Cleanup(free)
	there := b.inbox("there")
	sent := fill(t, a, b)
	require.Greater(t, a.rem.Stats().QueuedBytes, 4<<20)
	queued := a.rem.Stats().Queued
	for n := range 200 {
		a.sys.RefAt(b.rem.Addr(), "/user/there").Tell(urgent{n})
		there.expect(urgent{n})
	}
	require.Equal(t, queued, a.rem.Stats().Queued, "nothing else has moved")
	for dock := range sent {
		require.Empty(t, dock.ch)
	}
	free()
	for dock, n := range sent {
		for range n {
			require.IsType(t, blob{}, dock.next())
		}
	}
}

// fill tells actors of b ordinary and large messages until there is no room for either,
// whoever gets them, and returns how many each was told.
func fill(t *testing.T, a, b *node) map[*inbox]int {
	sent := map[*inbox]int{}
	var docks []*inbox
	for n := range 16 {
		docks = append(docks, b.inbox(fmt.Sprint("dock", n)))
	}
	for _, size := range []int{100 << 10, 500 << 10} {
		for room := true; room; {
			room = false
			for _, dock := range docks {
				err := a.sys.RefOf(dock.pid.Location()).TryTell(blob{B: make([]byte, size)})
				if err != nil {
					require.ErrorIs(t, err, actor.ErrBackpressure)
					continue
				}
				sent[dock]++
				room = true
			}
		}
	}
	return sent
}

func TestDeclaredRecipientsKeepTheirOrderOnTheLargeConnection(t *testing.T) { // R043
	cfg := remote.Config{LargeTo: []string{"/user/images/**", "/user/there"}}
	pairOf(t, cfg, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there := b.inbox("there")
		ref := a.sys.RefAt(b.rem.Addr(), "/user/there")
		for n := range 20 {
			ref.Tell(blob{B: append(make([]byte, 400<<10*(n%2)), byte(n))})
		}
		for n := range 20 {
			m := there.next().(blob)
			require.Equal(t, byte(n), m.B[len(m.B)-1])
		}
	})
}

// TestPairsKeepTheirOrderOverLanes: every sender's messages to every receiver come in
// order, and its end after them (R041).
func TestPairsKeepTheirOrderOverLanes(t *testing.T) {
	for _, n := range []int{1, 3, 16} {
		t.Run(fmt.Sprintf("%d lanes", n), func(t *testing.T) {
			cfg := remote.Config{OrdinaryLanes: n}
			pairOf(t, cfg, func(t *testing.T, _ *remote.MemNet, a, b *node) {
				const senders, count = 6, 200
				watcher := b.inbox("watcher")
				var all []actor.PID
				for s := range senders {
					from := a.inbox(fmt.Sprint("from", s))
					all = append(all, from.pid)
					watcher.pid.Tell(watchIt{b.sys.RefOf(from.pid.Location())})
					for i := range count {
						from.pid.Tell(tellIt{a.sys.RefOf(watcher.pid.Location()), askMe{N: s*count + i}})
					}
				}
				for s, pid := range all {
					pid.Tell(stopIt{a.sys.RefOf(watcher.pid.Location()), pong{s}})
				}
				next, ended := [senders]int{}, map[string]bool{}
				for range senders * (count + 2) {
					switch m := watcher.next().(type) {
					case askMe:
						require.Equal(t, next[m.N/count], m.N%count)
						next[m.N/count]++
					case pong:
						require.Equal(t, count, next[m.N])
						next[m.N]++
					case actor.Terminated:
						name := m.Ref.Path()
						var s int
						_, err := fmt.Sscanf(name, "/user/from%d", &s)
						require.NoError(t, err)
						require.Equal(t, count+1, next[s], "the end comes after everything else")
						ended[name] = true
					}
				}
				require.Len(t, ended, senders)
			})
		})
	}
}

// TestTheVersionBefore: a node of the version before, which a pin makes of this one,
// and a node of this one get on: with what both have.
func TestTheVersionBefore(t *testing.T) {
	for _, lanes := range []int{1, 4} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d lanes to version %d", lanes, version), func(t *testing.T) {
				net := remote.NewMemNet()
				newer, older := memConfig(net, "new:1"), memConfig(net, "old:1")
				newer.OrdinaryLanes, older.Protocol = lanes, version
				a, b := start(t, newer), start(t, older)
				for _, d := range [][2]*node{{a, b}, {b, a}} {
					from, to := d[0], d[1]
					there := to.inbox("there")
					here := from.inbox("here")
					letters := subscribe[actor.DeadLetter](from, "letters")
					ref := from.sys.RefOf(there.pid.Location())
					for n := range 100 {
						here.pid.Tell(tellIt{ref, ping{n}})
					}
					for n := range 100 {
						there.expect(ping{n})
					}
					there.pid.Tell(watchIt{to.sys.RefOf(here.pid.Location())})
					ref.Tell(urgent{1})
					there.expect(urgent{1})
					ref.Tell(blob{B: make([]byte, 1<<20)})
					require.Equal(t, actor.DropTooLarge, letters.next().(actor.DeadLetter).Reason)
					if lanes > 1 {
						continue // how far a lane has got is not among what old versions count
					}
					here.pid.Tell(stopIt{ref, pong{1}})
					there.expect(pong{1})
					require.Equal(t, here.pid.Path(), there.next().(actor.Terminated).Ref.Path())
				}
			})
		}
	}
}

func TestPinnedVersionIsChecked(t *testing.T) {
	require.ErrorContains(t, remote.Config{Protocol: 9}.Validate(), "this release speaks versions 1 to 3")
	require.ErrorContains(t, remote.Config{OrdinaryLanes: 17}.Validate(), "from 1 to 16")
	require.ErrorContains(t, remote.Config{LargeMax: 2 << 30}.Validate(), "LargeMax")
	require.ErrorContains(t, remote.Config{LargeTo: []string{"x"}}.Validate(), "LargeTo")
	require.ErrorContains(t, remote.Config{FrameMax: 1 << 20, OrdinaryLanes: 16}.Validate(), "lanes share")
	require.NoError(t, remote.Config{OrdinaryLanes: 16, LargeMax: -1, Protocol: 2}.Validate())
}
