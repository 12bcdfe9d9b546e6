package cluster_test

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
)

// The wire, written by hand after docs/reference/wire.md: what is wrong here or there
// is found when a node doesn't let in whoever keeps to it.

const (
	kindHello     = 1
	kindWelcome   = 2
	kindRefusal   = 3
	kindChallenge = 4
	kindProof     = 5
	kindMessage   = 10
	kindSystem    = 11
	kindAck       = 12
	kindNack      = 13
)

func frameOf(kind byte, body ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
	return append(append(b, kind), body...)
}

func appendStr(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// greeting is what a hello says. Version 1 is that of the first release.
type greeting struct {
	version, stream   byte
	cluster, addr, to string
	uid               uint64
	features          byte // from version 2 on
}

// guest is the greeting of a node that belongs to the victims.
func (v *victim) guest(addr string) greeting {
	return greeting{version: 3, stream: 1, cluster: "town", addr: addr, to: v.target, uid: freshUID(), features: 1 | 2}
}

func freshUID() uint64 { return uint64(time.Now().UnixNano()) | 1 }

// fields are those of the hello.
func (g greeting) fields() []byte {
	b := []byte{g.version, 1, g.stream}
	b = appendStr(appendStr(b, "town"), g.addr)
	b = appendStr(binary.BigEndian.AppendUint64(b, g.uid), g.cluster)
	b = binary.BigEndian.AppendUint64(b, 0)
	b = appendStr(binary.AppendUvarint(b, 1<<20), g.to)
	if g.version >= 2 {
		b = append(append(b, g.features), make([]byte, 32)...) // and a nonce
	}
	if g.version >= 3 {
		b = append(b, 0, 0)
	}
	return b
}

// hello is how a connection begins.
func (g greeting) hello() []byte { return append([]byte("TRP1"), frameOf(kindHello, g.fields()...)...) }

// role is an end of a handshake by secret.
type role string

const (
	dialer   role = "dialer"
	acceptor role = "acceptor"
)

// transcriptOf is a digest of what was said before the proofs, and of what names the
// connection with TLS below.
func transcriptOf(hello, challenge []byte, binding ...byte) []byte {
	b := appendStr(appendStr(nil, string(hello)), string(challenge))
	sum := sha256.Sum256(appendStr(b, string(binding)))
	return sum[:]
}

func (v *victim) proof(secret string, by role, said ...[]byte) []byte {
	v.t.Helper()
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "troupe handshake, "+string(by), 32)
	require.NoError(v.t, err)
	h := hmac.New(sha256.New, key)
	for _, b := range said {
		_, _ = h.Write(b)
	}
	return h.Sum(nil)
}

// answer is what comes on a connection that somebody has begun by hand.
type answer struct {
	v *victim
	c net.Conn
}

// begin knocks as somebody who says this first.
func (v *victim) begin(said []byte) answer {
	v.t.Helper()
	c, err := v.knock()
	require.NoError(v.t, err)
	v.t.Cleanup(func() { _ = c.Close() })
	_, err = c.Write(said)
	require.NoError(v.t, err)
	return answer{v, c}
}

func (a answer) say(kind byte, body ...byte) {
	_, _ = a.c.Write(frameOf(kind, body...)) // what comes of it is read
}

// magic reads how each direction begins.
func (a answer) magic() answer {
	a.v.t.Helper()
	b := make([]byte, 4)
	_, err := io.ReadFull(a.c, b)
	require.NoError(a.v.t, err)
	require.Equal(a.v.t, "TRP1", string(b))
	return a
}

// frame reads the next one, which has to be of a kind.
func (a answer) frame(kind byte) []byte {
	a.v.t.Helper()
	head := make([]byte, 5)
	_, err := io.ReadFull(a.c, head)
	require.NoError(a.v.t, err)
	require.Equal(a.v.t, kind, head[4], "the kind of the frame")
	n := binary.BigEndian.Uint32(head)
	require.LessOrEqual(a.v.t, n, uint32(4096))
	body := make([]byte, n-1)
	_, err = io.ReadFull(a.c, body)
	require.NoError(a.v.t, err)
	return body
}

// refused requires a refusal, and the end.
func (a answer) refused(code byte) {
	a.v.t.Helper()
	require.Equal(a.v.t, code, a.frame(kindRefusal)[0], "why it is refused")
	a.closed()
}

// closed requires that nothing comes any more.
func (a answer) closed() {
	a.v.t.Helper()
	left, err := io.ReadAll(a.c)
	require.Empty(a.v.t, left)
	if err != nil { // what was sent in vain may end it harshly
		require.NotContains(a.v.t, err.Error(), "timeout", "the node must close it")
	}
}

// enter has a greeting let in, with the proof of a secret if one is demanded.
func (v *victim) enter(g greeting, secret string) answer {
	v.t.Helper()
	a := v.begin(g.hello()).magic()
	if secret != "" {
		said := transcriptOf(g.fields(), a.frame(kindChallenge))
		a.say(kindProof, v.proof(secret, dialer, said)...)
		body := a.frame(kindWelcome)
		fields, proof := body[:len(body)-32], body[len(body)-32:]
		require.Equal(v.t, v.proof(secret, acceptor, said, []byte{kindWelcome}, fields), proof, "the node proves itself")
		return a
	}
	a.frame(kindWelcome)
	return a
}

var addresses atomic.Uint32

// address is one at which nobody answers, and no other guest has ever been: who comes as
// another incarnation has to wait until the address itself has been asked.
func (v *victim) address() string {
	n := addresses.Add(1)
	return fmt.Sprintf("127.1.%d.%d:1", byte(n>>8), byte(n))
}

// introduced is a connection whose handshake was let through, as a node that
// nobody listens to.
func (v *victim) introduced(stream byte) net.Conn { return v.introducedAs(1, stream) }

func (v *victim) introducedAs(version, stream byte) net.Conn {
	v.t.Helper()
	g := v.guest(v.address())
	g.version, g.stream = version, stream
	return v.enter(g, "").c
}

// message is a frame for the echo actor with a body of a type.
func message(typeName string, body ...byte) []byte { return messageTo("/user/echo", typeName, body...) }

func messageTo(path, typeName string, body ...byte) []byte {
	b := append(appendStr([]byte{0}, path), 0)
	return frameOf(kindMessage, append(appendStr(b, typeName), body...)...)
}

// messageFrom is one whose sender is said to be an actor of a third node.
func messageFrom(path, addr string, uid uint64, typeName string) []byte {
	b := append(appendStr([]byte{4}, path), 0)
	b = appendStr(appendStr(b, "town"), addr)
	b = binary.BigEndian.AppendUint64(b, uid)
	b = append(appendStr(b, "/user/echo"), 0)
	return frameOf(kindMessage, appendStr(b, typeName)...)
}

// kinds of system messages
const (
	systemWatch      = 1
	systemTerminated = 3
	systemStop       = 4
)

// systemFrame is a system message to an actor of the incarnation uid (0: whichever).
func systemFrame(seq, kind byte, uid uint64, path, from string) []byte {
	b := binary.BigEndian.AppendUint64([]byte{seq, kind, 0}, uid)
	b = append(appendStr(b, path), 0, 0)
	b = append(appendStr(b, from), 0)
	return frameOf(kindSystem, append(b, 0, 0)...)
}
