package remote

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestGate(t *testing.T) {
	at := time.Unix(1000, 0)
	storm := func(g *gate, host string, n int) (taken int) {
		for range n {
			if g.take(at, host) {
				taken++
			}
		}
		return taken
	}
	g := newGate(200)
	require.Equal(t, 100, storm(g, "a", 5000), "half of it for one host")
	require.Equal(t, 100, storm(g, "b", 5000), "the rest for others")
	require.Zero(t, storm(g, "c", 10))
	at = at.Add(100 * time.Millisecond)
	require.Equal(t, 10, storm(g, "a", 5000))
	require.Equal(t, 10, storm(g, "c", 10), "who comes seldom is taken while another storms")
	at = at.Add(time.Hour)
	require.Equal(t, 100, storm(g, "a", 5000), "what is not used isn't saved for later")
	at = at.Add(-time.Hour)
	require.Zero(t, storm(g, "a", 10), "a clock that goes back gives nothing")
	require.EqualValues(t, 4900+4900+10+4990+4900+10, g.shed)

	for i := range 3 * gateHosts {
		g.take(at, fmt.Sprint("host", i))
	}
	require.LessOrEqual(t, len(g.hosts), gateHosts)
	require.Equal(t, 5000, storm(newGate(0), "a", 5000), "no limit")
	require.Equal(t, 1, storm(newGate(1), "a", 5), "one a second is possible")
}

// crude is a hand-made end of a connection in memory.
type crude struct {
	mu     sync.Mutex
	conn   Conn
	out    []byte
	in     []byte
	closed bool
}

func (c *crude) Data(b []byte) {
	c.mu.Lock()
	c.in = append(c.in, b...)
	c.mu.Unlock()
}

func (c *crude) Outgoing() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.out
	c.out = nil
	if len(out) == 0 {
		return nil
	}
	return [][]byte{out}
}

func (c *crude) Closed(error) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
}

func (c *crude) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *crude) say(b []byte) {
	c.mu.Lock()
	c.out = append(c.out, b...)
	c.mu.Unlock()
	c.conn.Flush()
	synctest.Wait()
}

func crudely(t *testing.T, net *MemNet, from string, to *Remote) *crude {
	c := &crude{}
	net.Node(from).Dial(to.Addr(), func(conn Conn, err error) {
		if err == nil {
			c.conn = conn
			conn.Start(c)
		}
	})
	synctest.Wait()
	require.NotNil(t, c.conn)
	t.Cleanup(c.conn.Close)
	return c
}

func inBubble(t *testing.T, cfg Config, log *bytes.Buffer, test func(t *testing.T, net *MemNet, r *Remote)) {
	synctest.Test(t, func(t *testing.T) {
		net := NewMemNet()
		cfg.Transport, cfg.Listen, cfg.Cluster = net.Node("n:1"), "n:1", "test-cluster"
		out := zerolog.Nop()
		if log != nil {
			out = zerolog.New(log)
		}
		sys, err := actor.NewSystem("test", actor.Config{Logger: &out})
		require.NoError(t, err)
		r, err := Start(sys, cfg)
		require.NoError(t, err)
		test(t, net, r)
		require.NoError(t, sys.Stop(context.Background()))
		synctest.Wait()
	})
}

func TestBegunFramesMustEnd(t *testing.T) {
	inBubble(t, Config{}, nil, func(t *testing.T, net *MemNet, r *Remote) {
		h := guest(r)
		h.From.Addr = "x:1"
		c := crudely(t, net, "x:1", r)
		c.say(appendHello(nil, h))
		ping := appendNumber(nil, framePing, 1)
		for range 10 { // whole frames, with any pause between them
			c.say(ping)
			time.Sleep(time.Minute)
		}
		for range 4 { // a frame in pieces, in time
			c.say(ping[:3])
			time.Sleep(9 * time.Second)
			c.say(ping[3:])
		}
		for range 20 { // always in the middle of one, and each in time
			c.say(ping[:3])
			time.Sleep(time.Second)
			c.say(append(ping[3:], ping[:2]...))
			time.Sleep(time.Second)
			c.say(ping[2:])
		}
		require.False(t, c.over())
		long := append(beginFrame(nil, framePing), make([]byte, 1000)...)
		endFrame(long, 0)
		for n := 0; n < 18 && !c.over(); n++ { // a byte a second
			c.say(long[n : n+1])
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.True(t, c.over(), "one byte a second is too slow")
		require.EqualValues(t, 1, r.Stats().BadInput)
		require.Zero(t, r.Stats().Connections)
	})
}

func TestHandshakesMustEnd(t *testing.T) { // R022
	inBubble(t, Config{}, nil, func(t *testing.T, net *MemNet, r *Remote) {
		c := crudely(t, net, "x:1", r)
		hello := appendHello(nil, guest(r))
		for n := range 4 {
			c.say(hello[n : n+1])
			time.Sleep(time.Second)
		}
		require.False(t, c.over())
		time.Sleep(time.Second)
		synctest.Wait()
		require.True(t, c.over(), "five seconds in all, whatever trickles in")
		require.Zero(t, r.Stats().Connections)
	})
}

func TestNothingLargeBeforeTheHandshake(t *testing.T) {
	inBubble(t, Config{}, nil, func(t *testing.T, net *MemNet, r *Remote) {
		for _, n := range []uint32{0, frameMaxGreet + 1, 1 << 20, 1<<31 - 1, 1<<32 - 1} {
			c := crudely(t, net, "x:1", r)
			c.say(append([]byte(magic), byte(n>>24), byte(n>>16), byte(n>>8), byte(n)))
			require.True(t, c.over(), "the length %d alone ends it", n)
		}
		h := guest(r)
		h.From.Addr, h.From.Cluster = "x:1", strings.Repeat("c", 3000)
		c := crudely(t, net, "x:1", r)
		c.say(appendHello(nil, h))
		require.True(t, c.over())
		require.Contains(t, string(c.in), "belongs to cluster", "up to the limit it is read")
	})
}

func TestAStormIsShedAndOthersAreTaken(t *testing.T) {
	var log bytes.Buffer
	inBubble(t, Config{}, &log, func(t *testing.T, net *MemNet, r *Remote) {
		var storm []Conn
		for range 1000 {
			net.Node("storm:1").Dial(r.Addr(), func(conn Conn, err error) {
				if err == nil {
					conn.Start(&crude{})
					storm = append(storm, conn)
				}
			})
			synctest.Wait()
		}
		require.EqualValues(t, 900, r.Stats().Shed)
		require.LessOrEqual(t, r.Stats().Connections, unknownHost)
		h := guest(r)
		h.From.Addr = "good:1"
		c := crudely(t, net, "good:1", r)
		c.say(appendHello(nil, h))
		require.False(t, c.over())
		require.NotZero(t, r.Peer("good:1"))
		require.Less(t, strings.Count(log.String(), "\n"), 20)
		for _, conn := range storm {
			conn.Close()
		}
	})
	require.NotContains(t, log.String(), `"unsaid":0`)
}

func TestStrangersWordsAreCutAndEscaped(t *testing.T) {
	var log bytes.Buffer
	nasty := "evil\r\n{\"level\":\"fatal\"}\x1b[31m%s%n\u202e\x00" + strings.Repeat("x", 3000)
	inBubble(t, Config{}, &log, func(t *testing.T, net *MemNet, r *Remote) {
		for _, change := range []func(*hello){
			func(h *hello) { h.From.Addr = nasty },
			func(h *hello) { h.From.Cluster = nasty },
			func(h *hello) { h.From.System = nasty },
			func(h *hello) { h.To = nasty },
		} {
			h := guest(r)
			h.From.Addr = "x:1"
			change(&h)
			crudely(t, net, "x:1", r).say(appendHello(nil, h))
			time.Sleep(time.Second)
		}
		h := guest(r)
		h.From.Addr = "y:1"
		c := crudely(t, net, "y:1", r)
		c.say(appendHello(nil, h))
		self := identity{Addr: "y:1", System: "test", UID: h.From.UID}
		for _, to := range []actor.Location{{Path: "/user/" + nasty}, {Path: "/user/x"}} {
			for _, name := range []string{nasty, "string"} {
				c.say(endFrame(appendUser(nil, self, to, actor.Location{}, name), 0))
			}
		}
		require.False(t, c.over())
		time.Sleep(time.Second)
	})
	for line := range strings.Lines(log.String()) {
		require.Less(t, len(line), 1500, line)
		for _, bad := range []string{"\x1b", "\x00", "\r", "\u202e"} {
			require.NotContains(t, strings.TrimRight(line, "\n"), bad)
		}
	}
	require.Contains(t, log.String(), "evil", "but it is logged")
}
