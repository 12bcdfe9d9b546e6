package cluster_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/stranger"
)

// The wire, written by hand after docs/reference/wire.md: what is wrong here or there
// is found when a node doesn't let in whoever keeps to it.

// guest is the greeting of a node that belongs to the victims.
func (v *victim) guest(addr string) stranger.Greeting {
	return stranger.Greeting{Version: 3, Stream: 1, System: "town", Cluster: "town", Addr: addr, To: v.target, UID: freshUID(), Features: 1 | 2}
}

func freshUID() uint64 { return uint64(time.Now().UnixNano()) | 1 }

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
	_, _ = a.c.Write(stranger.Frame(kind, body...)) // what comes of it is read
}

// magic reads how each direction begins.
func (a answer) magic() answer {
	a.v.t.Helper()
	require.NoError(a.v.t, stranger.ReadMagic(a.c))
	return a
}

// frame reads the next one, which has to be of a kind.
func (a answer) frame(kind byte) []byte {
	a.v.t.Helper()
	got, body, err := stranger.ReadFrame(a.c)
	require.NoError(a.v.t, err)
	require.Equal(a.v.t, kind, got, "the kind of the frame")
	return body
}

// refused requires a refusal, and the end.
func (a answer) refused(code byte) {
	a.v.t.Helper()
	require.Equal(a.v.t, code, a.frame(stranger.KindRefusal)[0], "why it is refused")
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

// enter has a stranger.Greeting let in, with the proof of a secret if one is demanded.
func (v *victim) enter(g stranger.Greeting, secret string) answer {
	v.t.Helper()
	a := v.begin(g.Hello()).magic()
	if secret != "" {
		said := stranger.Transcript(g.Fields(), a.frame(stranger.KindChallenge))
		a.say(stranger.KindProof, stranger.Proof(secret, stranger.Dialer, said)...)
		body := a.frame(stranger.KindWelcome)
		fields, proof := body[:len(body)-32], body[len(body)-32:]
		require.Equal(v.t, stranger.Proof(secret, stranger.Acceptor, said, []byte{stranger.KindWelcome}, fields), proof, "the node proves itself")
		return a
	}
	a.frame(stranger.KindWelcome)
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
	g.Version, g.Stream = version, stream
	return v.enter(g, "").c
}

// message is a frame for the echo actor with a body of a type.
func message(typeName string, body ...byte) []byte {
	return stranger.Message("/user/echo", typeName, body...)
}

// messageFrom is one whose sender is said to be an actor of a third node.
func messageFrom(path, addr string, uid uint64, typeName string) []byte {
	b := append(stranger.AppendString([]byte{4}, path), 0)
	b = stranger.AppendString(stranger.AppendString(b, "town"), addr)
	b = binary.BigEndian.AppendUint64(b, uid)
	b = append(stranger.AppendString(b, "/user/echo"), 0)
	return stranger.Frame(stranger.KindMessage, stranger.AppendString(b, typeName)...)
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
	b = append(stranger.AppendString(b, path), 0, 0)
	b = append(stranger.AppendString(b, from), 0)
	return stranger.Frame(stranger.KindSystem, append(b, 0, 0)...)
}
