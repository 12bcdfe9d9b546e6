package main

import (
	"errors"

	"github.com/troupe-go/troupe/internal/testca"
	"github.com/troupe-go/troupe/remote"
)

// makeKeys puts a certificate that both processes show, and its authority, into dir.
func makeKeys(dir string) error {
	ca, files := testca.New("127.0.0.1"), testca.Dir(dir)
	return errors.Join(files.Trust(ca), files.Show(ca.Issue()))
}

// encrypted is the transport with the certificate in dir.
func encrypted(dir string) (*remote.TCP, error) {
	keys, err := remote.LoadKeys(testca.Dir(dir).Files())
	if err != nil {
		return nil, err
	}
	return &remote.TCP{TLS: keys.TLS()}, nil
}
