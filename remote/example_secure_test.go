package remote_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/troupe-go/troupe/remote"
)

// secured is the configuration of a node that strangers can reach.
func secured(listen, dir string) (remote.Config, *remote.Keys, error) {
	keys, err := remote.LoadKeys(filepath.Join(dir, "node.pem"), filepath.Join(dir, "node.key"), filepath.Join(dir, "ca.pem"))
	if err != nil {
		return remote.Config{}, nil, err
	}
	return remote.Config{Listen: listen, Transport: &remote.TCP{TLS: keys.TLS("*.shop.internal")}}, keys, nil
}

// secretOnly is the configuration of a node in a network that is its cluster's alone.
func secretOnly(listen, file string) (remote.Config, error) {
	secret, err := remote.ReadSecret(file)
	if err != nil {
		return remote.Config{}, err
	}
	return remote.Config{Listen: listen, Secrets: []remote.Secret{secret}, Plaintext: true}, nil
}

func ExampleReadSecret() {
	dir, err := os.MkdirTemp("", "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("9b1f7c0e5d2a48f6a3c1\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	cfg, err := secretOnly("10.0.0.1:2551", file)
	fmt.Println(cfg.Secrets, err)
	_, _, err = secured("10.0.0.1:2551", dir)
	fmt.Println("without certificates there is an error:", err != nil)
	// Output:
	// [***] <nil>
	// without certificates there is an error: true
}
