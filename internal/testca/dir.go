package testca

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
)

// Dir is a directory with what a node needs for TLS, in files of PEM: its certificate,
// the key of it, and the authorities that it trusts. It has to exist.
type Dir string

const (
	certFile        = "cert.pem"
	keyFile         = "key.pem"
	authoritiesFile = "ca.pem"
)

// Files returns the paths of the three files, in the order in which remote.LoadKeys
// takes them.
func (d Dir) Files() (cert, key, authorities string) {
	return d.file(certFile), d.file(keyFile), d.file(authoritiesFile)
}

// Show puts a certificate and its key there, instead of those before: first the key, so
// that for a moment the two don't fit, which must do a reader no harm.
func (d Dir) Show(cert *tls.Certificate) error {
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return err
	}
	return errors.Join(
		d.put(keyFile, pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		d.put(certFile, pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
}

// Trust makes these the authorities, instead of those before.
func (d Dir) Trust(authorities ...*Authority) error {
	var blocks []pem.Block
	for _, a := range authorities {
		blocks = append(blocks, pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	}
	return d.put(authoritiesFile, blocks...)
}

func (d Dir) file(name string) string { return filepath.Join(string(d), name) }

// put replaces a file at once, as an operator should.
func (d Dir) put(name string, blocks ...pem.Block) error {
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(&b)...)
	}
	if err := os.WriteFile(d.file(name+".new"), text, 0o600); err != nil {
		return err
	}
	return os.Rename(d.file(name+".new"), d.file(name))
}
