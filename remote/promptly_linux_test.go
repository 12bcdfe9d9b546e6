package remote

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadingPromptlySaysWhetherThereWillBeMore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	out, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	in, err := l.Accept()
	require.NoError(t, err)
	p := newPromptly(in)
	buf := make([]byte, 100)
	require.Zero(t, p.read(buf), "nothing yet")
	_, err = out.Write([]byte("abc"))
	require.NoError(t, err)
	one := make([]byte, 1)
	_, err = in.Read(one) // waits until it is there
	require.NoError(t, err)
	require.Equal(t, 2, p.read(buf))
	require.Equal(t, "bc", string(buf[:2]))
	require.Zero(t, p.read(buf))
	require.NoError(t, out.Close())
	_, err = in.Read(one) // until the end is there
	require.Error(t, err)
	require.Negative(t, p.read(buf), "the other end is closed")
	require.NoError(t, in.Close())
	require.Negative(t, p.read(buf), "this end is closed")
}
