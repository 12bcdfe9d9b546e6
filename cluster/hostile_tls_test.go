package cluster_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/remote"
)

// issuer is a certificate authority for one test; the zero value signs for itself.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue signs a certificate of a node of the cluster, as changed.
func (a issuer) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "node"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"n1.shop.internal"},
	}
	change(c)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func newIssuer(t *testing.T) issuer {
	c := issuer{}.issue(t, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	})
	return issuer{c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)}
}

// strangers are the ends of connections with TLS that a cluster must not let in: those
// that dial, of the matrix of certificates.
func strangers(t *testing.T, ca issuer) map[string]*tls.Config {
	shows := func(a issuer, change func(*x509.Certificate)) *tls.Config {
		cert := a.issue(t, change)
		return &tls.Config{
			MinVersion: tls.VersionTLS13, NextProtos: []string{"troupe/1"}, InsecureSkipVerify: true, //nolint:gosec // the attacker's choice
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
		}
	}
	good := func(*x509.Certificate) {}
	none, old, other := shows(ca, good), shows(ca, good), shows(ca, good)
	none.GetClientCertificate = nil
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	other.NextProtos = []string{"h2"}
	return map[string]*tls.Config{
		"no certificate":              none,
		"a self-signed certificate":   shows(issuer{}, good),
		"a certificate of others":     shows(newIssuer(t), good),
		"an expired certificate":      shows(ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"a certificate of tomorrow":   shows(ca, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }),
		"a certificate for servers":   shows(ca, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }),
		"a name that is not allowed":  shows(ca, func(c *x509.Certificate) { c.DNSNames = []string{"n1.bank.internal"} }),
		"a revoked certificate":       shows(ca, func(c *x509.Certificate) { c.Subject.CommonName = "node that was" }),
		"TLS 1.2":                     old,
		"another protocol inside TLS": other,
	}
}

// TestHostilePortWithTLS attacks a live cluster whose nodes know each other by
// certificates and a secret: nobody gets in, and it goes on serving.
func TestHostilePortWithTLS(t *testing.T) {
	ca := newIssuer(t)
	cert, pool := ca.issue(t, func(*x509.Certificate) {}), x509.NewCertPool()
	pool.AddCert(ca.cert)
	secret, err := remote.NewSecret([]byte("a secret of those who belong here"))
	require.NoError(t, err)
	v := newVictim(t, remote.Config{Secrets: []remote.Secret{secret}, Transport: &remote.TCP{TLS: &remote.TLS{
		Certificate: func() (*tls.Certificate, error) { return &cert, nil },
		Authorities: func() (*x509.CertPool, error) { return pool, nil },
		Allow:       []string{"*.shop.internal"},
		Revoked:     func(c *x509.Certificate) bool { return c.Subject.CommonName == "node that was" },
	}}})
	for title, stranger := range strangers(t, ca) {
		t.Run(title+" => refused", func(t *testing.T) {
			heard, err := v.requireRefused(t, stranger, []byte("TRP1"))
			require.Error(t, err, "TLS says no")
			require.Empty(t, heard)
		})
	}
	attacks := map[string]func(){
		"plain text": func() {
			for _, said := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "TRP1\x00\x00\x00\x40\x01"} {
				v.requireClosed([]byte(said))
			}
		},
		"random bytes": func() {
			v.many(func(rng *mrand.Rand) {
				b := make([]byte, 1+rng.IntN(300))
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
				v.requireClosed(b)
			})
		},
		"a ClientHello and no more": func() {
			v.many(func(*mrand.Rand) { v.requireClosed([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")) })
		},
	}
	for title, attack := range attacks {
		v.bears(title, attack)
	}
	t.Run("a member's certificate without the secret => refused", func(t *testing.T) {
		stranger := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"troupe/1"}, RootCAs: pool, ServerName: "127.0.0.1", Certificates: []tls.Certificate{cert}}
		for _, said := range [][]byte{append([]byte("TRP1"), frameOf(5, make([]byte, 32)...)...), append([]byte("TRP1"), message("test.hereIAm")...), v.guest(hostileHost + ":1").hello()} {
			_, _ = v.requireRefused(t, stranger, said)
		}
	})
	v.requireServing()
	v.requireCleanLog()
}

// requireRefused requires that a stranger who says something gets no answer but, at the
// most, a refusal, and then the end.
func (v *victim) requireRefused(t *testing.T, stranger *tls.Config, said []byte) (heard []byte, err error) {
	t.Helper()
	raw, err := v.knock()
	require.NoError(t, err)
	defer raw.Close() //nolint:errcheck // the other end closes it
	c := tls.Client(raw, stranger)
	if _, err = c.Write(said); err == nil {
		heard, err = io.ReadAll(c)
	}
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the node must close it")
	if len(heard) > 8 {
		require.Equal(t, byte(3), heard[8], "a refusal")
	}
	return heard, err
}
