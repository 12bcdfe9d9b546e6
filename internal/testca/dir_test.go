package testca_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/testca"
)

// rootsIn are the certificates in the file that trusts authorities.
func rootsIn(t *testing.T, authorities ...*testca.Authority) []*x509.Certificate {
	t.Helper()
	dir := testca.Dir(t.TempDir())
	require.NoError(t, dir.Trust(authorities...))
	_, _, file := dir.Files()
	rest, err := os.ReadFile(file)
	require.NoError(t, err)
	var roots []*x509.Certificate
	for len(rest) > 0 {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		require.NotNil(t, block)
		require.Equal(t, "CERTIFICATE", block.Type)
		root, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		roots = append(roots, root)
	}
	return roots
}

func TestTrust(t *testing.T) {
	old, next := testca.New(host), testca.New(host)
	roots := rootsIn(t, old, next)
	require.Len(t, roots, 2)
	require.NoError(t, old.Issue().Leaf.CheckSignatureFrom(roots[0]))
	require.NoError(t, next.Issue().Leaf.CheckSignatureFrom(roots[1]))
	require.Error(t, next.Issue().Leaf.CheckSignatureFrom(roots[0]))
	require.Equal(t, roots[0].Subject, roots[1].Subject)
	require.Empty(t, rootsIn(t), "nobody is trusted")
}

func TestShowReplaces(t *testing.T) {
	ca, dir := testca.New(host), testca.Dir(t.TempDir())
	require.NoError(t, dir.Trust(ca))
	for range 2 {
		cert := ca.Issue()
		require.NoError(t, dir.Show(cert))
		certFile, keyFile, _ := dir.Files()
		read, err := tls.LoadX509KeyPair(certFile, keyFile)
		require.NoError(t, err)
		require.Equal(t, cert.Certificate, read.Certificate)
		require.Equal(t, cert.PrivateKey, read.PrivateKey)
	}
	entries, err := os.ReadDir(string(dir))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), "%s is its owner's alone", e.Name())
		names = append(names, e.Name())
	}
	require.Equal(t, []string{"ca.pem", "cert.pem", "key.pem"}, names)
}

func TestWhoReadsAlreadyHasAllOfTheOldFile(t *testing.T) {
	ca, dir := testca.New(host), testca.Dir(t.TempDir())
	require.NoError(t, dir.Show(ca.Issue()))
	certFile, keyFile, _ := dir.Files()
	for _, file := range []string{certFile, keyFile} {
		old, err := os.ReadFile(file)
		require.NoError(t, err)
		open, err := os.Open(file)
		require.NoError(t, err)
		require.NoError(t, dir.Show(ca.Issue()))
		read, err := io.ReadAll(open)
		require.NoError(t, err)
		require.NoError(t, open.Close())
		require.Equal(t, old, read)
	}
}

func TestDirThatIsNotThere(t *testing.T) {
	ca, dir := testca.New(host), testca.Dir(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, dir.Trust(ca), fs.ErrNotExist)
	require.ErrorIs(t, dir.Show(ca.Issue()), fs.ErrNotExist)
	require.ErrorContains(t, testca.Dir(t.TempDir()).Show(&tls.Certificate{}), "unknown key type")
}
