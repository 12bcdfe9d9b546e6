package remote

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// knockTCP connects to a listener.
func knockTCP(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 20*time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c
}

// TestAStormAtAListener closes every connection but the last one of many at once, as the
// gate does: all are closed, and the last one is taken.
func TestAStormAtAListener(t *testing.T) {
	const storm = 300
	taken := make(chan Conn, 1)
	n := 0
	l, err := (&TCP{}).Listen("127.0.0.1:0", func(c Conn) {
		if n++; n > storm {
			taken <- c
			return
		}
		c.Close()
		c.Start(nobody{})
	})
	require.NoError(t, err)
	for i := range storm {
		c := knockTCP(t, l.Addr())
		if i%10 == 0 { // the others are many at a time
			_, err := io.Copy(io.Discard, c)
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
		}
	}
	c := knockTCP(t, l.Addr())
	select {
	case conn := <-taken:
		h := &heard{data: make(chan byte, 1), closed: make(chan error, 1)}
		conn.Start(h)
		_, err = c.Write([]byte{7})
		require.NoError(t, err)
		require.Equal(t, byte(7), <-h.data)
		conn.Close()
		require.NoError(t, <-h.closed)
	case <-time.After(20 * time.Second):
		require.FailNow(t, "the last one isn't taken")
	}
	l.Close()
}

// A connection that was closed before it starts says so to its handler.
func TestAClosedConnectionStarts(t *testing.T) {
	closed := make(chan error, 1)
	l, err := (&TCP{}).Listen("127.0.0.1:0", func(c Conn) {
		c.Close()
		c.Start(&heard{closed: closed})
	})
	require.NoError(t, err)
	defer l.Close()
	c := knockTCP(t, l.Addr())
	require.NoError(t, <-closed)
	_, err = io.Copy(io.Discard, c)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}

// heard is a handler that tells.
type heard struct {
	data   chan byte
	closed chan error
}

func (h *heard) Data(b []byte)    { h.data <- b[0] }
func (*heard) Outgoing() [][]byte { return nil }
func (h *heard) Closed(err error) { h.closed <- err }
