package testca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// Authority signs certificates, and lists of those that are revoked. It never changes:
// goroutines may share it. Make one with [New].
type Authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	names []string
}

// New makes an authority with a key of its own. Its certificates are for these names (see
// [For]) if no option says otherwise.
func New(names ...string) *Authority {
	root := template("authority")
	root.IsCA, root.BasicConstraintsValid = true, true
	root.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	signed := new(Authority).sign(root)
	return &Authority{signed.Leaf, signed.PrivateKey.(*ecdsa.PrivateKey), names}
}

// Issue returns a new certificate of a node and its key, as options change it. Leaf is set.
func (a *Authority) Issue(options ...Option) *tls.Certificate { return a.sign(a.node(options)) }

// SelfSigned returns what [Authority.Issue] would, but for the signature: it is its own.
func (a *Authority) SelfSigned(options ...Option) *tls.Certificate {
	return new(Authority).sign(a.node(options))
}

// Pool returns the authority as one to be trusted.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// Revoke returns a list in PEM that revokes these certificates and no others.
func (a *Authority) Revoke(certs ...*x509.Certificate) []byte {
	now := time.Now()
	list := &x509.RevocationList{Number: serial(), ThisUpdate: now, NextUpdate: now.Add(lifetime)}
	for _, c := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: now})
	}
	der := must(x509.CreateRevocationList(rand.Reader, list, a.cert, a.key))
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

const lifetime = 24 * time.Hour

// template is what all certificates have in common.
func template(commonName string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: commonName},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime),
	}
}

// node is what a node's certificate says.
func (a *Authority) node(options []Option) *x509.Certificate {
	c := template("node")
	c.KeyUsage = x509.KeyUsageDigitalSignature
	For(a.names...)(c)
	Uses(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)(c)
	for _, change := range options {
		change(c)
	}
	return c
}

// sign makes a key and a certificate for it. The zero authority has the certificate sign
// itself.
func (a *Authority) sign(c *x509.Certificate) *tls.Certificate {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der := must(x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: must(x509.ParseCertificate(der))}
}

func serial() *big.Int { return must(rand.Int(rand.Reader, big.NewInt(1<<62))) }

// must takes what fails by a mistake in the test alone.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("testca: what was asked for can't be in a certificate: %v", err))
	}
	return v
}
