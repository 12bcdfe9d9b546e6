package remote_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/testca"
	"github.com/troupe-go/troupe/remote"
)

// authority issues certificates of nodes of the shop.
type authority struct{ *testca.Authority }

func newAuthority() authority {
	return authority{testca.New("127.0.0.1", "n1.shop.internal", "spiffe://shop/node/1")}
}

// with is the TLS of a node that shows a certificate, and trusts the authority.
func (a authority) with(cert *tls.Certificate) *remote.TLS {
	return &remote.TLS{
		Certificate: func() (*tls.Certificate, error) { return cert, nil },
		Authorities: func() (*x509.CertPool, error) { return a.Pool(), nil },
	}
}

func (a authority) node() *remote.TLS { return a.with(a.Issue()) }

func sharedSecret(t testing.TB, which string) remote.Secret {
	s, err := remote.NewSecret([]byte("a secret for tests only, " + which))
	require.NoError(t, err)
	return s
}

func withTLS(cfg *remote.TLS) remote.Config {
	return remote.Config{Transport: &remote.TCP{TLS: cfg}, DeliverBy: 200 * time.Millisecond}
}

// guardedBy is the TLS of a node that takes nodes of the shop that are not revoked.
func guardedBy(ca authority) *remote.TLS {
	cfg := ca.node()
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
func strangers(ca authority) map[string]*tls.Config {
	good := ca.Issue()
	none := shows(good)
	none.Certificates, none.GetClientCertificate = nil, nil
	old, otherALPN, noALPN := shows(good), shows(good), shows(good)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	otherALPN.NextProtos, noALPN.NextProtos = []string{"http/1.1"}, nil
	changed := func(change testca.Option) *tls.Config { return shows(ca.Issue(change)) }
	return map[string]*tls.Config{
		"no certificate":                 none,
		"a self-signed certificate":      shows(ca.SelfSigned()),
		"a certificate of others":        shows(newAuthority().Issue()),
		"an expired certificate":         changed(testca.Until(time.Now().Add(-time.Minute))),
		"a certificate of tomorrow":      changed(testca.From(time.Now().Add(time.Hour))),
		"a certificate to sign mail":     changed(testca.Uses(x509.ExtKeyUsageEmailProtection)),
		"a name that is not allowed":     changed(testca.For("127.0.0.1", "n1.bank.internal")),
		"TLS 1.2":                        old,
		"another protocol":               otherALPN,
		"no protocol":                    noALPN,
		"a certificate without any name": changed(testca.For()),
		"a revoked certificate":          changed(testca.CommonName(revokedName)),
		"plain text":                     nil,
	}
}

// elsewhere makes a certificate one for another host than the node's.
var elsewhere = testca.For("127.0.0.2", "n1.shop.internal", "spiffe://shop/node/1")

// securely puts a stranger's TLS on a connection.
func securely(c net.Conn, stranger *tls.Config, side func(net.Conn, *tls.Config) *tls.Conn) net.Conn {
	if stranger == nil {
		return c
	}
	return side(c, stranger)
}

func TestTLSRefusesStrangersThatDial(t *testing.T) {
	ca := newAuthority()
	n := start(t, withTLS(guardedBy(ca)))
	all := strangers(ca)
	all["a certificate for servers"] = shows(ca.Issue(testca.Uses(x509.ExtKeyUsageServerAuth)))
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
	good := start(t, withTLS(ca.node()))
	there := n.inbox("there")
	good.sys.RefAt(n.rem.Addr(), "/user/there").Tell(ping{1})
	there.expect(ping{1})
}

func TestTLSRefusesStrangersThatAreDialed(t *testing.T) {
	ca := newAuthority()
	all := strangers(ca)
	all["a certificate for clients"] = shows(ca.Issue(testca.Uses(x509.ExtKeyUsageClientAuth)))
	all["a certificate for another host"] = shows(ca.Issue(elsewhere))
	require.GreaterOrEqual(t, len(all), 12, "the accepting half of the matrix")
	for title, stranger := range all {
		t.Run(title+" => nothing is said to it", func(t *testing.T) {
			requireSilent(t, guardedBy(ca), stranger)
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
	ca := newAuthority()
	n := start(t, withTLS(ca.node()))
	impostor := withTLS(ca.with(ca.Issue(elsewhere)))
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
	ca := newAuthority()
	secure := start(t, withTLS(ca.node()))
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
	ca := newAuthority()
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
			cfg := ca.node()
			cfg.Allow = c.allow
			n := start(t, withTLS(cfg))
			conn, err := tls.Dial("tcp", n.rem.Addr(), strangersGood(ca))
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

func strangersGood(ca authority) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"troupe/1"}, RootCAs: ca.Pool(), ServerName: "127.0.0.1",
		Certificates: []tls.Certificate{*ca.Issue()},
	}
}

func TestTLSSaysWhatIsWrong(t *testing.T) {
	ca := newAuthority()
	n := start(t, remote.Config{})
	one := ca.Issue(testca.Uses(x509.ExtKeyUsageServerAuth))
	everybody := ca.node()
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

// write puts a certificate, its key and the authority into files.
func (a authority) write(t *testing.T, dir testca.Dir, cert *tls.Certificate) (certFile, keyFile, authorities string) {
	require.NoError(t, dir.Trust(a.Authority))
	require.NoError(t, dir.Show(cert))
	return dir.Files()
}

func TestKeysRotate(t *testing.T) {
	ca, dir := newAuthority(), testca.Dir(t.TempDir())
	keys, err := remote.LoadKeys(ca.write(t, dir, ca.Issue()))
	require.NoError(t, err)
	cfg := withTLS(keys.TLS("*.shop.internal"))
	a, b := start(t, cfg), start(t, cfg)
	there := b.inbox("there")
	ref := a.sys.RefAt(b.rem.Addr(), "/user/there")
	ref.Tell(ping{1})
	there.expect(ping{1})

	ends := keys.Expires()
	_, _, _ = ca.write(t, dir, ca.Issue(testca.Until(time.Now().Add(-time.Minute))))
	require.ErrorContains(t, keys.Reload(), "does not hold against")
	require.Equal(t, ends, keys.Expires(), "what was in use stays in use")

	ca2 := newAuthority()
	_, _, _ = ca2.write(t, dir, ca2.Issue(testca.Until(ends.Add(time.Minute))))
	require.NoError(t, keys.Reload())
	require.Equal(t, ends.Add(time.Minute), keys.Expires())
	ref.Tell(ping{2}) // on the old connection
	there.expect(ping{2})
	c := start(t, cfg)
	c.sys.RefAt(b.rem.Addr(), "/user/there").Tell(ping{3}) // on one of the new authority
	there.expect(ping{3})
	_, err = remote.LoadKeys(filepath.Join(t.TempDir(), "none"), "x", "y")
	require.ErrorContains(t, err, "load certificate")
}
