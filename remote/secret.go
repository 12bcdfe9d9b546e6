package remote

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/troupe-go/troupe/internal/wire"
)

const (
	nonceSize = 32
	proofSize = sha256.Size

	secretMin      = 16 // bytes
	secretDistinct = 6  // different bytes among them
	secretsMax     = 2
)

// Secret is what all nodes of a cluster know and nobody else does. It never
// prints: every way of formatting it gives "***". The zero value is no secret and
// is refused where one is needed. A Secret may be copied and used concurrently.
type Secret struct {
	// material is a function because package fmt looks behind pointers, and
	// calls no methods of what is in an unexported field.
	material func() *secretKeys
}

// secretKeys are what is kept of a secret: a key for each role, so that what one
// end says can't be sent back to it as the other's.
type secretKeys struct{ dialer, acceptor []byte }

// NewSecret makes a secret of at least 16 bytes, best of 32 random ones. It
// refuses what is shorter and what consists of fewer than six different bytes.
func NewSecret(b []byte) (Secret, error) {
	if len(b) < secretMin {
		return Secret{}, fmt.Errorf("secret of %d bytes: at least %d are needed; take 32 random ones", len(b), secretMin)
	}
	distinct := map[byte]struct{}{}
	for _, c := range b {
		distinct[c] = struct{}{}
	}
	if len(distinct) < secretDistinct {
		return Secret{}, errors.New("the secret is easily guessed: take 32 random bytes")
	}
	dialer, err := hkdf.Key(sha256.New, b, nil, "troupe handshake, dialer", sha256.Size)
	if err != nil {
		return Secret{}, fmt.Errorf("derive keys from the secret: %w", err)
	}
	acceptor, err := hkdf.Key(sha256.New, b, nil, "troupe handshake, acceptor", sha256.Size)
	if err != nil {
		return Secret{}, fmt.Errorf("derive keys from the secret: %w", err)
	}
	keys := &secretKeys{dialer, acceptor}
	return Secret{func() *secretKeys { return keys }}, nil
}

// ReadSecret makes a secret of the bytes of a file, without white space at its
// ends. It blocks for the reading.
func ReadSecret(path string) (Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Secret{}, fmt.Errorf("read secret: %w", err)
	}
	s, err := NewSecret(bytes.TrimSpace(b))
	if err != nil {
		return Secret{}, fmt.Errorf("secret in %s: %w", path, err)
	}
	return s, nil
}

const hidden = "***"

// String returns "***".
func (Secret) String() string { return hidden }

// GoString returns "***".
func (Secret) GoString() string { return hidden }

// Format writes "***" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText returns "***", for JSON and the like.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// IsZero reports whether this is no secret.
func (s Secret) IsZero() bool { return s.material == nil }

func checkSecrets(secrets []Secret) error {
	if len(secrets) > secretsMax {
		return fmt.Errorf("%d secrets: at most %d at a time, the one to use and the one still or already accepted", len(secrets), secretsMax)
	}
	if slices.ContainsFunc(secrets, Secret.IsZero) {
		return errors.New("a secret is the zero value: make it with NewSecret or ReadSecret")
	}
	return nil
}

// transcript is a digest of all that was said before the proofs: both nonces, the
// dialer's identity, the address it wants, its lane, the versions and features on
// offer and what the acceptor chose; and of what names the connection below, if it
// is encrypted. Whoever changes any of it on the way spoils both proofs.
type transcript [sha256.Size]byte

func transcriptOf(hello, challenge, binding []byte) transcript {
	var b []byte
	for _, part := range [][]byte{hello, challenge, binding} {
		b = wire.AppendBytes(b, part)
	}
	return sha256.Sum256(b)
}

// session is a handshake by secret: a transcript and the keys of its two roles.
type session struct {
	keys *secretKeys
	said transcript
}

// dialerProof shows the acceptor that the dialer knows the secret.
func (s *session) dialerProof() []byte { return mac(s.keys.dialer, s.said[:]) }

// acceptorProof shows the dialer that the answer is from one who knows the secret.
// The answer names the acceptor, so its identity is bound too.
func (s *session) acceptorProof(kind frameKind, body []byte) []byte {
	return mac(s.keys.acceptor, s.said[:], []byte{byte(kind)}, body)
}

// proven cuts the proof off an answer and reports whether it is right.
func (s *session) proven(kind frameKind, answer []byte) (body []byte, ok bool) {
	if len(answer) < proofSize {
		return nil, false
	}
	body = answer[:len(answer)-proofSize]
	return body, hmac.Equal(answer[len(body):], s.acceptorProof(kind, body))
}

// accepts finds the secret by which a dialer has proved itself. All are tried, so
// that the time taken says nothing.
func accepts(secrets []Secret, said transcript, proof []byte) (*session, bool) {
	var found *session
	for _, s := range secrets {
		c := &session{keys: s.material(), said: said}
		if hmac.Equal(proof, c.dialerProof()) && found == nil {
			found = c
		}
	}
	return found, found != nil
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = h.Write(p) // never fails
	}
	return h.Sum(nil)
}

// SetSecrets replaces the secrets of Config.Secrets: the first proves this node to
// others, both are accepted from them. It holds for handshakes from now on;
// connections there stay. To change a secret everywhere without an interruption:
// first (old, new) on all nodes, then (new, old), then (new). It fails when there
// are more than two, when one is the zero value, and when it would switch the
// demand for a secret on or off.
func (r *Remote) SetSecrets(secrets ...Secret) error { return r.SetSecretsOf(Member, secrets...) }

// SetSecretsOf is SetSecrets for the secrets of a class: those of Config.Secrets,
// Access.ClientSecrets or Access.ObserverSecrets. Without any the class has no
// more ways to come in by secret, except that members need one if they did.
func (r *Remote) SetSecretsOf(class Class, secrets ...Secret) error {
	if class >= classCount {
		return fmt.Errorf("set secrets: there is no %v", class)
	}
	if err := checkSecrets(secrets); err != nil {
		return fmt.Errorf("set secrets: %w", err)
	}
	for {
		was := r.secrets.Load()
		if demanded := len(was[Member]) > 0; class == Member && (len(secrets) > 0) != demanded || class != Member && len(secrets) > 0 && !demanded {
			return errors.New("set secrets: a running node neither begins nor ceases to demand one; restart it with another Config.Secrets")
		}
		next := *was
		next[class] = slices.Clone(secrets)
		if r.secrets.CompareAndSwap(was, &next) {
			return nil
		}
	}
}

func (r *Remote) currentSecrets() []Secret { return r.secrets.Load()[Member] }
