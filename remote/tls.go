package remote

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// alpn is the protocol's name in TLS: a certificate that also serves something
// else can't be tricked into talking to it.
const alpn = "troupe/1"

// errTLS is in the errors of TLS handshakes.
var errTLS = errors.New("TLS handshake")

// exporterLabel names the bytes that tie the handshake by secret to a connection.
const exporterLabel = "EXPORTER-troupe-handshake"

// TLS encrypts [TCP] and makes both ends of every connection prove who they are:
// TLS 1.3, certificates on both sides, no authorities but those given, no
// resumption. The certificate of a node must be valid for the host of the address
// it advertises, and for use as server and as client. There is no way to have
// less.
//
// The functions are called for every handshake, from several goroutines at once,
// so what they return may change at any time; connections there stay. [Keys]
// implements them with files.
type TLS struct {
	// Certificate returns this node's certificate with its key. Required.
	Certificate func() (*tls.Certificate, error)
	// Authorities returns the authorities whose certificates are believed.
	// Required; those of the machine are never used.
	Authorities func() (*x509.CertPool, error)
	// Revoked reports whether a certificate of our authorities is no longer good.
	// Default nil: none is revoked.
	Revoked func(*x509.Certificate) bool
	// Allow are patterns, one of which a name in the other end's certificate
	// must match: a DNS name, "*.shop.internal" for any one label before it, an
	// IP address or a network "10.1.0.0/16", or a URI, which may end in "/*" behind its
	// host, as in "spiffe://shop/nodes/*".
	// Default empty: whoever the authorities have certified.
	Allow []string
}

// check says what is wrong before anything is bound.
func (t *TLS) check() error {
	if t.Certificate == nil || t.Authorities == nil {
		return errors.New("TLS needs Certificate and Authorities; see LoadKeys")
	}
	for _, p := range t.Allow {
		if err := checkName(p); err != nil {
			return fmt.Errorf("TLS.Allow: %w", err)
		}
	}
	cert, err := t.Certificate()
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	if _, err := t.Authorities(); err != nil {
		return fmt.Errorf("TLS authorities: %w", err)
	}
	return checkUses(cert)
}

// checkUses sees to it that a certificate is good for both ends.
func checkUses(cert *tls.Certificate) error {
	if cert == nil || len(cert.Certificate) == 0 {
		return errors.New("TLS certificate: there is none")
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if !slices.Contains(leaf.ExtKeyUsage, use) && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny) {
			return fmt.Errorf("TLS certificate %q: nodes dial and are dialed; issue it for both serverAuth and clientAuth", leaf.Subject)
		}
	}
	return nil
}

func (t *TLS) base() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true,
		VerifyConnection:       t.verify,
	}
}

// server is the configuration of the end that was dialed. All of it is made anew
// for each handshake, so that changes count at once.
func (t *TLS) server() *tls.Config {
	outer := t.base()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cert, err := t.Certificate()
		if err != nil {
			return nil, err
		}
		c := t.base()
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.Certificates = []tls.Certificate{*cert}
		if c.ClientCAs, err = t.pool(); err != nil {
			return nil, err
		}
		return c, nil
	}
	return outer
}

// client is the configuration of the end that dials addr.
func (t *TLS) client(addr string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	cert, err := t.Certificate()
	if err != nil {
		return nil, fmt.Errorf("TLS certificate: %w", err)
	}
	c := t.base()
	c.ServerName = host
	c.Certificates = []tls.Certificate{*cert}
	// It is shown whatever authorities the other end lists: its refusal says more than silence.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	if c.RootCAs, err = t.pool(); err != nil {
		return nil, fmt.Errorf("TLS authorities: %w", err)
	}
	return c, nil
}

// pool never returns nil, which would mean the authorities of the machine.
func (t *TLS) pool() (*x509.CertPool, error) {
	p, err := t.Authorities()
	if err == nil && p == nil {
		err = errors.New("no authorities")
	}
	return p, err
}

// verify runs at the end of every handshake, after the chain was verified.
func (t *TLS) verify(s tls.ConnectionState) error {
	switch {
	case s.Version < tls.VersionTLS13:
		return errors.New("the other end speaks a TLS older than 1.3")
	case s.NegotiatedProtocol != alpn:
		return fmt.Errorf("the other end does not ask for the protocol %q", alpn)
	case len(s.PeerCertificates) == 0 || len(s.VerifiedChains) == 0:
		return errors.New("the other end shows no certificate of our authorities")
	}
	leaf := s.PeerCertificates[0]
	if t.Revoked != nil && slices.ContainsFunc(s.PeerCertificates, t.Revoked) {
		return fmt.Errorf("the certificate %q, number %v: %w", printable(leaf.Subject.String()), leaf.SerialNumber, errRevoked)
	}
	if len(t.Allow) == 0 || slices.ContainsFunc(t.Allow, func(p string) bool { return matches(p, leaf) }) {
		return nil
	}
	return fmt.Errorf("no name in the certificate %q is in TLS.Allow", printable(leaf.Subject.String()))
}

// recheck says why a connection that stands would be refused now.
func (t *TLS) recheck(s tls.ConnectionState, use x509.ExtKeyUsage) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("no certificate")
	}
	pool, err := t.pool()
	if err != nil {
		return fmt.Errorf("TLS authorities: %w", err)
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	chains, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{use}})
	if err != nil {
		return err
	}
	s.VerifiedChains = chains
	return t.verify(s)
}

// checkName says what is wrong with a pattern for names in certificates: whom it lets in
// that nobody may have meant, or that it fits nobody.
func checkName(pattern string) error {
	head, open := strings.CutSuffix(pattern, "*")
	_, rest, uri := strings.Cut(head, "://")
	switch {
	case pattern == "" || pattern == "*" || uri && rest == "" || uri && rest[0] == '/':
		return fmt.Errorf("the pattern %q allows everybody; leave it out to say so, or name a host", pattern)
	case uri && (strings.Contains(head, "*") || open && !strings.HasSuffix(head, "/")):
		return fmt.Errorf("the pattern %q: a star ends a URI, behind a slash", pattern)
	case !uri && (pattern == "*." || strings.Contains(strings.TrimPrefix(pattern, "*."), "*")):
		return fmt.Errorf("the pattern %q: a star stands for the first label of a name", pattern)
	}
	return nil
}

// matches reports whether a certificate has a name that a pattern is for.
func matches(pattern string, leaf *x509.Certificate) bool {
	if strings.Contains(pattern, "://") {
		return slices.ContainsFunc(leaf.URIs, func(u *url.URL) bool {
			if head, open := strings.CutSuffix(pattern, "*"); open {
				return strings.HasPrefix(u.String(), head)
			}
			return u.String() == pattern
		})
	}
	if _, network, err := net.ParseCIDR(pattern); err == nil {
		return slices.ContainsFunc(leaf.IPAddresses, network.Contains)
	}
	if ip := net.ParseIP(pattern); ip != nil {
		return slices.ContainsFunc(leaf.IPAddresses, ip.Equal)
	}
	return slices.ContainsFunc(leaf.DNSNames, func(name string) bool {
		if parent, open := strings.CutPrefix(pattern, "*."); open {
			label, rest, ok := strings.Cut(name, ".")
			return ok && label != "" && label != "*" && strings.EqualFold(rest, parent)
		}
		return strings.EqualFold(name, pattern)
	})
}

// entitled says why the holder of a certificate may not call itself addr.
func entitled(leaf *x509.Certificate, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return fmt.Errorf("the certificate is not for the address %s: %w", addr, err)
	}
	return nil
}

// Keys are a certificate, its key and authorities from PEM files, for [TLS]. Make
// them with [LoadKeys]; they are safe for concurrent use.
type Keys struct {
	loadMu                                          sync.Mutex
	certFile, keyFile, authoritiesFile, revokedFile string

	loaded atomic.Pointer[loadedKeys]
}

type loadedKeys struct {
	cert        *tls.Certificate
	authorities *x509.CertPool
	revoked     map[serial]struct{}
	state       [sha256.Size]byte // of the files before they were read
}

// LoadKeys reads PEM files: a certificate (with its intermediates, if any), its
// key, and the authorities to believe. It fails when they don't belong together.
func LoadKeys(certFile, keyFile, authoritiesFile string) (*Keys, error) {
	k := &Keys{certFile: certFile, keyFile: keyFile, authoritiesFile: authoritiesFile}
	if err := k.Reload(); err != nil {
		return nil, err
	}
	return k, nil
}

// Reload reads the files again. Handshakes from then on use what they hold;
// connections there stay. When the files don't belong together (the key is
// another one's, the certificate has ended or is not of the authorities) what was
// in use stays in use, and the error says why. While authorities change, the file
// has to hold both.
func (k *Keys) Reload() error {
	k.loadMu.Lock()
	defer k.loadMu.Unlock()
	state := k.stateLocked()
	cert, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return fmt.Errorf("load certificate %s and key %s: %w", k.certFile, k.keyFile, err)
	}
	b, err := os.ReadFile(k.authoritiesFile)
	if err != nil {
		return fmt.Errorf("load authorities: %w", err)
	}
	authorities, err := parseAuthorities(b)
	if err != nil {
		return fmt.Errorf("load authorities %s: %w", k.authoritiesFile, err)
	}
	pool := x509.NewCertPool()
	for _, a := range authorities {
		pool.AddCert(a)
	}
	revoked, err := readRevoked(k.revokedFile, authorities)
	if err != nil {
		return err
	}
	if err := checkUses(&cert); err != nil {
		return fmt.Errorf("%s: %w", k.certFile, err)
	}
	between := x509.NewCertPool()
	for _, der := range cert.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("load certificate %s: %w", k.certFile, err)
		}
		between.AddCert(c)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: pool, Intermediates: between}); err != nil {
		return fmt.Errorf("certificate %s does not hold against %s: %w", k.certFile, k.authoritiesFile, err)
	}
	k.loaded.Store(&loadedKeys{cert: &cert, authorities: pool, revoked: revoked, state: state})
	return nil
}

// Expires is the end of the certificate in use.
func (k *Keys) Expires() time.Time { return k.loaded.Load().cert.Leaf.NotAfter }

// TLS returns what [TCP] needs to use these keys; allow becomes TLS.Allow.
func (k *Keys) TLS(allow ...string) *TLS {
	return &TLS{
		Certificate: func() (*tls.Certificate, error) { return k.loaded.Load().cert, nil },
		Authorities: func() (*x509.CertPool, error) { return k.loaded.Load().authorities, nil },
		Revoked: func(c *x509.Certificate) bool {
			_, revoked := k.loaded.Load().revoked[serialOf(c)]
			return revoked
		},
		Allow: allow,
	}
}
