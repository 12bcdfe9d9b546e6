package remote_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// authority is a certificate authority for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	a := &authority{}
	c := a.issue(t, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign|x509.KeyUsageDigitalSignature
		c.ExtKeyUsage, c.Subject.CommonName = nil, "authority"
	})
	a.cert, a.key = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue signs a certificate of a good node, as changed.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate)) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "node"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"n1.shop.internal"},
		URIs: []*url.URL{{Scheme: "spiffe", Host: "shop", Path: "/node/1"}},
	}
	if change != nil {
		change(template)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *authority) with(cert *tls.Certificate) *remote.TLS {
	return &remote.TLS{
		Certificate: func() (*tls.Certificate, error) { return cert, nil },
		Authorities: func() (*x509.CertPool, error) { return a.pool(), nil },
	}
}

func (a *authority) node(t testing.TB) *remote.TLS { return a.with(a.issue(t, nil)) }

func sharedSecret(t testing.TB, which string) remote.Secret {
	s, err := remote.NewSecret([]byte("a secret for tests only, " + which))
	require.NoError(t, err)
	return s
}

func withTLS(cfg *remote.TLS) remote.Config {
	return remote.Config{Transport: &remote.TCP{TLS: cfg}, DeliverBy: 200 * time.Millisecond}
}

// guardedBy is the TLS of a node that takes nodes of the shop that are not revoked.
func guardedBy(t *testing.T, ca *authority) *remote.TLS {
	cfg := ca.node(t)
	cfg.Allow = []string{"*.shop.internal"}
	cfg.Revoked = func(c *x509.Certificate) bool { return c.Subject.CommonName == revokedName }
	return cfg
}

// revokedName is the name of those whose certificates are no longer good.
const revokedName = "node that was"

// shows is the TLS of somebody who shows a certificate to everybody.
func shows(cert *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"troupe/1"}, InsecureSkipVerify: true, //nolint:gosec // the attacker's choice
		Certificates:         []tls.Certificate{*cert},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil },
	}
}

// strangers are ends of a connection that a good node must not talk to: what they show
// they show whatever the other end thinks of it. nil speaks no TLS at all.
func strangers(t *testing.T, ca *authority) map[string]*tls.Config {
	good := ca.issue(t, nil)
	none := shows(good)
	none.Certificates, none.GetClientCertificate = nil, nil
	old, otherALPN, noALPN := shows(good), shows(good), shows(good)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	otherALPN.NextProtos, noALPN.NextProtos = []string{"http/1.1"}, nil
	self := &authority{}
	changed := func(change func(*x509.Certificate)) *tls.Config { return shows(ca.issue(t, change)) }
	return map[string]*tls.Config{
		"no certificate":                 none,
		"a self-signed certificate":      shows(self.issue(t, nil)),
		"a certificate of others":        shows(newAuthority(t).issue(t, nil)),
		"an expired certificate":         changed(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"a certificate of tomorrow":      changed(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }),
		"a certificate to sign mail":     changed(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }),
		"a name that is not allowed":     changed(func(c *x509.Certificate) { c.DNSNames, c.URIs = []string{"n1.bank.internal"}, nil }),
		"TLS 1.2":                        old,
		"another protocol":               otherALPN,
		"no protocol":                    noALPN,
		"a certificate without any name": changed(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses, c.URIs = nil, nil, nil }),
		"a revoked certificate":          changed(func(c *x509.Certificate) { c.Subject.CommonName = revokedName }),
		"plain text":                     nil,
	}
}

// securely puts a stranger's TLS on a connection.
func securely(c net.Conn, stranger *tls.Config, side func(net.Conn, *tls.Config) *tls.Conn) net.Conn {
	if stranger == nil {
		return c
	}
	return side(c, stranger)
}

func TestTLSRefusesStrangersThatDial(t *testing.T) {
	ca := newAuthority(t)
	n := start(t, withTLS(guardedBy(t, ca)))
	all := strangers(t, ca)
	all["a certificate for servers"] = shows(ca.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }))
	require.GreaterOrEqual(t, len(all), 12, "the dialing half of the matrix")
	for title, stranger := range all {
		t.Run(title+" => refused", func(t *testing.T) {
			raw, err := net.DialTimeout("tcp", n.rem.Addr(), wait)
			require.NoError(t, err)
			defer func() { _ = raw.Close() }()
			require.NoError(t, raw.SetDeadline(time.Now().Add(wait)))
			c := securely(raw, stranger, tls.Client)
			if _, err = c.Write([]byte("TRP1 and whatever else")); err == nil { // this end may think that it is done: the other has the last word
				_, err = io.ReadAll(c)
			}
			if stranger != nil {
				require.Error(t, err)
			}
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the other end closes it")
		})
	}
	require.Zero(t, n.rem.Stats().Peers, "nobody was let in")
	good := start(t, withTLS(ca.node(t)))
	there := n.inbox("there")
	good.sys.RefAt(n.rem.Addr(), "/user/there").Tell(ping{1})
	there.expect(ping{1})
}

func TestTLSRefusesStrangersThatAreDialed(t *testing.T) {
	ca := newAuthority(t)
	all := strangers(t, ca)
	all["a certificate for clients"] = shows(ca.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
	all["a certificate for another host"] = shows(ca.issue(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }))
	require.GreaterOrEqual(t, len(all), 12, "the accepting half of the matrix")
	for title, stranger := range all {
		t.Run(title+" => nothing is said to it", func(t *testing.T) {
			requireSilent(t, guardedBy(t, ca), stranger)
		})
	}
}

// requireSilent lets a node dial a stranger and requires that it hears nothing.
func requireSilent(t *testing.T, cfg *remote.TLS, stranger *tls.Config) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	heard := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			heard <- ""
			return
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(wait))
		b := make([]byte, 100)
		if stranger == nil {
			_, _ = c.Write([]byte("TRP1 and whatever else"))
			b, _ = io.ReadAll(c)
			if !bytes.Contains(b, []byte("TRP1")) {
				b = nil // it was offered a handshake and no more
			}
			heard <- string(b)
			return
		}
		k, _ := tls.Server(c, stranger).Read(b)
		heard <- string(b[:k])
	}()
	n := start(t, withTLS(cfg))
	n.sys.RefAt(l.Addr().String(), "/user/there").Tell(ping{1})
	require.Empty(t, <-heard)
}

func TestTLSNameIsBoundToTheAddress(t *testing.T) { // R091
	ca := newAuthority(t)
	n := start(t, withTLS(ca.node(t)))
	impostor := withTLS(ca.with(ca.issue(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} })))
	a := start(t, impostor) // advertises 127.0.0.1 with a certificate for 127.0.0.2
	there := n.inbox("there")
	letters := subscribe[actor.DeadLetter](a, "letters")
	a.sys.RefAt(n.rem.Addr(), "/user/there").Tell(ping{1})
	require.Equal(t, ping{1}, letters.next().(actor.DeadLetter).Message)
	there.none()
	require.Zero(t, n.rem.Peer(a.rem.Addr()))
	require.NotZero(t, n.rem.Stats().Refused)
}

func TestTLSAndPlainDontMix(t *testing.T) {
	ca := newAuthority(t)
	secure := start(t, withTLS(ca.node(t)))
	plain := start(t, remote.Config{DeliverBy: 200 * time.Millisecond})
	for title, c := range map[string]struct{ from, to *node }{
		"plain to TLS": {plain, secure},
		"TLS to plain": {secure, plain},
	} {
		t.Run(title+" => unreachable", func(t *testing.T) {
			letters := subscribe[actor.DeadLetter](c.from, "letters")
			c.from.sys.RefAt(c.to.rem.Addr(), "/user/there").Tell(ping{1})
			require.Equal(t, ping{1}, letters.next().(actor.DeadLetter).Message)
		})
	}
}

func TestTLSAllow(t *testing.T) {
	ca := newAuthority(t)
	for title, c := range map[string]struct {
		allow []string
		ok    bool
	}{
		"nobody in particular":      {nil, true},
		"the name":                  {[]string{"x", "N1.shop.internal"}, true},
		"the domain":                {[]string{"*.shop.internal"}, true},
		"the domain above":          {[]string{"*.internal"}, false},
		"a name that ends like it":  {[]string{"*.op.internal"}, false},
		"the address":               {[]string{"127.0.0.1"}, true},
		"another address":           {[]string{"127.0.0.2"}, false},
		"the network":               {[]string{"127.0.0.0/8"}, true},
		"another network":           {[]string{"10.0.0.0/8"}, false},
		"the URI":                   {[]string{"spiffe://shop/node/1"}, true},
		"URIs that begin like it":   {[]string{"spiffe://shop/*"}, true},
		"URIs of somebody else":     {[]string{"spiffe://bank/*"}, false},
		"the common name, no names": {[]string{"node"}, false},
	} {
		t.Run(title, func(t *testing.T) {
			cfg := ca.node(t)
			cfg.Allow = c.allow
			n := start(t, withTLS(cfg))
			conn, err := tls.Dial("tcp", n.rem.Addr(), strangersGood(t, ca))
			if err == nil {
				_, err = conn.Write([]byte("no such protocol, but it was let in to say so"))
				require.NoError(t, err)
				require.NoError(t, conn.SetDeadline(time.Now().Add(wait)))
				_, err = conn.Read(make([]byte, 1))
				_ = conn.Close()
			}
			require.Error(t, err)
			refused := strings.Contains(err.Error(), "bad certificate") || strings.Contains(err.Error(), "internal error")
			require.Equal(t, c.ok, !refused, "%v", err)
		})
	}
}

func strangersGood(t *testing.T, ca *authority) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"troupe/1"}, RootCAs: ca.pool(), ServerName: "127.0.0.1",
		Certificates: []tls.Certificate{*ca.issue(t, nil)},
	}
}

func TestTLSSaysWhatIsWrong(t *testing.T) {
	ca := newAuthority(t)
	n := start(t, remote.Config{})
	one := ca.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	everybody := ca.node(t)
	everybody.Allow = []string{"*"}
	for title, c := range map[string]struct {
		cfg  *remote.TLS
		want string
	}{
		"nothing":                       {&remote.TLS{}, "needs Certificate and Authorities"},
		"a certificate for servers":     {ca.with(one), "both serverAuth and clientAuth"},
		"a pattern for the whole world": {everybody, "allows everybody"},
		"no certificate":                {ca.with(nil), "there is none"},
	} {
		t.Run(title, func(t *testing.T) {
			_, err := remote.Start(n.sys, withTLS(c.cfg))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// write puts a certificate, its key and authorities into files.
func (a *authority) write(t *testing.T, dir string, cert *tls.Certificate) (certFile, keyFile, authorities string) {
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	return file("cert.pem", "CERTIFICATE", cert.Certificate[0]), file("key.pem", "PRIVATE KEY", der), file("ca.pem", "CERTIFICATE", a.cert.Raw)
}

func TestKeysRotate(t *testing.T) {
	ca, dir := newAuthority(t), t.TempDir()
	keys, err := remote.LoadKeys(ca.write(t, dir, ca.issue(t, nil)))
	require.NoError(t, err)
	cfg := withTLS(keys.TLS("*.shop.internal"))
	a, b := start(t, cfg), start(t, cfg)
	there := b.inbox("there")
	ref := a.sys.RefAt(b.rem.Addr(), "/user/there")
	ref.Tell(ping{1})
	there.expect(ping{1})

	ends := keys.Expires()
	_, _, _ = ca.write(t, dir, ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))
	require.ErrorContains(t, keys.Reload(), "does not hold against")
	require.Equal(t, ends, keys.Expires(), "what was in use stays in use")

	ca2 := newAuthority(t)
	_, _, _ = ca2.write(t, dir, ca2.issue(t, func(c *x509.Certificate) { c.NotAfter = ends.Add(time.Minute) }))
	require.NoError(t, keys.Reload())
	require.Equal(t, ends.Add(time.Minute), keys.Expires())
	ref.Tell(ping{2}) // on the old connection
	there.expect(ping{2})
	c := start(t, cfg)
	c.sys.RefAt(b.rem.Addr(), "/user/there").Tell(ping{3}) // on one of the new authority
	there.expect(ping{3})
	_, err = remote.LoadKeys(filepath.Join(dir, "none"), "x", "y")
	require.ErrorContains(t, err, "load certificate")
}
