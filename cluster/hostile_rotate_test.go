package cluster_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/remote"
)

// keyring is a directory with the certificate, the key and the authorities of a node.
type keyring struct {
	t   *testing.T
	dir string
}

func (k keyring) file(name string) string { return filepath.Join(k.dir, name) }

// put replaces a file at once, as an operator should.
func (k keyring) put(name string, blocks ...pem.Block) {
	k.t.Helper()
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(&b)...)
	}
	require.NoError(k.t, os.WriteFile(k.file(name+".new"), text, 0o600))
	require.NoError(k.t, os.Rename(k.file(name+".new"), k.file(name)))
}

func (k keyring) trust(authorities ...issuer) {
	k.t.Helper()
	var blocks []pem.Block
	for _, a := range authorities {
		blocks = append(blocks, pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	}
	k.put("ca.pem", blocks...)
}

// show puts a certificate there: first the key, so that for a moment the two don't fit,
// which must do no harm.
func (k keyring) show(cert tls.Certificate) {
	k.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(k.t, err)
	k.put("key.pem", pem.Block{Type: "PRIVATE KEY", Bytes: der})
	k.put("cert.pem", pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
}

// TestRotationUnderLoad changes the authority, all certificates and the secret of a live
// cluster, step by step as docs/operate/security.md says: no ask fails, and what was
// good before is worth nothing afterwards.
func TestRotationUnderLoad(t *testing.T) { // R093
	old, next := newIssuer(t), newIssuer(t)
	oldSecret, newSecret := secretOf(t, memberWords), secretOf(t, strangerWords)
	authority, secrets := old, []remote.Secret{oldSecret} // of who is opened now
	var rings []keyring
	v := newVictimOf(t, func() remote.Config {
		ring := keyring{t, t.TempDir()}
		rings = append(rings, ring)
		ring.trust(authority)
		ring.show(authority.issue(t, asItIs))
		keys, err := remote.LoadKeys(ring.file("cert.pem"), ring.file("key.pem"), ring.file("ca.pem"))
		require.NoError(t, err)
		return remote.Config{Keys: keys, KeysEvery: 5 * time.Millisecond, Secrets: secrets, Transport: &remote.TCP{TLS: keys.TLS("*.shop.internal")}}
	})
	all := v.nodes
	for _, step := range []func(ring keyring){
		func(ring keyring) { ring.trust(old, next) },
		func(ring keyring) { ring.show(next.issue(t, asItIs)) },
		func(ring keyring) { ring.trust(next) },
	} {
		for i, n := range all {
			loaded, stop := events[remote.KeysLoaded](v, n)
			step(rings[i])
			hear(v, "the keys are loaded", loaded)
			stop()
		}
		v.renewAll(all)
	}
	for _, s := range [][]remote.Secret{{oldSecret, newSecret}, {newSecret, oldSecret}, {newSecret}} {
		for _, n := range all {
			require.NoError(t, n.cl.Remote().SetSecrets(s...))
		}
		v.renewAll(all)
	}

	_, err := v.requireRefused(t, shown(old, t, asItIs), []byte("TRP1"))
	require.Error(t, err, "the old authority is worth nothing")
	for words, verdict := range map[string]byte{memberWords: kindRefusal, strangerWords: kindWelcome} {
		g := v.guest("127.0.0.1:1")
		a := v.beginTLS(shown(next, t, asItIs), g.hello()).magic()
		a.say(kindProof, v.proof(words, dialer, transcriptOf(g.fields(), a.frame(kindChallenge), a.binding()...))...)
		a.frame(verdict)
	}
	authority, secrets = next, []remote.Secret{newSecret}
	v.open([]string{v.target})
	v.requireUp(20 * time.Second)
	v.requireServing()
}

// renewAll has all nodes make new connections.
func (v *victim) renewAll(nodes []*node) {
	v.t.Helper()
	for i, n := range nodes {
		var others []*node
		for k, o := range nodes {
			if k != i {
				others = append(others, o)
			}
		}
		v.renew(n, others)
	}
	v.requireServing()
}
