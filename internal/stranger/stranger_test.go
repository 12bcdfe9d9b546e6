package stranger_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/stranger"
)

func TestAHelloByteByByte(t *testing.T) {
	g := stranger.Greeting{Version: 1, Stream: 2, System: "s", Cluster: "c", Addr: "a", To: "t", UID: 5}
	const fields = "010102" + "0173" + "0161" + "0000000000000005" + "0163" + "0000000000000000" + "808040" + "0174"
	require.Equal(t, "54525031"+"0000001f"+"01"+fields, hex.EncodeToString(g.Hello()))
	g.Version, g.Features = 2, 3
	require.Len(t, g.Fields(), 30+1+32, "features and a nonce")
	g.Version = 3
	require.Len(t, g.Fields(), 30+1+32+2, "number of the stream, largest message in parts")
}

func TestAMessageByteByByte(t *testing.T) {
	require.Equal(t, "0000000a"+"0a"+"00"+"022f61"+"00"+"0174"+"0102", hex.EncodeToString(stranger.Message("/a", "t", 1, 2)))
}

func TestReadingTheWayBack(t *testing.T) {
	require.NoError(t, stranger.ReadMagic(bytes.NewBufferString("TRP1")))
	require.ErrorContains(t, stranger.ReadMagic(bytes.NewBufferString("HTTP")), "HTTP")
	require.Error(t, stranger.ReadMagic(bytes.NewBufferString("TR")))
	for title, c := range map[string]struct {
		in   []byte
		kind byte
		body []byte
		bad  bool
	}{
		"a frame":             {in: stranger.Frame(stranger.KindAck, 7), kind: stranger.KindAck, body: []byte{7}},
		"no body":             {in: stranger.Frame(stranger.KindNack), kind: stranger.KindNack, body: []byte{}},
		"cut off":             {in: stranger.Frame(stranger.KindAck, 7)[:5], bad: true},
		"no kind":             {in: make([]byte, 5), bad: true},
		"longer than allowed": {in: []byte{0, 0, 0x10, 1, 3}, bad: true},
	} {
		t.Run(title, func(t *testing.T) {
			kind, body, err := stranger.ReadFrame(bytes.NewReader(c.in))
			if c.bad {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.kind, kind)
			require.Equal(t, c.body, body)
		})
	}
}

func TestProofsDependOnAll(t *testing.T) {
	said := stranger.Transcript([]byte("hello"), []byte("challenge"))
	all := map[string]bool{}
	for _, p := range [][]byte{
		stranger.Proof("a secret", stranger.Dialer, said), stranger.Proof("another", stranger.Dialer, said), stranger.Proof("a secret", stranger.Acceptor, said),
		stranger.Proof("a secret", stranger.Dialer, stranger.Transcript([]byte("helloc"), []byte("hallenge"))),
		stranger.Proof("a secret", stranger.Dialer, stranger.Transcript([]byte("hello"), []byte("challenge"), 1)),
	} {
		require.Len(t, p, 32)
		all[string(p)] = true
	}
	require.Len(t, all, 5)
}
