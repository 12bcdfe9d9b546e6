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

const (
	revokedName = "node that was"
	guestName   = "n1.guests.internal" // of a client
)

// shown is the TLS of an end that shows a certificate, whatever it thinks of the other's.
func shown(a issuer, t *testing.T, change func(*x509.Certificate)) *tls.Config {
	t.Helper()
	cert := a.issue(t, change)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"troupe/1"}, InsecureSkipVerify: true, //nolint:gosec // the attacker's choice
		Certificates:         []tls.Certificate{cert},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
	}
}

func asItIs(*x509.Certificate) {}

// strangers are the ends of connections with TLS that a cluster must not talk to, on
// either side: what they show they show whatever the other end thinks of it.
func strangers(t *testing.T, ca issuer) map[string]*tls.Config {
	shows := func(change func(*x509.Certificate)) *tls.Config { return shown(ca, t, change) }
	none, old, other := shows(asItIs), shows(asItIs), shows(asItIs)
	none.Certificates, none.GetClientCertificate = nil, nil
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	other.NextProtos = []string{"h2"}
	return map[string]*tls.Config{
		"no certificate":              none,
		"a self-signed certificate":   shown(issuer{}, t, asItIs),
		"a certificate of others":     shown(newIssuer(t), t, asItIs),
		"an expired certificate":      shows(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"a certificate of tomorrow":   shows(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }),
		"a certificate to sign mail":  shows(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }),
		"a name that is not allowed":  shows(func(c *x509.Certificate) { c.DNSNames = []string{"n1.bank.internal"} }),
		"a revoked certificate":       shows(func(c *x509.Certificate) { c.Subject.CommonName = revokedName }),
		"TLS 1.2":                     old,
		"another protocol inside TLS": other,
	}
}

// certified is the configuration of a node that is known by its certificate and a secret.
func certified(t *testing.T, ca issuer) remote.Config {
	t.Helper()
	cert, pool := ca.issue(t, asItIs), x509.NewCertPool()
	pool.AddCert(ca.cert)
	cfg := remote.Config{Secrets: []remote.Secret{secretOf(t, memberWords)}, Transport: &remote.TCP{TLS: &remote.TLS{
		Certificate: func() (*tls.Certificate, error) { return &cert, nil },
		Authorities: func() (*x509.CertPool, error) { return pool, nil },
		Allow:       []string{"*.shop.internal", guestName},
		Revoked:     func(c *x509.Certificate) bool { return c.Subject.CommonName == revokedName },
	}}}
	cfg.Access.Certificates = []remote.CertificateClass{{Name: guestName, Class: remote.Client}}
	return cfg
}

// TestHostilePortWithTLS attacks a live cluster whose nodes know each other by
// certificates and a secret: nobody gets in, it talks to nobody, and it goes on serving.
func TestHostilePortWithTLS(t *testing.T) {
	ca := newIssuer(t)
	cfg := certified(t, ca)
	cfg.HandshakeTimeout = shortGreet
	v := newVictim(t, cfg)
	dialing, dialed := strangers(t, ca), strangers(t, ca)
	dialing["a certificate for servers"] = shown(ca, t, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] })
	dialed["a certificate for clients"] = shown(ca, t, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] })
	dialed["a certificate for another host"] = shown(ca, t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 9)} })
	dialed["plain text"] = nil
	for title, stranger := range dialing {
		t.Run(title+" that dials => refused", func(t *testing.T) {
			heard, err := v.requireRefused(t, stranger, []byte("TRP1"))
			require.Error(t, err, "TLS says no")
			require.Empty(t, heard)
		})
	}
	for title, stranger := range dialed {
		t.Run(title+" that is dialed => nothing is said to it", func(t *testing.T) { v.requireSilent(t, stranger) })
	}
	v.bears("a member's certificate without the secret", func() {
		for _, said := range [][]byte{append([]byte("TRP1"), frameOf(kindProof, make([]byte, 32)...)...), append([]byte("TRP1"), message("test.hereIAm")...), v.guest(hostileHost + ":1").hello()} {
			_, _ = v.requireRefused(v.t, shown(ca, v.t, asItIs), said)
		}
	})
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

// requireSilent lets a node of the cluster dial a stranger, who must hear nothing of the
// protocol, or no more than how it begins where there is no TLS at all.
func (v *victim) requireSilent(t *testing.T, stranger *tls.Config) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // nobody dials any more
	require.NoError(t, l.(*net.TCPListener).SetDeadline(time.Now().Add(20*time.Second)))
	v.nodes[0].sys.RefAt(l.Addr().String(), "/user/echo").Tell(whoAreYou{})
	c, err := l.Accept()
	require.NoError(t, err)
	defer c.Close() //nolint:errcheck // the other end closes it
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	if stranger != nil {
		c = tls.Server(c, stranger)
	} else {
		_, err = c.Write([]byte("TRP1 and whatever else"))
		require.NoError(t, err)
	}
	heard, err := io.ReadAll(c)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the node must close it")
	if stranger != nil {
		require.Empty(t, heard)
	}
	require.NotContains(t, string(heard), "TRP1")
}

// TestFalseNames attacks a live cluster by ends with good certificates and the secret, that
// say to be who they aren't.
func TestFalseNames(t *testing.T) {
	ca := newIssuer(t)
	v := newVictim(t, certified(t, ca))
	v.bears("names and roles that the certificate doesn't give", func() { v.falseNames(ca) })
	v.requireCleanLog()
}

func (v *victim) falseNames(ca issuer) {
	member, before := v.nodes[1], v.stats().Refused
	likeMember, elsewhere := shown(ca, v.t, asItIs), shown(ca, v.t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 9)} })
	client := shown(ca, v.t, func(c *x509.Certificate) { c.DNSNames = []string{guestName} })
	attacks := []struct {
		title   string
		as      *tls.Config
		uid     uint64
		binding func(real []byte) []byte
		code    byte
	}{
		{"the certificate of another host", elsewhere, member.sys.UID(), nil, refusedName},
		{"the certificate of another role", client, member.sys.UID(), nil, refusedName},
		{"the certificate of another role, as one that came later", client, freshUID(), nil, refusedStale},
		{"a member's certificate, as one that came later", likeMember, freshUID(), nil, refusedStale},
		{"a proof for another connection", likeMember, freshUID(), func(b []byte) []byte { return append([]byte{b[0] ^ 1}, b[1:]...) }, refusedSecret},
		{"a proof for a connection without TLS", likeMember, freshUID(), func([]byte) []byte { return nil }, refusedSecret},
	}
	for _, c := range attacks {
		v.t.Log(c.title)
		g := v.guest(member.addr)
		g.uid = c.uid
		a := v.beginTLS(c.as, g.hello()).magic()
		binding := a.binding()
		if c.binding != nil {
			binding = c.binding(binding)
		}
		if c.as != elsewhere {
			a.say(kindProof, v.proof(memberWords, dialer, transcriptOf(g.fields(), a.frame(kindChallenge), binding...))...)
		}
		a.refused(c.code)
	}
	require.GreaterOrEqual(v.t, v.stats().Refused-before, uint64(4), "who came later is refused by the member itself")
	v.renew(v.nodes[0], v.nodes[1:])
	v.renew(member, []*node{v.nodes[0], v.nodes[2]})
}

// beginTLS knocks as begin does, inside TLS.
func (v *victim) beginTLS(as *tls.Config, said []byte) answer {
	v.t.Helper()
	raw, err := v.knock()
	require.NoError(v.t, err)
	v.t.Cleanup(func() { _ = raw.Close() })
	c := tls.Client(raw, as)
	require.NoError(v.t, c.Handshake())
	_, err = c.Write(said)
	require.NoError(v.t, err)
	return answer{v, c}
}

// binding is what names the connection.
func (a answer) binding() []byte {
	a.v.t.Helper()
	state := a.c.(*tls.Conn).ConnectionState()
	b, err := state.ExportKeyingMaterial("EXPORTER-troupe-handshake", nil, 32)
	require.NoError(a.v.t, err)
	return b
}
