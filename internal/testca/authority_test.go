package testca_test

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/testca"
)

const host, name, uri = "127.0.0.1", "n1.shop.internal", "spiffe://shop/node/1"

func TestWhatHolds(t *testing.T) {
	ca, other := testca.New(host, name, uri), testca.New(host, name, uri)
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour/2)
	invalid := func(r x509.InvalidReason) error { return x509.CertificateInvalidError{Reason: r} }
	for title, c := range map[string]struct {
		cert  *x509.Certificate
		host  string
		usage x509.ExtKeyUsage
		want  error
	}{
		"for the address, as a server":   {ca.Issue().Leaf, host, both[0], nil},
		"for the address, as a client":   {ca.Issue().Leaf, host, both[1], nil},
		"for the name":                   {ca.Issue().Leaf, name, both[0], nil},
		"for another address":            {ca.Issue().Leaf, "127.0.0.2", both[0], x509.HostnameError{}},
		"other names, for one of them":   {ca.Issue(testca.For("127.0.0.2", name)).Leaf, "127.0.0.2", both[0], nil},
		"other names, for the usual one": {ca.Issue(testca.For("127.0.0.2", name)).Leaf, host, both[0], x509.HostnameError{}},
		"of nobody":                      {ca.Issue(testca.For()).Leaf, host, both[0], x509.HostnameError{}},
		"expired":                        {ca.Issue(testca.Until(past)).Leaf, host, both[0], invalid(x509.Expired)},
		"ends soon":                      {ca.Issue(testca.Until(soon)).Leaf, host, both[0], nil},
		"not yet good":                   {ca.Issue(testca.From(soon)).Leaf, host, both[0], invalid(x509.Expired)},
		"for servers, as a server":       {ca.Issue(testca.Uses(both[0])).Leaf, host, both[0], nil},
		"for servers, as a client":       {ca.Issue(testca.Uses(both[0])).Leaf, host, both[1], invalid(x509.IncompatibleUsage)},
		"of another authority":           {other.Issue().Leaf, host, both[0], x509.UnknownAuthorityError{}},
		"signed by itself":               {ca.SelfSigned().Leaf, host, both[0], x509.UnknownAuthorityError{}},
	} {
		t.Run(title, func(t *testing.T) {
			_, err := c.cert.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: c.host, KeyUsages: []x509.ExtKeyUsage{c.usage}})
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.IsType(t, c.want, err)
			if want, ok := c.want.(x509.CertificateInvalidError); ok {
				require.Equal(t, want.Reason, err.(x509.CertificateInvalidError).Reason)
			}
		})
	}
}

func TestOptionsChangeWhatTheyName(t *testing.T) {
	ca := testca.New(host, name, uri)
	plain := ca.Issue().Leaf
	require.Equal(t, "node", plain.Subject.CommonName)
	require.True(t, plain.IPAddresses[0].Equal(net.IPv4(127, 0, 0, 1)))
	require.Equal(t, []string{name}, plain.DNSNames)
	require.Equal(t, uri, plain.URIs[0].String())
	require.False(t, plain.IsCA)

	changed := ca.Issue(testca.CommonName("node that was"), testca.For(name, "n2.shop.internal")).Leaf
	require.Equal(t, "node that was", changed.Subject.CommonName)
	require.Equal(t, []string{name, "n2.shop.internal"}, changed.DNSNames)
	require.Empty(t, changed.IPAddresses)
	require.Empty(t, changed.URIs)
	require.Equal(t, plain.ExtKeyUsage, changed.ExtKeyUsage)
	require.NotEqual(t, plain.SerialNumber, changed.SerialNumber)
	require.NotEqual(t, plain.PublicKey, changed.PublicKey)

	end := time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)
	begin := end.AddDate(-30, 0, 0)
	span := ca.SelfSigned(testca.From(begin), testca.Until(end)).Leaf
	require.Equal(t, begin, span.NotBefore)
	require.Equal(t, end, span.NotAfter)
	require.NoError(t, span.CheckSignature(span.SignatureAlgorithm, span.RawTBSCertificate, span.Signature), "its own key signed it")
}

func TestNamesThatCantBe(t *testing.T) {
	for title, n := range map[string]string{"a URI without a scheme": "://x", "a DNS name that is not ASCII": "läden.internal"} {
		t.Run(title+" => panic", func(t *testing.T) {
			defer func() { require.Contains(t, recover(), "can't be in a certificate") }()
			testca.New(n).Issue()
		})
	}
}

func TestRevoke(t *testing.T) {
	ca, other := testca.New(host), testca.New(host)
	one, two := ca.Issue().Leaf, ca.Issue().Leaf
	for title, c := range map[string]struct {
		by    *testca.Authority
		certs []*x509.Certificate
		ok    bool
	}{
		"none":                 {ca, nil, true},
		"two":                  {ca, []*x509.Certificate{one, two}, true},
		"by another authority": {other, []*x509.Certificate{one}, false},
	} {
		t.Run(title, func(t *testing.T) {
			block, rest := pem.Decode(c.by.Revoke(c.certs...))
			require.Empty(t, rest)
			require.Equal(t, "X509 CRL", block.Type)
			list, err := x509.ParseRevocationList(block.Bytes)
			require.NoError(t, err)
			require.Equal(t, c.ok, list.CheckSignatureFrom(rootOf(t, ca)) == nil)
			require.Equal(t, one.RawIssuer, list.RawIssuer, "of the same subject, whoever signed it")
			require.Len(t, list.RevokedCertificateEntries, len(c.certs))
			for i, e := range list.RevokedCertificateEntries {
				require.Equal(t, c.certs[i].SerialNumber, e.SerialNumber)
			}
		})
	}
}

// rootOf is the certificate of an authority, as a node that trusts it reads it.
func rootOf(t *testing.T, ca *testca.Authority) *x509.Certificate {
	t.Helper()
	roots := rootsIn(t, ca)
	require.Len(t, roots, 1)
	return roots[0]
}
