package node_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/node"
)

func Example() {
	flags := node.Flags{Cluster: "shop", Listen: "127.0.0.1:0"}
	set := flag.NewFlagSet("shop", flag.ContinueOnError)
	flags.Define(set)
	if err := set.Parse([]string{"-seeds", "a:2551,b:2551"}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := flags.Runner()
	fmt.Println(r.Name, r.Cluster.Seeds, err) // node.Main(r) does the rest
	// Output: shop [a:2551 b:2551] <nil>
}

func TestWrongFlags(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("0123456789abcdef0123456789abcdef\n"), 0o600))
	for want, f := range map[string]node.Flags{
		"-plaintext is for clusters with a -secret": {Plaintext: true},
		"-secret:":           {Secret: secret + "-that-isn't-there"},
		"-tls names 1 files": {TLS: "cert.pem"},
		"-tls: ":             {TLS: "a.pem,b.pem,c.pem"},
	} {
		_, err := f.Runner()
		require.ErrorContains(t, err, want)
	}
	good := node.Flags{Secret: secret, Plaintext: true, Quiet: true}
	r, err := good.Runner()
	require.NoError(t, err)
	require.Len(t, r.Cluster.Remote.Secrets, 1)
}
