package stranger

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// Magic is how both directions of a connection begin.
const Magic = "TRP1"

// The kinds of frames.
const (
	KindHello     byte = 1
	KindWelcome   byte = 2
	KindRefusal   byte = 3
	KindChallenge byte = 4
	KindProof     byte = 5
	KindMessage   byte = 10
	KindSystem    byte = 11
	KindAck       byte = 12
	KindNack      byte = 13
)

// frameMaxBack is the largest length of a frame on the way back.
const frameMaxBack = 4096

// Frame is a frame of a kind.
func Frame(kind byte, body ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
	return append(append(b, kind), body...)
}

// AppendString appends a string as the wire has it.
func AppendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Greeting is what a hello says. The zero value of a field is sent as it is.
type Greeting struct {
	Version, Stream           byte // version 1 is that of the first release
	System, Cluster, Addr, To string
	UID                       uint64
	Features                  byte // from version 2 on
}

// Fields are those of the hello.
func (g Greeting) Fields() []byte {
	b := []byte{g.Version, 1, g.Stream}
	b = AppendString(AppendString(b, g.System), g.Addr)
	b = AppendString(binary.BigEndian.AppendUint64(b, g.UID), g.Cluster)
	b = binary.BigEndian.AppendUint64(b, 0) // fingerprint of the types
	b = AppendString(binary.AppendUvarint(b, 1<<20), g.To)
	if g.Version >= 2 {
		b = append(append(b, g.Features), make([]byte, 32)...) // and a nonce
	}
	if g.Version >= 3 {
		b = append(b, 0, 0)
	}
	return b
}

// Hello is how a connection begins.
func (g Greeting) Hello() []byte { return append([]byte(Magic), Frame(KindHello, g.Fields()...)...) }

// Role is an end of a handshake by secret.
type Role string

// The two ends.
const (
	Dialer   Role = "dialer"
	Acceptor Role = "acceptor"
)

// Transcript is a digest of what was said before the proofs, and of what names the
// connection with TLS below.
func Transcript(hello, challenge []byte, binding ...byte) []byte {
	b := AppendString(AppendString(nil, string(hello)), string(challenge))
	sum := sha256.Sum256(AppendString(b, string(binding)))
	return sum[:]
}

// Proof is that of an end that knows the secret, over what was said.
func Proof(secret string, by Role, said ...[]byte) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "troupe handshake, "+string(by), 32)
	if err != nil {
		return nil // no proof: 32 bytes can be derived from any secret
	}
	h := hmac.New(sha256.New, key)
	for _, b := range said {
		_, _ = h.Write(b)
	}
	return h.Sum(nil)
}

// Message is a frame of version 1 for the actor at a path, with a body of a type.
func Message(path, typeName string, body ...byte) []byte {
	b := append(AppendString([]byte{0}, path), 0)
	return Frame(KindMessage, append(AppendString(b, typeName), body...)...)
}

// ReadMagic reads how the way back begins.
func ReadMagic(from io.Reader) error {
	b := make([]byte, len(Magic))
	if _, err := io.ReadFull(from, b); err != nil {
		return err
	}
	if string(b) != Magic {
		return fmt.Errorf("the way back begins with %q instead of %q", b, Magic)
	}
	return nil
}

// ReadFrame reads the next frame of the way back, behind the magic.
func ReadFrame(from io.Reader) (kind byte, body []byte, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(from, head); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head)
	if n == 0 || n > frameMaxBack {
		return 0, nil, fmt.Errorf("a frame of %d bytes on the way back", n)
	}
	body = make([]byte, n-1)
	_, err = io.ReadFull(from, body)
	return head[4], body, err
}

// Prove shakes hands on a connection by a secret, which need not be the right one, and
// returns the answer: a welcome or a refusal.
func Prove(conn io.ReadWriter, g Greeting, secret string) (kind byte, err error) {
	if _, err := conn.Write(g.Hello()); err != nil {
		return 0, err
	}
	if err := ReadMagic(conn); err != nil {
		return 0, err
	}
	kind, challenge, err := ReadFrame(conn)
	if err != nil || kind != KindChallenge {
		return kind, err
	}
	proof := Proof(secret, Dialer, Transcript(g.Fields(), challenge))
	if _, err := conn.Write(Frame(KindProof, proof...)); err != nil {
		return 0, err
	}
	kind, _, err = ReadFrame(conn)
	return kind, err
}
