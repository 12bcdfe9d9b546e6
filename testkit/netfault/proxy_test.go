package netfault_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/testkit/netfault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers what it is sent, on every connection.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return l.Addr().String()
}

func start(t *testing.T, target string) *netfault.Proxy {
	p, err := netfault.Start("127.0.0.1:0", target)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func dial(t *testing.T, p *netfault.Proxy) net.Conn {
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// there sends bytes and returns what comes back of as many.
func there(t *testing.T, c net.Conn, b []byte) []byte {
	t.Helper()
	go func() { _, _ = c.Write(b) }()
	got := make([]byte, len(b))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	return got
}

func TestDirections(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	short := long[:2000]
	for title, c := range map[string]struct {
		faults netfault.Faults
		sent   []byte
		least  time.Duration
		other  bool // it comes back damaged
	}{
		"no faults => every byte, in order":     {sent: long},
		"latency => both ways":                  {faults: netfault.Both(netfault.Direction{Latency: 60 * time.Millisecond}), sent: short, least: 120 * time.Millisecond},
		"jitter => order is kept":               {faults: netfault.Both(netfault.Direction{Jitter: 20 * time.Millisecond, Slice: 700}), sent: long},
		"slices of one byte":                    {faults: netfault.Both(netfault.Direction{Slice: 1}), sent: short},
		"a rate => no faster":                   {faults: netfault.Faults{Out: netfault.Direction{Rate: 10_000}}, sent: short, least: 180 * time.Millisecond},
		"bits flip => as many bytes, different": {faults: netfault.Faults{Back: netfault.Direction{Flip: 100}}, sent: short, other: true},
	} {
		t.Run(title, func(t *testing.T) {
			p := start(t, echo(t))
			p.Set(c.faults)
			began := time.Now()
			got := there(t, dial(t, p), c.sent)
			require.GreaterOrEqual(t, time.Since(began), c.least)
			require.Equal(t, c.other, !bytes.Equal(c.sent, got))
		})
	}
}

func TestHoldKeepsAndDropSwallows(t *testing.T) {
	p := start(t, echo(t))
	c := dial(t, p)
	require.Equal(t, []byte("one"), there(t, c, []byte("one")))
	p.Set(netfault.Faults{Back: netfault.Direction{Hold: true}})
	_, err := c.Write([]byte("two"))
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "what is held doesn't come")
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	p.Set(netfault.Faults{})
	got := make([]byte, 3)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, "two", string(got), "it comes when it is taken back")

	p.Set(netfault.Faults{Out: netfault.Direction{Drop: true}})
	require.Equal(t, 1, p.Live())
	_, err = c.Write([]byte("three"))
	require.NoError(t, err)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	got, err = io.ReadAll(c)
	require.NoError(t, err)
	require.Empty(t, got, "the bytes are gone, the connection is not")
}

func TestBreaking(t *testing.T) {
	t.Run("reset => told at once", func(t *testing.T) {
		p := start(t, echo(t))
		c := dial(t, p)
		there(t, c, []byte("one"))
		p.Reset()
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
	})
	t.Run("half open => the dialer hears nothing", func(t *testing.T) {
		p := start(t, echo(t))
		c := dial(t, p)
		there(t, c, []byte("one"))
		p.HalfOpen()
		_, err := c.Write([]byte("two"))
		require.NoError(t, err)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
	t.Run("refuse => new ones end, old ones live", func(t *testing.T) {
		p := start(t, echo(t))
		old := dial(t, p)
		there(t, old, []byte("one"))
		p.Set(netfault.Faults{Refuse: true})
		requireTurnedAway(t, p)
		there(t, old, []byte("two"))
	})
	t.Run("the end of one side => after its last bytes the other side's", func(t *testing.T) {
		p := start(t, echo(t))
		p.Set(netfault.Both(netfault.Direction{Slice: 3, Jitter: time.Millisecond}))
		c := dial(t, p)
		_, err := c.Write([]byte("the last words"))
		require.NoError(t, err)
		require.NoError(t, c.(*net.TCPConn).CloseWrite())
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, "the last words", string(got))
	})
	t.Run("nobody at the target => the dialer is told", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		requireTurnedAway(t, start(t, l.Addr().String()))
	})
}

// requireTurnedAway requires that a new connection is reset, at once or while it
// is used.
func requireTurnedAway(t *testing.T, p *netfault.Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		_, err = c.Read(make([]byte, 1))
		_ = c.Close()
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}
