package cluster_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	mrand "math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/stranger"
	"github.com/troupe-go/troupe/internal/testca"
	"github.com/troupe-go/troupe/remote"
)

// newAuthority issues certificates of nodes of the cluster.
func newAuthority() *testca.Authority { return testca.New("127.0.0.1", "n1.shop.internal") }

const (
	revokedName = "node that was"
	guestName   = "n1.guests.internal" // of a client
)

// shows is the TLS of an end that shows a certificate, whatever it thinks of the other's.
func shows(cert *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"troupe/1"}, InsecureSkipVerify: true, //nolint:gosec // the attacker's choice
		Certificates:         []tls.Certificate{*cert},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil },
	}
}

// strangers are the ends of connections with TLS that a cluster must not talk to, on
// either side: what they show they show whatever the other end thinks of it.
func strangers(ca *testca.Authority) map[string]*tls.Config {
	changed := func(options ...testca.Option) *tls.Config { return shows(ca.Issue(options...)) }
	none, old, other := changed(), changed(), changed()
	none.Certificates, none.GetClientCertificate = nil, nil
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	other.NextProtos = []string{"h2"}
	return map[string]*tls.Config{
		"no certificate":              none,
		"a self-signed certificate":   shows(ca.SelfSigned()),
		"a certificate of others":     shows(newAuthority().Issue()),
		"an expired certificate":      changed(testca.Until(time.Now().Add(-time.Minute))),
		"a certificate of tomorrow":   changed(testca.From(time.Now().Add(time.Hour))),
		"a certificate to sign mail":  changed(testca.Uses(x509.ExtKeyUsageEmailProtection)),
		"a name that is not allowed":  changed(testca.For("127.0.0.1", "n1.bank.internal")),
		"a revoked certificate":       changed(testca.CommonName(revokedName)),
		"TLS 1.2":                     old,
		"another protocol inside TLS": other,
	}
}

// elsewhere makes a certificate one for another host than the nodes'.
var elsewhere = testca.For("127.0.0.9", "n1.shop.internal")

// certified is the configuration of a node that is known by its certificate and a secret.
func certified(t *testing.T, ca *testca.Authority) remote.Config {
	t.Helper()
	cert, pool := ca.Issue(), ca.Pool()
	cfg := remote.Config{Secrets: []remote.Secret{secretOf(t, memberWords)}, Transport: &remote.TCP{TLS: &remote.TLS{
		Certificate: func() (*tls.Certificate, error) { return cert, nil },
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
	ca := newAuthority()
	cfg := certified(t, ca)
	cfg.HandshakeTimeout = shortGreet
	v := newVictim(t, cfg)
	dialing, dialed := strangers(ca), strangers(ca)
	dialing["a certificate for servers"] = shows(ca.Issue(testca.Uses(x509.ExtKeyUsageServerAuth)))
	dialed["a certificate for clients"] = shows(ca.Issue(testca.Uses(x509.ExtKeyUsageClientAuth)))
	dialed["a certificate for another host"] = shows(ca.Issue(elsewhere))
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
		for _, said := range [][]byte{append([]byte("TRP1"), stranger.Frame(stranger.KindProof, make([]byte, 32)...)...), append([]byte("TRP1"), message("test.hereIAm")...), v.guest(hostileHost + ":1").Hello()} {
			_, _ = v.requireRefused(v.t, shows(ca.Issue()), said)
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
	ca := newAuthority()
	v := newVictim(t, certified(t, ca))
	v.bears("names and roles that the certificate doesn't give", func() { v.falseNames(ca) })
	v.requireCleanLog()
}

func (v *victim) falseNames(ca *testca.Authority) {
	member, before := v.nodes[1], v.stats().Refused
	likeMember, otherHost := shows(ca.Issue()), shows(ca.Issue(elsewhere))
	client := shows(ca.Issue(testca.For("127.0.0.1", guestName)))
	attacks := []struct {
		title   string
		as      *tls.Config
		uid     uint64
		binding func(real []byte) []byte
		code    byte
	}{
		{"the certificate of another host", otherHost, member.sys.UID(), nil, refusedName},
		{"the certificate of another role", client, member.sys.UID(), nil, refusedName},
		{"the certificate of another role, as one that came later", client, freshUID(), nil, refusedStale},
		{"a member's certificate, as one that came later", likeMember, freshUID(), nil, refusedStale},
		{"a proof for another connection", likeMember, freshUID(), func(b []byte) []byte { return append([]byte{b[0] ^ 1}, b[1:]...) }, refusedSecret},
		{"a proof for a connection without TLS", likeMember, freshUID(), func([]byte) []byte { return nil }, refusedSecret},
	}
	for _, c := range attacks {
		v.t.Log(c.title)
		g := v.guest(member.addr)
		g.UID = c.uid
		a := v.beginTLS(c.as, g.Hello()).magic()
		binding := a.binding()
		if c.binding != nil {
			binding = c.binding(binding)
		}
		if c.as != otherHost {
			a.say(stranger.KindProof, stranger.Proof(memberWords, stranger.Dialer, stranger.Transcript(g.Fields(), a.frame(stranger.KindChallenge), binding...))...)
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
