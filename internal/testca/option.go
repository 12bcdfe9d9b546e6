package testca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/url"
	"strings"
	"time"
)

// Option changes what a certificate says before it is signed. A test that needs what
// none of them does can write its own.
type Option func(*x509.Certificate)

// For makes a certificate one for these names instead: IP addresses, URIs (they have
// "://" in them) and DNS names. Without any it is for nobody.
func For(names ...string) Option {
	return func(c *x509.Certificate) {
		c.IPAddresses, c.URIs, c.DNSNames = nil, nil, nil
		for _, name := range names {
			if ip := net.ParseIP(name); ip != nil {
				c.IPAddresses = append(c.IPAddresses, ip)
			} else if strings.Contains(name, "://") {
				c.URIs = append(c.URIs, must(url.Parse(name)))
			} else {
				c.DNSNames = append(c.DNSNames, name)
			}
		}
	}
}

// CommonName sets the name of the subject, which identifies nobody to TLS.
func CommonName(name string) Option {
	return func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: name} }
}

// Uses sets what a certificate is good for; a node's is for servers and clients.
func Uses(usages ...x509.ExtKeyUsage) Option {
	return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
}

// From sets when a certificate begins to hold, in whole seconds.
func From(t time.Time) Option { return func(c *x509.Certificate) { c.NotBefore = t } }

// Until sets when a certificate ends, in whole seconds.
func Until(t time.Time) Option { return func(c *x509.Certificate) { c.NotAfter = t } }
