package keys

import (
	"errors"

	"github.com/troupe-go/troupe/internal/testca"
	"github.com/troupe-go/troupe/remote"
)

// Make puts a certificate for 127.0.0.1 that all processes show, and its authority, into
// dir.
func Make(dir string) error {
	ca, files := testca.New("127.0.0.1"), testca.Dir(dir)
	return errors.Join(files.Trust(ca), files.Show(ca.Issue()))
}

// Transport is TLS with the certificate in dir, at both ends.
func Transport(dir string) (*remote.TCP, error) {
	keys, err := remote.LoadKeys(testca.Dir(dir).Files())
	if err != nil {
		return nil, err
	}
	return &remote.TCP{TLS: keys.TLS()}, nil
}
